"""A body of very many small parts is refused before a parser makes an object of each."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from webhooks import parts
from webhooks.errors import Undecodable
from webhooks.parts import check_parts

MESSAGE = ExportTraceServiceRequest
EMPTY = b"\0"
# Tags of resource_spans, of scope_spans and spans, of a span's attributes, events and links, and of an array's values.
RESOURCE, INNER, ATTRIBUTE, EVENT, LINK, ARRAY = b"\x0a", b"\x12", b"\x4a", b"\x5a", b"\x6a", b"\x2a"


def varint(number: int) -> bytes:
    *high, low = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(part | 0x80 for part in high), low])


def within(*tags: bytes, inner: bytes) -> bytes:
    for tag in reversed(tags):
        inner = tag + varint(len(inner)) + inner
    return inner


SPAN = (RESOURCE, INNER, INNER)
LIMIT = 1_000
MANY = LIMIT + 1
CROWDED = {
    "resources": (RESOURCE + EMPTY) * MANY,
    "scopes": within(RESOURCE, inner=(INNER + EMPTY) * MANY),
    "spans": within(RESOURCE, INNER, inner=(INNER + EMPTY) * MANY),
    "attributes": within(*SPAN, inner=(ATTRIBUTE + EMPTY) * MANY),
    "events": within(*SPAN, inner=(EVENT + EMPTY) * MANY),
    "links": within(*SPAN, inner=(LINK + EMPTY) * MANY),
    "values": within(*SPAN, ATTRIBUTE, INNER, ARRAY, inner=(RESOURCE + EMPTY) * MANY),
    "resources, their tag written long": (b"\x8a\x00" + EMPTY) * MANY,
    "resources after an unknown field": b"\x7a\x02ab" + (RESOURCE + EMPTY) * MANY,
}


@pytest.mark.parametrize("body", CROWDED.values(), ids=list(CROWDED))
def test_too_many_messages_are_refused(body: bytes) -> None:
    check_parts(body, MESSAGE, small=0, max_messages=MANY + 10)
    with pytest.raises(Undecodable, match=f"more than {LIMIT} messages"):
        check_parts(body, MESSAGE, small=0, max_messages=LIMIT)


@pytest.mark.parametrize("value", [b"{}", b"[]", b"[[[[]]]]", b'{"":0}', b'"ab"', b"1", b'"\\""'])
def test_too_many_json_values_are_refused(value: bytes) -> None:
    with pytest.raises(Undecodable, match=f"more than {LIMIT} values"):
        check_parts(b"[" + (value + b",") * MANY + b"0]", None, small=0, max_values=LIMIT)


def test_text_that_only_looks_like_parts_is_taken() -> None:
    text = b"\n" * MANY
    check_parts(within(*SPAN, ATTRIBUTE, INNER, RESOURCE, inner=text), MESSAGE, small=0, max_messages=LIMIT)
    check_parts(b'{"code": "' + b'{[,\\"' * MANY + b'"}', None, small=0, max_values=LIMIT)


def test_what_is_small_is_not_counted() -> None:
    check_parts((RESOURCE + EMPTY) * MANY, MESSAGE, max_messages=LIMIT)


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    for message in (MESSAGE, None):
        with suppress(Undecodable):
            check_parts(body, message, small=0, max_messages=5, max_values=5)


def test_an_endless_number_is_left_to_the_parser() -> None:
    check_parts(b"\x8a" * MANY, MESSAGE, small=0, max_messages=LIMIT)


def test_messages_deeper_than_a_parser_goes_are_left_to_it() -> None:
    check_parts(
        within(*SPAN, ATTRIBUTE, *[INNER, ARRAY, RESOURCE] * MANY, inner=b""), MESSAGE, small=0, max_messages=LIMIT
    )


PROBE = r"""
import asyncio, re, sys
from pathlib import Path
from tests.unit.webhooks.captures import ListInbox
from webhooks import parts
from webhooks.errors import Undecodable
from webhooks.receiver import Receiver
dialect, n_megabytes, before, each = sys.argv[1], int(sys.argv[2]), *map(bytes.fromhex, sys.argv[3:])
body = before + each * (n_megabytes * 2**20 // len(each))
try:
    asyncio.run(Receiver(inbox=ListInbox()).keep_body(body, "acme", dialect))
except Undecodable:
    print(re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak_kb(dialect: str, before: bytes, each: bytes) -> int:
    """Return the most memory that a process had which refused a body of 8 MB."""
    command = [sys.executable, "-c", PROBE, dialect, "8", before.hex(), each.hex()]
    return int(subprocess.run(command, check=True, capture_output=True, cwd=Path(parts.__file__).parents[1]).stdout)


@pytest.mark.parametrize(
    ("dialect", "before", "each"),
    [
        ("otlp-protobuf", b"", RESOURCE + EMPTY),
        ("otlp-json", b"[", b"{},"),
    ],
)
def test_refusing_a_crowded_body_takes_the_memory_of_any_other(dialect: str, before: bytes, each: bytes) -> None:
    assert peak_kb(dialect, before, each) - peak_kb(dialect, b"", b"\xff") < 20_000
