"""Traffic: have the flawed harness itself serve its users, and keep the spans that it exports."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Self

from benchmarks.harness_flaws.flaw import Flaw
from benchmarks.harness_flaws.provider import Provider
from benchmarks.harness_flaws.visit import Answered, Visit, hold, quirks, worker_environment

SEED = 7
N_FAILING = 10
N_HEALTHY = 12


@dataclass
class Intake:
    """Keeps the OTLP/HTTP exports that arrive while it is entered."""

    #: (content type, body) of each export.
    exports: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT must be."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def write(self, folder: Path) -> Path:
        """Write the exports as one file that `tracewright ingest` reads, and return its path."""
        if any("json" in kind for kind, _ in self.exports):
            file = folder / "traces.jsonl"
            file.write_bytes(b"".join(body.strip() + b"\n" for _, body in self.exports))
        else:
            file = folder / "traces.pb"  # protobuf requests one after the other are one request with all their spans
            file.write_bytes(b"".join(body for _, body in self.exports))
        return file


def visits_of(flaw: Flaw, *, seed: int = SEED) -> list[Visit]:
    """Return the visits of production: those that the flaw fails among those that it does not, shuffled."""
    domain = flaw.domain
    failing = domain.visits(flaw.fails, n=N_FAILING, seed=seed)
    kinds = [kind for kind in domain.healthy if kind not in flaw.fails]
    healthy = domain.visits(kinds, n=N_HEALTHY, seed=seed, unlike=failing)
    visits = [*failing, *healthy]
    Random(seed).shuffle(visits)  # noqa: S311  # traffic, not secrets
    return visits


def serve(flaw: Flaw, checkout: Path, visits: Sequence[Visit], *, folder: Path) -> tuple[list[Answered], Path]:
    """Run the harness in `checkout` on the visits; return how they ended, and the file of its traces."""
    with Intake() as intake, Provider(flaw.domain.reply, quirks(visits)) as provider:
        env = worker_environment(provider.base_url, otlp=intake.url)
        answered = hold(visits, command=flaw.domain.worker, checkout=checkout, env=env)
    return answered, intake.write(folder)


def _handler(intake: Intake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            intake.exports.append((self.headers.get("Content-Type", ""), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
