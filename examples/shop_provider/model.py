"""The model: reads a chat-completions request, follows its plan, answers from what the tools said. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from examples.shop_provider.plan import Call, Functions, plan
from examples.shop_provider.rules import IDENTITY
from examples.shop_provider.transcript import ToolResult, read

CONFUSED = "Hello! I am a language model. I do not know which shop you mean, but I can help with general questions."
SMALL_TALK = "You are welcome! Is there anything else that I can do for you?"
NO_EMAIL = "I first need to verify your identity: which e-mail address did you order with?"
NOT_VERIFIED = "I could not verify your identity for order {order_id}, so I have changed nothing."
NO_TOOLS = "I am sorry, I cannot look that up at the moment."
UNREADABLE = "I found something for {asked}, but it does not answer your question."

ANSWERS = {
    "get_order": "Order {order_id}: {quantity} x {item}, {status}, {total} in total, placed on {placed_on}.",
    "track_shipment": "Order {order_id} is {status} with {carrier} ({tracking_number}), expected on {expected_on}.",
    "issue_refund": "I have refunded {refunded} for order {order_id}; the money arrives within five working days.",
    "change_address": "Order {order_id} now goes to {address}.",
}
REFUSED = {
    "issue_refund": "I am sorry, I was not able to issue the refund for order {order_id}.",
    "change_address": "I am sorry, the address of order {order_id} can no longer be changed.",
}
SHOWN_ITEMS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the model says and which tools it calls."""

    content: str | None
    calls: tuple[Call, ...] = ()


def complete(request: Mapping[str, Any]) -> Completion:
    """Return the model's reply to a request whose messages are valid."""
    transcript = read(request["messages"])
    if not transcript.rules:
        return Completion(content=CONFUSED)
    functions = offered(request)
    results = _settled(transcript.results)
    steps = plan(transcript, functions)
    if steps and not steps[0][0].arguments.get("email", "-"):
        return Completion(content=NO_EMAIL)
    waiting = _waiting(steps, results)
    calls = tuple(call for call in waiting if call.name in functions)
    if not calls or transcript.wrap_up:
        return Completion(content=_answer(steps, results))
    return Completion(content=_answer(steps, results) if results else None, calls=calls)


def offered(request: Mapping[str, Any]) -> Functions:
    """Return the functions that the request lets the model call, by name."""
    if request.get("tool_choice") == "none":
        return {}
    functions = [tool["function"] for tool in request.get("tools") or () if tool.get("type") == "function"]
    return {function["name"]: function for function in functions}


def _settled(results: Sequence[ToolResult]) -> list[ToolResult]:
    """Leave out what came of arguments that were no JSON, and demands of an identity check that has since been made."""
    checks = [index for index, result in enumerate(results) if result.name == "verify_identity"]
    last_check = max(checks, default=-1)
    return [
        result
        for index, result in enumerate(results)
        if result.arguments is not None and not (index < last_check and IDENTITY.search(result.error or ""))
    ]


def _waiting(steps: Sequence[Sequence[Call]], results: Sequence[ToolResult]) -> list[Call]:
    """Return the calls of the first step that is not done; nothing after a refusal or a failed identity check."""
    for step in steps:
        found = [_result_of(call, results) for call in step]
        if missing := [call for call, result in zip(step, found, strict=True) if result is None]:
            return missing
        if any(result is not None and _ends_the_plan(result) for result in found):
            return []
    return []


def _result_of(call: Call, results: Sequence[ToolResult]) -> ToolResult | None:
    matching = [result for result in results if (result.name, result.arguments) == (call.name, call.arguments)]
    return matching[-1] if matching else None


def _ends_the_plan(result: ToolResult) -> bool:
    return (result.error is not None and result.name != "get_order") or _is_unverified(result)


def _is_unverified(result: ToolResult) -> bool:
    return result.name == "verify_identity" and _fields(result).get("verified") is not True


def _answer(steps: Sequence[Sequence[Call]], results: Sequence[ToolResult]) -> str:
    if not steps:
        return SMALL_TALK
    calls = [call for step in steps for call in step]
    found = [result for call in calls if (result := _result_of(call, results)) is not None]
    return " ".join(_sentence(result) for result in found) or NO_TOOLS


def _sentence(result: ToolResult) -> str:
    """Say what the tool said. The model trusts that a result belongs to the call whose id it carries."""
    arguments = dict(result.arguments or {})
    if _is_unverified(result):
        return NOT_VERIFIED.format_map(arguments)
    if result.error is not None:
        return REFUSED.get(result.name, f"I am sorry, that did not work: {result.error}.").format_map(arguments)
    try:
        return _told(result.name, {**_fields(result), **arguments})
    except (KeyError, TypeError):
        return UNREADABLE.format(asked=arguments.get("order_id", "that"))


def _told(name: str, fields: Mapping[str, Any]) -> str:
    if name == "verify_identity":
        return "Thank you, I have verified your identity."
    if name == "list_orders":
        orders = [f"{order['order_id']} ({order['item']}, {order['status']})" for order in fields["orders"]]
        return f"You have {len(orders)} orders: {', '.join(orders)}."
    if name == "search_catalog":
        items = [f"{item['name']} at {item['price']}" for item in fields["items"]]
        shown = ", ".join(items[:SHOWN_ITEMS])
        return f"We have {len(items)} items for {fields['query']}: {shown}." if items else "We do not have that."
    return ANSWERS[name].format_map(dict(fields))


def _fields(result: ToolResult) -> Mapping[str, Any]:
    return result.content if isinstance(result.content, Mapping) else {}
