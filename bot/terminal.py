"""What the commands share: the product while a command runs, and how an answer is printed."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.assemble import Product, assemble
from bot.settings import read_settings

out = Console()

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Tenant = Annotated[str, typer.Option(help="Whose records: an installation's id, or `local`.")]


@contextmanager
def opened_product() -> Iterator[Product]:
    """Assemble the product from the environment, and close it at the end."""
    product = assemble(read_settings(os.environ))
    try:
        yield product
    finally:
        product.close()


def print_either(table: Any, record: Any, *, as_json: bool) -> None:  # noqa: ANN401 - whatever Rich can show
    """Print the table, or the record as JSON."""
    if as_json:
        # ASCII only: no text of a trace reaches a terminal as a control sequence.
        sys.stdout.write(json.dumps(record, indent=1) + "\n")
    else:
        out.print(table)


def say(text: str) -> None:
    """Print a text as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)
