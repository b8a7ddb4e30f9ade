"""`tracewright report`: what became of the proposals, and what that has cost."""

import typer

from bot.assemble import LOCAL
from bot.report import report
from bot.report_page import report_record, report_table
from bot.terminal import Json, Tenant, opened_product, print_either

report_app = typer.Typer()


@report_app.command("report")
def show_report(*, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Count what was opened, merged and refused and why, what production said, how predictions held, and the cost."""
    with opened_product() as product:
        found = report(product.store, tenant)
    print_either(report_table(found), report_record(found), as_json=as_json)
