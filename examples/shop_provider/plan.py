"""Decide which tools answer a customer's question: the model's part that understands English, as rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from examples.shop_provider.rules import ADDRESS, IDENTITY, REFUND, amount_for, reason_for, wants_identity_check
from examples.shop_provider.transcript import Transcript

ORDER_ID = re.compile(r"\bA-\d{4}\b")
EMAIL = re.compile(r"[\w.]+@[\w.]+\w")
AMOUNT = re.compile(r"(?:€|EUR)\s?\d+(?:[.,]\d{1,2})?|\d+[.,]\d{1,2}(?:\s?(?:EUR|euros?|€))?")
REASON = re.compile(r"\((?P<coded>\w+)\)|\b(?:because|since) (?P<told>[^.,!?;]+)", re.IGNORECASE)
NEW_ADDRESS = re.compile(r"(?:to|is) (?P<address>[A-Z][A-Za-z ]+ \d+, [A-Z][a-z]+)")
CATALOG = re.compile(r"(?:do you (?:sell|have|stock)|looking for|show me) (?P<wish>[A-Za-z ]+)", re.IGNORECASE)
ASKS_FOR_CHECK = re.compile(r"verify me|verify my identity|check (?:that it is me|who I am)|my identity", re.IGNORECASE)
PARCEL = re.compile(r"parcel|track|carrier|courier", re.IGNORECASE)
STATE = re.compile(r"status|state|what is in|what did I|items|where is|shipped|order\b|buy|cost|total", re.IGNORECASE)
FILLER = {"a", "an", "any", "anything", "some", "something", "from", "in", "made", "of", "your", "own", "the"}

ONE_BY_ONE = 3  # with this many orders the model looks at one after the other
ONE_BY_ONE_TOOL = "get_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call that the model wants to make."""

    name: str
    arguments: Mapping[str, Any]


Functions = Mapping[str, Mapping[str, Any]]


def plan(transcript: Transcript, functions: Functions) -> list[list[Call]]:
    """Return the steps that answer the question; the calls of one step are made in parallel.

    `functions` are the tools that the request offers, by name.
    """
    text = transcript.question
    order_ids = list(dict.fromkeys(ORDER_ID.findall(text)))
    if order_ids and REFUND.search(text):
        return _refund(transcript, functions, order_ids[0])
    if order_ids and (address := NEW_ADDRESS.search(text)):
        change = Call(name="change_address", arguments={"order_id": order_ids[0], "address": address["address"]})
        return [*_identity_check(transcript, functions, order_ids[0], change.name, ADDRESS), [change]]
    if (email := EMAIL.search(text)) and not order_ids:
        return [[Call(name="list_orders", arguments={"email": email[0]})]]
    if wish := CATALOG.search(text):
        return [[Call(name="search_catalog", arguments={"query": _query(wish["wish"])})]]
    return _look_up(text, order_ids)


def _look_up(text: str, order_ids: Sequence[str]) -> list[list[Call]]:
    tools = ["track_shipment"] if PARCEL.search(text) else ["get_order"]
    if not order_ids:
        about_an_order = STATE.search(text) or PARCEL.search(text)
        return [[Call(name="get_order", arguments={})]] if about_an_order else []
    if len(order_ids) >= ONE_BY_ONE:
        return [[Call(name=ONE_BY_ONE_TOOL, arguments={"order_id": order_id})] for order_id in order_ids]
    if len(order_ids) == 1 and PARCEL.search(text) and re.search(r"what is in|items|total", text):
        tools = ["get_order", "track_shipment"]
    return [[Call(name=tool, arguments={"order_id": order_id}) for order_id in order_ids for tool in tools]]


def _refund(transcript: Transcript, functions: Functions, order_id: str) -> list[list[Call]]:
    function = functions.get("issue_refund", {})
    properties = function.get("parameters", {}).get("properties", {})
    refusals = " ".join(result.error or "" for result in transcript.results if result.name == "issue_refund")
    hint = f"{transcript.rules} {function.get('description', '')} {refusals}"
    amount, reason = AMOUNT.search(transcript.question), REASON.search(transcript.question)
    arguments: dict[str, Any] = {"order_id": order_id}
    if amount:
        arguments["amount"] = amount_for(properties.get("amount", {}), amount[0].strip(), hint=hint)
    if reason:
        spoken = reason["coded"] or reason["told"]
        arguments["reason"] = reason_for(properties.get("reason", {}), spoken, hint=hint)
    refund = Call(name="issue_refund", arguments=arguments)
    return [*_identity_check(transcript, functions, order_id, refund.name, REFUND), [refund]]


def _identity_check(
    transcript: Transcript, functions: Functions, order_id: str, tool: str, topic: re.Pattern[str]
) -> list[list[Call]]:
    """Return a step that verifies the customer when they ask for it, or the instructions or the tool demand it."""
    description = str(functions.get(tool, {}).get("description", ""))
    refused = any(IDENTITY.search(result.error or "") for result in transcript.results if result.name == tool)
    demanded = refused or IDENTITY.search(description) or wants_identity_check(transcript.rules, topic)
    if not (demanded or ASKS_FOR_CHECK.search(transcript.question)):
        return []
    email = EMAIL.search(transcript.question)
    return [[Call(name="verify_identity", arguments={"order_id": order_id, "email": email[0] if email else ""})]]


def _query(wish: str) -> str:
    words = [word for word in wish.lower().split() if word not in FILLER]
    return " ".join(words).removesuffix("s")
