"""SpanTree: who called whom in a trace, safe for parent cycles and for parents that never arrived."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from webhooks.trace import Span, Trace

T = TypeVar("T")
MAX_LEVELS = 40  # no harness nests deeper; a hostile trace may


@dataclass(frozen=True, slots=True)
class SpanTree:
    """The spans of a trace by id, and the children of each, oldest first."""

    trace: Trace
    _spans: dict[str, Span] = field(init=False, repr=False)
    _children: dict[str | None, list[Span]] = field(init=False, repr=False)
    _found: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        spans = {span.span_id: span for span in self.trace.spans}
        children: dict[str | None, list[Span]] = {}
        for span in self.trace.spans:
            children.setdefault(span.parent_span_id, []).append(span)
        object.__setattr__(self, "_spans", spans)  # the way to fill a derived field of a frozen dataclass
        object.__setattr__(self, "_children", children)

    @property
    def root(self) -> Span | None:
        """The trace's root; None when the trace has no spans."""
        return next(
            (span for span in self.trace.spans if span.parent_span_id not in self._spans),
            self.trace.spans[0] if self.trace.spans else None,
        )

    def span(self, span_id: str) -> Span | None:
        """Return the span with this id, or None."""
        return self._spans.get(span_id)

    def once(self, what: str, find: Callable[["SpanTree"], T]) -> T:
        """Return what `find` says of this tree, asking it the first time only."""
        if what not in self._found:
            self._found[what] = find(self)
        found: T = self._found[what]
        return found

    def siblings(self, span: Span) -> list[Span]:
        """Return the other spans with the same parent, oldest first."""
        return [other for other in self._children[span.parent_span_id] if other.span_id != span.span_id]

    def ancestors(self, span: Span) -> Iterator[Span]:
        """Yield the parent, its parent and so on; stops where one is missing or comes back, or after 40 levels."""
        seen = {span.span_id}
        parent = self._spans.get(span.parent_span_id or "")
        while parent is not None and parent.span_id not in seen and len(seen) <= MAX_LEVELS:
            yield parent
            seen.add(parent.span_id)
            parent = self._spans.get(parent.parent_span_id or "")
