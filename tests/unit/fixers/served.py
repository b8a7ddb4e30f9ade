"""A replay server with a TCP port, as the forwarder in the sandbox gives it one. For the tests of what clients see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai

from fixers.replay.authority import Authority
from fixers.replay.forward import listening
from fixers.replay.playback import Playback
from fixers.replay.server import ReplayServer, serving


@contextmanager
def port_of(folder: Path, playback: Playback, authority: Authority | None = None) -> Iterator[tuple[int, ReplayServer]]:
    """Serve the playback, and yield its port."""
    with serving(folder / "r", playback, authority) as server, listening(str(folder / "r")) as port:
        yield port, server


def client(port: int, *, max_retries: int = 0, timeout: float = 30.0) -> openai.OpenAI:
    """Return the real client of a replay on `port`."""
    url = f"http://127.0.0.1:{port}/v1"
    return openai.OpenAI(base_url=url, api_key="replay", max_retries=max_retries, timeout=timeout)
