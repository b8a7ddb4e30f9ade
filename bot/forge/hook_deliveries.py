"""The deliveries that GitHub made, or tried to make, to the App; GitHub keeps them for three days.

https://docs.github.com/en/rest/apps/webhooks
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from bot.forge.answers import error_of
from bot.forge.errors import Mismatch, Unavailable
from webhooks.github import NAME, Delivery

PER_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One time that GitHub sent a delivery, successfully or not."""

    #: Of the attempt; each has another.
    id: int
    #: The X-GitHub-Delivery header: the same in all attempts of one delivery.
    delivery_id: str
    #: Aware, UTC.
    delivered_at: datetime


class HookDeliveries:
    """Asks GitHub as the App.

    Parameters
    ----------
    client
        Its base URL is the API's.
    sign
        Returns a fresh JSON web token of the App.

    """

    def __init__(self, client: httpx.Client, sign: Callable[[], str]) -> None:
        self._client = client
        self._sign = sign

    def since(self, start: datetime) -> Iterator[Attempt]:
        """Yield the attempts at `start` or later, newest first.

        Raises
        ------
        ForgeError
            GitHub does not answer, or not as documented.

        """
        parameters: dict[str, str | int] | None = {"per_page": PER_PAGE}
        while parameters:
            answer = self._ask("/app/hook/deliveries", parameters)
            attempts = [_attempt(item) for item in answer.json()]
            yield from (attempt for attempt in attempts if attempt.delivered_at >= start)
            done = not attempts or attempts[-1].delivered_at < start
            # The cursor alone is taken from the answer, never the address.
            cursor = httpx.URL(answer.links.get("next", {}).get("url", "")).params.get("cursor")
            parameters = {"per_page": PER_PAGE, "cursor": cursor} if cursor and not done else None

    def read(self, attempt: Attempt) -> Delivery:
        """Return what was sent in an attempt; no signature is needed, as GitHub itself is asked.

        Raises
        ------
        ForgeError
            GitHub does not answer, or not as documented.

        """
        return _delivery(self._ask(f"/app/hook/deliveries/{attempt.id}", {}).json())

    def _ask(self, path: str, parameters: dict[str, str | int]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._sign()}", "Accept": "application/vnd.github+json"}
        try:
            answer = self._client.get(path, params=parameters, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(f"no answer from {self._client.base_url.host}: {type(error).__name__}") from error
        if not answer.is_success:
            raise error_of(answer.status_code, f"GET {path}", answer.text[:300], answer.headers)
        return answer


def _attempt(item: Any) -> Attempt:  # noqa: ANN401 - JSON comes in
    try:
        at = datetime.fromisoformat(item["delivered_at"])
        return Attempt(id=int(item["id"]), delivery_id=_name(item["guid"]), delivered_at=at)
    except (KeyError, TypeError, ValueError) as error:
        raise Mismatch(f"not a hook delivery: {error!r}") from error


def _delivery(item: Any) -> Delivery:  # noqa: ANN401 - JSON comes in
    try:
        payload, event = dict(item["request"]["payload"]), _name(item["event"])
        action = payload.get("action")
        return Delivery(
            delivery_id=_name(item["guid"]),
            event=event,
            action=action if isinstance(action, str) else "",
            payload=payload,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Mismatch(f"not a hook delivery: {error!r}") from error


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is no name")
    return value
