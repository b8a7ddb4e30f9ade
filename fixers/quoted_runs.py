"""Find words of recorded runs in what would be published: five words in a row, or a single one that points to somebody.

What the repository says itself is known to everybody who can read it, and no finding.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from clustering.failure import Failure
from clustering.mask import mask
from fixers.diagnose import span_texts
from fixers.lint import added_lines
from fixers.proposal import Edit
from webhooks.trace import Trace

#: Words in a row that nobody writes twice by chance.
IN_A_ROW = 5
#: People who met the same masked message before it counts as the template of a failure, and not as somebody's words.
MANY_PEOPLE = 3
#: A word with a digit is somebody's number from this length on: shorter ones are status codes and limits.
SHORTEST_NUMBER = 4
SHORTEST_NAME = 3

_WORD = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: Texts of traces are often JSON in JSON, where "\n" and "\u00e9" would stick to a word.
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})|\\+[nrt\"]")
_WRITTEN = frozenset({"COMMENT", "STRING", "FSTRING_MIDDLE"})
_NAMED = frozenset({"NUMBER", "NAME"})
_LAYOUT = frozenset({"NL", "NEWLINE", "INDENT", "DEDENT"})
_APART = "\0"
#: Words of the wire that every agent speaks: in a row they tell nothing.
_WIRE = frozenset(
    _WORD.findall(
        "arguments assistant call calls choices content finish function id index message messages model name object "
        "parameters properties reason role stop string system tool tools type user"
    )
)
#: A word with a capital in the middle of a sentence, as names have it.
_IN_SENTENCE = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]{2,}\b")
_KIND_OF_ERROR = re.compile(r"\w+(?:Error|Exception|Timeout|Warning)")


class _Marks(NamedTuple):
    """What would give a text away."""

    rows: frozenset[tuple[str, ...]]
    #: Numbers and addresses.
    rare: frozenset[str]
    #: Words with a capital.
    names: frozenset[str]
    #: All other words of some length: a name that somebody writes small is among them.
    words: frozenset[str]


def quoted(texts: Mapping[str, str], runs: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Return the first words of recorded runs in each text that has any, by the text's name.

    Parameters
    ----------
    texts
        What would be published, by name.
    runs
        Every text of the recorded runs.
    known
        What everybody may read: the repository's files, the template of the failure. Read only when it matters.

    """
    marks = {name: _marks(text) for name, text in texts.items()}
    said = _said(_union(marks.values()), runs)
    if not any(said):
        return {}
    private = _without(said, known)
    first = {name: _first(each, private) for name, each in marks.items()}
    return {name: words for name, words in first.items() if words}


def quotes_of(
    edits: Sequence[Edit],
    texts: Mapping[str, str],
    traces: Iterable[Trace],
    *,
    failures: Sequence[Failure],
    files: Mapping[str, bytes],
) -> dict[str, str]:
    """Return the words of recorded runs in a proposal: by the name of a text, or by the path of an edit.

    Parameters
    ----------
    edits, texts
        Of the proposal; of the edits only what they add.
    traces, failures
        The recorded runs, and what fails in them.
    files
        The repository before the edits.

    """
    return quoted({**texts, **_added(edits)}, _texts_of(traces), _known(failures, files))


def template_of(failures: Iterable[Failure]) -> list[str]:
    """Return the masked messages that several people's runs have in common."""
    people: dict[str, set[str]] = {}
    for failure in failures:
        who = failure.user_id or failure.session_id or failure.trace_id
        people.setdefault(mask(failure.message), set()).add(who)
    return [message for message, met in people.items() if len(met) >= MANY_PEOPLE]


def words_of(text: str) -> list[str]:
    """Return the words of a text, in order, in lower case."""
    return [word.casefold() for word in _WORD.findall(_unescaped(text))]


def _texts_of(traces: Iterable[Trace]) -> Iterator[str]:
    seen: set[str] = set()
    for trace in traces:
        yield trace.trace_id
        for span in trace.spans:
            fresh = [span.span_id, *(text for text in span_texts(span) if text not in seen)]
            seen.update(fresh)
            yield from fresh


def _known(failures: Sequence[Failure], files: Mapping[str, bytes]) -> Iterator[str]:
    yield from template_of(failures)
    for path, content in files.items():
        yield path
        yield content.decode(errors="ignore")


def _added(edits: Sequence[Edit]) -> dict[str, str]:
    """Return what each edit adds: of Python the strings and comments, and whatever is a number."""
    return {edit.path: f"{_told(edit)}{_APART}{edit.path if edit.before is None else ''}" for edit in edits}


