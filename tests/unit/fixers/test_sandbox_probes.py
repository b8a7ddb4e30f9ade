"""Sixteen ways out of the sandbox and ten ways to wear the machine out, each with the control that shows it works."""

import ctypes
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from fixers.cgroup import can_limit_tasks
from fixers.process_tree import descendants
from fixers.sandbox import Bubblewrap, Limits, Unisolated, find_sandbox

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")

LIMITS = Limits(
    memory_bytes=150 * 1024**2,
    processes=30,
    output_bytes=1_000,
    tmp_bytes=8 * 1024**2,
    open_files=64,
    file_bytes=4 * 1024**2,
)
WORD = "reached"
ESCAPES = """
import ctypes, os, pathlib, socket, sys
folder, readable, tcp, udp, victim, key, shm, host = sys.argv[1:]
secret = folder + "/secret"

def linked():
    os.symlink(secret, "link")
    return pathlib.Path("link").read_text()

def connected(kind, address):
    socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET).connect(address)
    return "reached"

def attached():
    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    found = libc.shmget(int(key), 0, 0)
    return ctypes.string_at(libc.shmat(found, None, 0)).decode() if found >= 0 else ""

def written(path):
    pathlib.Path(path).write_text("reached")
    return "reached"

ways = {
    "file": lambda: pathlib.Path(secret).read_text(),
    "parent folders": lambda: pathlib.Path("../secret").read_text(),
    "link": linked,
    "root of a process": lambda: pathlib.Path("/proc/self/root" + secret).read_text(),
    "temporary folder": lambda: pathlib.Path(folder + "/../" + os.path.basename(folder) + "/secret").read_text(),
    "write beside": lambda: written(folder + "/written") and "",
    "write what is readable": lambda: written(readable),
    "tcp": lambda: connected("inet", ("127.0.0.1", int(tcp))),
    "udp": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"reached", ("127.0.0.1", int(udp))) and "",
    "unix socket": lambda: connected("unix", folder + "/socket"),
    "abstract socket": lambda: connected("unix", "\\0tracewright-" + key),
    "environment of another": lambda: pathlib.Path(f"/proc/{victim}/environ").read_text(),
    "signal to another": lambda: os.kill(int(victim), 0) or "reached",
    "shared memory": attached,
    "memory file": lambda: pathlib.Path(shm).read_text(),
    "name of the machine": lambda: "reached" if socket.gethostname() == host else "",
}
for name, way in ways.items():
    try:
        found = "reached" in way()
    except (OSError, ValueError):
        found = False
    if found:
        print(name)
"""
N_ESCAPES = 16


@contextmanager
def targets(folder: Path) -> Iterator[tuple[list[str], socket.socket]]:
    """Make what the probes look for; yield their arguments, and what receives datagrams."""
    (folder / "secret").write_text(WORD)
    (folder / "readable").write_text("")
    libc, key = ctypes.CDLL(None), os.getpid()
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(key, 4096, 0o1600)
    ctypes.memmove(libc.shmat(segment, None, 0), WORD.encode(), len(WORD))
    memory_file = Path(f"/dev/shm/tracewright-{key}")
    memory_file.write_text(WORD)
    with ExitStack() as stack:
        stack.callback(libc.shmctl, segment, 0, None)
        stack.callback(memory_file.unlink)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0)
        for address in (str(folder / "socket"), f"\0tracewright-{key}"):
            listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(address)
            listening.listen()
        victim = stack.enter_context(subprocess.Popen(["sleep", "60"], env={"SECRET": WORD}))
        stack.callback(victim.kill)
        ports = [str(each.getsockname()[1]) for each in (tcp, udp)]
        paths = [str(folder), str(folder / "readable")]
        yield [*paths, *ports, str(victim.pid), str(key), str(memory_file), socket.gethostname()], udp


def seen_outside(folder: Path, udp: socket.socket) -> list[str]:
    """Return the probes that cannot tell by themselves whether they came through: a private folder takes files too."""
    seen = []
    if (folder / "written").exists():
        (folder / "written").unlink()
        seen.append("write beside")
    with suppress(BlockingIOError):
        udp.recv(10)
        seen.append("udp")
    return seen


@pytest.fixture(scope="module")
def sandbox() -> Bubblewrap:
    return find_sandbox(limits=LIMITS)


