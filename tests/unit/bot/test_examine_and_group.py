import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.agents import Agents, read_agents
from bot.examine import examine
from bot.forge.local import LocalForge
from bot.group import group
from bot.store.store import Store
from bot.store.transaction import writing
from bot.tables import mode_page, shown_mode
from clustering.embed import Embeddings
from tests.unit.bot.recorded_product import LOCAL, OneVector, keep, make_repository, make_store, read_body
from tests.unit.clustering.runs import make_failure
from webhooks.inbox import Batch
from webhooks.operation import Operation, operation
from webhooks.searched import rows_of

POLICY = """\
agents:
  - services: [shop]
    policies: [{name: ask-first, tool: get_order, requires: verify}]
"""


@dataclass
class Counting(OneVector):
    """Remembers what it was asked."""

    asked: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        self.asked += texts
        return super().encode(texts)


def examined(store: Store, agents: Agents | None = None) -> int:
    return examine(store, LOCAL, agents=agents or Agents(), quiet_s=0, on_progress=lambda *_: None)


def test_each_trace_is_examined_once_and_again_when_it_grows(tmp_path: Path) -> None:
    store = make_store(tmp_path, n=2)
    assert (examined(store), examined(store)) == (4, 0)
    assert [failure.key for failure in store.failures(LOCAL)] == ["RateLimitError"] * 2
    keep(store, "failed 9")
    assert examined(store) == 1


def test_a_trace_that_cannot_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    store = make_store(tmp_path, n=2)
    broken = store.traces_to_examine(LOCAL, quiet_s=0)[0]
    with writing(store.engine) as connection:
        spoil = "UPDATE spans SET position = 99 WHERE trace_id = ?"
        connection.exec_driver_sql(spoil, (broken,))
    assert examined(store) == 3
    assert store.traces_to_examine(LOCAL, quiet_s=0) == [broken]


def test_progress_reaches_its_total(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    examine(
        make_store(tmp_path, n=2),
        LOCAL,
        agents=Agents(),
        quiet_s=0,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_policies_of_the_owning_agent_are_checked(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop", {".github/tracewright.yml": POLICY})
    agents = read_agents([str(repository)], lambda path: LocalForge(Path(path), folder=tmp_path / "pull-requests"))
    store = make_store(tmp_path, n=1)
    examined(store, agents)
    assert {(failure.detector, failure.key) for failure in store.failures(LOCAL)} == {
        ("error", "RateLimitError"),
        ("policy", "ask-first"),
    }


def test_grouping_again_changes_nothing(tmp_path: Path) -> None:
    store, encoder = make_store(tmp_path, n=3), OneVector()
    examined(store)
    assert group(store, LOCAL, encoder=encoder) == 1
    before = [(mode.id, mode.title, mode.n_traces) for mode in store.failure_modes(LOCAL)]
    assert group(store, LOCAL, encoder=encoder) == 1
    assert [(mode.id, mode.title, mode.n_traces) for mode in store.failure_modes(LOCAL)] == before


def test_only_what_is_to_be_told_apart_is_embedded(tmp_path: Path) -> None:
    store, encoder = make_store(tmp_path, n=0), Counting()
    alone = [make_failure(1), make_failure(2, key="KeyError")]
    store.keep_described(LOCAL, alone, ["the order is unknown", "there is no such field"])
    assert group(store, LOCAL, encoder=encoder) == 2
    assert encoder.asked == []
    store.keep_described(LOCAL, [make_failure(3)], ["it was refunded"])
    group(store, LOCAL, encoder=encoder)
    assert encoder.asked == ["the order is unknown", "it was refunded"]
    group(store, LOCAL, encoder=encoder)
    assert len(encoder.asked) == 2


def test_a_failure_mode_keeps_its_id_when_it_grows(tmp_path: Path) -> None:
    store = make_store(tmp_path, n=3)
    examined(store)
    group(store, LOCAL, encoder=OneVector())
    (before,) = store.failure_modes(LOCAL)
    keep(store, "failed 9")
    examined(store)
    group(store, LOCAL, encoder=OneVector())
    (after,) = store.failure_modes(LOCAL)
    assert (after.id, before.n_traces, after.n_traces) == (before.id, 3, 4)


def test_nothing_to_group_is_no_failure_mode(tmp_path: Path) -> None:
    assert group(make_store(tmp_path, n=0), LOCAL, encoder=OneVector()) == 0


def test_a_run_that_takes_far_more_than_others_with_its_intent_is_seen(tmp_path: Path) -> None:
    store = make_store(tmp_path, n=12)
    examined(store)
    assert {failure.detector for failure in store.failures(LOCAL)} == {"error"}
    spans = read_body("", b"healthy 99")
    chat = next(span for span in spans if operation(span) is Operation.LLM)
    longer = [replace(chat, span_id=f"more-{at}", start=chat.start + timedelta(milliseconds=at)) for at in range(30)]
    store._decode = lambda _dialect, body: [*spans, *longer] if body == b"long" else read_body("", body)
    store.keep_batch(LOCAL, Batch(dialect="recorded", body=b"long", rows=rows_of([*spans, *longer])))
    examined(store)
    assert [failure.key for failure in store.failures(LOCAL) if failure.detector == "outlier"] == ["model calls"]


def test_a_person_reads_which_constraints_the_latest_example_kept_and_broke(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop", {".github/tracewright.yml": POLICY})
    agents = read_agents([str(repository)], lambda path: LocalForge(Path(path), folder=tmp_path / "pull-requests"))
    store = make_store(tmp_path, n=1)
    examined(store, agents)
    group(store, LOCAL, encoder=OneVector())
    mode = next(mode for mode in store.failure_modes(LOCAL) if mode.detector == "policy")
    shown = shown_mode(store, LOCAL, mode.id)
    assert [(row["constraint"], row["held"]) for row in shown["constraints"]] == [
        ("schema of get_order", True),
        ("ask-first", False),
    ]
    assert "get_order runs although verify has not succeeded before." in drawn(shown)


def drawn(shown: dict[str, Any]) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(mode_page(shown))
    return console.export_text()
