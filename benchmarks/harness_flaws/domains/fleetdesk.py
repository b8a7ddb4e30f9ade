"""The vehicle workshop: what dispatchers and drivers ask, and the rules of the model that answers them."""

import re
from collections.abc import Callable
from random import Random
from zlib import crc32

from benchmarks.harness_flaws.provider import Asked, Message, call, say
from benchmarks.harness_flaws.visit import Visit, one

WORKER = ("python", "-m", "fleetdesk.api.worker")
STATES = {"V-101": "in service", "V-102": "in the workshop", "V-105": "in service", "V-106": "in the workshop",
          "V-108": "in service", "V-109": "in reserve", "V-110": "in service", "V-113": "in service",
          "V-114": "in reserve", "V-116": "in service"}  # fmt: skip
HISTORY = {"V-101": ("Okafor", "2026-03-12"), "V-103": ("Moreau", "2026-02-19"), "V-105": ("Petrov", "2026-08-15"),
           "V-108": ("Ferrari", "2026-10-02"), "V-110": ("Kimura", "2026-04-11"),
           "V-112": ("Brennan", "2026-05-22")}  # fmt: skip
LEFT_KM = {"V-101": "7090 km", "V-105": "9660 km", "V-108": "2870 km", "V-110": "9100 km", "V-113": "8400 km"}
LEFT_MILES = {"V-103": "3582 mi", "V-104": "6382 mi", "V-107": "5451 mi", "V-112": "4449 mi", "V-114": "3237 mi"}
ESTIMATES = {"WO-11": "260.89", "WO-13": "68.50", "WO-16": "329.48", "WO-18": "286.07", "WO-20": "34.25"}
PADS = {"Sprinter": ("P-119", "4"), "Transit": ("P-170", "5"), "Golf": ("P-171", "3"), "Actros": ("P-172", "2")}
PARTS = ("P-121", "P-131", "P-150", "P-151", "P-161", "P-172")
STATE = ("What state is {} in?", "Where is {} now? I need its state.", "Tell me the state of {}.")
BOTH = ("Who drives {}, and when was its last service?", "Driver and last service of {}, please.")
LEFT = ("How far may {} still go before its next service?", "When is the next service of {} due?",
        "What is left for {} until the next service?")  # fmt: skip
COST = ("Please give me an estimate for {}.", "I need an estimate of the cost of {}.", "Estimate {} for me.",
        "What is your estimate for {}?")  # fmt: skip
HAVE = ("Do we have brake pads for the {}?", "Brake pads for a {}: how many are left?",
        "How many brake pads of the {} are in stock?", "Check the brake pads for {}, please.")  # fmt: skip
RULE = re.compile(
    r"record_inspection|inspect[^.]*\b(before|first|unless)\b|\b(before|unless)\b[^.]*inspect", re.IGNORECASE
)
HOT = 1.0


def reply(asked: Asked) -> Message:
    """Answer as the model would; at a high temperature it does not always look things up."""
    temperature = asked.request.get("temperature")
    hot = isinstance(temperature, int | float) and temperature > HOT
    if hot and crc32(asked.question.encode()) % 4:
        return say("That should all be fine, as far as I remember.")
    for pattern, answer in _RULES:
        if asked.find(pattern):
            return answer(asked)
    return say("I can tell you about vehicles, orders and parts.")


def _state(asked: Asked) -> Message:
    vehicle = _named(asked, r"V-\d+")
    told = asked.told("get_vehicle")
    if told is None:
        return call(("get_vehicle", {"vehicle_id": vehicle}))
    return say("I cannot find it." if told.is_error else f"{vehicle} is {told.value['state']}.")


def _both(asked: Asked) -> Message:
    vehicle = _named(asked, r"V-\d+")
    known, history = asked.told("get_vehicle"), asked.told("service_history")
    if known is None or history is None:
        # The archive is asked first: it is slower than the table of vehicles.
        return call(("service_history", {"vehicle_id": vehicle}), ("get_vehicle", {"vehicle_id": vehicle}))
    driver, services = _field(known.value, "driver"), _field(history.value, "services")
    if not driver or not isinstance(services, list):
        return say("I could not find out both of it.")
    return say(f"{driver} drives {vehicle}; its last service was on {services[-1]['day']}.")


