"""Keep the traces of a file, as if they had come over HTTP."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.errors import BadFile
from bot.store.store import Store
from webhooks.errors import WebhookError
from webhooks.inbox import Batch
from webhooks.otlp import decode

MAX_BYTES = 64 * 1024 * 1024
MEDIA = {"otlp-json": "application/json", "otlp-protobuf": "application/x-protobuf"}


def ingest(store: Store, tenant: str, file: Path, *, on_progress: Callable[[int, int], None]) -> int:
    """Keep every request in the file and return how many spans they hold.

    Parameters
    ----------
    file
        `.json` (one OTLP/JSON request), `.jsonl` (one a line) or `.pb` (one protobuf request); any of them gzipped.

    Raises
    ------
    BadFile
        Naming the file, the line and what is wrong; what came before it is kept.

    """
    content = _content(file)
    n_spans = read = 0
    for number, dialect, body in _requests(file, content):
        try:
            spans = decode(body, MEDIA[dialect])
        except WebhookError as error:
            raise BadFile(f"{file}, request {number}: {error}") from error
        store.keep_batch(tenant, Batch(dialect=dialect, body=body, spans=spans))
        n_spans += len(spans)
        read += len(body) + 1
        on_progress(min(read, len(content)), len(content))
    on_progress(len(content), len(content))
    return n_spans


def _content(file: Path) -> bytes:
    try:
        if file.suffix != ".gz":
            return file.read_bytes()
        with gzip.open(file) as packed:
            content = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise BadFile(f"{file}: {error}") from error
    if len(content) > MAX_BYTES:
        raise BadFile(f"{file}: more than {MAX_BYTES} bytes when decompressed")
    return content


def _requests(file: Path, content: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield the number, dialect and body of each request."""
    suffix = Path(file.stem).suffix if file.suffix == ".gz" else file.suffix
    match suffix:
        case ".pb":
            yield 1, "otlp-protobuf", content
        case ".json":
            yield 1, "otlp-json", content
        case ".jsonl":
            for number, line in enumerate(content.splitlines(), 1):
                if line.strip():
                    yield number, "otlp-json", line
        case _:
            raise BadFile(f"{file}: {suffix or 'no suffix'!r} is not .json, .jsonl or .pb, plain or .gz")
