"""`tracewright merge`, `split`, `archive`, `resolve` and `reopen`: what people decide about failure modes."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from bot.assemble import LOCAL
from bot.by_hand import merge as merge_modes
from bot.by_hand import set_status
from bot.by_hand import split as split_mode
from bot.mode_record import mode_record
from bot.pr_body.escape import one_line
from bot.terminal import Json, Tenant, opened_product, print_either
from clustering.failure_mode import FailureMode, Status

decisions_app = typer.Typer()
Mode = Annotated[str, typer.Argument(metavar="ID", help="The failure mode's id, or the start of it.")]


@decisions_app.command()
def merge(
    into: Annotated[str, typer.Argument(metavar="A", help="The failure mode that stays.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The one that goes into it.")],
    *,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Make two failure modes one, for good: later groupings keep them together."""
    with opened_product() as product:
        merged = merge_modes(product.store, tenant, into, other, encoder=product.stages.encoder)
    _print([merged], as_json=as_json)


@decisions_app.command()
def split(
    failure_mode: Mode,
    *,
    by: Annotated[
        str, typer.Option(help="key, service, message, site, or `has:WORDS` for words of the masked description.")
    ],
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Part a failure mode, for good: later groupings keep the parts apart."""
    with opened_product() as product:
        parts = split_mode(product.store, tenant, failure_mode, by=by, encoder=product.stages.encoder)
    _print(parts, as_json=as_json)


@decisions_app.command()
def archive(failure_mode: Mode, *, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Set a failure mode aside: nothing is proposed for it, however often it shows."""
    _decide(failure_mode, Status.ARCHIVED, tenant=tenant, as_json=as_json)


@decisions_app.command()
def resolve(failure_mode: Mode, *, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Say that a failure mode is mended; a new failure of it says otherwise, and it is regressed."""
    _decide(failure_mode, Status.RESOLVED, tenant=tenant, as_json=as_json)


@decisions_app.command()
def reopen(failure_mode: Mode, *, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Take up a failure mode that was archived or resolved."""
    _decide(failure_mode, Status.ONGOING, tenant=tenant, as_json=as_json)


def _decide(failure_mode: str, status: Status, *, tenant: str, as_json: bool) -> None:
    with opened_product() as product:
        _print([set_status(product.store, tenant, failure_mode, status)], as_json=as_json)


def _print(modes: Sequence[FailureMode], *, as_json: bool) -> None:
    records = [mode_record(mode) for mode in modes]
    lines = [
        f"{each['id']}  {each['status']}  {one_line(each['title'], limit=200)}  ({each['traces']} traces)"
        for each in records
    ]
    print_either(Text("\n".join(lines)), records, as_json=as_json)
