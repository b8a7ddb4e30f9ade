"""Keep the traces of a file, as if they had come over HTTP."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bot.errors import BadFile
from bot.store.store import Store
from webhooks.dialects import search
from webhooks.errors import WebhookError
from webhooks.inbox import Batch
from webhooks.recognize import METRICS, Recognized, recognize
from webhooks.redact import Redaction
from webhooks.searched import rows_of

MAX_BYTES = 512 * 1024 * 1024
PROTOBUF = ".pb"
LINES = ".jsonl"
SUFFIXES = (".json", LINES, PROTOBUF)


class Ingested(NamedTuple):
    """What a file held."""

    n_spans: int
    #: Why each line that was left out could not be read, with its place.
    bad: list[str]


def ingest(
    store: Store,
    tenant: str,
    file: Path,
    *,
    redaction: Redaction,
    received_at: datetime,
    on_progress: Callable[[int, int], None],
) -> Ingested:
    """Keep every request in the file; once it was interrupted, the same call again keeps the rest and nothing twice.

    Parameters
    ----------
    file
        `.json` (one value of any dialect), `.jsonl` (one a line) or `.pb` (one OTLP request in protobuf); any of them
        gzipped.
    redaction
        Takes secrets out before anything is kept.
    received_at
        The time of what says none; aware.
    on_progress
        Told the number of bytes read and the number there are, decompressed.

    Raises
    ------
    BadFile
        When the file cannot be read at all.

    """
    content = _content(file)
    n_spans = read = 0
    bad: list[str] = []
    for where, raw in _values(file, content):
        try:
            whole = _recognized(raw, _suffix(file), received_at)
            batch = _batch(whole, tenant, redaction)
        except WebhookError as error:
            bad.append(f"{where}: {error}")
        else:
            store.keep_batch(tenant, batch)
            n_spans += len(batch.rows.spans)
        read += len(raw) + 1
        on_progress(min(read, len(content)), len(content))
    on_progress(len(content), len(content))
    return Ingested(n_spans, bad)


def _content(file: Path) -> bytes:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_BYTES:
        raise BadFile(f"{file}: more than {MAX_BYTES} bytes; split it, one request a line")
    return content


def _suffix(file: Path) -> str:
    return file.with_suffix("").suffix if file.suffix == ".gz" else file.suffix


def _values(file: Path, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the place and bytes of each value."""
    suffix = _suffix(file)
    if suffix not in SUFFIXES:
        raise BadFile(f"{file}: {suffix or 'no suffix'!r} is not .json, .jsonl or .pb, plain or .gz")
    if suffix != LINES:
        yield str(file), content
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield f"{file}, line {number}", line


def _recognized(raw: bytes, suffix: str, received_at: datetime) -> Recognized:
    if suffix == PROTOBUF:
        return Recognized("otlp-protobuf", raw)
    return recognize(raw, received_at=received_at.isoformat())


def _batch(whole: Recognized, tenant: str, redaction: Redaction) -> Batch:
    if whole.dialect == METRICS:
        return Batch(dialect=METRICS, body=b"", rows=rows_of(()))
    kept = redaction(whole.body, dialect=whole.dialect, tenant=tenant).body
    return Batch(dialect=whole.dialect, body=kept, rows=search(whole.dialect, kept))
