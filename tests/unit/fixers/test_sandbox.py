"""What a stranger's code can and cannot do. Each denial has a control: the same code succeeds where it may."""

import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from fixers.checkout import read_tree
from fixers.errors import SandboxMissing
from fixers.process_tree import descendants
from fixers.sandbox import Bubblewrap, Completed, Limits, Sandbox, Unisolated, find_sandbox

SECRET = "the parent's secret"
LIMITS = Limits(memory_bytes=300 * 1024**2, processes=40, output_bytes=1_000, tmp_bytes=8 * 1024**2)

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


@pytest.fixture(scope="module")
def sandbox() -> Bubblewrap:
    return find_sandbox(limits=LIMITS)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def run(sandbox: Sandbox, checkout: Path, code: str, *, timeout_s: float = 20, **more: object) -> Completed:
    command = ["python", "-I", "-c", code]
    return sandbox.run(command, cwd=checkout, env={}, timeout_s=timeout_s, **more)  # type: ignore[arg-type]  # a test's own


def outside() -> Unisolated:
    return Unisolated(python=Path(sys.executable), limits=LIMITS)


@needs_bubblewrap
def test_a_command_reads_and_changes_its_checkout(sandbox: Bubblewrap, checkout: Path) -> None:
    (checkout / "given").write_text("hello")
    done = run(sandbox, checkout, "open('made', 'w').write(open('given').read().upper())")
    assert (done.exit_status, (checkout / "made").read_text()) == (0, "HELLO")


@needs_bubblewrap
def test_python_is_the_configured_interpreter_with_its_packages(sandbox: Bubblewrap, checkout: Path) -> None:
    done = run(sandbox, checkout, "import sys, orjson; print(sys.executable)")
    assert done.stdout.strip() == str(Path(sys.executable).absolute())


