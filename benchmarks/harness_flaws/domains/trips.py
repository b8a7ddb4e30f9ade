"""The travel assistant: what travellers ask, and the rules of the model that answers them."""

import re
from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.harness_flaws.provider import Asked, Message, Result, call, say
from benchmarks.harness_flaws.visit import Visit, one

WORKER = ("python", "-m", "trips.worker")
STATIONS = ("Aarau", "Basel", "Chur", "Davos", "Fulda", "Genf", "Halle", "Luzern")
SOLD_OUT = (("Davos", "Chur"), ("Basel", "Genf"), ("Halle", "Fulda"), ("Luzern", "Aarau"))
ISO = re.compile(r"ISO|YYYY|\d{4}-\d\d", re.IGNORECASE)


def reply(asked: Asked) -> Message:
    """Answer as the model would: it goes by what the instructions and the tools' descriptions say."""
    if lives := asked.find(r"I live in (\w+)"):
        if asked.told("remember"):
            return say(f"I will remember that you live in {lives[1]}.")
        return call(("remember", {"name": "home", "value": lives[1]}))
    found = asked.find(r"from (\w+)(?: to (\w+))?.* on (\d+) December")
    if found is None:
        return say("Where do you want to go, and when?")
    origin, destination, day = found[1], found[2], int(found[3])
    if destination is None:
        home = re.search(r"home: (\w+)", asked.system)
        if home is None:
            return say("Where is home for you?")
        destination = home[1]
    trains = asked.told("find_trains")
    if trains is None:
        return call(("find_trains", {"origin": origin, "destination": destination, "day": _day(asked, day)}))
    if trains.is_error or not isinstance(trains.value, list):
        return say("I could not look up the trains of that day.")
    if asked.find("^book|book me"):
        return _book(asked, trains.value)
    if asked.find("all the trains"):
        listed = "; ".join(f"{t['train']} leaves at {t['leaves']} for {t['price_eur']} EUR" for t in trains.value)
        return say(f"From {origin} to {destination} there are these trains on {day} December: {listed}. That is all.")
    return say(f"The first train to {destination} leaves at {trains.value[0]['leaves']}.")


def _day(asked: Asked, day: int) -> str:
    described = str(_parameter(asked, "find_trains", "day")) + asked.tools["find_trains"]["description"] + asked.system
    return f"2026-12-{day:02d}" if ISO.search(described) else f"{day} December"


def _book(asked: Asked, trains: list[dict[str, Any]]) -> Message:
    booked: Result | None = asked.told("book_seat")
    if booked is None:
        described = asked.tools["book_seat"]["description"] + str(_parameter(asked, "book_seat", "offer"))
        by_offer = re.search(r"offer[ _]?id|OF-", described)
        return call(("book_seat", {"offer": trains[0]["offer_id" if by_offer else "train"]}))
    if "sold out" in booked.content:
        return say("I am sorry, that train is sold out; nothing is booked.")
    if booked.is_error:
        return say("I could not book that train.")
    return say(f"You are booked on the {trains[0]['leaves']} train, offer {trains[0]['offer_id']}.")


def _parameter(asked: Asked, tool: str, name: str) -> dict[str, Any]:
    properties = asked.tools[tool].get("parameters", {}).get("properties", {})
    return dict(properties.get(name) or {})


def _route(rng: Random) -> tuple[str, str, int]:
    while True:
        origin, destination = rng.sample(STATIONS, 2)
        if (origin, destination) not in SOLD_OUT:
            return origin, destination, rng.randint(2, 28)


def _first(rng: Random) -> Visit:
    origin, destination, day = _route(rng)
    asked = f"When does the first train from {origin} to {destination} leave on {day} December?"
    return one(asked, expects=("06:12", destination))


def _listed(rng: Random) -> Visit:
    origin, destination, day = _route(rng)
    asked = f"Show me all the trains from {origin} to {destination} on {day} December."
    return one(asked, expects=("06:12", "15:42", "That is all."))


def _booked(rng: Random) -> Visit:
    origin, destination, day = _route(rng)
    asked = f"Book me the first train from {origin} to {destination} on {day} December."
    return one(asked, expects=("You are booked on the 06:12", "offer OF-"))


def _sold_out(rng: Random) -> Visit:
    origin, destination = rng.choice(SOLD_OUT)
    asked = f"Book me the first train from {origin} to {destination} on {rng.randint(2, 28)} December."
    said = "I was told that I had a seat, but there is no booking, and the train was full."
    return one(asked, expects=("sold out",), complaint=said)


def _lives(rng: Random) -> Visit:
    said = rng.choice(("I live in {}.", "By the way, I live in {}.", "Hello! I live in {}."))
    station = rng.choice(STATIONS)
    return one(said.format(station), expects=(f"you live in {station}",))


def _home(rng: Random) -> Visit:
    origin, destination, day = _route(rng)
    asked = f"When does the first train home from {origin} leave on {day} December?"
    return one(f"I live in {destination}.", asked, expects=(destination,), user_id=f"u-{rng.randint(100, 999)}")


def _home_unknown(rng: Random) -> Visit:
    origin, _, day = _route(rng)
    asked = f"When does the first train home leave from {origin} on {day} December?"
    said = "It did not ask me where I live, it took somebody else's home town."
    return one(asked, expects=("Where is home",), complaint=said, user_id=f"u-{rng.randint(100, 999)}")


KINDS: dict[str, Callable[[Random], Visit]] = {
    "first": _first,
    "listed": _listed,
    "booked": _booked,
    "sold_out": _sold_out,
    "lives": _lives,
    "home": _home,
    "home_unknown": _home_unknown,
}
HEALTHY = ("home", "first", "listed", "booked", "lives")