def _left(asked: Asked) -> Message:
    vehicle = _named(asked, r"V-\d+")
    told = asked.told("next_service")
    if told is None:
        return call(("next_service", {"vehicle_id": vehicle}))
    return say(f"{vehicle} may go another {told.value['distance_left']} {told.value['unit']}.")


def _estimate(asked: Asked) -> Message:
    order = _named(asked, r"WO-\d+")
    told = asked.told("estimate_order")
    if told is None:
        return call(("estimate_order", {"order_id": order}))
    words = f"With the hours of work and the parts, {order} comes to this."
    total = "TOTAL" in asked.system
    return say(f"{words}\nTOTAL: {told.value['net_eur']} EUR" if total else f"{words} {told.value['net_eur']} EUR")


def _workshop(asked: Asked) -> Message:
    told = asked.told("list_workshop")
    if told is None:
        return call(("list_workshop", {}))
    return say(f"{told.value['count']} vehicles are in the workshop: {', '.join(told.value['vehicles'])}.")


def _pads(asked: Asked) -> Message:
    make = _named(asked, "|".join(PADS))
    noted = re.search(rf"{make}: *(P-\d+)", asked.system)
    if noted is None:
        return say("I do not know which pads that one takes.")
    told = asked.told("part_stock")
    if told is None:
        return call(("part_stock", {"part_id": noted[1]}))
    return say("I cannot say." if told.is_error else f"{noted[1]}: {told.value['available']} are left.")


def _reserve(asked: Asked) -> Message:
    part, order = _named(asked, r"P-\d+"), _named(asked, r"WO-\d+")
    told = asked.told("reserve_part")
    if told is None:
        wanted = {"part_id": part, "order_id": order, "confirm": bool(asked.find("supplier's word"))}
        return call(("reserve_part", wanted))
    return say(f"{part} is not reserved: {told.content}" if told.is_error else f"{part} is reserved for {order}.")


def _close(asked: Asked) -> Message:
    order = _named(asked, r"WO-\d+")
    inspected, closed = asked.told("record_inspection"), asked.told("close_order")
    if closed and not closed.is_error:
        return say(f"{order} is closed.")
    if inspected and ("failed" in inspected.content or inspected.is_error):
        return say(f"{order} stays open: the inspection failed.")
    described = asked.tools["close_order"]["description"]
    refused = closed is not None and "inspect" in closed.content
    if not inspected and (RULE.search(asked.system) or "inspect" in described or refused):
        defects = ["brakes"] if asked.find("brakes") else []
        return call(("record_inspection", {"order_id": order, "defects": defects}))
    return say(f"{order} cannot be closed.") if closed else call(("close_order", {"order_id": order}))


def _named(asked: Asked, pattern: str) -> str:
    found = asked.find(pattern)
    return found[0] if found else ""


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


_RULES: tuple[tuple[str, Callable[[Asked], Message]], ...] = (
    ("estimate", _estimate),
    ("brake pads", _pads),
    (r"reserve P-\d", _reserve),
    (r"close WO-\d", _close),
    ("how many vehicles|which vehicles", _workshop),
    ("next service", _left),
    ("last service", _both),
    ("state", _state),
)


def _ask_state(rng: Random) -> Visit:
    vehicle = rng.choice(sorted(STATES))
    return one(rng.choice(STATE).format(vehicle), expects=(f"{vehicle} is {STATES[vehicle]}",))


def _rated_state(rng: Random) -> Visit:
    visit = _ask_state(rng)
    said = "That was no answer: it did not look the vehicle up, and what it remembers is wrong."
    return one(*visit.turns, expects=visit.expects, complaint=said)


