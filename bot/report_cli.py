"""`tracewright report`: what became of the proposals, and what that has cost."""

from pathlib import Path
from typing import Annotated

import typer

from bot.assemble import LOCAL
from bot.errors import BadSetting
from bot.report import report
from bot.report_html import list_pull_requests, report_html
from bot.report_page import report_record, report_table
from bot.terminal import Json, Tenant, opened_product, print_either
from webhooks.clock import utc_now

report_app = typer.Typer()


@report_app.command("report")
def show_report(
    *,
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page, too.")] = None,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Count what was opened, merged and refused and why, what production said, how predictions held, and the cost."""
    with opened_product() as product:
        found = report(product.store, tenant)
        if page is not None:
            html = report_html(found, list_pull_requests(product.store, tenant), tenant=tenant, now=utc_now())
            try:
                page.write_text(html, "utf-8")
            except OSError as error:
                raise BadSetting(f"--page {str(page)!r} cannot be written: {error.strerror}") from error
    print_either(report_table(found), report_record(found), as_json=as_json)
