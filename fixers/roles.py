"""Find the functions that do a job in a harness, by what harnesses of any make have in common: the fields of the wire.

Whoever writes it, what turns a tool's result into a message names `tool_call_id`, what reads an answer names
`tool_calls` and `arguments`, and what ends a run compares a counter with `max_` something.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from fixers.code_index import CodeIndex, Place
from fixers.data_flow import Symptom

MAX_PLACES = 8
#: Functions that do most of a job are named; one that shares a word with it is not.
ENOUGH = 5.0
MAX_FUNCTION = 40_000  # bytes
REACHED, NEAR = 1.6, 1.3  # what the run is known to have passed through, and what that imports
ASIDE = 0.4  # other providers, and what only watches

_TOOL_MESSAGE = (
    rb"role\W{1,6}tool\b|Tool(?:Result)?Message|FunctionExecutionResult|tool_result|function_call_output|from_tool"
    rb"|TOOL_RESPONSE|ToolReturn|FunctionResponse"
)
_BOUNDED = (
    rb"\b(?:while|for|if|elif)\b[^\n]*\b\w*(?:max_\w*(?:step|turn|iter|round|loop)"
    rb"|(?:remaining|steps?|turns?|iterations?|recursion)_(?:limit|left|remaining|steps))\w*"
)


class Sign(NamedTuple):
    """Words that a function of some job holds, and how much they say."""

    pattern: re.Pattern[bytes]
    weight: float


@dataclass(frozen=True, slots=True)
class Job:
    """How to know the functions of a job: by their text, and by their names or those of their files."""

    signs: tuple[Sign, ...]
    named: re.Pattern[str]


def _job(named: str, *signs: tuple[bytes, float]) -> Job:
    return Job(tuple(Sign(re.compile(pattern), weight) for pattern, weight in signs), re.compile(named, re.IGNORECASE))


_JOBS: dict[Symptom, Job] = {
    Symptom.CALL_DROPPED: _job(
        "parse|convert|process|response|extract|choice",
        (rb"\btool_calls\b", 3), (rb"\.function\b|function_call|\bToolCall\w*\(", 2), (rb"\barguments\b", 1.5),
        (rb"\.message\b|choices?\b", 1.5), (rb"json\.loads|\bjson\w*\(", 0.5),
    ),
    Symptom.CALL_ALTERED: _job(
        "parse|convert|arguments|process|response|tool_call",
        (rb"\btool_calls?\b", 2), (rb"\barguments\b", 3), (rb"\.function\b|function_call", 1.5),
        (rb"json\.(?:loads|dumps)", 1.5),
    ),
    Symptom.RESULT_LOST: _job(
        "message|convert|map_|content|result|observation|output|summar",
        (_TOOL_MESSAGE, 3), (rb"\b(?:tool_)?call_id\b|\btool_use_id\b|\btool_call\b|\bObservation", 2),
        (rb"\bcontent\b|\bresult\b", 1), (rb"\[\s*:\s*\w+\s*\]|\[:\d|truncat|\.join\(|\[0\]", 2),
    ),
    Symptom.ERROR_HIDDEN: _job(
        "error|message|convert|result|execute|invoke|finali",
        (_TOOL_MESSAGE, 3), (rb"\b(?:error|exception|exc|e)\b", 1), (rb"(?i)\w*error\w*\s*=|except\b|Error\b", 1.5),
        (rb"\b(?:tool_)?call_id\b|tool_call\b", 1), (rb"\bcontent\b|str\(", 1),
    ),
    Symptom.PROMPT_LOST: _job(
        "message|map_|prompt|instruction|prepare|build",
        (rb"system_prompt|role\W{1,6}system|System\w*Message|system_message|instructions?\b", 3),
        (rb"\.insert\(|\bmessages\w*\[[^\]\n]*\]\s*=|\bextend\(|\[\s*\*|\+ ?\w*messages", 2), (rb"\bmessages\b", 1),
    ),
    Symptom.MESSAGE_LOST: _job(
        "history|session|memory|buffer|trim|window|context|truncat|get_messages|get_items|compact",
        (rb"\b\w*(?:messages|history|items|events|turns|memories)\w*\s*\[[^\]\n]*:[^\]\n]*\]", 3),
        (rb"\b\w*(?:limit|window|buffer_size|max_messages|keep_last|last_n|max_tokens|num_\w+)\b", 1.5),
        (rb"ORDER BY|reversed\(|\.pop\(0\)|popleft", 1.5), (rb"\b(?:messages|history|items)\b", 1),
    ),
    Symptom.CUT_SHORT: _job(
        "run|loop|step|execute|process|invoke",
        (_BOUNDED, 4),
        (rb"\bwhile\b|\bfor\b[^\n]*\brange\(", 2),
    ),
    Symptom.ANSWER_ALTERED: _job(
        "final|answer|result|output|summar|finali",
        (rb"final_(?:answer|output|result|message|response)|output_text|last_message", 4),
        (rb"\breturn\b|\byield\b", 0.5), (rb"\[\s*:\s*\w+\s*\]|\[:\d|truncat|strip\(|split\(", 2),
    ),
    Symptom.LOOSE_SCHEMA: _job(
        "schema|parameters|signature|to_openai|tool_spec|declaration|definition",
        (rb"[\"']?\brequired\b[\"']?", 3), (rb"[\"']properties[\"']|\bproperties\b|Parameter\.empty|signature\(", 2),
        (rb"json_schema|[\"']parameters[\"']|\.default\b|\bschema\b", 1.5),
    ),
}  # fmt: skip

_DEFINED = re.compile(rb"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
#: Texts and comments; a text that begins its line in triple quotes, or a comment, only tells of code.
_TOLD = re.compile(
    rb"""(?m)(^[ \t]*(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3})|#[^\n]*)|\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"""
    rb"""\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"""
)
_IMPORTED = re.compile(rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w.]+))", re.MULTILINE)
_PROVIDERS = frozenset(
    {"openai", "anthropic", "google", "gemini", "bedrock", "cohere", "mistral", "groq", "huggingface", "azure",
     "ollama", "vertexai", "vertex", "watsonx", "deepseek", "xai", "cerebras", "litellm", "fireworks", "together",
     "perplexity", "sambanova", "nvidia", "openrouter", "dashscope", "moonshot", "mlx", "vllm", "aws", "ibm", "meta",
     "llama", "transformers", "outlines"}
)  # fmt: skip
#: Parts of a path whose code watches a run, shows it or runs another kind of it.
_WATCHING = frozenset(
    {"tracing", "telemetry", "instrumentation", "instrumented", "otel", "observability", "monitoring", "cli", "ui",
     "realtime", "voice", "audio", "speech", "embeddings", "embedders", "eval", "evals", "evaluation", "examples",
     "docs", "benchmarks", "deprecated", "migrations", "testing", "scripts", "images", "image"}
)  # fmt: skip
_PART = re.compile(r"[a-z]+")


