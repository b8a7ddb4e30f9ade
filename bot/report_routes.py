"""The report over HTTP: `GET /tenants/{tenant}/report`, for whoever has the operator's token.

A browser asks for it: any user name, and the token as the password. Programs send it as `Authorization: Bearer`.
"""

import base64
import binascii
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from bot.report import report
from bot.report_html import list_pull_requests, report_html
from bot.report_page import report_record
from bot.store.store import Store

CHALLENGE = 'Basic realm="Tracewright: any name, and the token of the operator", charset="UTF-8"'


def create_report_router(store: Store, *, token: str, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes of the page and of its numbers as JSON; without a token they refuse all."""
    router = APIRouter(prefix="/tenants/{tenant}", dependencies=[Depends(_only_with(token))])

    @router.get("/report", response_class=HTMLResponse)
    def page(tenant: str) -> HTMLResponse:
        _known(store, tenant)
        html = report_html(report(store, tenant), list_pull_requests(store, tenant), tenant=tenant, now=now())
        return HTMLResponse(html, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    @router.get("/report.json")
    def numbers(tenant: str) -> dict[str, Any]:
        _known(store, tenant)
        return report_record(report(store, tenant))

    return router


def _known(store: Store, tenant: str) -> None:
    if tenant not in store.tenants():
        raise HTTPException(404, "no such tenant")


def _only_with(token: str) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        if not token:
            raise HTTPException(403, "TRACEWRIGHT_OPERATOR_TOKEN is not set")
        if not secrets.compare_digest(_given(request.headers.get("authorization", "")), token.encode()):
            challenge = {
                "WWW-Authenticate": 'Basic realm="Tracewright: any name, the operator\'s token", charset="UTF-8"'
            }
            raise HTTPException(401, "not the operator's token", headers=challenge)

    return check


def _given(header: str) -> bytes:
    """Return the token that a request brings; empty when there is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.encode()
    try:
        decoded = base64.b64decode(value, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""
    return decoded.partition(b":")[2]
