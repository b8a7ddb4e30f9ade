from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from clustering.failure import Failure
from fixers.code_index import CodeIndex, Place
from fixers.diagnosis import Layer
from fixers.link import Kind, contrast, link
from webhooks.trace import Event, Span, Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOOL = {"openinference.span.kind": "TOOL"}


def span(number: int, name: str, attributes: Mapping[str, Any], *, stack: str = "", trace_id: str = "t1") -> Span:
    raised = {"exception.type": "E", "exception.message": "m", "exception.stacktrace": stack}
    return Span(
        trace_id=trace_id,
        span_id=f"s{number}",
        parent_span_id=None if number == 0 else "s0",
        name=name,
        start=NOW + timedelta(seconds=number),
        attributes=attributes,
        events=(Event(name="exception", time=NOW, attributes=raised),) if stack else (),
    )


def run(*spans: Span) -> Trace:
    return Trace.from_spans([span(0, "agent.run", {"openinference.span.kind": "AGENT"}), *spans])


def failure(span_id: str = "s1", detector: str = "tool_error", trace_id: str = "t1") -> Failure:
    return Failure(
        trace_id=trace_id, span_id=span_id, detector=detector, key="pay", message="", reason="", occurred_at=NOW
    )


def index(files: Mapping[str, str]) -> CodeIndex:
    return CodeIndex.over({path: text.encode() for path, text in files.items()})


FILES = {
    "shop/loop.py": 'def run():\n    with tracer.start_as_current_span("agent.run"):\n        pass\n',
    "shop/tools.py": "def pay(amount):\n    pass\n\n\ndef look(x):\n    pass\n",
    "shop/schemas.py": 'PAY = {\n    "name": "pay",\n}\n',
    "shop/history.py": "def trim_history(messages):\n    pass\n",
    "prompts/system.md": "Check who is asking before you pay any money back to anybody at all.\n",
}


def kinds(failures: list[Failure], trace: Trace, layer: Layer | None = None) -> list[tuple[Place, Kind]]:
    found = link(failures, {"t1": trace}, index(FILES), layer=layer)
    return [(each.place, each.kind) for each in found]


def test_frames_come_first_the_innermost_before_its_callers() -> None:
    stack = 'File "/srv/shop/loop.py", line 2, in run\nFile "/srv/shop/tools.py", line 2, in pay\n'
    trace = run(span(1, "pay", {**TOOL, "tool.name": "pay"}, stack=stack))
    assert kinds([failure()], trace)[:3] == [
        (Place("shop/tools.py", 2), Kind.FRAME),
        (Place("shop/loop.py", 2), Kind.FRAME),
        (Place("shop/tools.py", 1), Kind.TOOL),
    ]


def test_a_tool_leads_to_its_function_its_schema_and_where_the_run_was_begun() -> None:
    found = kinds([failure()], run(span(1, "pay", {**TOOL, "tool.name": "pay"})))
    assert found == [
        (Place("shop/tools.py", 1), Kind.TOOL),
        (Place("shop/schemas.py", 2), Kind.SCHEMA),
        (Place("shop/loop.py", 2), Kind.SPAN),
    ]


def test_the_layer_decides_what_comes_first() -> None:
    prompt = {
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": FILES["prompts/system.md"],
    }
    trace = run(span(1, "pay", {**TOOL, "tool.name": "pay"}), span(2, "chat", prompt))
    first = {layer: kinds([failure()], trace, layer)[0][0].path for layer in Layer}
    assert first[Layer.PROMPT] == "prompts/system.md"
    assert first[Layer.TOOL_SCHEMA] == "shop/schemas.py"
    assert first[Layer.CONTEXT] == "shop/history.py"
    assert first[Layer.TOOL_CODE] == "shop/tools.py"


def test_a_name_that_means_too_many_lines_means_nothing() -> None:
    files = {f"shop/{n}.py": "def pay(): ...\n" for n in range(9)}
    found = link([failure()], {"t1": run(span(1, "pay", {**TOOL, "tool.name": "pay"}))}, index(files))
    assert found == []


def test_what_most_failures_name_comes_before_what_one_names() -> None:
    stacks = ['File "shop/tools.py", line 2', 'File "shop/loop.py", line 3', 'File "shop/loop.py", line 3']
    traces = {
        f"t{n}": run_of(f"t{n}", span(1, "pay", TOOL, stack=stack, trace_id=f"t{n}")) for n, stack in enumerate(stacks)
    }
    found = link([failure(trace_id=trace_id) for trace_id in traces], traces, index(FILES))
    assert [(each.place, each.n) for each in found[:2]] == [
        (Place("shop/loop.py", 3), 2),
        (Place("shop/tools.py", 2), 1),
    ]


def run_of(trace_id: str, *spans: Span) -> Trace:
    root = replace(span(0, "agent.run", {"openinference.span.kind": "AGENT"}), trace_id=trace_id)
    return Trace.from_spans([root, *spans])


