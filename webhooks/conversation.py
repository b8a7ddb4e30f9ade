"""Read what a span says was said: the messages in and out, the tools offered, why the model stopped."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webhooks import attribute_keys as keys
from webhooks.attributes import first, indexed, mapping, parsed, sequence, text
from webhooks.messages import Message, parts_text, read_message, read_messages
from webhooks.operation import Operation, operation
from webhooks.reading import once
from webhooks.trace import Span


@once
def input_messages(span: Span) -> list[Message]:
    """Return what the model was sent, system message first where the convention keeps it apart."""
    return next((found for found in _inputs(span) if found), [])


@once
def output_messages(span: Span) -> list[Message]:
    """Return what the model answered, one message per choice."""
    return next((found for found in _outputs(span) if found), [])


@once
def tool_definitions(span: Span) -> list[dict[str, Any]]:
    """Return the tools that the model was offered, each in the shape of OpenAI's "function" tools."""
    attributes = span.attributes
    openinference = [item.get("tool.json_schema") for item in indexed(attributes, keys.LLM_TOOLS)]
    offered: list[Any] = (
        openinference
        or sequence(attributes.get(keys.GEN_AI_TOOL_DEFINITIONS))
        or sequence(attributes.get(keys.AI_PROMPT_TOOLS))
        or indexed(attributes, keys.LLM_REQUEST_FUNCTIONS)
        or sequence(mapping(first(span.attributes, keys.INPUT_KEYS)).get("tools"))
    )
    return [tool for item in offered if (tool := _function_tool(mapping(item)))]


@once
def finish_reasons(span: Span) -> list[str]:
    """Return why the model stopped, one per choice, in OpenAI's words: stop, length, tool_calls, content_filter."""
    reasons = next((found for found in _finish_reasons(span) if found), [])
    return [keys.FINISH_REASONS.get(reason.lower(), reason.lower()) for reason in reasons]


