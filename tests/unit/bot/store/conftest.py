"""A store on SQLite, and on PostgreSQL where TRACEWRIGHT_TEST_POSTGRES names one; makers of what is kept in it."""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from fixers.diagnosis import Diagnosis, Layer, Location, Quote
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun, Verdict
from fixers.proposal import Edit, Proposal
from webhooks.errors import Undecodable
from webhooks.inbox import Batch
from webhooks.searched import rows_of
from webhooks.trace import Span

NOON = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
POSTGRES = os.environ.get("TRACEWRIGHT_TEST_POSTGRES", "")


@dataclass
class Clock:
    """Time that passes when a test says so."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class FakeDialect:
    """Bodies that name their spans: a JSON list of trace id, span id, parent, and a number that makes them differ."""

    attributes: dict[str, str] = field(default_factory=lambda: {"session.id": "s1", "user.id": "u1"})
    n_decoded: int = 0

    def batch(self, *spans: tuple[str, str, str | None], nonce: int = 0) -> Batch:
        body = json.dumps([[*span, nonce] for span in spans]).encode()
        return Batch(dialect="fake", body=body, rows=rows_of(self.read(body)))

    def read(self, body: bytes) -> list[Span]:
        return [self._span(trace_id, span_id, parent) for trace_id, span_id, parent, _ in json.loads(body)]

    def decode(self, dialect: str, body: bytes) -> Sequence[Span]:
        self.n_decoded += 1
        if dialect != "fake":
            raise Undecodable(f"not my dialect: {dialect!r}")
        return self.read(body)

    def _span(self, trace_id: str, span_id: str, parent: str | None) -> Span:
        return Span(
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=parent,
            name=f"span {span_id}",
            start=NOON,
            end=NOON + timedelta(seconds=1),
            attributes=self.attributes,
            resource={"service.name": "support", "service.version": "1.2"},
        )


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'data' / 'tracewright.db'}"
        return
    if not POSTGRES:
        pytest.skip("TRACEWRIGHT_TEST_POSTGRES is not set")
    schema = f"t{uuid.uuid4().hex}"
    admin = sa.create_engine(POSTGRES)
    with admin.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    options = {"options": f"-csearch_path={schema}"}
    yield sa.make_url(POSTGRES).update_query_dict(options).render_as_string(hide_password=False)
    with admin.begin() as connection:
        connection.execute(sa.schema.DropSchema(schema, cascade=True))
    admin.dispose()


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    opened = open_engine(url)
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dialect() -> FakeDialect:
    return FakeDialect()


@pytest.fixture
def store(engine: sa.Engine, clock: Clock, dialect: FakeDialect) -> Store:
    return Store(engine, now=clock, decode=dialect.decode)


@pytest.fixture
def make_failure() -> Callable[..., Failure]:
    def make(trace_id: str = "t1", span_id: str = "a", detector: str = "error", **changes: object) -> Failure:
        given: dict[str, object] = {
            "key": "TimeoutError",
            "message": "it took too long",
            "reason": "A span ended with an error.",
            "occurred_at": NOON,
            "service": "support",
            "session_id": "s1",
        }
        return Failure(trace_id=trace_id, span_id=span_id, detector=detector, **(given | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_mode() -> Callable[..., FailureMode]:
    def make(failure_mode_id: str = "fm1", **changes: object) -> FailureMode:
        given: dict[str, object] = {
            "title": "TimeoutError in search",
            "status": Status.NEW,
            "detector": "error",
            "key": "error:TimeoutError",
            "centroid": np.array([0.6, 0.8], dtype=np.float32),
            "exemplars": (("t1", "a"), ("t2", "b")),
            "n_traces": 2,
            "n_sessions": 2,
            "n_users": 1,
            "first_seen": NOON,
            "last_seen": NOON + timedelta(hours=1),
        }
        return FailureMode(id=failure_mode_id, **(given | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_proposal() -> Callable[..., Proposal]:
    def make(failure_mode_id: str = "fm1", *, after: str = "new") -> Proposal:
        diagnosis = Diagnosis(
            failure_mode_id=failure_mode_id,
            cause="No retry.",
            layer=Layer.LIFECYCLE,
            location=Location(path="agent.py", line=3),
            quotes=(Quote(trace_id="t1", span_id="a", text="429"),),
        )
        return Proposal(
            failure_mode_id=failure_mode_id,
            base_sha="0" * 40,
            diagnosis=diagnosis,
            author="recipe:retry",
            title="Retry after a 429",
            rationale="The provider says when to come again.",
            edits=(Edit(path="agent.py", before="old", after=after), Edit(path="t.py", before=None, after="x")),
            regression_test="t.py",
            risk="Longer answers.",
            predicted_fixes=("t1",),
            cost_usd=0.5,
        )

    return make


@pytest.fixture
def make_evidence() -> Callable[..., Evidence]:
    def make(proposal_id: str, verdict: Verdict = Verdict.VERIFIED) -> Evidence:
        run = TestRun(arm=Arm.BEFORE, command=("pytest",), exit_status=1, output="F\0\ud800", duration_s=1.0)
        case = CaseResult(trace_id="t1", role=Role.FAILING, arm=Arm.AFTER, result=Result.PASSED, n_recorded=3)
        return Evidence(
            proposal_id=proposal_id,
            verdict=verdict,
            reason="Fixed.",
            isolation="bubblewrap",
            regression=(run,),
            cases=(case,),
            p_value=0.01,
        )

    return make
