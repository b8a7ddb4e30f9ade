"""Measure how fast the receiver keeps spans, beside its peers, and how fast the detectors look at what it kept.

    python benchmarks/ingest.py [--peers] [--spans 64000] [--json FILE] [--work FOLDER]

    http         answers and keeps nothing
    floor        a receiver to throw away: the least that can be done for spans to be durable and searchable
    tracewright  redaction on
    unredacted   redaction off
    phoenix, mlflow

Each receiver runs in a process of its own on a fresh database and gets the same requests over 8 connections. Printed
for each, and written by --json: spans kept per second of the server's CPU time (until the last one is kept, whenever
it was answered), milliseconds of a POST, bytes on disk a span, and how many spans of a second burst are missing after
the server is killed with SIGKILL right after its last answer; then the same figures as ratios to Tracewright's. The
detectors are run over what Tracewright kept, in one process: spans examined per CPU second, over spans received per CPU
second, says whether they keep up. --peers installs Arize Phoenix and MLflow into virtual environments below the work
folder, once.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.agent_spans import SPANS_PER_REQUEST, requests

HERE = Path(__file__).parent
OURS = "tracewright"
SHOWN = ("http", "floor", "unredacted")  # not written by --json: nobody's product
DATABASE = "spans.db"
TENANT = "benchmark"
CONNECTIONS = 8
START_S = 180.0  # MLflow migrates its database first
KEEP_S = 1_800.0  # Phoenix keeps what it has answered at leisure
KILL_SHARE = 8  # the burst before the kill is this part of the workload
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A program that takes OTLP over HTTP and keeps spans in SQLite."""

    name: str
    command: Sequence[str]
    #: The SQLite database with a table `spans`; None for a receiver that keeps nothing.
    database: Path | None
    headers: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/healthz"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of one receiver."""

    spans_per_cpu_s: float
    p50_ms: float
    p99_ms: float
    bytes_per_span: float
    lost_after_kill: int


