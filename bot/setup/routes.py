"""The pages of the set-up; a stranger finds nothing there, and when it is done nobody does."""

import json
from collections.abc import Callable

from fastapi import APIRouter, BackgroundTasks, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

from bot.errors import BotError
from bot.setup.manifest import ORGANIZATION, is_reachable
from bot.setup.set_up import PATH, REDIRECT_PATH, SetUp

NOT_FOUND, BAD_REQUEST, BAD_GATEWAY = 404, 400, 502


def create_setup_router(set_up: SetUp, *, on_done: Callable[[], None]) -> APIRouter:
    """Return the set-up's routes; `on_done` is called after the last page was sent."""
    router = APIRouter(include_in_schema=False)
    pages = Environment(loader=PackageLoader("bot.setup", "pages"), autoescape=True)

    def page(name: str, status: int = 200, **values: object) -> Response:
        body = pages.get_template(f"{name}.html.j2").render(github_url=set_up.github_url, **values)
        return HTMLResponse(body, status_code=status, headers=_headers(set_up.github_url))

    # Not coroutines: each runs in a worker thread, and what they wait for stops nothing else.
    @router.get(PATH)
    def start(token: str = "", organization: str = "", dashboard: str = "", deployments: str = "") -> Response:
        if not set_up.is_invited(token):
            return page("stranger", NOT_FOUND)
        organization = organization.strip()
        if organization and not ORGANIZATION.fullmatch(organization):
            return page("problem", BAD_REQUEST, problem="This cannot be the name of an organization on GitHub.")
        offer = set_up.offer(organization=organization, dashboard=bool(dashboard), deployments=bool(deployments))
        return page(
            "start",
            token=token,
            organization=organization,
            dashboard=bool(dashboard),
            deployments=bool(deployments),
            action=offer.action,
            manifest=json.dumps(offer.manifest),
            asked=offer.manifest,
            is_reachable=is_reachable(set_up.public_url),
            public_url=set_up.public_url,
        )

    @router.get(REDIRECT_PATH)
    def created(background: BackgroundTasks, code: str = "", state: str = "") -> Response:
        try:
            app = set_up.accept(code, state)
        except BotError as error:
            return page("problem", BAD_GATEWAY, problem=str(error))
        if app is None:
            return page("stranger", NOT_FOUND)
        background.add_task(on_done)
        answer = page("created", app=app, is_reachable=is_reachable(set_up.public_url))
        answer.background = background
        return answer

    return router


def _headers(github_url: str) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",  # the address holds the token
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {github_url}; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
    }
