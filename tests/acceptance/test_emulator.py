"""What the tests need of the emulator itself, beside what the forge's own stories show."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STARTER = """
import signal
from tests.emulator.emulator import Emulator
print(Emulator.start().process.pid, flush=True)
signal.pause()
"""


def test_it_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        emulator = os.pidfd_open(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([emulator], [], [], 10)
    os.close(emulator)
    assert ended
