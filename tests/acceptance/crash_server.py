"""`tracewright serve` in one life after the other: imported once, then forked, so that a life costs what opening costs.

    python -m tests.acceptance.crash_server

Each line on standard input starts a life; its process id is printed, and "ended" when it is over. A life shares nothing
with the next but the databases.
"""

import os
import sys

import uvicorn  # noqa: F401 - the command imports it late; here it is imported once for all lives

from bot import cli


def main() -> None:
    """Start a life for each line."""
    for _ in iter(sys.stdin.readline, ""):
        life = os.fork()
        if not life:
            _live()
        sys.stdout.write(f"{life}\n")
        sys.stdout.flush()
        os.waitpid(life, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


def _live() -> None:
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)  # the parent alone speaks on standard output
    sys.argv = ["tracewright", "serve"]
    try:
        cli.main()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
