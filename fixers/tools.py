"""What the agent may do: read and edit files, run commands on a throw-away copy, read traces, submit."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixers.checkout import apply_edits, copy_tree
from fixers.diagnosis import Layer
from fixers.digest import run_line
from fixers.errors import FixerError
from fixers.proposal import Edit
from fixers.quoting import clean, fenced
from fixers.sandbox import Completed
from fixers.span_text import run_data, span_data
from fixers.workspace import (
    MAX_LINES,
    MAX_LISTED,
    MAX_PAGE,
    Refused,
    Workspace,
    edit_file,
    list_files,
    read_file,
    search,
)

MAX_OUTPUT = 8_000
MAX_ARGUMENTS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One function that the model may call."""

    name: str
    description: str
    #: JSON schema of each argument.
    arguments: Mapping[str, Mapping[str, Any]]
    #: What it does; absent for `submit` and `decline`, which end the run.
    do: Callable[..., str] | None = None
    optional: frozenset[str] = field(default=frozenset())

    @property
    def schema(self) -> dict[str, Any]:
        """The tool as chat completions take it."""
        parameters = {
            "type": "object",
            "properties": {name: dict(schema) for name, schema in self.arguments.items()},
            "required": [name for name in self.arguments if name not in self.optional],
            "additionalProperties": False,
        }
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


def call(workspace: Workspace, name: str, arguments: str) -> str:
    """Do what the model asked for and return the answer; a call that cannot be done is answered with the reason."""
    try:
        tool = _known(name)
        values = read_arguments(tool, arguments)
        answer = tool.do(workspace, **values) if tool.do else ""
    except Refused as refusal:
        answer = f"error: {refusal}"
    return clean(answer)


