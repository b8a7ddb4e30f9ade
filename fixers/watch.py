"""Watch a command to its end: its deadline, its limits, its output; nothing that it started outlives it."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixers.process_tree import OutputTail, available_memory_bytes, descendants, kill_tree, resident_bytes

POLL_S = 0.05  # a process that takes 2 GB/s is seen after 100 MB
LATE = "the time limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command in the sandbox ended."""

    #: As a shell counts: 128 + n after signal n.
    exit_status: int
    #: The last part of the output, bounded.
    stdout: str
    stderr: str
    #: True when the deadline ended it.
    timed_out: bool
    duration_s: float
    #: The limit that ended it, in a few words; empty when none did.
    stopped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one command may take."""

    #: Resident memory of all its processes together.
    memory_bytes: int = 2 * 1024**3
    processes: int = 256
    open_files: int = 1024
    #: Size of any one file that it writes.
    file_bytes: int = 256 * 1024**2
    #: Size of /tmp, and of /dev/shm.
    tmp_bytes: int = 256 * 1024**2
    #: How much of stdout, and of stderr, is kept: the last bytes.
    output_bytes: int = 200_000
    #: What must stay free on the machine meanwhile: memory that no process holds (an unmapped memfd) and disk.
    spare_memory_bytes: int = 128 * 1024**2
    spare_disk_bytes: int = 256 * 1024**2


def watch(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    limits: Limits,
    clock: Callable[[], float],
) -> Completed:
    """Run `argv` until it ends, breaks a limit or meets its deadline; kill its whole tree in any case."""
    started = clock()
    # --die-with-parent is tied to the thread that starts bubblewrap: this one, which waits here until the end.
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - both are pipes, as asked above
        assert process.stderr is not None  # noqa: S101 - the same
        outputs = [OutputTail(pipe, max_bytes=limits.output_bytes) for pipe in (process.stdout, process.stderr)]
        try:
            stopped = _wait(process, lambda: clock() - started > timeout_s, limits, cwd)
        finally:
            if process.poll() is None:
                kill_tree(process.pid)
        status = process.wait()
        stdout, stderr = (output.text() for output in outputs)
    return Completed(
        exit_status=status if status >= 0 else 128 - status,
        stdout=stdout,
        stderr=stderr,
        timed_out=stopped == LATE,
        duration_s=clock() - started,
        stopped=stopped,
    )


def _wait(process: subprocess.Popen[bytes], is_late: Callable[[], bool], limits: Limits, cwd: Path) -> str:
    """Wait for the process; return the limit that it broke, or an empty text when it ended by itself."""
    while process.poll() is None:
        if is_late():
            return LATE
        if breach := _breach(descendants(process.pid), limits, cwd):
            return breach
        try:
            process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            continue
    return ""


def _breach(tree: list[int], limits: Limits, cwd: Path) -> str:
    if len(tree) > limits.processes:
        return f"more than {limits.processes} processes"
    if resident_bytes(tree) > limits.memory_bytes:
        return f"more than {limits.memory_bytes} bytes of memory"
    if available_memory_bytes() < limits.spare_memory_bytes:
        return f"less than {limits.spare_memory_bytes} bytes of the machine's memory left"
    if shutil.disk_usage(cwd).free < limits.spare_disk_bytes:
        return f"less than {limits.spare_disk_bytes} bytes of the disk left"
    return ""
