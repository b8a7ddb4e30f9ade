"""A model that answers from a recorded exchange: a folder of NNNN.request.json and NNNN.reply.json.

A request is matched by what the model would see. What differs from run to run without meaning anything is
normalised: ids (of traces, spans, sessions and tool calls) by the order in which they appear, moments, durations,
memory addresses and names of temporary folders. A reply that speaks of a recorded id speaks of this run's id instead.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixers.errors import ModelError
from fixers.model import CHARACTERS_PER_TOKEN, Reply
from webhooks.messages import ToolCall

ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?"), "<moment>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|seconds)\b"), "<duration>"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "<address>"),
    (re.compile(r"/[\w./-]*/tracewright-[\w-]+/"), "<folder>/"),
)


@dataclass(frozen=True)
class Seen:
    """What a model would see of a request, normalised, and the ids that were replaced, in order."""

    parts: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass
class RecordedModel:
    """Answers from `folder`; a request that is not in the record is a ModelError, or the next reply if `in_order`."""

    folder: Path
    in_order: bool = False
    used: Counter[Path] = field(default_factory=Counter)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        asked = seen(messages, tools)
        requests = sorted(self.folder.glob("*.request.json"))
        known = {path: _read(path) for path in requests if _reply_path(path).exists()}
        matching = [path for path, record in known.items() if record.parts == asked.parts]
        path = self._chosen(matching) if matching else self._next(list(known), asked, known)
        self.used[path] += 1
        return _reply(_reply_path(path).read_text(), known[path].ids, asked.ids, number=self.used.total())

    def _chosen(self, matching: Sequence[Path]) -> Path:
        """Return the reply that was used least: a request that was made twice gets its replies in turn."""
        return min(matching, key=lambda path: self.used[path])

    def _next(self, paths: Sequence[Path], asked: Seen, known: Mapping[Path, Seen]) -> Path:
        unused = [path for path in paths if not self.used[path]]
        if self.in_order and unused:
            return unused[0]
        raise ModelError(f"the request is not in the record {self.folder.name}: {_difference(asked, known)}")


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


def _read(path: Path) -> Seen:
    request = json.loads(path.read_text())
    return seen(request["messages"], request.get("tools") or [])


def _reply_path(path: Path) -> Path:
    return path.with_name(path.name.replace(".request.", ".reply."))


def _reply(text: str, recorded: Sequence[str], current: Sequence[str], *, number: int) -> Reply:
    names = dict(zip(recorded, current, strict=False))
    reply = json.loads(ID.sub(lambda match: names.get(match[0], match[0]), text))
    calls = [
        ToolCall(
            id=f"call_{number}_{index}",
            name=call["name"],
            arguments=call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"]),
        )
        for index, call in enumerate(reply.get("tool_calls") or ())
    ]
    used = sum(map(len, current)) + len(text)
    return Reply(
        content=reply.get("content") or "", tool_calls=tuple(calls), output_tokens=used // CHARACTERS_PER_TOKEN
    )


def _difference(asked: Seen, known: Mapping[Path, Seen]) -> str:
    """Show where the request leaves the recorded one that it shares most with."""

    def shared(record: Seen) -> int:
        pairs = enumerate(zip(record.parts, asked.parts, strict=False))
        return next((index for index, (old, new) in pairs if old != new), min(len(record.parts), len(asked.parts)))

    if not known:
        return "it is empty"
    same_length = {path: record for path, record in known.items() if len(record.parts) == len(asked.parts)}
    nearest = max(same_length or known, key=lambda path: shared(known[path]))
    at = shared(known[nearest])
    old, new = (one.parts[at] if at < len(one.parts) else "" for one in (known[nearest], asked))
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    around = slice(max(start - 40, 0), start + 120)
    return f"nearest is {nearest.name}; part {at} differs: recorded {old[around]!r}, asked {new[around]!r}"
