"""Run a harness once against a recorded run."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fixers.checkout import copy_tree
from fixers.harness import Harness
from fixers.replay import forward
from fixers.replay.authority import authority
from fixers.replay.cassette import Cassette
from fixers.replay.http_tools import asks_loopback
from fixers.replay.playback import LiveModel, Playback
from fixers.replay.pool import Pool
from fixers.replay.server import serving
from fixers.sandbox import Completed, Sandbox
from webhooks.trace import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the replay command."""

    completed: Completed
    playback: Playback
    #: What the run exported, in the order of arrival.
    spans: Sequence[Span]


def replay(
    cassette: Cassette,
    *,
    checkout: Path,
    harness: Harness,
    sandbox: Sandbox,
    pool: Pool,
    live: LiveModel | None = None,
    sdk_retries: int | None = None,
    own_tools: bool = False,
) -> Run:
    """Run the harness's replay command on a copy of `checkout` against the cassette.

    Raises
    ------
    ValueError
        When the harness has no replay command.

    """
    if harness.replay is None:
        raise ValueError(f"harness {harness.name!r} has no replay command")
    playback = Playback(cassette, pool=pool, live=live, sdk_retries=sdk_retries, own_tools=own_tools)
    # Short names: a Unix socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        work, socket, recorded = Path(folder) / "repo", Path(folder) / "replay.sock", Path(folder) / "input.json"
        trusted = Path(folder) / "authority.pem"
        copy_tree(checkout, work)
        recorded.write_text(json.dumps({"input": cassette.input}))
        trusted.write_bytes(authority().certificate)
        script = Path(forward.__file__).resolve()
        passed_by = "" if asks_loopback(cassette.http_calls) else forward.LOOPBACK
        with serving(socket, playback, authority()) as server:
            completed = sandbox.run(
                ["python", "-I", str(script), str(socket), str(recorded), str(trusted), passed_by, *harness.replay],
                cwd=work,
                env={},
                timeout_s=harness.timeout_s,
                sockets=[socket],
                readable=[script, recorded, trusted],
            )
        return Run(completed=completed, playback=playback, spans=tuple(server.spans))
