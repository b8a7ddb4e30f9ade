"""What OTLP's protobuf and JSON encodings have in common: ids, times, enumerations, and how much is too much."""

import math
import string
from datetime import UTC, datetime, timedelta

from webhooks.errors import Undecodable
from webhooks.trace import StatusCode

# An agent's span of 500 messages has about 5,000 attributes; nothing that an SDK sends comes near these.
MAX_SPANS = 50_000
MAX_ITEMS = 20_000
# Protobuf's parser refuses messages nested deeper than 100, which is 47 arrays or 31 lists of keys and values: nothing
# that it reads is refused here, so that a body can be searched without a look at every value.
MAX_DEPTH = 48
SHOWN = 80  # characters of a wrong value that an error message repeats

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A time outside of these comes from an unset clock, or from milliseconds sent as nanoseconds.
EARLIEST_NS = 946_684_800 * 10**9  # 2000-01-01
LATEST_NS = 7_258_118_400 * 10**9  # 2200-01-01
INT64 = range(-(2**63), 2**63)

# https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
STATUS_CODES = {1: StatusCode.OK, 2: StatusCode.ERROR}
#: Protobuf's own JSON writes names, which the Collector reads, too.
KIND_NAMES = {"SPAN_KIND_UNSPECIFIED": 0} | {f"SPAN_KIND_{name.upper()}": code for code, name in KINDS.items()}
STATUS_NAMES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}

HEX_DIGITS = frozenset(string.hexdigits)


def hex_id(digits: str, *, name: str, n_bytes: int) -> str:
    """Return an id as lowercase hex digits.

    Raises
    ------
    Undecodable
        When it is not `n_bytes` long, or all zeros.

    """
    if len(digits) != 2 * n_bytes or not HEX_DIGITS.issuperset(digits):
        raise Undecodable(f"{name} is not {n_bytes} bytes in hex: {shown(digits)}")
    if not digits.strip("0"):
        raise Undecodable(f"{name} is all zeros")
    return digits.lower()


def moment(nanoseconds: int, *, name: str) -> datetime:
    """Return a time, to the microsecond; raise as `microseconds_of` does."""
    return EPOCH + timedelta(0, 0, microseconds_of(nanoseconds, name=name))


def microseconds_of(nanoseconds: int, *, name: str) -> int:
    """Return a time in microseconds since 1970.

    Raises
    ------
    Undecodable
        When it is not between the years 2000 and 2200.

    """
    if not EARLIEST_NS <= nanoseconds < LATEST_NS:
        raise Undecodable(f"{name} is not between the years 2000 and 2200: {nanoseconds} ns")
    return nanoseconds // 1000


def json_number(value: float) -> float | str:
    """Return a float, or the name that protobuf's JSON gives to what JSON has no number for."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def check_size(count: int, *, name: str, limit: int = MAX_ITEMS) -> None:
    """Raise Undecodable when there are more than `limit` of what `name` says."""
    if count > limit:
        raise Undecodable(f"more than {limit} {name}: {count}")


def check_depth(depth: int) -> None:
    """Raise Undecodable when an attribute value is nested too deep."""
    if depth > MAX_DEPTH:
        raise Undecodable(f"an attribute value is nested deeper than {MAX_DEPTH} levels")


def shown(value: object) -> str:
    """Return a wrong value as an error message may repeat it."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