def read_arguments(tool: Tool, text: str) -> dict[str, Any]:
    """Read the JSON that the model sent as arguments.

    Raises
    ------
    Refused
        When it is not an object with the tool's arguments.

    """
    if len(text) > MAX_ARGUMENTS:
        raise Refused(f"the arguments are longer than {MAX_ARGUMENTS} characters")
    try:
        values = json.loads(text or "{}")
        json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise Refused(f"the arguments of {tool.name} are not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise Refused(f"the arguments of {tool.name} are not a JSON object")
    missing = [name for name in tool.arguments if name not in values and name not in tool.optional]
    unknown = [name for name in values if name not in tool.arguments]
    if missing or unknown:
        raise Refused(f"{tool.name} takes {', '.join(tool.arguments)}; missing: {missing}, unknown: {unknown}")
    for name, value in values.items():
        _check(value, tool.arguments[name], name)
    return values


def _check(value: object, schema: Mapping[str, Any], where: str) -> None:
    """Check the part of JSON schema that the tools below use."""
    types = {"string": str, "integer": int, "array": list, "object": dict}
    expected = schema["type"]
    if not isinstance(value, types[expected]) or isinstance(value, bool):
        raise Refused(f"{where} is not of type {expected}: {json.dumps(value)[:100]}")
    if "enum" in schema and value not in schema["enum"]:
        raise Refused(f"{where} is not one of {', '.join(schema['enum'])}: {json.dumps(value)[:100]}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, schema["items"], f"{where}[{index}]")
    if isinstance(value, dict):
        for name, inner in schema["properties"].items():
            if name not in value:
                raise Refused(f"{where}.{name} is missing")
            _check(value[name], inner, f"{where}.{name}")


def _known(name: str) -> Tool:
    tool = TOOLS.get(name)
    if tool is None:
        raise Refused(f"there is no tool {name[:80]!r}; there are {', '.join(TOOLS)}")
    return tool


def _run(workspace: Workspace, *, command: list[str]) -> str:
    """Run on a throw-away copy: whatever a test writes, only `edit_file` makes edits."""
    if not command or not command[0] or any("\0" in word for word in command):
        raise Refused("command is a list of words, the program first")
    return _shown(run_on_copy(workspace, command, workspace.edits), workspace.timeout_s)


def run_on_copy(workspace: Workspace, command: Sequence[str], edits: Sequence[Edit]) -> Completed:
    """Run a program in a throw-away copy of the checkout with some edits.

    Raises
    ------
    Refused
        When it cannot be started.

    """
    with tempfile.TemporaryDirectory(prefix="tracewright-run-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "checkout"
        copy_tree(workspace.checkout, copy)
        try:
            apply_edits(copy, edits)
            return workspace.sandbox.run(command, cwd=copy, env={}, timeout_s=workspace.timeout_s)
        except (FixerError, OSError) as error:
            raise Refused(f"the command could not be run: {error}") from error


def _shown(completed: Completed, timeout_s: float) -> str:
    ended = f"ended after {timeout_s:g} s" if completed.timed_out else f"exit status {completed.exit_status}"
    parts = [f"{name}:\n{_cut(text)}" for name in ("stdout", "stderr") if (text := getattr(completed, name).strip())]
    return "\n".join([ended, *parts])


def _cut(text: str) -> str:
    """Keep the end, where tests tell their result, and a little of the beginning."""
    head = MAX_OUTPUT // 4
    cut = len(text) - MAX_OUTPUT
    return text if cut <= 0 else f"{text[:head]}\n[... {cut} characters ...]\n{text[head - MAX_OUTPUT :]}"


def _list_traces(workspace: Workspace) -> str:
    reasons = {failure.trace_id: f"failing ({failure.detector}: {failure.key})" for failure in workspace.failures}
    lines = [
        f"{run_line(trace)} {reasons.get(trace.trace_id, 'healthy')}"
        for trace in sorted(workspace.traces.values(), key=lambda trace: trace.spans[0].start)[:MAX_LISTED]
    ]
    return "\n".join(lines) or "no traces"


def _read_trace(workspace: Workspace, *, trace_id: str, span_id: str = "", page: int = 1) -> str:
    trace = workspace.traces.get(trace_id)
    if trace is None:
        raise Refused(f"there is no trace {trace_id[:80]!r} here; list_traces names them")
    raw = [span_data(span) for span in trace.spans if span_id == span.span_id]
    spans = raw if span_id else list(run_data(trace.spans))
    if not spans:
        raise Refused(f"the trace has no span {span_id[:80]!r}")
    text = json.dumps(spans, indent=1, ensure_ascii=False, default=str)
    pages = -(-len(text) // MAX_PAGE)
    if not 1 <= page <= pages:
        raise Refused(f"there is no page {page}; there are {pages}")
    return f"page {page} of {pages}\n" + fenced(text[(page - 1) * MAX_PAGE : page * MAX_PAGE], f"trace {trace_id}")


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
GLOB = {
    "type": "string",
    "description": "Shell pattern over whole paths; `*` crosses folders. Default: all files of the repository. "
    "`@traces/failing/*`, `@traces/healthy/*`: the recorded runs; `@attempts/*`: what was tried before.",
}
QUOTE = {
    "type": "object",
    "properties": {"trace_id": TEXT, "span_id": TEXT, "text": TEXT},
    "required": ["trace_id", "span_id", "text"],
}

SUBMIT = Tool(
    name="submit",
    description="Propose the edits made so far. Runs the new test without and with your edits. Ends the work when "
    "accepted; otherwise says what is missing.",
    arguments={
        "title": {"type": "string", "description": "Imperative sentence, at most 70 characters."},
        "cause": {"type": "string", "description": "Why the failure happens, in one or two sentences."},
        "layer": {"type": "string", "enum": [str(layer) for layer in Layer]},
        "rationale": {"type": "string", "description": "Why these edits remove the cause, in two to five sentences."},
        "risk": {"type": "string", "description": "What could go wrong once merged, in a sentence."},
        "quotes": {"type": "array", "items": QUOTE, "description": "Exact words of spans that show the cause."},
        "regression_test": {"type": "string", "description": "Path of the new test file."},
    },
)

DECLINE = Tool(
    name="decline",
    description="End the work without a proposal: no honest fix is possible inside the permitted paths.",
    arguments={"reason": {"type": "string", "description": "Why, in one or two sentences."}},
)

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            name="list_files",
            description="List files.",
            arguments={"glob": GLOB},
            optional=frozenset({"glob"}),
            do=list_files,
        ),
        Tool(
            name="search",
            description="Find the lines that hold a text, exactly as given; not a regular expression. Searches the "
            "repository, or recorded runs or past attempts if the glob says so.",
            arguments={"text": TEXT, "glob": GLOB},
            optional=frozenset({"glob"}),
            do=search,
        ),
        Tool(
            name="read_file",
            description=f"Read at most {MAX_LINES} lines of a file, each with its number and two spaces before it; "
            "also of a recorded run (@traces/…) or a past attempt (@attempts/…).",
            arguments={"path": TEXT, "start": NUMBER, "end": NUMBER},
            optional=frozenset({"start", "end"}),
            do=read_file,
        ),
        Tool(
            name="edit_file",
            description="Replace `old`, which must be there exactly once, by `new`; an empty `old` creates the file.",
            arguments={"path": TEXT, "old": TEXT, "new": TEXT},
            do=edit_file,
        ),
        Tool(
            name="run",
            description="Run a program without a shell and without network, in a throw-away copy of the repository "
            "with your edits. Files that it changes are not kept.",
            arguments={"command": {"type": "array", "items": TEXT, "description": '["python", "-m", "pytest", "-q"]'}},
            do=_run,
        ),
        Tool(name="list_traces", description="List the recorded runs, oldest first.", arguments={}, do=_list_traces),
        Tool(
            name="read_trace",
            description="Read a recorded run as JSON, in pages; a model call tells what the call before it did not "
            "hold yet. With a span_id: all the raw attributes of that span.",
            arguments={"trace_id": TEXT, "span_id": TEXT, "page": NUMBER},
            optional=frozenset({"span_id", "page"}),
            do=_read_trace,
        ),
        SUBMIT,
        DECLINE,
    )
}
