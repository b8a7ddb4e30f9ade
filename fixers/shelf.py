"""Shelf: what the agent may read and search beside the repository's files: recorded runs and past attempts."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from clustering.failure import Failure
from fixers.archive import Attempt, pages
from fixers.span_text import run_data
from webhooks.trace import Trace

#: Paths of the shelf begin so; no path that may be edited does.
MARK = "@"
MAX_PAGE_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """Pages by path. A page is written when it is first asked for."""

    writers: Mapping[str, Callable[[], str]]
    written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, traces: Mapping[str, Trace], failures: Sequence[Failure], attempts: Sequence[Attempt]) -> Self:
        """Put each recorded run and each attempt on a page of its own."""
        failing = {failure.trace_id for failure in failures}
        writers: dict[str, Callable[[], str]] = {
            f"@traces/{'failing' if trace_id in failing else 'healthy'}/{trace_id}.json": partial(run_page, trace)
            for trace_id, trace in traces.items()
        }
        return cls(writers | {path: partial(str, text) for path, text in pages(attempts).items()})

    def text(self, path: str) -> str | None:
        """Return a page; None when there is none."""
        if path not in self.writers:
            return None
        if path not in self.written:
            self.written[path] = self.writers[path]()[:MAX_PAGE_CHARACTERS]
        return self.written[path]


def run_page(trace: Trace) -> str:
    """Return a recorded run as JSON; of each model call, what the call before it did not hold."""
    return json.dumps(list(run_data(trace.spans)), indent=1, ensure_ascii=False, default=str)
