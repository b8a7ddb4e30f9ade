"""Find the literals of a repository that failing runs say: an error's template, an answer that no model gave."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from fixers.code_index import CodeIndex, Place
from webhooks import semconv
from webhooks.attributes import parsed
from webhooks.trace import Span, Trace

MAX_RUNS = 20
MAX_TEXT = 200_000  # characters of all that failing runs say
MAX_MEANT = 4  # places of one literal; beyond that it tells nothing
MAX_PLACES = 6
MIN_LETTERS = 8  # of a literal between what is filled in
FIRST = 2  # words by which a literal is looked up

_LITERAL = re.compile(rb'"((?:[^"\\\n]|\\.){8,300})"|\'((?:[^\'\\\n]|\\.){8,300})\'')
_FILLED = re.compile(r"\{[^{}]*\}|%\(?\w*\)?[sdr]|\\[nt]")
_WORD = re.compile(r"\w+")


def telling(failing: Sequence[Trace], healthy: Sequence[Trace], index: CodeIndex) -> list[Place]:
    """Return the lines with a literal that most failing runs say and no healthy one does, the longest first.

    What people asked and what a model said is left out: no harness wrote that.
    """
    if not failing or not healthy:
        return []
    said = [_words(_harness_says(trace)) for trace in failing[:MAX_RUNS]]
    other = [_words(_harness_says(trace)) for trace in healthy[:MAX_RUNS]]
    starts = {pair for text in said for pair in _pairs(text)} - {pair for text in other for pair in _pairs(text)}
    found: dict[str, list[Place]] = {}
    for part, place in _literals(index, starts):
        found.setdefault(part, []).append(place)
    kept = {
        part: places
        for part, places in found.items()
        if len(places) <= MAX_MEANT
        and sum(f" {part} " in text for text in said) * 2 >= len(said)
        and not any(f" {part} " in text for text in other)
    }
    ranked = sorted(kept.items(), key=lambda each: (-len(each[0]), each[0]))
    return list(dict.fromkeys(place for _, places in ranked for place in places))[:MAX_PLACES]


def _literals(index: CodeIndex, starts: set[tuple[str, ...]]) -> Iterator[tuple[str, Place]]:
    """Yield the fixed parts of literals that begin with words of a run."""
    for path in index.sources:
        content = index.files[path]
        for match in _LITERAL.finditer(content):
            for piece in _FILLED.split((match[1] or match[2]).decode(errors="replace")):
                words = _WORD.findall(piece)
                if len(piece) >= MIN_LETTERS and len(words) >= FIRST and starts.intersection(_pairs_of(words)):
                    yield " ".join(words), Place(path, content.count(b"\n", 0, match.start()) + 1)


def _harness_says(trace: Trace) -> str:
    texts = list(dict.fromkeys(text for span in trace.spans for text in _of_span(span) if text))
    return "\n".join(texts)[: MAX_TEXT // MAX_RUNS]


def _of_span(span: Span) -> Iterator[str]:
    error = semconv.exception(span)
    yield error.message if error is not None else ""
    yield span.status_message
    operation = semconv.operation(span)
    if operation is semconv.Operation.LLM:
        yield from (message.content for message in semconv.input_messages(span) if message.role != "user")
    elif operation is not semconv.Operation.TOOL:
        yield from _texts(semconv.output_value(span))


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of an output, which may be JSON."""
    found = parsed(value)
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list):
        yield from (text for item in found[:50] for text in _texts(item))
    elif found is not None:
        yield str(found)


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.replace(chr(92) + 'n', ' ')))} "


def _pairs(text: str) -> Iterable[tuple[str, ...]]:
    return _pairs_of(text.split())


def _pairs_of(words: Sequence[str]) -> set[tuple[str, ...]]:
    return set(pairwise(words))
