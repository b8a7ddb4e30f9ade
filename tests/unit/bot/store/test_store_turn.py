from concurrent.futures import ThreadPoolExecutor
from threading import Event

from bot.store.store import Store


def test_a_turn_is_had_by_one_at_a_time_and_by_each_in_the_end(store: Store) -> None:
    entered, leave, second_in = Event(), Event(), Event()

    def first() -> None:
        with store.turn("submit"):
            entered.set()
            leave.wait(20)
            assert not second_in.is_set()

    def second() -> None:
        entered.wait(20)
        with store.turn("submit"):
            second_in.set()

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(first), pool.submit(second)]
        assert entered.wait(20)
        with store.turn("something else"):
            assert not second_in.wait(0.2)
        leave.set()
        for each in waiting:
            each.result(20)
    assert second_in.is_set()
