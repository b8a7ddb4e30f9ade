"""The greenhouse: what gardeners ask, and the rules of the model that answers them."""

import json
import re
from collections.abc import Callable
from random import Random

from benchmarks.harness_flaws.provider import Asked, Message, call, say
from benchmarks.harness_flaws.visit import Visit, one

WORKER = ("python", "serve.py")
BEDS = {
    "tomatoes": ("T-2", 31, "22.5", "6.26"), "ferns": ("F-1", 55, "19.0", "3.24"), "herbs": ("H-3", 42, "21.0", "0.65"),
    "orchids": ("O-1", 60, "24.5", "0.29"), "chillies": ("C-4", 38, "25.0", "1.84"),
    "strawberries": ("S-2", 47, "20.5", "4.86"),
}  # fmt: skip
CROPS = tuple(sorted(BEDS))
STAYED = ("ferns", "orchids", "strawberries")
MOIST = ("How moist are the {}?", "Are the {} dry? Tell me the moisture.", "What moisture do the {} have?")
WARM = ("How warm is it at the {}?", "Temperature at the {}, please.", "Is it too hot for the {}? How warm is it?")
WATER = (
    "How much water do the {} need?",
    "How many litres of water would the {} need?",
    "Water for the {}: how much?",
    "Do the {} need water, and how much?",
)


def reply(asked: Asked) -> Message:
    """Answer as the model would: it knows a bed's code from its notes alone."""
    crop = next((crop for crop in CROPS if crop in asked.question), "")
    noted = re.search(rf"{crop}: *\**([A-Z]-\d)", asked.system) if crop else None
    if noted is None:
        return _answer("I do not know where that grows.")
    code = noted[1]
    tool = "water_needed" if asked.find("water") else "read_sensor"
    told = asked.told(tool)
    if told is None and asked.may_call:
        return call((tool, {"code": code}))
    if told is None or told.is_error:
        return _answer(f"I cannot reach the bed {code}.")
    value = told.value
    if asked.find("water"):
        return _answer(f"The {crop} need {value['litres']} litres.")
    if asked.find("warm|temperature"):
        return _answer(f"It is {value['temperature_c']} degrees at the {crop}.")
    return _answer(f"The {crop} are at {value['moisture_percent']} percent.")


def _answer(words: str) -> Message:
    return say(json.dumps({"answer": words}))


def _moist(rng: Random) -> Visit:
    crop = rng.choice(CROPS)
    return one(rng.choice(MOIST).format(crop), expects=(f"{BEDS[crop][1]} percent",), avoids=("{", "```"))


def _warm(rng: Random) -> Visit:
    crop = rng.choice(CROPS)
    return one(rng.choice(WARM).format(crop), expects=(f"{BEDS[crop][2]} degrees",), avoids=("{", "```"))


def _water(rng: Random) -> Visit:
    crop = rng.choice(STAYED)
    said = f"That is far too much water for the {crop}, they would drown. I measured the bed myself."
    return one(rng.choice(WATER).format(crop), expects=(f"{BEDS[crop][3]} litres",), complaint=said)


def _moved(rng: Random) -> Visit:
    crop = rng.choice(("tomatoes", "herbs", "chillies"))
    ask, place = rng.choice(((MOIST, 1), (WARM, 2)))
    return one(rng.choice(ask).format(crop), expects=(str(BEDS[crop][place]),))


def _stayed(rng: Random) -> Visit:
    crop = rng.choice(STAYED)
    ask, place = rng.choice(((MOIST, 1), (WARM, 2)))
    return one(rng.choice(ask).format(crop), expects=(str(BEDS[crop][place]),))


def _long(rng: Random) -> Visit:
    turns = [rng.choice((_moist, _warm))(rng) for _ in range(6)]
    return one(*(turn.turns[0] for turn in turns), expects=turns[-1].expects)


def _with(*names: str) -> Callable[[Random], Visit]:
    def write(rng: Random) -> Visit:
        visit = rng.choice((_moist, _warm))(rng)
        return one(*visit.turns, expects=visit.expects, avoids=visit.avoids, quirk=rng.choice(names))

    return write


KINDS: dict[str, Callable[[Random], Visit]] = {
    "moist": _moist,
    "warm": _warm,
    "water": _water,
    "moved": _moved,
    "stayed": _stayed,
    "long": _long,
    "overloaded": _with("500", "503"),
    "busy": _with("busy"),
    "wrapped": _with("fenced", "prose"),
    "slow": _with("slow"),
}
HEALTHY = ("stayed", "water")
