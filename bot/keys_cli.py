"""`tracewright keys`: list, create, rotate and revoke a tenant's ingestion keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bot.assemble import LOCAL
from bot.errors import BadSetting
from bot.pr_body.escape import one_line
from bot.store.keys import Key
from bot.terminal import Json, Tenant, opened_product, print_either
from webhooks.clock import utc_now

keys_app = typer.Typer(help="Ingestion keys: who may send traces, and for which services.", no_args_is_help=True)
ONCE = "The key is shown this once."
MAX_LABEL = 100
MAX_SERVICES = 50

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, or the start of it, as `keys list` shows it.")]


@keys_app.command("list")
def list_keys(*, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """List the keys: what is known of them, never themselves."""
    with opened_product() as product:
        listed = product.store.keys(tenant)
    now = utc_now()
    print_either(_table(listed, now), [_record(key, now) for key in listed], as_json=as_json)


@keys_app.command()
def create(
    *,
    label: Annotated[str, typer.Option(help="What you call it.")] = "",
    service: Annotated[list[str] | None, typer.Option(help="A service it is for, with * and ?; repeatable.")] = None,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once. Without --service it is for every service."""
    services = _checked(label, service or [])
    with opened_product() as product:
        key = product.store.create_key(tenant, label=label, services=services)
    _show(key, as_json=as_json)


@keys_app.command()
def rotate(
    key_id: KeyId,
    *,
    overlap_hours: Annotated[float, typer.Option(min=0, max=8_760, help="How long the old key stays valid.")] = 24.0,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Make a key with the label and scope of an old one, which ends after the overlap."""
    with opened_product() as product:
        key = product.store.rotate_key(tenant, key_id, overlap=timedelta(hours=overlap_hours))
    _show(key, as_json=as_json)


@keys_app.command()
def revoke(key_id: KeyId, *, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Refuse a key from now on; processes that know it already follow within seconds."""
    with opened_product() as product:
        revoked = product.store.revoke_key(tenant, key_id)
    said = "Revoked." if revoked else "It was revoked before."
    print_either(Text(said), {"revoked": revoked}, as_json=as_json)


def _checked(label: str, services: Sequence[str]) -> Sequence[str]:
    if len(label) > MAX_LABEL or not label.isprintable():
        raise BadSetting(f"a label has at most {MAX_LABEL} characters, all printable: {label!r}")
    if len(services) > MAX_SERVICES or not all(pattern.strip() for pattern in services):
        raise BadSetting(f"a key has at most {MAX_SERVICES} patterns of services, none of them empty: {services!r}")
    return services


def _show(key: str, *, as_json: bool) -> None:
    print_either(Text(f"{key}\n{ONCE}"), {"key": key}, as_json=as_json)


def _record(key: Key, now: datetime) -> dict[str, Any]:
    times = ("created_at", "last_used_at", "valid_until", "revoked_at")
    told = {name: moment.isoformat() if (moment := getattr(key, name)) else "" for name in times}
    return {"id": key.id, "label": key.label, "services": list(key.services), "state": key.state(now), **told}


def _table(keys: Sequence[Key], now: datetime) -> RenderableType:
    if not keys:
        return Text("No keys. `tracewright connect` makes the first, `tracewright keys create` another.")
    table = Table(title="Ingestion keys", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, expand=True)
    for name in ("id", "state", "label", "services", "created", "last use", "valid until"):
        table.add_column(name, overflow="fold", no_wrap=name == "id")
    for key in keys:
        services = one_line(", ".join(key.services), limit=200) or "all"
        times = (_day(key.created_at), _hour(key.last_used_at, "never"), _hour(key.valid_until, "revoked"))
        cells = (key.id, key.state(now), one_line(key.label, limit=MAX_LABEL), services, *times)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _hour(moment: datetime | None, otherwise: str) -> str:
    return f"{moment:%Y-%m-%d %H}h" if moment else otherwise
