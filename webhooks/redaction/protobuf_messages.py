"""Rewrite the strings of a protobuf message, whatever its type. No I/O."""

from collections.abc import MutableSequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from webhooks.redaction.json_values import Rewriter

# Where most of a body's bytes are: the few that are suspected are walked, the others are passed over.
RECORDS = frozenset({"spans", "log_records"})
# Compared with other spans' ids, and too short to hold a secret; a longer one is refused, and kept for a person to see.
IDS = frozenset({"trace_id", "span_id", "parent_span_id"})
MAX_ID_BYTES = 16


def rewrite(message: Message, body: bytes, rewriter: Rewriter) -> bytes:
    """Read a message, replace the secrets in its strings and bytes, and write it again, without unknown fields.

    Raises
    ------
    google.protobuf.message.DecodeError
        When the body is not such a message.

    """
    message.ParseFromString(body)
    message.DiscardUnknownFields()
    _walk(message, rewriter)
    return message.SerializeToString()


def _walk(message: Message, rewriter: Rewriter) -> None:
    for field, value in message.ListFields():
        if field.name in IDS and len(value) <= MAX_ID_BYTES:
            continue
        if isinstance(value, Message):
            _walk(value, rewriter)
        elif isinstance(value, str | bytes):
            setattr(message, field.name, _scalar(value, rewriter))
        elif field.type in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            _walk_repeated(value, rewriter, narrow=field.name in RECORDS)
    if isinstance(message, KeyValue) and message.value.HasField("string_value"):
        message.value.string_value = rewriter.text(message.value.string_value, message.key)


def _walk_repeated(values: MutableSequence[Any], rewriter: Rewriter, *, narrow: bool) -> None:
    for index, value in enumerate(values):
        if narrow and not rewriter.redactor.suspects(value.SerializeToString()):
            continue
        if isinstance(value, Message):
            _walk(value, rewriter)
        else:
            values[index] = _scalar(value, rewriter)


def _scalar(value: str | bytes, rewriter: Rewriter) -> str | bytes:
    if isinstance(value, str):
        return rewriter.text(value)
    return rewriter.redactor.redact(value, key=rewriter.key, counts=rewriter.counts)
