import asyncio
import json
from datetime import date

import pytest

from fleetdesk.agent.executor import Executor
from fleetdesk.agent.loop import Assistant
from fleetdesk.agent.report import read_total
from fleetdesk.clock import add_working_days, parse_day, week_of
from fleetdesk.config import LoopSettings, Settings, read_settings
from fleetdesk.context.prompts import compose, read_pieces
from fleetdesk.context.window import fit
from fleetdesk.domain.costs import estimate
from fleetdesk.domain.orders import Line, OrderState, by_urgency
from fleetdesk.domain.parts import current, to_order
from fleetdesk.domain.tyres import Season, season_of, to_change
from fleetdesk.domain.vehicles import next_service
from fleetdesk.errors import BadArguments, Misconfigured, NotAllowed, NotFound, OutOfStock
from fleetdesk.llm.messages import Answer, Call, system, turns, user
from fleetdesk.llm.tokens import clip, count
from fleetdesk.memory.session import Session, Sessions
from fleetdesk.memory.skills import read_skills, relevant
from fleetdesk.store.depot import open_depot
from fleetdesk.store.search import find
from fleetdesk.tools.all_tools import registry_of
from fleetdesk.units import DistanceUnit, Money, to_km


class Model:
    """Gives its answers one after the other."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    async def ask(self, messages, tools=(), *, may_call=True):
        self.sent.append(list(messages))
        return self.answers.pop(0)


@pytest.fixture
def depot():
    return open_depot()


def run(depot, name, **arguments):
    return asyncio.run(registry_of(depot).run(name, arguments))


def test_a_vehicle_is_known(depot):
    assert run(depot, "get_vehicle", vehicle_id="V-101")["driver"] == "Okafor"


def test_what_does_not_exist_is_named(depot):
    with pytest.raises(NotFound, match="V-999"):
        run(depot, "get_vehicle", vehicle_id="V-999")


def test_arguments_are_checked(depot):
    with pytest.raises(BadArguments, match="vehicle_id"):
        run(depot, "get_vehicle", vehicle_id="van 1")
    with pytest.raises(BadArguments, match="colour"):
        run(depot, "get_vehicle", vehicle_id="V-101", colour="red")


def test_the_next_service_counts_from_the_last_one(depot):
    assert next_service(depot.vehicle("V-101")).distance_left == 20_000 - (84_210 - 71_300)


def test_a_vehicle_that_went_too_far_is_overdue(depot):
    assert next_service(depot.vehicle("V-106").driven(400_000)).is_overdue


def test_a_mile_is_longer_than_a_kilometre():
    assert to_km(100, DistanceUnit.MILES) == pytest.approx(160.93, abs=0.01)


def test_an_odometer_does_not_run_backwards(depot):
    with pytest.raises(NotAllowed, match="below"):
        depot.vehicle("V-101").driven(5)


def test_standstills_come_first(depot):
    assert [order.order_id for order in by_urgency(list(depot.orders.values()))][:2] == ["WO-15", "WO-22"]


def test_a_closed_order_stays_closed(depot):
    closed = depot.order("WO-14").moved_to(OrderState.CLOSED)
    with pytest.raises(NotAllowed):
        closed.moved_to(OrderState.RUNNING)


def test_more_of_a_part_is_one_line(depot):
    order = depot.order("WO-11").with_line(Line("P-119", 1))
    assert order.lines == (Line("P-119", 3),)


def test_an_estimate_adds_up(depot):
    found = estimate(depot.order("WO-11"), depot.parts)
    assert str(found.net) == str(Money.of("68.50").times("2.5") + Money.of("83.00").times("1.08"))


def test_a_warranty_pays_for_parts(depot):
    found = run(depot, "estimate_order", order_id="WO-12")
    assert found["covered_eur"] != "0.00"


def test_pieces_that_are_held_are_not_there_for_others(depot):
    depot.stock.hold("P-121", "WO-21", 2)
    with pytest.raises(OutOfStock):
        depot.stock.hold("P-121", "WO-13", 1)


def test_a_reservation_is_a_line_of_the_order(depot):
    assert run(depot, "reserve_part", part_id="P-170", order_id="WO-13")["left"] == 4
    assert depot.order("WO-13").lines == (Line("P-170", 1),)


def test_an_old_number_leads_to_the_new_one(depot):
    assert current(depot.parts, "P-118").part_id == "P-119"


def test_what_falls_short_is_ordered(depot):
    depot.stock.hold("P-172", "WO-15", 2)
    assert [part.part_id for part, _ in to_order(depot.parts, depot.stock)] == ["P-172"]


def test_an_order_is_planned_for_somebody_who_can_do_it(depot):
    assert run(depot, "plan_order", order_id="WO-16", trade="hydraulics")["technician"] == "Aalto"


def test_december_asks_for_winter_tyres(depot):
    assert season_of(date(2026, 12, 1)) is Season.WINTER
    assert to_change(depot.tyres, date(2026, 12, 1)) == ["V-101", "V-104", "V-111"]


def test_holidays_are_not_worked():
    assert add_working_days(date(2026, 12, 23), 1) == date(2026, 12, 28)


def test_days_are_read_as_people_write_them():
    assert parse_day("31.12.2026") == parse_day("2026-12-31")
    assert week_of(date(2026, 12, 1)) == "2026-W49"


def test_fuel_is_counted_between_fills(depot):
    assert run(depot, "fuel_usage", vehicle_id="V-101")["km"] == 1180


def test_things_are_found_by_words(depot):
    assert find(depot, "the sweeper of Ferrari")[0].name == "V-108"


def test_settings_come_from_the_environment():
    assert read_settings({"FLEETDESK_LOOP_MAX_STEPS": "3"}).loop.max_steps == 3
    with pytest.raises(Misconfigured, match="max_steps"):
        read_settings({"FLEETDESK_LOOP_MAX_STEPS": "0"})


def test_the_prompt_names_the_depot():
    pieces = read_pieces(Settings().prompts)
    assert "depot South" in compose(pieces, words="hello", depot="South")


def test_estimates_have_instructions_of_their_own():
    pieces = read_pieces(Settings().prompts)
    assert "TOTAL" in compose(pieces, words="An estimate, please", depot="N")
    assert "TOTAL" not in compose(pieces, words="hello", depot="N")


def test_skills_are_shown_when_they_are_touched():
    skills = read_skills(Settings().skills)
    assert "Sprinter" in relevant(skills, "Which brake pads?")
    assert relevant(skills, "hello") == ""


def test_a_short_conversation_is_sent_whole():
    conversation = [system("s"), user("u")]
    assert fit(conversation, budget_tokens=1000).messages == conversation


def test_a_conversation_falls_into_turns():
    assert [len(turn) for turn in turns([user("a"), {"role": "assistant", "content": "b"}, user("c")])] == [2, 1]


def test_long_texts_are_clipped():
    assert clip("abcdef", 3) == "abc… (3 more characters)"
    assert count("abcde") == 2


def test_a_total_is_read():
    assert read_total("All in all:\nTOTAL: 120.50 EUR") == Money.of("120.50")
    assert read_total("nothing") is None


def test_a_call_is_run_and_told():
    async def tool(name, arguments):
        return {"did": name, **arguments}

    (message,) = asyncio.run(Executor(tool, LoopSettings()).run_all([Call("c1", "look", '{"at": "V-101"}')]))
    assert json.loads(message["content"]) == {"did": "look", "at": "V-101"}


def test_a_tool_that_hangs_is_ended():
    async def tool(name, arguments):
        await asyncio.sleep(5)

    settings = LoopSettings(tool_timeout_s=0.01)
    (message,) = asyncio.run(Executor(tool, settings).run_all([Call("c1", "hang", "{}")]))
    assert "cancelled" in message["content"]


def test_the_assistant_answers(depot):
    registry = registry_of(depot)
    call = Call("c1", "get_vehicle", '{"vehicle_id": "V-103"}')
    model = Model(Answer("", (call,), "tool_calls"), Answer("V-103 is in service.", (), "stop"))
    assistant = Assistant(model, registry.run, registry.schemas(), Settings())
    reply = asyncio.run(assistant.talk(Session("s", "u"), ["How is V-103?"]))
    assert reply.text == "V-103 is in service."
    assert model.sent[1][-1]["role"] == "tool"


def test_nobody_gets_somebody_elses_conversation():
    sessions = Sessions(limit=2)
    sessions.get("s", "anna").hear("mine")
    assert sessions.get("s", "anna").messages
    assert not sessions.get("s", "bert").messages
    sessions.get("t", "anna"), sessions.get("u", "anna")
    assert len(sessions) == 2


def test_every_tool_has_words_for_the_model(depot):
    schemas = registry_of(depot).schemas()
    assert all(schema["function"]["description"] for schema in schemas)
    assert len({schema['function']['name'] for schema in schemas}) == len(schemas)


def test_tables_are_shown(capsys):
    from fleetdesk.api.cli import main

    assert main(["vehicles"]) == 0
    assert "Okafor" in capsys.readouterr().out
    assert main(["orders"]) == 0