def choices_of(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the choices of a chat completion that hold a message."""
    choices = completion.get("choices")
    found = choices if isinstance(choices, list) else []
    return [choice for choice in found if isinstance(choice, dict) and isinstance(choice.get("message"), dict)]


def _inputs(span: Span) -> Iterator[list[Message]]:
    attributes = span.attributes
    yield _openinference(attributes, keys.LLM_INPUT_MESSAGES)
    for source in _sources(span):
        said = read_messages(source.get(keys.GEN_AI_INPUT_MESSAGES), role="user")
        yield [*_system(source.get(keys.GEN_AI_SYSTEM_INSTRUCTIONS)), *said] if said else []
    yield _flattened(attributes, keys.GEN_AI_PROMPT, role="user")
    for source in _sources(span):
        yield read_messages(source.get(keys.GEN_AI_PROMPT), role="user")
    yield [message for name, item in _events(span) for message in _said(name, item)]
    yield [Message(role="user", content=said) for said in _prompts(attributes)]
    for key in keys.AI_PROMPTS:
        yield read_messages(mapping(attributes.get(key)).get("prompt") or attributes.get(key), role="user")
    if operation(span) is Operation.LLM:
        yield read_messages(first(attributes, keys.INPUT_KEYS), role="user")


def _outputs(span: Span) -> Iterator[list[Message]]:
    attributes = span.attributes
    yield _openinference(attributes, keys.LLM_OUTPUT_MESSAGES)
    for source in _sources(span):
        yield read_messages(source.get(keys.GEN_AI_OUTPUT_MESSAGES), role="assistant")
    yield _flattened(attributes, keys.GEN_AI_COMPLETION, role="assistant")
    for source in _sources(span):
        yield _answers(source.get(keys.GEN_AI_COMPLETION))
    yield [message for item in _choice_events(span) for message in _chosen(item)]
    calls = attributes.get(keys.AI_RESPONSE_CALLS)
    spoken = first(attributes, keys.AI_RESPONSE_TEXTS)
    if calls is not None or spoken is not None:
        yield read_message({"content": text(spoken) or "", "tool_calls": sequence(calls)}, role="assistant")
    if operation(span) is Operation.LLM:
        yield _answers(first(attributes, keys.OUTPUT_KEYS))


def _sources(span: Span) -> list[Mapping[str, Any]]:
    """Return where the GenAI conventions put content: on the span, or on an event of it."""
    return [span.attributes, *(event.attributes for event in span.events)]


def _openinference(attributes: Mapping[str, Any], prefix: str) -> list[Message]:
    role = "user" if prefix == keys.LLM_INPUT_MESSAGES else "assistant"
    return [message for item in indexed(attributes, prefix) for message in read_message(_unflattened(item), role=role)]


def _unflattened(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return one message of OpenInference as an OpenAI message."""
    parts = [
        {key.removeprefix("message_content."): value for key, value in part.items()}
        for part in indexed(item, "message.contents")
    ]
    calls = [
        {key.removeprefix("tool_call.").removeprefix("function."): value for key, value in call.items()}
        for call in indexed(item, "message.tool_calls")
    ]
    content = item.get("message.content")
    return {
        "role": item.get("message.role"),
        "content": parts if content is None else content,
        "tool_calls": calls,
        "tool_call_id": item.get("message.tool_call_id"),
    }


def _prompts(attributes: Mapping[str, Any]) -> list[str]:
    """Return the prompts of a completion that is no chat: a list of texts, or flattened."""
    flattened = [item.get("prompt.text") for item in indexed(attributes, keys.LLM_PROMPTS)]
    return _texts(flattened or sequence(attributes.get(keys.LLM_PROMPTS)))


def _flattened(attributes: Mapping[str, Any], prefix: str, *, role: str) -> list[Message]:
    items = [{**item, "tool_calls": indexed(item, "tool_calls")} for item in indexed(attributes, prefix)]
    return [message for item in items for message in read_message(item, role=role)]


def _system(value: object) -> list[Message]:
    found = parsed(value)
    parts = [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []
    content = parts_text(parts) or (text(value) if isinstance(found, str) else None)
    return [Message(role="system", content=content)] if content else []


def _events(span: Span) -> list[tuple[str, Mapping[str, Any]]]:
    """Return name and content of each event, kept as such or in an attribute."""
    inlined = [item for item in sequence(span.attributes.get(keys.EVENTS)) if isinstance(item, dict)]
    named = [(text(item.get(keys.EVENT_NAME)) or "", item) for item in inlined]
    return [*((event.name, event.attributes) for event in span.events), *named]


def _choice_events(span: Span) -> list[Mapping[str, Any]]:
    return [item for name, item in _events(span) if name == keys.GEN_AI_CHOICE_EVENT]


def _said(name: str, item: Mapping[str, Any]) -> list[Message]:
    role = keys.GEN_AI_MESSAGE_EVENTS.get(name)
    return read_message({"content": "", **item, "tool_call_id": item.get("id")}, role=role) if role else []


def _chosen(item: Mapping[str, Any]) -> list[Message]:
    return read_message(item.get("message") or dict(item), role="assistant")


def _answers(value: object) -> list[Message]:
    choices = choices_of(mapping(value))
    if not choices:
        return read_messages(value, role="assistant")
    return [message for choice in choices for message in read_message(choice["message"], role="assistant")]


def _finish_reasons(span: Span) -> Iterator[list[str]]:
    attributes = span.attributes
    for key in (keys.GEN_AI_FINISH_REASONS, keys.LLM_FINISH_REASON, keys.AI_FINISH_REASON):
        found = parsed(attributes.get(key))
        yield _texts(found if isinstance(found, list) else [found])
    for items in (
        sequence(attributes.get(keys.GEN_AI_OUTPUT_MESSAGES)),
        indexed(attributes, keys.GEN_AI_COMPLETION),
        _choice_events(span),
        choices_of(mapping(first(span.attributes, keys.OUTPUT_KEYS))),
    ):
        yield _texts(item.get("finish_reason") for item in items if isinstance(item, Mapping))


def _texts(values: Iterable[object]) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _function_tool(item: Mapping[str, Any]) -> dict[str, Any] | None:
    function = mapping(item.get("function")) or item
    name = text(function.get("name"))
    if not name:
        return None
    parameters = mapping(first(function, ("parameters", "inputSchema", "input_schema")))
    description = text(function.get("description")) or ""
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