def main() -> None:
    """Measure each receiver in turn and print one line for it."""
    arguments = _arguments()
    print(f"making {arguments.spans} spans…", flush=True)
    workload = list(requests(arguments.spans, seed=1))
    burst = list(requests(max(arguments.spans // KILL_SHARE, SPANS_PER_REQUEST), seed=2))
    found: dict[str, Figures] = {}
    print(f"{'receiver':<14}{'spans/CPU s':>12}{'p50 ms':>9}{'p99 ms':>9}{'bytes/span':>12}{'lost by kill':>14}")
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        for receiver in _receivers(arguments, Path(folder)):
            figures = found[receiver.name] = measure(receiver, workload, burst)
            shown = f"{figures.spans_per_cpu_s:>12,.0f}{figures.p50_ms:>9.1f}{figures.p99_ms:>9.1f}"
            print(
                f"{receiver.name:<14}{shown}{figures.bytes_per_span:>12,.0f}{figures.lost_after_kill:>14}", flush=True
            )
        examined_per_cpu_s = _examine(Path(folder) / OURS)
    _print_ratios(found)
    keeping_up = examined_per_cpu_s / found[OURS].spans_per_cpu_s
    print(f"detectors: {examined_per_cpu_s:,.0f} spans/CPU s, {keeping_up:.2f} of the rate of arrival")
    if arguments.json:
        kept = {name: asdict(figures) for name, figures in found.items() if name not in SHOWN}
        arguments.json.write_text(json.dumps(kept, indent=2))


def _print_ratios(found: Mapping[str, Figures]) -> None:
    ours = found[OURS]
    for name, figures in found.items():
        if name != OURS:
            print(
                f"tracewright / {name}: {ours.spans_per_cpu_s / figures.spans_per_cpu_s:.2f} times the spans per CPU "
                f"second, {ours.p50_ms / figures.p50_ms:.2f} times the p50, {ours.p99_ms / figures.p99_ms:.2f} the p99"
            )


def _examine(folder: Path) -> float:
    """Return how many spans the detectors look at per second of CPU time, reading and writing the database included."""
    from bot.agents import Agents  # noqa: PLC0415  # --help shall not wait for scikit-learn
    from bot.examine import examine  # noqa: PLC0415  # as above
    from bot.store.engine import open_engine  # noqa: PLC0415  # as above
    from bot.store.store import Store  # noqa: PLC0415  # as above

    store = Store(open_engine(f"sqlite:///{folder / DATABASE}"), now=lambda: datetime.now(UTC))
    n_spans, before = store.counts(TENANT).n_spans, time.process_time()
    examine(store, TENANT, agents=Agents(), quiet_s=0, on_progress=lambda *_: None)
    used_s = time.process_time() - before
    store.close()
    return n_spans / used_s


def measure(receiver: Receiver, workload: Sequence[bytes], burst: Sequence[bytes]) -> Figures:
    """Run the receiver, send it the workload, wait until all is kept, send the burst, and kill it."""
    with _free_port() as port:
        server = _start(receiver, port)
    try:
        _wait_until_ready(receiver, port, server)
        before = cpu_s(server.pid)
        took_ms = _send(workload, port, receiver.headers)
        sent = len(workload) * SPANS_PER_REQUEST
        _wait_until_kept(receiver.database, sent)
        used_s = cpu_s(server.pid) - before
        _send(burst, port, receiver.headers)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    sent += len(burst) * SPANS_PER_REQUEST
    return Figures(
        spans_per_cpu_s=len(workload) * SPANS_PER_REQUEST / max(used_s, 1 / CLOCK_TICKS),
        p50_ms=statistics.median(took_ms),
        p99_ms=statistics.quantiles(took_ms, n=100)[98] if len(took_ms) > 1 else took_ms[0],
        bytes_per_span=_bytes_on_disk(receiver.database) / sent,
        lost_after_kill=sent - _n_kept(receiver.database),
    )


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and of everything that it started, in seconds."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        found = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(found)
        ticks[found] = sum(map(int, fields[11:15]))  # with what its ended children used
    waiting, total = [pid], 0
    while waiting:
        parent = waiting.pop()
        total += ticks.get(parent, 0)
        waiting += children.get(parent, [])
    return total / CLOCK_TICKS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=64_000)
    parser.add_argument("--peers", action="store_true", help="measure Phoenix and MLflow too")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tracewright-benchmark")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    return arguments


def _receivers(arguments: argparse.Namespace, folder: Path) -> Iterator[Receiver]:
    program = [sys.executable, str(HERE / "ingest_server.py"), "{port}"]
    yield Receiver(name="http", command=[*program, "http"], database=None)
    floor = folder / "floor" / DATABASE
    yield Receiver(name="floor", command=[*program, "floor", str(floor)], database=floor)
    yield _tracewright(OURS, program, folder)
    yield _tracewright("unredacted", program, folder)
    if arguments.peers:
        yield _phoenix(_installed(arguments.work, "arize-phoenix"), folder / "phoenix")
        yield _mlflow(_installed(arguments.work, "mlflow"), folder / "mlflow")


def _tracewright(name: str, program: Sequence[str], folder: Path) -> Receiver:
    from bot.store.engine import open_engine  # noqa: PLC0415  # --help shall not wait for SQLAlchemy
    from bot.store.store import Store  # noqa: PLC0415  # as above

    database = folder / name / DATABASE
    engine = open_engine(f"sqlite:///{database}")
    key = Store(engine, now=lambda: datetime.now(UTC)).create_key(TENANT)
    engine.dispose()
    headers = {"Authorization": f"Bearer {key}"}
    return Receiver(name=name, command=[*program, name, str(database)], database=database, headers=headers)


def _phoenix(bin_: Path, folder: Path) -> Receiver:
    folder.mkdir()
    environ = {"PHOENIX_WORKING_DIR": str(folder), "PHOENIX_PORT": "{port}", "PHOENIX_GRPC_PORT": "0"}
    database = folder / "phoenix.db"
    return Receiver(name="phoenix", command=[str(bin_ / "phoenix"), "serve"], database=database, environ=environ)


def _mlflow(bin_: Path, folder: Path) -> Receiver:
    folder.mkdir()
    database = folder / "mlflow.db"
    store = ["--backend-store-uri", f"sqlite:///{database}", "--default-artifact-root", str(folder / "artifacts")]
    return Receiver(
        name="mlflow",
        command=[str(bin_ / "mlflow"), "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1", *store],
        database=database,
        headers={"x-mlflow-experiment-id": "0"},
        environ={"PATH": f"{bin_}:{os.environ['PATH']}"},
        ready="/health",
    )


def _installed(work: Path, package: str) -> Path:
    """Install a package into an environment of its own, unless it is there; return the folder of its programs."""
    environment = work / f"venv-{package}"
    if not (environment / "installed").exists():
        print(f"installing {package}…", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(environment / "bin" / "pip"), "install", "--quiet", package], check=True)
        (environment / "installed").touch()
    return environment / "bin"


@contextmanager
def _free_port() -> Iterator[int]:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    yield port


def _start(receiver: Receiver, port: int) -> subprocess.Popen[bytes]:
    """Start the receiver as the leader of a process group, so that all of it can be killed at once."""
    command = [part.format(port=port) for part in receiver.command]
    environ = {name: value.format(port=port) for name, value in receiver.environ.items()}
    return subprocess.Popen(
        command,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_until_ready(receiver: Receiver, port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", receiver.ready)
                connection.getresponse().read()
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{receiver.name} did not start: {' '.join(receiver.command)}")


def _send(bodies: Sequence[bytes], port: int, headers: Mapping[str, str]) -> list[float]:
    """POST every body over 8 connections; return how long each took, in milliseconds."""
    waiting, took_ms, failed = deque(bodies), list[float](), list[str]()
    sent = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", **headers}

    def work() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=600)) as connection:
            while not failed:
                try:
                    body = waiting.popleft()
                except IndexError:
                    return
                began = time.perf_counter()
                status = _post(connection, body, sent, failed)
                took_ms.append((time.perf_counter() - began) * 1_000)
                if status == http.HTTPStatus.SERVICE_UNAVAILABLE:  # back-pressure: the same again
                    waiting.append(body)
                    time.sleep(1)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"a request was refused: {failed[0]}")
    return took_ms


def _post(connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str], failed: list[str]) -> int:
    connection.request("POST", "/v1/traces", body, dict(headers))
    response = connection.getresponse()
    answer = response.read()
    if response.status not in (http.HTTPStatus.OK, http.HTTPStatus.SERVICE_UNAVAILABLE):
        failed.append(f"{response.status} {answer[:300]!r}")
    return response.status


def _wait_until_kept(database: Path | None, n_spans: int) -> None:
    deadline = time.monotonic() + KEEP_S
    while database is not None and _n_kept(database) < n_spans and time.monotonic() < deadline:
        time.sleep(1)


def _n_kept(database: Path | None) -> int:
    if database is None:
        return 0
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        found: int = connection.execute("SELECT count(*) FROM spans").fetchone()[0]
    return found


def _bytes_on_disk(database: Path | None) -> int:
    """Return the size of everything in the database's folder, its write-ahead log folded in."""
    if database is None:
        return 0
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in database.parent.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
