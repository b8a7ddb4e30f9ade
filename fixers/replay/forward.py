"""Run inside the sandbox: listen on a TCP port, carry each connection to the replay server's socket, run the command.

A script of its own, with the standard library only: nothing else of ours is visible in there.

    python -I forward.py SOCKET INPUT AUTHORITY PASSED_BY COMMAND...
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

CHUNK_BYTES = 65_536
#: This machine, which a harness asks without the proxy, unless requests to it are what was recorded.
LOOPBACK = "127.0.0.1,localhost,::1"


def main(arguments: list[str]) -> int:
    """Run the command with the environment that leads it to the replay server; return its exit status."""
    path, input_path, authority, passed_by, *command = arguments
    with listening(path) as port:
        _tell_port(path, port)
        if command[0] == "python":
            command[0] = sys.executable
        try:
            status = subprocess.call(command, env={**os.environ, **environment(port, input_path, authority, passed_by)})  # noqa: S603 - a list from the harness's configuration
        except OSError as error:
            print(f"cannot run {command[0]!r}: {error}", file=sys.stderr)  # noqa: T201 - a script's only voice
            return 127
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def listening(path: str) -> Iterator[int]:
    """Yield a TCP port, each connection of which is carried to the Unix socket `path`."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        Thread(target=_accept, args=(server, path), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):  # some systems say that it was never connected
                server.shutdown(socket.SHUT_RDWR)


def environment(port: int, input_path: str, authority: str, passed_by: str = LOOPBACK) -> dict[str, str]:
    """Return what leads a harness to the replay server on `port`, whose certificates the file `authority` proves.

    `passed_by` are the hosts that are asked without the proxy; the server itself always is.
    """
    base = f"http://127.0.0.1:{port}"
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), base)
    here = dict.fromkeys(("NO_PROXY", "no_proxy"), passed_by or f"127.0.0.1:{port}")
    trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {
        **proxies,
        **here,
        **dict.fromkeys(trust, authority),
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": "replay",
        "OTEL_EXPORTER_OTLP_ENDPOINT": base,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "TRACEWRIGHT_INPUT": input_path,
        "TRACEWRIGHT_TOOLS_URL": f"{base}/tools",
    }


def _tell_port(path: str, port: int) -> None:
    """Tell the server where it is found: some clients ask it through the proxy, too, whatever NO_PROXY says."""
    with socket.socket(socket.AF_UNIX) as replay:
        replay.connect(path)
        replay.sendall(f"PUT /own-port/{port} HTTP/1.0\r\n\r\n".encode())
        while replay.recv(CHUNK_BYTES):
            pass  # it has been told when it has answered


def _accept(server: socket.socket, path: str) -> None:
    with contextlib.suppress(OSError):  # the command has ended, and the server is closed
        while True:
            client, _ = server.accept()
            Thread(target=_carry, args=(client, path), daemon=True).start()


def _carry(client: socket.socket, path: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as replay:
        replay.connect(path)
        back = Thread(target=_copy, args=(replay, client), daemon=True)
        back.start()
        _copy(client, replay)
        back.join()


def _copy(source: socket.socket, destination: socket.socket) -> None:
    with contextlib.suppress(OSError):  # either end has gone
        while chunk := source.recv(CHUNK_BYTES):
            destination.sendall(chunk)
    with contextlib.suppress(OSError):
        destination.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
