"""Diagnosis: what causes a failure mode, tied to a place in the code."""

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """The part of a harness that an edit belongs to; one proposal edits one layer."""

    PROMPT = "prompt"
    TOOL_SCHEMA = "tool description or schema"
    TOOL_CODE = "tool code"
    LIFECYCLE = "lifecycle"
    CONTEXT = "context"
    OUTPUT = "output parsing"
    MODEL_SETTINGS = "model settings"
    MEMORY = "skill or memory file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of a trace that support the diagnosis; checked to exist in that span."""

    trace_id: str
    span_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A line of the user's repository; `line` is 1-based."""

    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a failure mode happens."""

    failure_mode_id: str
    #: One or two sentences of plain English.
    cause: str
    layer: Layer
    #: None when no line of the repository could be tied to the failures.
    location: Location | None
    quotes: tuple[Quote, ...]
