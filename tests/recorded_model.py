"""A model that answers from a recorded exchange.

It is a file of JSON lines, each with the messages that are new in a request, and the reply (`recording.Recorder` writes
it; it may be gzipped), or a folder of NNNN.request.json and NNNN.reply.json.

A request is matched by what the model would see. What differs from run to run without meaning anything is
normalised: ids (of traces, spans, sessions and tool calls) by the order in which they appear, moments, durations,
memory addresses and names of temporary folders. A reply that speaks of a recorded id speaks of this run's id instead.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fixers.errors import ModelError
from fixers.model import CHARACTERS_PER_TOKEN, Reply
from webhooks.messages import ToolCall

ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
ABOUT = re.compile(r"Seen by the detector '\w*'; what failed: [^\\\n]*")
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?"), "<moment>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|seconds)\b"), "<duration>"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "<address>"),
    (re.compile(r"/[\w./-]*/tracewright-[\w-]+/"), "<folder>/"),
    # A failure mode's title is for people, and better wording comes with time.
    (re.compile(r"(Failure mode <id-\d+>: )(?:\\\"|[^\\\n])*"), r"\1<title>"),
)


@dataclass(frozen=True)
class Seen:
    """What a model would see of a request, normalised, and the ids that were replaced, in order."""

    parts: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Recorded:
    """One request as a model would see it, and the reply to it."""

    name: str
    asked: Seen
    reply: str


@dataclass
class RecordedModel:
    """Answers from `place`; a request that is not in the record is a ModelError, or the next reply if `in_order`."""

    place: Path
    in_order: bool = False
    #: How often each reply was given, by name.
    used: Counter[str] = field(default_factory=Counter)
    #: Replies that were given to another request than they had been given to.
    drifted: list[str] = field(default_factory=list)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        asked = seen(messages, tools)
        matching = [each for each in self.record if each.asked.parts == asked.parts]
        # A request that was made twice gets its replies in turn.
        chosen = min(matching, key=lambda each: self.used[each.name]) if matching else self._next(asked)
        self.used[chosen.name] += 1
        names = dict(zip(chosen.asked.ids, asked.ids, strict=False))
        if not matching:  # an id that this run knows too is the same one
            names |= {name: name for name in asked.ids}
        return _reply(chosen.reply, names, number=self.used.total(), asked=asked)

    @cached_property
    def record(self) -> list[Recorded]:
        """What was recorded, in order."""
        return list(_folder(self.place) if self.place.is_dir() else _lines(self.place))

    def _next(self, asked: Seen) -> Recorded:
        """Return the unused reply of the same place in a conversation about this failure, or else the next one."""
        about = _about(asked)
        unused = [each for each in self.record if not self.used[each.name] and _about(each.asked) == about]
        if not self.in_order or not unused:
            raise ModelError(f"the request is not in the record {self.place.name}: {_difference(asked, self.record)}")
        alike = [each for each in unused if len(each.asked.parts) == len(asked.parts)]
        chosen = (alike or unused)[0]
        self.drifted.append(chosen.name)
        return chosen


def _about(asked: Seen) -> str:
    """Return what failure a conversation is about, as the digest says it."""
    found = ABOUT.search(asked.parts[1]) if len(asked.parts) > 1 else None
    return found[0] if found else ""


def _folder(folder: Path) -> Iterator[Recorded]:
    for path in sorted(folder.glob("*.request.json")):
        reply = path.with_name(path.name.replace(".request.", ".reply."))
        if reply.exists():
            request = json.loads(path.read_text())
            yield Recorded(path.name, seen(request["messages"], request.get("tools") or []), reply.read_text())


def _lines(file: Path) -> Iterator[Recorded]:
    messages: list[Any] = []
    tools: list[Any] = []
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            told = json.loads(line)
            messages = [*messages[: told["known"]], *told["messages"]]
            tools = tools if told["tools"] is None else told["tools"]
            yield Recorded(f"{number:04d}", seen(messages, tools), json.dumps(told["reply"], ensure_ascii=False))


def seen(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Seen:
    calls: dict[str, str] = {}
    plain = [_without_call_ids(message, calls, answer) for answer, message in enumerate(messages)]
    parts = [json.dumps(message, sort_keys=True, ensure_ascii=False) for message in plain]
    parts.append(json.dumps(list(tools), sort_keys=True, ensure_ascii=False))
    ids: dict[str, str] = {}
    normal = [ID.sub(lambda match: ids.setdefault(match[0], f"<id-{len(ids)}>"), part) for part in parts]
    for pattern, name in VARYING:
        normal = [pattern.sub(name, part) for part in normal]
    return Seen(parts=tuple(normal), ids=tuple(ids))


def _without_call_ids(message: Mapping[str, Any], calls: dict[str, str], answer: int) -> dict[str, Any]:
    """Name calls by their place; some servers use the same ids again in each answer."""
    plain = dict(message)
    calls.update({call["id"]: f"call-{answer}-{n}" for n, call in enumerate(plain.get("tool_calls") or ())})
    if "tool_calls" in plain:
        plain["tool_calls"] = [{**call, "id": calls[call["id"]]} for call in plain["tool_calls"]]
    if "tool_call_id" in plain:
        plain["tool_call_id"] = calls.get(plain["tool_call_id"], "unknown")
    return plain


def _reply(text: str, names: Mapping[str, str], *, number: int, asked: Seen) -> Reply:
    reply = json.loads(ID.sub(lambda match: names.get(match[0], match[0]), text))
    calls = [
        ToolCall(
            id=f"call_{number}_{index}",
            name=call["name"],
            arguments=call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"]),
        )
        for index, call in enumerate(reply.get("tool_calls") or ())
    ]
    return Reply(
        content=reply.get("content") or "",
        tool_calls=tuple(calls),
        input_tokens=sum(map(len, asked.parts)) // CHARACTERS_PER_TOKEN,
        output_tokens=len(text) // CHARACTERS_PER_TOKEN,
    )


def _difference(asked: Seen, record: Sequence[Recorded]) -> str:
    """Show where the request leaves the recorded one that it shares most with."""

    def shared(one: Seen) -> int:
        pairs = enumerate(zip(one.parts, asked.parts, strict=False))
        return next((index for index, (old, new) in pairs if old != new), min(len(one.parts), len(asked.parts)))

    known = {each.name: each.asked for each in record}
    if not known:
        return "it is empty"
    same_length = {path: record for path, record in known.items() if len(record.parts) == len(asked.parts)}
    nearest = max(same_length or known, key=lambda path: shared(known[path]))
    at = shared(known[nearest])
    old, new = (one.parts[at] if at < len(one.parts) else "" for one in (known[nearest], asked))
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    around = slice(max(start - 40, 0), start + 120)
    return f"nearest is {nearest}; part {at} differs: recorded {old[around]!r}, asked {new[around]!r}"
