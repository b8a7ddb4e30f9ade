"""Run a stranger's code: no network, no secrets, limits on what it takes, and nothing left running at the end."""

import math
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from fixers.cgroup import Group, limiting
from fixers.errors import SandboxMissing
from fixers.mounts import interpreter_folders, nested_mounts, same_path, system_mounts
from fixers.watch import Completed, Limits, watch

__all__ = ["Bubblewrap", "Completed", "Limits", "Sandbox", "Unisolated", "find_sandbox"]

HOME = "/tmp/home"  # noqa: S108 - a path inside the sandbox, on its own tmpfs
# Closed when all is mounted. /proc too: to the kernel, a sandbox that root starts is root, who may write
# /proc/sys/kernel/core_pattern and so run a program outside.
READ_ONLY = ("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/")
PROBE_TIMEOUT_S = 30.0
PROBE_WORD = "reached"
PROBE = """
import pathlib, socket, sys
mark = pathlib.Path("mark")
mark.write_text("reached")
print("checkout" if mark.read_text() == "reached" else "")
try:
    print("secret" if pathlib.Path(sys.argv[1]).read_text() == "reached" else "")
except OSError:
    pass
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=5).close()
    print("network")
except OSError:
    pass
"""
#: (switch, the value that refuses, what mends it)
SYSCTLS = (
    (Path("/proc/sys/user/max_user_namespaces"), "0", "sysctl -w user.max_user_namespaces=15000"),
    (Path("/proc/sys/kernel/unprivileged_userns_clone"), "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)


class Sandbox(Protocol):
    """Runs commands on a checkout."""

    @property
    def name(self) -> str:
        """How the code is isolated: "bubblewrap" or "none"."""

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        sockets: Sequence[Path] = (),
        readable: Sequence[Path] = (),
    ) -> Completed:
        """Run `command` in the checkout `cwd`.

        Parameters
        ----------
        command
            A program and its arguments; "python" as the first means the configured interpreter.
        cwd
            The checkout, which the command may change.
        env
            The environment, added to a minimal one of our own; nothing is inherited.
        timeout_s
            Seconds after which the whole process tree is killed.
        sockets
            Unix sockets outside that the command may connect to, at the same paths.
        readable
            Further files and folders that the command may read, at the same paths.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap:
    """Isolation by Linux namespaces, through bubblewrap."""

    bwrap: Path
    prlimit: Path
    #: The interpreter that "python" means, unresolved: a virtual environment is found by the link's own place.
    python: Path
    limits: Limits = field(default_factory=Limits)
    #: Where the checkout appears inside; None for its own place. An editable install names the place of the original.
    at: Path | None = None
    #: Added to the environment of every command.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: For the installation of dependencies alone: never for the code under trial.
    network: bool = False
    #: Switches off further user namespaces inside; bubblewrap 0.8 and later.
    disable_userns: bool = True
    clock: Callable[[], float] = time.monotonic

    @property
    def name(self) -> str:
        """Return what the evidence says of the isolation."""
        return "bubblewrap"

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        sockets: Sequence[Path] = (),
        readable: Sequence[Path] = (),
    ) -> Completed:
        """Run `command` in namespaces of its own; see `Sandbox.run`."""
        at = self.at or cwd.resolve()
        with tempfile.TemporaryDirectory(prefix="tracewright-etc-") as etc:
            argv = [
                str(self.bwrap),
                *self._isolation(),
                *system_mounts(Path(etc), network=self.network),
                *nested_mounts(interpreter_folders(self.python), checkout=cwd.resolve(), at=at),
                *same_path("--ro-bind", readable),
                *same_path("--bind", sockets),
                *("--chdir", str(at), *READ_ONLY, "--"),
                *self._limited(timeout_s),
                *_with_interpreter(command, self.python),
            ]
            # bubblewrap itself gets the clean environment: its own stays readable inside, as /proc/1/environ.
            clean = _environment(self.python, {**self.variables, **env})
            with self._limiting() as group:
                argv = group.joining(argv)
                done = watch(argv, cwd=cwd, env=clean, timeout_s=timeout_s, limits=self.limits, clock=self.clock)
                return done if done.stopped else replace(done, stopped=group.breach())

    def _limiting(self) -> AbstractContextManager[Group]:
        return limiting(processes=self.limits.processes, memory_bytes=self.limits.memory_bytes)

    def _isolation(self) -> list[str]:
        userns = ["--disable-userns"] if self.disable_userns else []
        shared = ["--share-net"] if self.network else []
        return [
            # --disable-userns is refused where the user namespace is only implied by --unshare-all.
            *(
                "--unshare-user",
                "--unshare-all",
                *shared,
                *userns,
                "--uid",
                "1000",
                "--gid",
                "1000",
                "--hostname",
                "sandbox",
            ),
            *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--size", str(self.limits.tmp_bytes), "--tmpfs", "/dev/shm"),  # noqa: S108 - inside the sandbox
            *("--size", str(self.limits.tmp_bytes), "--tmpfs", "/tmp", "--dir", HOME),  # noqa: S108 - the same
        ]

    def _limited(self, timeout_s: float) -> list[str]:
        # Not the address space: torch reserves far more than it uses. The number of processes binds an ordinary
        # user here; root is exempt from it, and held by the control group, or else by the watch.
        return [
            str(self.prlimit),
            *(f"--nproc={self.limits.processes}", f"--nofile={self.limits.open_files}", "--core=0"),
            *(f"--fsize={self.limits.file_bytes}", f"--cpu={math.ceil(timeout_s) + 1}", "--"),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unisolated:
    """No isolation at all, for code of our own only: the same limits on time, output and memory, nothing else."""

    python: Path
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic

    @property
    def name(self) -> str:
        """Return what the evidence says of the isolation."""
        return "none"

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        sockets: Sequence[Path] = (),  # noqa: ARG002 - without isolation every socket is in reach
        readable: Sequence[Path] = (),  # noqa: ARG002 - and every file
    ) -> Completed:
        """Run `command` as an ordinary child process; see `Sandbox.run`."""
        with tempfile.TemporaryDirectory(prefix="tracewright-home-") as home:
            clean = _environment(self.python, {"HOME": home, "TMPDIR": home, **env})
            argv = _with_interpreter(command, self.python)
            return watch(argv, cwd=cwd, env=clean, timeout_s=timeout_s, limits=self.limits, clock=self.clock)


def find_sandbox(
    *, python: Path | None = None, limits: Limits | None = None, search_path: str | None = None
) -> Bubblewrap:
    """Return a sandbox that was seen to work on this machine.

    Parameters
    ----------
    python
        The interpreter that "python" means, with the dependencies of the code that will run; our own by default.
    limits
        What one command may take.
    search_path
        Where bwrap and prlimit are looked for; PATH by default.

    Raises
    ------
    SandboxMissing
        With the command that mends it.

    """
    sandbox = Bubblewrap(
        bwrap=_program("bwrap", "bubblewrap", search_path),
        prlimit=_program("prlimit", "util-linux", search_path),
        python=python or Path(sys.executable),
        limits=limits or Limits(),
    )
    with tempfile.TemporaryDirectory(prefix="tracewright-probe-") as folder:
        sandbox, started = _first_that_starts(sandbox, Path(folder))
        if started.exit_status != 0:
            raise SandboxMissing(f"bubblewrap does not start: {started.stderr.strip()!r}. {_mend()}")
        if leak := _leak(sandbox, Path(folder)):
            raise SandboxMissing(f"bubblewrap starts, but does not isolate: {leak}")
    return sandbox


def _program(name: str, package: str, search_path: str | None) -> Path:
    found = shutil.which(name, path=search_path)
    if found is None:
        raise SandboxMissing(f"{name} is not installed: apt-get install {package}")
    return Path(found)


def _first_that_starts(sandbox: Bubblewrap, folder: Path) -> tuple[Bubblewrap, Completed]:
    """Try with and then without --disable-userns, which bubblewrap 0.7 and some containers refuse."""
    started = _run_true(sandbox, folder)
    if started.exit_status == 0:
        return sandbox, started
    older = replace(sandbox, disable_userns=False)
    return older, _run_true(older, folder)


def _run_true(sandbox: Bubblewrap, folder: Path) -> Completed:
    return sandbox.run(["true"], cwd=folder, env={}, timeout_s=PROBE_TIMEOUT_S)


def _leak(sandbox: Bubblewrap, folder: Path) -> str:
    """Return what the sandbox lets through, or an empty text.

    Each denial has a control: the same program reaches everything when it runs outside, or the probe itself is
    broken and proves nothing.
    """
    checkout, secret = folder / "checkout", folder / "secret"
    checkout.mkdir()
    secret.write_text(PROBE_WORD)
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = ["python", "-I", "-c", PROBE, str(secret), str(server.getsockname()[1])]
        outside = Unisolated(python=sandbox.python).run(command, cwd=checkout, env={}, timeout_s=PROBE_TIMEOUT_S)
        inside = sandbox.run(command, cwd=checkout, env={}, timeout_s=PROBE_TIMEOUT_S)
    if outside.stdout.split() != ["checkout", "secret", "network"]:
        return f"the probe fails even outside: {outside.stdout!r} {outside.stderr[-400:]!r}"
    if inside.stdout.split() != ["checkout"]:
        return f"the probe reached {inside.stdout.split()}, and should reach the checkout only {inside.stderr[-400:]!r}"
    return ""


def _mend() -> str:
    """Return the likely reason why namespaces are refused, and what switches them on."""
    for path, refusing, mend in SYSCTLS:
        if path.is_file() and path.read_text().strip() == refusing:
            return f"User namespaces are disabled: {mend}"
    return "In a container, start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"


def _environment(python: Path, env: Mapping[str, str]) -> dict[str, str]:
    minimal = {
        "PATH": f"{python.absolute().parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # two arms of one case must not differ by the order of a set
    }
    return {**minimal, **env}


def _with_interpreter(command: Sequence[str], python: Path) -> list[str]:
    return [str(python.absolute()), *command[1:]] if command[0] == "python" else list(command)