def _ask_both(rng: Random) -> Visit:
    vehicle = rng.choice(sorted(HISTORY))
    return one(rng.choice(BOTH).format(vehicle), expects=HISTORY[vehicle])


def _ask_left(rng: Random) -> Visit:
    vehicle = rng.choice(sorted(LEFT_KM))
    return one(rng.choice(LEFT).format(vehicle), expects=(LEFT_KM[vehicle],))


def _ask_miles(rng: Random) -> Visit:
    vehicle = rng.choice(sorted(LEFT_MILES))
    said = f"{vehicle} has a service booked much sooner than that; its book says otherwise."
    return one(rng.choice(LEFT).format(vehicle), expects=(LEFT_MILES[vehicle],), complaint=said)


def _ask_estimate(rng: Random) -> Visit:
    order = rng.choice(sorted(ESTIMATES))
    return one(rng.choice(COST).format(order), expects=(f"Estimate for {order}: {ESTIMATES[order]} EUR",))


def _wordy_estimate(rng: Random) -> Visit:
    visit = _ask_estimate(rng)
    said = "An estimate of two thousand euros for that? It must be a mistake in the amount."
    return one(*visit.turns, expects=visit.expects, complaint=said, quirk="prose")


def _ask_pads(rng: Random) -> Visit:
    make = rng.choice(sorted(PADS))
    return one(rng.choice(HAVE).format(make), expects=(f"{PADS[make][0]}: {PADS[make][1]} are left",))


def _sprinter_pads(rng: Random) -> Visit:
    asked = rng.choice(HAVE).format(rng.choice(("Sprinter", "Sprinter of the north route", "Sprinter at gate 2")))
    return one(asked, expects=("P-119: 4 are left",))


def _reserve_again(rng: Random) -> Visit:
    part, order = rng.choice(PARTS), rng.choice(("WO-13", "WO-15", "WO-19", "WO-22"))
    n = rng.randint(10, 99)
    first = f"Reserve {part} for {order} with the supplier's word on delivery (slip {n})."
    return one(first, f"Then reserve {part} for {order} without asking anybody (slip {n}).", expects=("is reserved",))


def _ask_close(rng: Random) -> Visit:
    order = rng.choice(("WO-12", "WO-14", "WO-15", "WO-17", "WO-19", "WO-21"))
    asked = f"The brakes of the vehicle drag, but close {order} now (slip {rng.randint(10, 99)})."
    return one(asked, expects=("stays open",), avoids=("is closed",))


def _ask_workshop(rng: Random) -> Visit:
    place = rng.choice(("", " of ours", " right now", " today", " of the depot", " this morning"))
    ask = rng.choice(("How many vehicles{} are in the workshop?", "Which vehicles{} are in the workshop?"))
    return one(ask.format(place), expects=("3 vehicles", "V-115"))


def _long(rng: Random) -> Visit:
    turns = [_ask_state(rng) for _ in range(13)]
    last = _ask_estimate(rng)
    return one(*(turn.turns[0] for turn in turns), *last.turns, expects=last.expects)


def _with(kind: Callable[[Random], Visit], *names: str) -> Callable[[Random], Visit]:
    def write(rng: Random) -> Visit:
        visit = kind(rng)
        return one(*visit.turns, expects=visit.expects, quirk=rng.choice(names))

    return write


KINDS: dict[str, Callable[[Random], Visit]] = {
    "state": _ask_state,
    "both": _ask_both,
    "left": _ask_left,
    "miles": _ask_miles,
    "estimate": _ask_estimate,
    "wordy_estimate": _wordy_estimate,
    "pads": _ask_pads,
    "sprinter_pads": _sprinter_pads,
    "reserve_again": _reserve_again,
    "close": _ask_close,
    "workshop": _ask_workshop,
    "long": _long,
    "overloaded": _with(_ask_state, "500", "503x2"),
    "no_arguments": _with(_ask_workshop, "empty-args"),
    "hot": _rated_state,
}
HEALTHY = ("state", "both", "left", "estimate", "workshop")
