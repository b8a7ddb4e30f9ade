"""Two tenants send the same and see nothing of each other: every route of the application is walked."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import APIRouter
from starlette.routing import BaseRoute

from bot.errors import UnknownFailureMode
from bot.listed_modes import listed_modes
from bot.store.columns import decompress
from bot.tables import run_record, shown_mode
from tests.unit.bot.attacked import ENGINE, GITHUB, LANGFUSE, SIGNED, STANDARD, TENANTS, Receiving, Sent, receiving
from tests.unit.bot.payloads import seeds
from tests.unit.bot.recorded_product import LOCAL, make_stages

#: The same for everybody, and nothing of anybody.
OPEN = {"/healthz", "/langsmith/info", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
READS = {"/api/public/projects", "/v1/info"}
#: Takes the same body as the route that has a request among the seeds.
ALIKE: Mapping[str, str] = {"/v1/metrics": "/v1/traces"}
NOTHING_KEPT = {"/v1/metrics"}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    with receiving(tmp_path_factory.mktemp("tenants")) as running:
        yield running


@pytest.fixture(scope="module")
def pairs() -> Iterator[tuple[str, str]]:
    return iter(zip(TENANTS[::2], TENANTS[1::2], strict=False))


@pytest.fixture
def pair(pairs: Iterator[tuple[str, str]]) -> tuple[str, str]:
    """Return two tenants of which nothing is kept yet."""
    return next(pairs)


def requests() -> dict[str, Sent]:
    """Return a request for each route that keeps what it is sent."""
    found: dict[str, Sent] = {}
    for sent in seeds():
        found.setdefault("/langsmith/runs/{run_id}" if sent.method == "PATCH" else sent.path, sent)
    return found | {path: replace(found[like], path=path) for path, like in ALIKE.items()}


def of_tenant(sent: Sent, tenant: str) -> Sent:
    """Return a request as its sender words it for the tenant: a delivery names its installation in its body."""
    if sent.path != GITHUB:
        return sent
    body = json.dumps({**json.loads(sent.body), "installation": {"id": int(tenant)}}).encode()
    return replace(sent, body=body, headers={**sent.headers, "x-github-delivery": f"of-{tenant}"})


def paths(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Yield the path of each route, those of included routers too; what has none by what it is."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if isinstance(included, APIRouter):
            yield from paths(included.routes, f"{prefix}{route.include_context.prefix}")  # type: ignore[attr-defined]  # FastAPI's own class
        else:
            yield f"{prefix}{getattr(route, 'path', repr(route))}"


def rows(receiver: Receiving, tenant: str) -> dict[str, list[tuple[str, ...]]]:
    """Return every row of a tenant, but for the tenant's name and when its key was used."""
    found = {}
    with receiver.store.engine.connect() as connection:
        for name in set(sa.inspect(connection).get_table_names()) - {"migrations"}:
            kept = connection.execute(sa.text(f"SELECT * FROM {name} WHERE tenant = :tenant"), {"tenant": tenant})
            values = [{**row._mapping, "tenant": "", "last_used_at": ""} for row in kept]
            found[name] = sorted(tuple(map(repr, row.values())) for row in values)
    return found


def test_every_route_of_the_application_is_known_to_this_test(receiver: Receiving) -> None:
    assert set(paths(receiver.app.routes)) == OPEN | READS | set(requests())


@pytest.mark.parametrize("path", sorted(requests()))
def test_what_one_tenant_sends_changes_nothing_of_the_other(
    receiver: Receiving, pair: tuple[str, str], path: str
) -> None:
    (ours, theirs), sent = pair, requests()[path]
    assert receiver.send(of_tenant(sent, ours), tenant=ours)[0] < 300
    before, others = rows(receiver, ours), rows(receiver, theirs)
    assert {name for name, found in others.items() if found} == {"tenants", "ingestion_keys"}
    assert receiver.send(of_tenant(sent, theirs), tenant=theirs)[0] < 300  # the same ids and the same bytes
    receiver.send(replace(sent, body=sent.body + b"!"), tenant=theirs)
    assert rows(receiver, ours) == before
    table = "deliveries" if path == GITHUB else "batches"
    assert len(rows(receiver, theirs)[table]) == len(before[table]) == (path not in NOTHING_KEPT)


