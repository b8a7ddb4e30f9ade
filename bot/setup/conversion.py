"""Exchange the code that a registration ends with for the App's identity.

With the standard library, because the address holds the code, and httpx writes addresses into the log.

https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
"""

import json
import re
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from bot.forge.errors import ForgeError, Mismatch, Missing, Unavailable
from bot.setup.stored_app import RegisteredApp

TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 1_000_000
CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")


def exchange(code: str, *, api_url: str, github_url: str) -> RegisteredApp:
    """Return the App that the code stands for; it can be asked for once, within an hour.

    Raises
    ------
    ForgeError
        GitHub does not know the code, does not answer, or not as documented.

    """
    if not CODE.fullmatch(code) or urlsplit(api_url).scheme not in {"http", "https"}:
        raise Missing("this is not a code of GitHub's")
    address = f"{api_url.rstrip('/')}/app-manifests/{code}/conversions"
    headers = {"Accept": "application/vnd.github+json", "User-Agent": "tracewright"}
    request = Request(address, method="POST", data=b"", headers=headers)  # noqa: S310 - looked at above
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return _app(json.loads(answer.read(MAX_ANSWER_BYTES)), github_url)
    except HTTPError as error:
        with error:
            raise ForgeError(f"GitHub did not take the code: {error.code}") from None
    except (OSError, HTTPException) as error:  # its words may name the address
        raise Unavailable(f"no answer from {urlsplit(api_url).hostname}: {type(error).__name__}") from None
    except ValueError as error:
        raise Mismatch(f"GitHub's answer is not JSON: {type(error).__name__}") from None


def _app(answer: Any, github_url: str) -> RegisteredApp:  # noqa: ANN401 - JSON comes in
    try:
        slug, url = str(answer["slug"]), str(answer["html_url"])
        is_ours = urlsplit(url)[:2] == urlsplit(github_url)[:2]
        return RegisteredApp(
            app_id=int(answer["id"]),
            slug=slug,
            url=url if is_ours else f"{github_url.rstrip('/')}/apps/{slug}",
            private_key=_filled(answer["pem"]),
            webhook_secret=_filled(answer["webhook_secret"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Mismatch(f"GitHub's answer lacks something: {type(error).__name__}") from None


def _filled(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value
