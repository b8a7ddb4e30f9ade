"""Dialects: which parser reads a body, when it comes and when it is read again."""

from collections.abc import Callable, Mapping, Sequence

from webhooks import otlp, otlp_search
from webhooks.errors import UnsupportedMedia
from webhooks.searched import Searched, rows_of
from webhooks.sources import jsonl, langfuse, langfuse_export, langsmith, openai_agents, otlp_logs, signals
from webhooks.trace import Span

DECODERS: Mapping[str, Callable[[bytes], Sequence[Span]]] = {
    "otlp-protobuf": lambda body: otlp.decode(body, otlp.PROTOBUF),
    "otlp-json": lambda body: otlp.decode(body, otlp.JSON),
    "otlp-protobuf-logs": otlp_logs.decode_protobuf,
    "otlp-json-logs": otlp_logs.decode_json,
    "langsmith": langsmith.decode,
    "langfuse-scores": langfuse.decode,
    "langfuse-export": langfuse_export.decode,
    "openai-agents": openai_agents.decode,
    "messages": jsonl.decode,
    "signal": signals.decode,
}

#: Dialects whose rows can be read without making spans; the same rows as of the spans.
SEARCHERS: Mapping[str, Callable[[bytes], Searched]] = {"otlp-protobuf": otlp_search.search}


def search(dialect: str, body: bytes) -> Searched:
    """Return the rows of a decompressed body's spans; raise as `decode` does."""
    searcher = SEARCHERS.get(dialect)
    return searcher(body) if searcher else rows_of(decode(dialect, body))


def decode(dialect: str, body: bytes) -> Sequence[Span]:
    """Return the spans of a decompressed body, always in the same order.

    Raises
    ------
    Undecodable
        When the body is not what its dialect says.
    UnsupportedMedia
        When no parser has this name.

    """
    decoder = DECODERS.get(dialect)
    if decoder is None:
        raise UnsupportedMedia(f"no parser for the dialect {dialect!r}")
    return decoder(body)
