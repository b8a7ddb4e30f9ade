from dataclasses import replace
from datetime import UTC, datetime

from webhooks.reading import once
from webhooks.trace import Span

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_span_is_read_once_and_a_changed_copy_anew() -> None:
    asked = []

    @once
    def name(span: Span) -> str:
        asked.append(span.name)
        return span.name.upper()

    span = Span(trace_id="t", span_id="s", name="chat", start=AT)
    changed = replace(span, name="tool")
    assert [name(span), name(span), name(changed), name(changed)] == ["CHAT", "CHAT", "TOOL", "TOOL"]
    assert asked == ["chat", "tool"]


def test_what_was_read_of_a_span_is_no_part_of_it() -> None:
    span, same = (Span(trace_id="t", span_id="s", name="chat", start=AT) for _ in range(2))
    span.readings["test"] = 1
    assert span == same
    assert "readings" not in repr(span)