def test_no_way_out_of_sixteen_leads_out(sandbox: Bubblewrap, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("p")
    found = []
    with targets(folder) as (arguments, udp):
        for way in (Unisolated(python=Path(sys.executable), limits=LIMITS), sandbox):
            checkout = folder / f"checkout{len(found)}"
            checkout.mkdir()
            command = ["python", "-I", "-c", ESCAPES, *arguments]
            done = way.run(command, cwd=checkout, env={}, timeout_s=60, readable=[folder / "readable"])
            assert done.exit_status == 0, done.stderr
            found.append(done.stdout.splitlines() + seen_outside(folder, udp))
    assert len(set(found[0])) == N_ESCAPES, found[0]
    assert found[1] == []


FORK = (
    "import os, time\nfor _ in range({n}):\n    if not os.fork(): time.sleep({s}); os._exit(0)\n"
    "while {wait}: time.sleep(1)"
)
HOG = "kept = []\nfor _ in range({n}): kept.append(bytearray(b'x') * 4_000_000)"
FAMILY = (
    "import os, time\nfor _ in range(5):\n"
    "    if not os.fork(): kept = bytearray(b'x') * {n}; time.sleep({s}); os._exit(0)\n"
    "for _ in range(5): os.wait()"
)
FILES = "kept = [open(f'f{{n}}', 'w') for n in range({n})]"
WRITE = "open('{path}', 'wb').write(bytes({n}))"
SIGNALS = "import signal, time\nfor n in (15, 2, 1): signal.signal(n, signal.SIG_IGN)\ntime.sleep({s})"
#: Whoever is first: the watch, the control group, or an ordinary user's own limit, which refuses the fork.
PROCESSES = "more than 30 processes|the number of tasks|Resource temporarily unavailable"
#: What it is; a harmless use of it; too much of it; what ends or refuses it.
DENIALS = [
    ("time", "sum(range(9))", "while True: pass", "the time limit"),
    ("signals that are ignored", SIGNALS.format(s=0), SIGNALS.format(s=600), "the time limit"),
    ("processes", FORK.format(n=3, s=0, wait=0), FORK.format(n=500, s=600, wait=1), PROCESSES),
    ("memory", HOG.format(n=5), HOG.format(n=10_000), "memory"),
    ("memory of a family", FAMILY.format(n=1_000, s=0), FAMILY.format(n=60_000_000, s=60), "memory"),
    ("open files", FILES.format(n=20), FILES.format(n=90), "Too many open files"),
    ("a large file", WRITE.format(path="big", n=1_000), WRITE.format(path="big", n=9_000_000), "File too large"),
    ("the temporary folder", WRITE.format(path="/tmp/x", n=9), WRITE.format(path="/tmp/x", n=9_000_000), "OSError"),
    ("output", "print('x' * 100)", "print('x' * 5_000_000)", "bytes dropped"),
]


@pytest.mark.parametrize(("harmless", "harmful", "told"), [row[1:] for row in DENIALS], ids=[row[0] for row in DENIALS])
def test_nothing_can_be_used_up(sandbox: Bubblewrap, tmp_path: Path, harmless: str, harmful: str, told: str) -> None:
    fine = sandbox.run(["python", "-I", "-c", harmless], cwd=tmp_path, env={}, timeout_s=60)
    assert (fine.exit_status, fine.stopped, "dropped" in fine.stdout) == (0, "", False), fine.stderr
    done = sandbox.run(["python", "-I", "-c", harmful], cwd=tmp_path, env={}, timeout_s=1 if "time" in told else 60)
    assert re.search(told, f"{done.stopped}\n{done.stderr}\n{done.stdout[:100]}")
    assert descendants(os.getpid()) == []


@pytest.mark.skipif(not can_limit_tasks(), reason="this process may make no control group")
def test_a_bomb_whose_children_fork_on_meets_the_kernels_limit(sandbox: Bubblewrap, tmp_path: Path) -> None:
    # Without the group it takes every process id of the machine before anybody can look: root has no other limit.
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    done = sandbox.run(["python", "-I", "-c", bomb], cwd=tmp_path, env={}, timeout_s=30)
    assert done.stopped == "more than 30 processes"
    assert descendants(os.getpid()) == []


@pytest.mark.skipif(os.getuid() != 0 or not can_limit_tasks(), reason="another limit is met first, or none")
def test_a_command_that_met_the_kernels_limit_did_not_fail_by_itself(sandbox: Bubblewrap, tmp_path: Path) -> None:
    # Threads are tasks and no processes: the watch, which counts processes, sees nothing here.
    start = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    threads = f"import threading, time\nfor _ in range(500): {start}"
    done = sandbox.run(["python", "-I", "-c", threads], cwd=tmp_path, env={}, timeout_s=30)
    assert done.stopped == "the number of tasks that its control group may have", done.stderr