class Run(NamedTuple):
    """What is known of the code that failing runs passed through."""

    provider: str
    #: Files that a stack frame, an attribute or a name of theirs leads to.
    reached: Collection[str]


def doing(symptom: Symptom, index: CodeIndex, run: Run) -> list[Place]:
    """Return the lines that do the job in which a symptom arises, the likeliest first, one a function."""
    return _doing(_JOBS[symptom], index, run, index.sources)


def adapters(index: CodeIndex, run: Run) -> list[Place]:
    """Return the lines that write messages as the provider asked wants them: what is lost there, no span shows."""
    named = [path for path in index.sources if run.provider and run.provider in _PART.findall(path.lower())]
    found = [_doing(_JOBS[symptom], index, run, named) for symptom in (Symptom.RESULT_LOST, Symptom.PROMPT_LOST)]
    return [place for row in zip_longest(*found) for place in row if place]


def _doing(job: Job, index: CodeIndex, run: Run, paths: Sequence[str]) -> list[Place]:
    near = {path for reached in run.reached for path in imported(reached, index)}
    found = []
    for path in paths:
        # What most of the weight needs is in the file, or it is not read function by function.
        if not job.signs[0].pattern.search(index.files[path]):
            continue
        weight = _of_path(path, run) * (REACHED if path in run.reached else NEAR if path in near else 1.0)
        found += [(-score * weight, place) for score, place in _functions(path, index, job) if score >= ENOUGH]
    return [place for _, place in sorted(found)[:MAX_PLACES]]


def _functions(path: str, index: CodeIndex, job: Job) -> Iterator[tuple[float, Place]]:
    """Yield each function's score, and the line that says most."""
    content = _code(index.files[path])
    starts = [*_DEFINED.finditer(content)]
    ends = [*(match.start() for match in starts[1:]), len(content)]
    for match, end in zip(starts, ends, strict=False):
        body = content[match.start() : min(end, match.start() + MAX_FUNCTION)]
        hits = [(sign.weight, hit.start()) for sign in job.signs if (hit := sign.pattern.search(body))]
        if not hits:
            continue
        named = bool(job.named.search(match[1].decode(errors="replace"))) + 0.5 * bool(job.named.search(path))
        at = match.start() + max(hits, key=lambda hit: (hit[0], -hit[1]))[1]
        yield sum(weight for weight, _ in hits) + named, Place(path, content.count(b"\n", 0, at) + 1)


def _code(content: bytes) -> bytes:
    """Return a module with its docstrings and comments blanked out: what is told there is not done there."""
    return _TOLD.sub(lambda match: b"\n" * match[0].count(b"\n") if match[1] else match[0], content)


def _of_path(path: str, run: Run) -> float:
    """Return how likely a file had a part in runs of this provider."""
    parts = set(_PART.findall(path.lower()))
    others = parts & _PROVIDERS - {run.provider}
    if run.provider and run.provider in parts:
        return 1.3
    return ASIDE if others or parts & _WATCHING else 1.0


def imported(path: str, index: CodeIndex) -> set[str]:
    """Return the files that a module imports."""
    named = {(match[1] or match[2]).decode() for match in _IMPORTED.finditer(index.files.get(path, b""))}
    return {found for name in named for found in index.modules(name, path)}
