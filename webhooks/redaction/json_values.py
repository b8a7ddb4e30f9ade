"""Rewrite the strings of a JSON value, with the names under which they stand. No I/O."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from webhooks.redaction.redactor import Redactor

#: What a value that cannot be read, walked or written raises.
ERRORS = (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError)

# An id is compared and a number is parsed: a checksum that fits one by chance must not break the span.
EXEMPT = frozenset({"traceId", "spanId", "parentSpanId", "intValue", "doubleValue", "trace_id", "span_id", "id"})
# Where most of a body's bytes are: the few that are suspected are walked, the others are passed over.
RECORDS = frozenset({"spans", "logRecords"})
MOMENT = "UnixNano"
DIGITS = re.compile(r"[0-9A-Fa-f.+-]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriter:
    """Replaces the secrets of values for one tenant."""

    redactor: Redactor
    key: bytes
    counts: Counter[str]

    def value(self, value: Any, name: str = "") -> Any:  # noqa: ANN401  # JSON
        """Return the value with the secrets in its strings replaced.

        Raises
        ------
        RecursionError
            When it is nested deeper than Python walks.

        """
        if isinstance(value, str):
            return self.text(value, name)
        if isinstance(value, list):
            return [item if self._is_clean(item, name) else self.value(item, name) for item in value]
        if isinstance(value, dict):
            return self._object(value)
        return value

    def text(self, text: str, name: str = "") -> str:
        """Return one string, redacted; `name` is the key under which it stands."""
        if (name in EXEMPT or name.endswith(MOMENT)) and DIGITS.fullmatch(text):
            return text
        return self.redactor.redact_named(name, text, key=self.key, counts=self.counts)

    def json(self, body: bytes) -> bytes:
        """Return a JSON document, redacted.

        Raises
        ------
        orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError
            When it is not JSON, or nested too deep.

        """
        return orjson.dumps(self.value(orjson.loads(body)))

    def document(self, body: bytes) -> bytes:
        """Return a line or a part, redacted: as JSON where it is, with its line's end, and as text where it is not."""
        if not self.redactor.suspects(body):
            return body
        text = body.rstrip(b"\r\n")
        try:
            return self.json(text) + body[len(text) :]
        except ERRORS:
            return self.redactor.redact(body, key=self.key, counts=self.counts)

    def _is_clean(self, item: object, name: str) -> bool:
        return name in RECORDS and not self.redactor.suspects(orjson.dumps(item))

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        """Rewrite an object; one that has a `key` and a `value` is OTLP's attribute, named by its `key`."""
        found = {self.text(name): self.value(item, name) for name, item in value.items()}
        name, held = value.get("key"), found.get("value")
        if isinstance(name, str) and isinstance(held, dict) and isinstance(held.get("stringValue"), str):
            found["value"] = {**held, "stringValue": self.text(held["stringValue"], name)}
        return found
