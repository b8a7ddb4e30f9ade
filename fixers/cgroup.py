"""Control groups: how many tasks and how much memory a command may have, held by the kernel and not by our watch.

Root is exempt from the limit of processes that binds everybody else, and a bomb of forks fills a machine faster than
anybody looks. Both versions of control groups are used where this process may make one; where it may not, the watch of
`fixers.sandbox` is all there is.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
#: Threads count as tasks: a process may well have several.
TASKS_PER_PROCESS = 4
#: The watch says how much it was, so it gets the first word.
MEMORY_LENIENCE = 1.25
MEMORY_EVENTS = ("memory.events", "memory.oom_control")  # of version 2 and 1
#: Joins the groups named before "--", where it may, and becomes the command after it: no child is ever outside.
JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || :; shift; done; shift; exec "$@"'
REMOVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class Group:
    """The groups of one command, one for each hierarchy."""

    folders: tuple[Path, ...]

    def joining(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that joins the groups and then runs `argv`."""
        files = [str(folder / "cgroup.procs") for folder in self.folders]
        return ["/bin/sh", "-c", JOIN, "join", *files, "--", *argv] if files else list(argv)

    def breach(self) -> str:
        """Say which limit the kernel had to enforce, by a kill or by a refusal to fork; empty when none."""
        if any(_count(folder / name, "oom_kill") for folder in self.folders for name in MEMORY_EVENTS):
            return "the memory that its control group may have"
        # A command that meets it may end before the watch looks: its own complaint would be read as a failed test.
        refused = any(_count(folder / "pids.events", "max") for folder in self.folders)
        return "the number of tasks that its control group may have" if refused else ""


def can_limit_tasks() -> bool:
    """Whether this process may make a group that limits tasks."""
    with limiting(processes=1, memory_bytes=2**30) as group:
        return any((folder / "pids.max").exists() for folder in group.folders)


@contextmanager
def limiting(*, processes: int, memory_bytes: int) -> Iterator[Group]:
    """Yield groups with these limits, as far as this machine allows any; they are gone at the end."""
    name = f"tracewright-{secrets.token_hex(8)}"
    wanted = {
        "pids.max": str(processes * TASKS_PER_PROCESS),
        "memory.max": str(int(memory_bytes * MEMORY_LENIENCE)),
        "memory.limit_in_bytes": str(int(memory_bytes * MEMORY_LENIENCE)),
    }
    made: list[Path] = []
    try:
        for parent in _parents():
            folder = parent / name
            with suppress(OSError):
                folder.mkdir()
                made.append(folder)
        yield Group(tuple(folder for folder in made if _set(folder, wanted)))
    finally:
        for folder in made:
            _remove(folder)


def _parents() -> list[Path]:
    """Return our own group in every hierarchy that can hold a limit."""
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found.append(ROOT / path.lstrip("/"))
        elif {"pids", "memory"} & set(controllers.split(",")):
            found.append(ROOT / controllers / path.lstrip("/"))
    return [folder for folder in found if (folder / "cgroup.procs").exists()]


def _set(folder: Path, wanted: dict[str, str]) -> bool:
    """Write the limits that the group knows; return whether there was one."""
    n_set = 0
    for name, value in wanted.items():
        if (folder / name).exists():
            with suppress(OSError):
                (folder / name).write_text(value)
                n_set += 1
    return n_set > 0


def _count(path: Path, key: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key} ")), 0)


def _remove(folder: Path) -> None:
    """Remove a group, whose last processes may take a moment to be gone."""
    end = time.monotonic() + REMOVAL_S
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > end:
                return
            time.sleep(0.01)
        else:
            return