@needs_bubblewrap
def test_exit_status_and_both_outputs_are_returned(sandbox: Bubblewrap, checkout: Path) -> None:
    done = run(sandbox, checkout, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    assert (done.exit_status, done.stdout, done.stderr, done.stopped) == (7, "out\n", "err\n", "")


READ = "import sys; print(open({path!r}).read())"


@needs_bubblewrap
def test_files_of_the_machine_are_not_there(sandbox: Bubblewrap, checkout: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    assert SECRET in run(outside(), checkout, READ.format(path=str(secret))).stdout
    assert SECRET in run(sandbox, checkout, READ.format(path=str(secret)), readable=[secret]).stdout
    for path in (str(secret), "/etc/shadow", "/root/.bashrc", "/etc/ssh/sshd_config", "/proc/1/root/etc/shadow"):
        done = run(sandbox, checkout, READ.format(path=path))
        assert done.exit_status == 1, path
        assert "FileNotFoundError" in done.stderr or "PermissionError" in done.stderr


@needs_bubblewrap
def test_no_process_shows_the_parents_environment(
    sandbox: Bubblewrap, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARENT_SECRET", SECRET)
    code = "import glob\nfor path in glob.glob('/proc/[0-9]*/environ'): print(path, open(path).read())"
    done = run(sandbox, checkout, code)
    assert "/proc/1/environ " in done.stdout
    assert SECRET not in done.stdout
    assert SECRET not in run(outside(), checkout, "import os; print(os.environ)").stdout


@needs_bubblewrap
def test_there_is_no_network(sandbox: Bubblewrap, checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0)
        port, udp_port = server.getsockname()[1], udp.getsockname()[1]
        datagram = f"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'hi', ('127.0.0.1', {udp_port}))"
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert run(outside(), checkout, connect).exit_status == 0
        assert run(outside(), checkout, datagram).exit_status == 0
        assert udp.recv(10) == b"hi"
        assert run(sandbox, checkout, connect).exit_status == 1
        run(sandbox, checkout, datagram)
        with pytest.raises(BlockingIOError):
            udp.recv(10)


@needs_bubblewrap
def test_no_route_leads_out(sandbox: Bubblewrap, checkout: Path) -> None:
    code = (
        "import socket\nfor kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "    try: socket.socket(type=kind).connect(('192.0.2.1', 53))\n    except OSError as e: print(e.errno)"
    )
    assert run(sandbox, checkout, code).stdout.split() == ["101", "101"]  # ENETUNREACH


@needs_bubblewrap
def test_only_the_given_sockets_can_be_reached(sandbox: Bubblewrap, checkout: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert run(sandbox, checkout, connect, sockets=[path]).exit_status == 0
        assert run(sandbox, checkout, connect).exit_status == 1


@needs_bubblewrap
@pytest.mark.parametrize(
    "path",
    ["/etc/new", "/usr/new", "/new", "/dev/new", "/proc/sys/kernel/core_pattern", "/proc/self/comm", sys.executable],
)
def test_nothing_can_be_written_beside_the_checkout(sandbox: Bubblewrap, checkout: Path, path: str) -> None:
    done = run(sandbox, checkout, f"open({path!r}, 'r+' if {path!r}[:5] == '/proc' else 'a')")
    assert done.exit_status == 1
    assert "OSError" in done.stderr or "PermissionError" in done.stderr


@needs_bubblewrap
def test_the_temporary_folder_is_private_and_bounded(sandbox: Bubblewrap, checkout: Path) -> None:
    small = run(sandbox, checkout, "open('/tmp/x', 'wb').write(b'x'); open('/dev/shm/x', 'wb').write(b'x')")
    large = run(sandbox, checkout, "open('/tmp/x', 'wb').write(bytes(16_000_000))")
    shared = run(sandbox, checkout, "open('/dev/shm/x', 'wb').write(bytes(16_000_000))")
    assert (small.exit_status, large.exit_status, shared.exit_status) == (0, 1, 1)
    assert not Path("/tmp/x").exists()


@needs_bubblewrap
def test_there_are_no_capabilities_and_no_further_user_namespaces(sandbox: Bubblewrap, checkout: Path) -> None:
    done = run(sandbox, checkout, "print(open('/proc/self/status').read())")
    assert "CapEff:\t0000000000000000" in done.stdout
    nested = ["unshare", "--user", "--map-root-user", "true"]
    plain = sandbox.run(["unshare", "--version"], cwd=checkout, env={}, timeout_s=20)
    assert plain.exit_status == 0
    assert sandbox.run(nested, cwd=checkout, env={}, timeout_s=20).exit_status != 0


@needs_bubblewrap
@pytest.mark.parametrize("isolated", [True, False])
def test_children_that_are_left_behind_end_with_the_deadline(
    sandbox: Bubblewrap, checkout: Path, *, isolated: bool
) -> None:
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "time.sleep(600)"
    )
    done = run(sandbox if isolated else outside(), checkout, code, timeout_s=1)
    assert done.timed_out
    assert descendants(os.getpid()) == []


@needs_bubblewrap
def test_a_daemon_ends_with_the_command_that_left_it(sandbox: Bubblewrap, checkout: Path) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    assert run(sandbox, checkout, code).exit_status == 0
    assert descendants(os.getpid()) == []


@needs_bubblewrap
def test_a_flood_of_output_keeps_its_end_only(sandbox: Bubblewrap, checkout: Path) -> None:
    done = run(sandbox, checkout, "print('x' * 5_000_000); print('the end')")
    assert done.stdout.endswith("the end\n")
    assert len(done.stdout) < 1_100
    assert done.stdout.startswith("[4999009 bytes dropped]")


@needs_bubblewrap
def test_a_link_that_code_leaves_behind_is_not_followed(sandbox: Bubblewrap, checkout: Path) -> None:
    run(sandbox, checkout, "import os; os.symlink('/etc/passwd', 'report.xml'); open('plain', 'w').write('here')")
    assert (checkout / "report.xml").read_text()
    assert read_tree(checkout) == {"plain": b"here"}


def test_without_bubblewrap_the_mend_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxMissing, match="apt-get install bubblewrap"):
        find_sandbox(search_path=str(tmp_path))


def broken_bwrap(tmp_path: Path, script: str) -> str:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def test_a_bubblewrap_that_does_not_start_is_refused(tmp_path: Path) -> None:
    path = broken_bwrap(tmp_path, "echo 'No permissions to create a new namespace' >&2; exit 1")
    with pytest.raises(SandboxMissing, match="No permissions to create a new namespace"):
        find_sandbox(search_path=path)


def test_a_bubblewrap_that_does_not_isolate_is_refused(tmp_path: Path) -> None:
    path = broken_bwrap(tmp_path, 'while [ "$1" != "--" ]; do shift; done; shift; exec "$@"')
    with pytest.raises(SandboxMissing, match="does not isolate"):
        find_sandbox(search_path=path)
