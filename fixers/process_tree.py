"""Watch a process and everything that it started, through /proc."""

import contextlib
import os
import signal
import sys
from collections import defaultdict, deque
from pathlib import Path
from threading import Thread
from typing import IO

PROC = Path("/proc")
CHUNK_BYTES = 65_536


def descendants(pid: int) -> list[int]:
    """Return the ids of every process below `pid`, parents before their children; empty where there is no /proc."""
    children = _children_by_parent()
    found: list[int] = []
    waiting = deque(children[pid])
    while waiting:
        child = waiting.popleft()
        found.append(child)
        waiting.extend(children[child])
    return found


def resident_bytes(pids: list[int]) -> int:
    """Return the memory that the processes hold together; pages that they share count once for each."""
    return sum(_resident_pages(pid) for pid in pids) * os.sysconf("SC_PAGE_SIZE")


def available_memory_bytes() -> int:
    """Return what the machine can still give without swapping; more than enough where there is no /proc."""
    try:
        lines = (PROC / "meminfo").read_text().splitlines()
    except FileNotFoundError:
        return sys.maxsize
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), sys.maxsize)


def kill_tree(pid: int) -> None:
    """Kill `pid` and everything below it; what is gone already is no error.

    The processes below come first: the first of them is the init of a sandbox's pid namespace, and the kernel
    ends a namespace with its init, at once and without a gap for a new fork.
    """
    while True:
        below = [child for child in descendants(pid) if not _is_zombie(child)]
        for child in below:
            _kill(child)
        if not below:
            break
    _kill(pid)


class OutputTail:
    """Reads a pipe to its end and keeps only its last bytes, so that a flood of output costs no memory."""

    def __init__(self, pipe: IO[bytes], *, max_bytes: int) -> None:
        self._pipe = pipe
        self._max_bytes = max_bytes
        self._kept = b""
        self._dropped = 0
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        """Wait for the pipe's end; return what was kept, with a first line that says how much was not."""
        self._reader.join()
        kept = self._kept.decode(errors="replace")
        return f"[{self._dropped} bytes dropped]\n{kept}" if self._dropped else kept

    def _read(self) -> None:
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), CHUNK_BYTES):
                kept = self._kept + chunk
                self._dropped += max(0, len(kept) - self._max_bytes)
                self._kept = kept[-self._max_bytes :]


def _children_by_parent() -> defaultdict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid in _process_ids():
        if stat := _stat(pid):
            children[int(stat[1])].append(pid)
    return children


def _process_ids() -> list[int]:
    try:
        return sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    except FileNotFoundError:
        return []


def _stat(pid: int) -> list[str]:
    """Return /proc/PID/stat from the state on: a process may put spaces and brackets into its own name."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return []


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] in ([], ["Z"], ["X"])


def _resident_pages(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
