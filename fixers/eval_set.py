"""An eval set as a file of cases: read, and told whether an edit did nothing but append one. Nothing else is changed.

JSON lines, a YAML list, or CSV with a header. The text that was there stays as it was, to the byte; what follows it is
read by itself and must be one case with the fields of the others.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

SUFFIXES = frozenset({".jsonl", ".yaml", ".yml", ".csv"})
#: A case that is longer is no question that somebody asked.
MAX_CASE_CHARACTERS = 20_000
#: What a spreadsheet would compute.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Case = Mapping[str, Any]


class NotCases(ValueError):
    """The text is not a list of cases with named fields."""


def read_cases(path: str, text: str) -> list[Case]:
    """Return the cases of a file.

    Raises
    ------
    NotCases
        When it is no list of cases in the form that its name tells.

    """
    read = {".jsonl": _of_lines, ".csv": _of_table}.get(PurePosixPath(path).suffix.lower(), _of_yaml)
    cases = read(text)
    if not all(isinstance(case, dict) and case and all(isinstance(key, str) for key in case) for case in cases):
        raise NotCases("not every case is a mapping of named fields")
    return cases


def write_case(path: str, text: str, case: Case) -> str:
    """Return the text with one case behind what is there; raises `NotCases` as `read_cases`."""
    cases = read_cases(path, text)
    newline = "\r\n" if "\r\n" in text else "\n"
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".jsonl":
        added = json.dumps(case, ensure_ascii=False) + "\n"
    elif suffix == ".csv":
        row = io.StringIO()
        csv.DictWriter(row, list(cases[0] if cases else case), lineterminator="\n").writerow(case)
        added = row.getvalue()
    else:
        added = yaml.safe_dump([dict(case)], sort_keys=False, allow_unicode=True, width=110)
    between = "" if not text or text.endswith("\n") else newline
    return f"{text}{between}{added.replace(chr(10), newline)}"


def why_not_appended(path: str, before: str | None, after: str | None) -> str:
    r"""Return why an edit is more or less than one case at the end of an eval set; nothing when it is just that.

    Examples
    --------
    >>> why_not_appended("evals/cases.jsonl", '{"q": "a"}\n', '{"q": "a"}\n{"q": "b"}\n')
    ''
    >>> why_not_appended("evals/cases.jsonl", '{"q": "a"}\n', '{"q": "b"}\n')
    'what was there would be changed or removed'

    """
    if before is None or after is None:
        return "an eval set is neither made nor deleted"
    if not after.startswith(before):
        return "what was there would be changed or removed"
    added = after[len(before) :]
    if before and not before.endswith("\n"):
        if not added.startswith(("\n", "\r\n")):
            return "the last line would be changed"
        added = added.removeprefix("\r").removeprefix("\n")
    return _why_not_one(path, before, added, after)


def _why_not_one(path: str, before: str, added: str, after: str) -> str:
    if len(added) > MAX_CASE_CHARACTERS or added.startswith((" ", "\t")):
        return f"one case of at most {MAX_CASE_CHARACTERS} characters may be added at the end"
    try:
        old, new = read_cases(path, before), read_cases(path, after)
        alone = read_cases(path, _with_header(path, before) + added)
    except NotCases as error:
        return f"not a list of cases: {error}"
    if not old or len(new) != len(old) + 1 or len(alone) != 1:
        return "more or less than one case would be added, or the first one"
    if not _is_plain(alone[0]) or _remarks(path, added) or _is_computed(path, alone[0]):
        return "the case is more than its fields"
    known = [set(case) for case in old]
    if not set.intersection(*known) <= set(alone[0]) <= set.union(*known):
        return "the case has other fields than those that are there"
    return ""


def _with_header(path: str, before: str) -> str:
    """Return what a table's row needs to be read by itself."""
    if PurePosixPath(path).suffix.lower() != ".csv":
        return ""
    header = next(iter(csv.reader(io.StringIO(before), strict=True)), [])
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(header)
    return row.getvalue()


def _is_plain(value: object, depth: int = 4) -> bool:
    """Tell whether a value is data of few levels."""
    if isinstance(value, Mapping):
        return depth > 0 and all(_is_plain(key) and _is_plain(each, depth - 1) for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return depth > 0 and all(_is_plain(each, depth - 1) for each in value)
    return value is None or isinstance(value, str | bool | int | float)


def _is_computed(path: str, case: Case) -> bool:
    """Tell whether a spreadsheet would take a cell for a formula."""
    table = PurePosixPath(path).suffix.lower() == ".csv"
    return table and any(str(value).startswith(_FORMULA) for value in case.values())


def _remarks(path: str, added: str) -> bool:
    """Tell whether a line of YAML is nothing but a remark, such as one to a grader."""
    return PurePosixPath(path).suffix.lower() != ".jsonl" and any(line.startswith("#") for line in added.splitlines())


def _of_lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise NotCases("a line is not JSON") from error


def _of_table(text: str) -> list[Any]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise NotCases("not a table") from error
    if not rows or len(set(rows[0])) != len(rows[0]) or any(len(row) != len(rows[0]) for row in rows):
        raise NotCases("not every row has the columns of the first")
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _of_yaml(text: str) -> list[Any]:
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            named = isinstance(event, yaml.NodeEvent) and event.anchor is not None
            if named or getattr(event, "tag", None) is not None:
                raise NotCases("anchors, aliases and tags are not read here")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotCases("not a list in YAML") from error
    if found is None:
        return []
    if not isinstance(found, list):
        raise NotCases("not a list in YAML")
    return found
