"""The operator's HTTP routes: what `tracewright merge`, `split`, `archive`, `resolve` and `reopen` do."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Request

from bot.by_hand import merge, set_status, split
from bot.errors import NotMergeable, NotSplittable, UnknownFailureMode
from bot.listed_modes import listed_modes
from bot.mode_record import mode_record
from bot.store.store import Store
from clustering.embed import Encoder
from clustering.failure_mode import Status

PREFIX = "/api/tenants/{tenant}/failure-modes"
#: What a person may say of a failure mode; the other states follow from evidence.
DECISIONS = {"archived": Status.ARCHIVED, "resolved": Status.RESOLVED, "reopened": Status.ONGOING}
MAX_TEXT = 200

Text = Annotated[str, Body(embed=True, min_length=1, max_length=MAX_TEXT)]


def create_operator_router(store: Store, *, encoder: Encoder, token: str) -> APIRouter:
    """Return the routes; each asks for the operator's token as `Authorization: Bearer`, and without one refuses all."""
    router = APIRouter(prefix=PREFIX, dependencies=[Depends(_only_with(token))])

    @router.get("")
    def listed(tenant: str) -> list[dict[str, Any]]:
        return [mode._asdict() for mode in listed_modes(store, tenant)]

    @router.post("/{mode_id}/merge")
    def merged(tenant: str, mode_id: str, other: Text) -> dict[str, Any]:
        with _answering():
            return mode_record(merge(store, tenant, mode_id, other, encoder=encoder))

    @router.post("/{mode_id}/split")
    def parts(tenant: str, mode_id: str, by: Text) -> list[dict[str, Any]]:
        with _answering():
            return [mode_record(mode) for mode in split(store, tenant, mode_id, by=by, encoder=encoder)]

    @router.post("/{mode_id}/status")
    def stands(tenant: str, mode_id: str, status: Text) -> dict[str, Any]:
        if status not in DECISIONS:
            raise HTTPException(422, f"status {status!r} is none of {', '.join(DECISIONS)}")
        with _answering():
            return mode_record(set_status(store, tenant, mode_id, DECISIONS[status]))

    return router


def _only_with(token: str) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        if not token:
            raise HTTPException(403, "TRACEWRIGHT_OPERATOR_TOKEN is not set")
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "not the operator's token", headers={"WWW-Authenticate": "Bearer"})

    return check


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what cannot be done into an answer that says why."""
    try:
        yield
    except UnknownFailureMode as error:
        raise HTTPException(404, str(error)) from error
    except (NotMergeable, NotSplittable) as error:
        raise HTTPException(409, str(error)) from error
