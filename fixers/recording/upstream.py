"""Ask the real host, and hand on what comes back piece by piece for as long as somebody waits for it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread

import httpx

#: Seconds between two looks at whether the client is still there.
LOOK_S = 0.1
#: Seconds without a byte after which a host is given up: longer than clients wait.
PATIENCE_S = 900.0
CONNECT_S = 60.0


class ClientGone(Exception):
    """Whoever asked waits no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The beginning of an answer."""

    status: int
    reason: str
    #: As they came; a name may come twice.
    headers: tuple[tuple[str, str], ...]


def build_client() -> httpx.Client:
    """Return a client that asks as the operator's environment says: its proxies, its certificates; no time-out binds.

    How long to wait is for the recorded agent to decide.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    timeout = httpx.Timeout(PATIENCE_S, connect=CONNECT_S, pool=None)
    return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False)


def fetched(client: httpx.Client, request: httpx.Request, *, is_gone: Callable[[], bool]) -> Iterator[Head | bytes]:
    """Yield the head of the answer, and then the bytes of its body as they are on the wire.

    Raises
    ------
    ClientGone
        When `is_gone` says so while nothing comes.
    httpx.HTTPError, OSError
        When the host does not answer, or breaks off.

    """
    pieces: SimpleQueue[Head | bytes | Exception | None] = SimpleQueue()
    is_given_up = Event()
    Thread(target=_fetch, args=(client, request, pieces, is_given_up), daemon=True).start()
    try:
        while True:
            try:
                piece = pieces.get(timeout=LOOK_S)
            except Empty:
                if is_gone():
                    raise ClientGone from None
                continue
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        is_given_up.set()


def _fetch(
    client: httpx.Client,
    request: httpx.Request,
    pieces: "SimpleQueue[Head | bytes | Exception | None]",
    is_given_up: Event,
) -> None:
    try:
        with closing(client.send(request, stream=True)) as answer:
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
            pieces.put(Head(status=answer.status_code, reason=answer.reason_phrase, headers=headers))
            for piece in answer.iter_raw():
                if is_given_up.is_set():
                    return
                pieces.put(piece)
        pieces.put(None)
    except (httpx.HTTPError, OSError, ValueError) as error:
        pieces.put(error)
