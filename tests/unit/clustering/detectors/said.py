"""Spans of calls to a model, with what was said and which tools were offered."""

import json
from collections.abc import Mapping, Sequence

from tests.unit.clustering.runs import Run
from webhooks.trace import Span

REFUND = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
    "required": ["order_id"],
    "additionalProperties": False,
}


def chat(
    run: Run,
    *said: tuple[str, str],
    answer: str = "",
    calls: Sequence[tuple[str, str]] = (),
    tools: Mapping[str, object] | None = None,
    **attributes: object,
) -> Span:
    """Add a call to the model; `said` are (role, content), `calls` are (tool, arguments), `tools` name -> schema."""
    made = [
        {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls)
    ]
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([{"role": role, "content": content} for role, content in said]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": answer, "tool_calls": made}]),
    }
    if tools:
        offered = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in tools.items()]
        found["gen_ai.tool.definitions"] = json.dumps(offered)
    return run.add("chat", found | attributes)