def _told(edit: Edit) -> str:
    """Return the words that what is added tells people: names in code are the repository's way of speaking."""
    added = "\n".join(added_lines(edit))
    if not edit.path.endswith(".py"):
        return added
    told, before = [], ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(added).readline):
            kind = tokenize.tok_name[token.type]
            if kind in _WRITTEN or (kind in _NAMED and any(map(str.isdigit, token.string))):
                # Texts that stand side by side are one text.
                told.append(token.string if kind == before else f"{_APART}{token.string}")
            before = before if kind in _LAYOUT else kind
    except (tokenize.TokenError, SyntaxError):  # lines out of their file need not be whole
        return added
    return "\n".join(told)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)


def _marks(text: str) -> _Marks:
    plain = _unescaped(text)
    raw = _WORD.findall(plain)
    words = [word.casefold() for word in raw]
    rows = frozenset(row for piece in plain.split(_APART) for row in _all_rows(words_of(piece)))
    rare = {word for word in words if _is_number(word)} | {found.casefold() for found in _EMAIL.findall(plain)}
    names = frozenset(word.casefold() for word in raw if _is_name(word))
    return _Marks(rows, frozenset(rare), names, frozenset(word for word in words if len(word) >= SHORTEST_NAME) - names)


def _all_rows(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(len(words) - IN_A_ROW + 1):
        row = tuple(words[start : start + IN_A_ROW])
        if not _WIRE.issuperset(row):
            yield row


def _is_number(word: str) -> bool:
    return len(word) >= SHORTEST_NUMBER and any(map(str.isdigit, word))


def _is_name(word: str) -> bool:
    is_written_large = len(word) >= SHORTEST_NAME and word[0].isupper() and not word.isupper()
    return is_written_large and not _KIND_OF_ERROR.fullmatch(word)


def _union(marks: Iterable[_Marks]) -> _Marks:
    each = list(marks)
    rows = frozenset(row for mark in each for row in mark.rows)
    rare = frozenset(word for mark in each for word in mark.rare)
    names = frozenset(word for mark in each for word in mark.names)
    return _Marks(rows, rare, names, frozenset(word for mark in each for word in mark.words))


def _said(wanted: _Marks, runs: Iterable[str]) -> _Marks:
    """Return what of it the runs say. A name is one that they never write without its capital."""
    firsts = {row[0] for row in wanted.rows}
    rows: set[tuple[str, ...]] = set()
    rare: set[str] = set()
    large: set[str] = set()
    small: set[str] = set()
    within: set[str] = set()
    either = wanted.names | wanted.words
    for text in runs:
        plain = _unescaped(text)
        raw = _WORD.findall(plain)
        words = [word.casefold() for word in raw]
        rows.update(_rows(words, firsts) & wanted.rows)
        rare |= wanted.rare.intersection(words)
        rare |= wanted.rare.intersection(found.casefold() for found in _EMAIL.findall(plain) if "@" in plain)
        large |= wanted.names.intersection(word.casefold() for word in raw if word[0].isupper())
        within |= wanted.words.intersection(word.casefold() for word in _IN_SENTENCE.findall(plain))
        # An address is written small, whatever the name in it is.
        small |= either.intersection(word for word in _WORD.findall(_EMAIL.sub(" ", plain)) if word.islower())
    return _Marks(frozenset(rows), frozenset(rare), frozenset(large - small), frozenset(within - small))


def _without(said: _Marks, known: Iterable[str]) -> _Marks:
    """Return what of it nobody could read otherwise."""
    firsts = {row[0] for row in said.rows}
    rows, rare, names, small = set(said.rows), set(said.rare), set(said.names), set(said.words)
    for text in known:
        words = words_of(text)
        rows -= _rows(words, firsts)
        rare.difference_update(words, (found.casefold() for found in _EMAIL.findall(text)))
        names.difference_update(words)
        small.difference_update(words)
        if not (rows or rare or names or small):
            break
    return _Marks(frozenset(rows), frozenset(rare), frozenset(names), frozenset(small))


def _rows(words: Sequence[str], firsts: set[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + IN_A_ROW]) for at, word in enumerate(words) if word in firsts}


def _first(marks: _Marks, private: _Marks) -> str:
    """Return words to show to whoever wrote the text; empty when it has none of them."""
    if single := (marks.rare & private.rare) | (marks.names & private.names) | (marks.words & private.words):
        return min(single)
    return " ".join(min(marks.rows & private.rows, default=()))