@pytest.mark.parametrize("path", sorted(READS | set(requests()) - SIGNED))
def test_no_key_and_a_wrong_key_get_the_same_refusal(receiver: Receiving, pair: tuple[str, str], path: str) -> None:
    sent = requests().get(path) or Sent("GET", path, {"x-api-key": "tw_key"}, b"")
    before = rows(receiver, pair[0])
    missing = receiver.send(replace(sent, headers={**sent.headers, "x-api-key": ""}), tenant=pair[0])
    wrong = receiver.send(replace(sent, headers={**sent.headers, "x-api-key": "tw_wrong"}), tenant=pair[0])
    assert missing == wrong
    assert missing[0] == 401
    assert rows(receiver, pair[0]) == before


@pytest.mark.parametrize("path", [ENGINE, LANGFUSE, STANDARD])
def test_a_webhook_is_kept_for_who_signed_it_whatever_it_says(
    receiver: Receiving, pair: tuple[str, str], path: str
) -> None:
    (ours, theirs), sent = pair, requests()[path]
    claims = {**json.loads(sent.body), "tenant": theirs, "installation": {"id": int(theirs)}}
    keyed = replace(
        sent, body=json.dumps(claims).encode(), headers={**sent.headers, "x-api-key": receiver.keys[theirs]}
    )
    assert receiver.send(keyed, tenant=ours)[0] == 202
    assert len(rows(receiver, ours)["batches"]) == 1
    assert rows(receiver, theirs)["batches"] == []


def test_a_delivery_of_one_installation_is_never_the_others(receiver: Receiving, pair: tuple[str, str]) -> None:
    ours, theirs = pair
    sent = of_tenant(requests()[GITHUB], ours)
    receiver.send(sent, tenant=ours)
    again = json.dumps({**json.loads(sent.body), "installation": {"id": int(theirs)}}).encode()
    receiver.send(replace(sent, body=again), tenant=theirs)  # the same delivery's id
    assert (len(rows(receiver, ours)["deliveries"]), rows(receiver, theirs)["deliveries"]) == (1, [])


@pytest.mark.parametrize("path", sorted(READS))
def test_what_a_tenant_reads_is_its_own(receiver: Receiving, pair: tuple[str, str], path: str) -> None:
    ours, theirs = (
        receiver.send(Sent("GET", path, {"x-api-key": "tw_key"}, b""), tenant=tenant)[1].replace(
            f'"{tenant}"'.encode(), b"<its name>"
        )
        for tenant in pair
    )
    assert ours == theirs
    assert b"<its name>" in ours


def test_the_same_ids_load_as_each_tenants_own(receiver: Receiving, pair: tuple[str, str]) -> None:
    ours, theirs = pair
    traces = next(sent for sent in seeds() if sent.path == "/v1/traces" and b"timed out" in sent.body)
    receiver.send(traces, tenant=ours)
    receiver.send(replace(traces, body=traces.body.replace(b"timed out", b"fell over")), tenant=theirs)
    for tenant, said, unsaid in ((ours, "timed out", "fell over"), (theirs, "fell over", "timed out")):
        loaded = str(receiver.store.load_traces(tenant, ["01" * 16]))
        assert (said in loaded, unsaid in loaded) == (True, False)
        assert all(said.encode() in decompress(body) for body in _bodies(receiver, tenant))


def _bodies(receiver: Receiving, tenant: str) -> list[bytes]:
    with receiver.store.engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT body FROM batches WHERE tenant = :tenant"), {"tenant": tenant}))


def test_what_the_command_line_lists_for_another_tenant_holds_nothing_of_ours(tmp_path: Path) -> None:
    store = make_stages(tmp_path).store
    (mode,) = store.failure_modes(LOCAL)
    store.create_key(LOCAL, label="of ours")
    store.create_key("other")
    assert listed_modes(store, LOCAL)
    assert shown_mode(store, LOCAL, mode.id)["examples"]
    assert listed_modes(store, "other") == []
    with pytest.raises(UnknownFailureMode):
        shown_mode(store, "other", mode.id)
    ours, theirs = (json.dumps(run_record(store, tenant, unreadable={})) for tenant in (LOCAL, "other"))
    assert (mode.id in ours, mode.id in theirs) == (True, False)
    assert [key.label for key in store.keys("other")] == [""]