def test_a_tool_that_only_failing_runs_call_is_a_candidate() -> None:
    def called(trace_id: str, *tools: str) -> Trace:
        spans = [span(n, tool, {**TOOL, "tool.name": tool}, trace_id=trace_id) for n, tool in enumerate(tools, start=1)]
        return run_of(trace_id, *spans)

    failing = {f"f{n}": called(f"f{n}", "look", "pay") for n in range(3)}
    healthy = [called(f"h{n}", "look") for n in range(5)]
    assert contrast(failing, healthy) == ["pay"]
    assert contrast(failing, []) == []
    rated = [failure(span_id="s0", detector="negative_feedback", trace_id=trace_id) for trace_id in failing]
    found = link(rated, failing, index(FILES), healthy=healthy)
    assert (found[0].place, found[0].kind) == (Place("shop/tools.py", 1), Kind.CONTRAST)


def test_a_missing_trace_leads_nowhere() -> None:
    assert link([failure()], {}, index(FILES)) == []


def worded(message: str, files: Mapping[str, str], *, detector: str = "error") -> list[tuple[Place, Kind]]:
    trace = run(span(1, "chat", {}))
    told = replace(failure(detector=detector), message=message)
    return [(each.place, each.kind) for each in link([told], {"t1": trace}, index({**FILES, **files}))]


def test_identifiers_in_the_failures_own_words_lead_to_what_they_name() -> None:
    files = {
        "shop/limits.py": "max_turns = 3\n\n\nclass RunConfig:\n    pass\n",
        "shop/steps.py": 'def run_step():\n    return {"next_step": 1}\n',
    }
    for message, place in (
        ("Max turns (3) exceeded; raise max_turns", Place("shop/limits.py", 1)),
        ("RunConfig got no model", Place("shop/limits.py", 4)),
        ("runner.run_step() returned nothing", Place("shop/steps.py", 1)),
        ("the key next_step is missing", Place("shop/steps.py", 2)),
        ("trim_history was given 'None'", Place("shop/history.py", 1)),
    ):
        assert worded(message, files)[0] == (place, Kind.WORDS), message


def test_plain_words_and_names_of_many_things_lead_nowhere() -> None:
    many = {f"shop/adapter_{number}.py": "def build_request():\n    pass\n" for number in range(6)}
    for message in ("you must pay before you look", "build_request failed", "see /srv/shop/trim_history.log"):
        assert not any(kind is Kind.WORDS for _, kind in worded(message, many)), message


def told(trace_id: str, result: str) -> Trace:
    """Return a run whose tool found something, and whose model was told this of it."""
    asked = {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "pay",
    }
    answered = {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.input_messages.0.message.role": "tool",
        "llm.input_messages.0.message.content": result,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "It is paid.",
    }
    attributes = [asked, {**TOOL, "tool.name": "pay", "output.value": FOUND}, answered]
    spans = [span(number, "step", each, trace_id=trace_id) for number, each in enumerate(attributes, start=1)]
    root = span(0, "agent.run", {"openinference.span.kind": "AGENT", "output.value": "It is paid."}, trace_id=trace_id)
    return Trace.from_spans([root, *spans])


FOUND = "The order is paid and on its way."
HARNESS = {
    **FILES,
    "shop/wire.py": 'def tell(call, found):\n    return {"role": "tool", "tool_call_id": call.id, "content": found}\n',
    "shop/openai_wire.py": 'def send(call):\n    return {"role": "tool", "tool_call_id": call.id, "content": ""}\n',
}


def test_what_only_failing_runs_lose_leads_to_the_function_that_passes_it_on_before_all_else() -> None:
    stack = 'File "/srv/shop/loop.py", line 2, in run\n'
    cut = told("t1", FOUND[:12])
    raised = span(4, "pay", TOOL, stack=stack)
    bad = Trace.from_spans([*cut.spans, raised])
    found = link([failure("s4")], {"t1": bad}, index(HARNESS), healthy=[told("t2", FOUND)])
    assert {each.place.path for each in found[:2]} == {"shop/openai_wire.py", "shop/wire.py"}
    assert found[0].kind is Kind.JOB
    assert found[2].kind is Kind.FRAME


def test_where_nothing_is_lost_in_sight_the_adapter_of_the_provider_comes_before_names_of_spans() -> None:
    found = link([failure("s1")], {"t1": told("t1", FOUND)}, index(HARNESS), healthy=[told("t2", FOUND)])
    kinds = [each.kind for each in found]
    assert Kind.JOB not in kinds
    assert kinds.index(Kind.ADAPTER) < kinds.index(Kind.SPAN)
    assert [each.place.path for each in found if each.kind is Kind.ADAPTER] == ["shop/openai_wire.py"]
