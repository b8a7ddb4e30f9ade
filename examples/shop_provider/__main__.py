"""Serve until interrupted: `python -m examples.shop_provider [port]`."""

import sys
import threading

from examples.shop_provider.server import serve


def main() -> int:
    server = serve(int(sys.argv[1]) if sys.argv[1:] else 0)
    sys.stdout.write(f"{server.base_url}\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
