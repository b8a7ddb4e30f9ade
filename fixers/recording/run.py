"""Run an agent once, live, and return the cassette of what it was answered."""

import json
import secrets
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import certifi

from fixers.recording.recorder import Recorder
from fixers.recording.server import RecordingServer
from fixers.recording.upstream import build_client
from fixers.replay.authority import authority
from fixers.replay.cassette import Cassette
from fixers.replay.forward import environment, listening
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool
from fixers.replay.server import running

#: Seconds that calls may take to be kept after the run has ended.
SETTLE_S = 5.0
#: The operator's own authorities stay trusted beside ours: not everything goes through the proxy.
TRUSTED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: Exit status of what Ctrl-C ends.
INTERRUPTED = 130
OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one live run left. Its cassette still holds secrets: see `fixers.recording.hide`."""

    cassette: Cassette
    exit_status: int
    #: A sentence for each call that the cassette does not hold.
    left_out: tuple[str, ...]
    #: Values that the run proved itself with.
    secrets: frozenset[str]


def started(text: str | None, *, now: datetime) -> Cassette:
    """Return the cassette of a run that begins: its input, and no answers yet."""
    return Cassette(
        trace_id=secrets.token_hex(16),
        service="",
        input=text,
        model_calls=(),
        tool_calls=(),
        recorded_at=now.isoformat(),
    )


def record_run(command: Sequence[str], start: Cassette, *, cwd: Path, environ: Mapping[str, str]) -> Recorded:
    """Run the command in `cwd`, with the whole environment, the network, and no isolation.

    What `start` holds is answered from it; everything else is asked of the real hosts and added.

    Raises
    ------
    OSError
        When the command cannot be run.

    """
    recorder = Recorder()
    recorder.know_environment(environ)
    # Short names: a Unix socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="tw-") as name, build_client() as client:
        folder = Path(name)
        given, trusted = folder / "input.json", folder / "authority.pem"
        given.write_text(json.dumps({"input": start.input}))
        trusted.write_bytes(authority().certificate + _trusted(environ))
        playback = Playback(start, pool=Pool())
        server = RecordingServer(
            folder / "r",
            playback,
            authority(),
            recorder=recorder,
            client=client,
            model_url=environ.get("OPENAI_BASE_URL") or OPENAI,
        )
        with running(server), listening(str(folder / "r")) as port:
            server.own_port = port
            env = {**environ, **_environment(port, str(given), str(trusted), environ)}
            try:
                status = subprocess.call(command, cwd=cwd, env=env)  # noqa: S603 - the operator's own command
            except KeyboardInterrupt:  # what a run was answered until it hung is worth keeping
                status = INTERRUPTED
            recorder.settle(SETTLE_S)
        cassette = recorder.cassette(start, server.spans)
    return Recorded(
        cassette=cassette,
        exit_status=status,
        left_out=tuple(recorder.left_out),
        secrets=frozenset(recorder.secrets),
    )


def _environment(port: int, given: str, trusted: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what leads a live run through the recording; its own key goes on to the model."""
    led = environment(port, given, trusted, "")
    return led | {name: environ[name] for name in ("OPENAI_API_KEY",) if environ.get(name)}


def _trusted(environ: Mapping[str, str]) -> bytes:
    named = next((environ[name] for name in TRUSTED if environ.get(name)), certifi.where())
    return b"\n" + Path(named).read_bytes()
