"""Keep the traces of a file, as if they had come over HTTP."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import orjson

from bot.errors import BadFile
from bot.store.store import Store
from webhooks.dialects import search
from webhooks.errors import WebhookError
from webhooks.inbox import Batch
from webhooks.redact import Redaction
from webhooks.sources.jsonl import stamped

MAX_BYTES = 512 * 1024 * 1024


def ingest(
    store: Store,
    tenant: str,
    file: Path,
    *,
    redaction: Redaction,
    received_at: datetime,
    on_progress: Callable[[int, int], None],
) -> int:
    """Keep every request in the file and return how many spans they hold.

    Parameters
    ----------
    file
        `.json` (one OTLP/JSON request), `.jsonl` (one a line, or one list of messages) or `.pb` (one protobuf
        request); any of them gzipped.
    redaction
        Takes secrets out before anything is kept.
    received_at
        The time of lists of messages that say none; aware.
    on_progress
        Told the number of bytes read and the number there are, decompressed.

    Raises
    ------
    BadFile
        Naming the file, the line and what is wrong; what came before it is kept.

    """
    content = _content(file)
    n_spans = read = 0
    for where, dialect, body in _requests(file, content):
        try:
            whole = stamped(body, received_at.isoformat()) if dialect == "messages" else body
            kept = redaction(whole, dialect=dialect, tenant=tenant).body
            rows = search(dialect, kept)
        except WebhookError as error:
            raise BadFile(f"{where}: {error}") from error
        store.keep_batch(tenant, Batch(dialect=dialect, body=kept, rows=rows))
        n_spans += len(rows.spans)
        read += len(body) + 1
        on_progress(min(read, len(content)), len(content))
    on_progress(len(content), len(content))
    return n_spans


def _content(file: Path) -> bytes:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_BYTES:
        raise BadFile(f"{file}: more than {MAX_BYTES} bytes; split it, one request a line")
    return content


def _requests(file: Path, content: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield the place, dialect and body of each request."""
    suffix = file.with_suffix("").suffix if file.suffix == ".gz" else file.suffix
    match suffix:
        case ".pb":
            yield str(file), "otlp-protobuf", content
        case ".json":
            yield str(file), "otlp-json", content
        case ".jsonl":
            for number, line in enumerate(content.split(b"\n"), 1):
                if line.strip():
                    yield f"{file}, line {number}", _dialect(line), line
        case _:
            raise BadFile(f"{file}: {suffix or 'no suffix'!r} is not .json, .jsonl or .pb, plain or .gz")


def _dialect(line: bytes) -> str:
    """Tell an OTLP request from a list of messages; what is neither is refused by the parser of OTLP."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "otlp-json"
    return "messages" if isinstance(value, list) or (isinstance(value, dict) and "messages" in value) else "otlp-json"
