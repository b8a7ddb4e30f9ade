"""The expense desk: what its employees ask, and the rules of the model that answers them."""

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random

from benchmarks.harness_flaws.provider import Asked, Message, call, say
from benchmarks.harness_flaws.visit import Visit, one

WORKER = ("python", "-m", "desk.worker")
CLAIM = r"C-\d{4}"
RULE = re.compile(
    r"check_receipt|receipt[^.]*\b(before|first|unless|without)\b|\b(before|unless)\b[^.]*receipt", re.IGNORECASE
)
RATES = {"EUR": Decimal(1), "USD": Decimal("0.8732"), "GBP": Decimal("1.1625"), "SEK": Decimal("0.0891")}
STATUS = {"C-1004": "approved", "C-1006": "rejected", "C-1009": "approved", "C-1013": "open", "C-1014": "approved"}
AMOUNTS = {
    "C-1004": ("45.10", "GBP"), "C-1005": ("88.40", "USD"), "C-1009": ("142.35", "USD"), "C-1010": ("27.80", "GBP"),
    "C-1012": ("33.60", "USD"), "C-1013": ("96.45", "USD"), "C-1015": ("218.90", "GBP"), "C-1016": ("405.15", "SEK"),
}  # fmt: skip
HOW = ("What is the status of {}?", "Where does my claim {} stand?", "Has {} been dealt with? I need its status.")
MUCH = ("How much is {} in EUR?", "Please tell me what {} comes to in EUR.", "I need the EUR amount of {}.")
PAY = ("Please approve {}.", "Can you approve {} today?", "Approve {} for me, thanks.")


def reply(asked: Asked) -> Message:
    """Answer as the model would; without the system prompt it does not know how the desk signs."""
    message = _next(asked)
    signed = "Desk 7" in asked.system
    return message | {"content": f"{message['content']} -- Desk 7"} if message["content"] and signed else message


def _next(asked: Asked) -> Message:
    claims = re.findall(CLAIM, asked.question)
    if asked.find("approve "):
        return _approve(asked, claims[0])
    if asked.find("one by one"):
        return _total(asked, claims)
    missing = [each for each in claims if not asked.told("get_claim", claim_id=each)]
    if missing and asked.may_call:
        return call(*(("get_claim", {"claim_id": each}) for each in missing))
    found = {each: told.value for each in claims if (told := asked.told("get_claim", claim_id=each))}
    if not found or any("error" in value for value in found.values()):
        return say("I could not look that claim up.")
    if asked.find(r"\bEUR\b"):
        return _in_euros(asked, claims[0], found[claims[0]])
    if asked.find("compare|larger"):
        return say("; ".join(f"{each} is {value['amount']} {value['currency']}" for each, value in found.items()) + ".")
    return say("; ".join(f"{each} is {value['status']}" for each, value in found.items()) + ".")


def _approve(asked: Asked, claim: str) -> Message:
    described = asked.tools.get("approve_claim", {}).get("description", "")
    receipt, done = asked.told("check_receipt", claim_id=claim), asked.told("approve_claim", claim_id=claim)
    if done and not done.is_error:
        return say(f"{claim} is approved.")
    if receipt and receipt.is_error:
        return say(f"{claim} has no receipt, so I did not approve it.")
    warned = done is not None and "receipt" in done.content
    if not receipt and (RULE.search(asked.system) or "receipt" in described or warned):
        return call(("check_receipt", {"claim_id": claim}))
    return call(("approve_claim", {"claim_id": claim}))


def _total(asked: Asked, claims: list[str]) -> Message:
    found = [told.value for each in claims if (told := asked.told("get_claim", claim_id=each))]
    if len(found) < len(claims) and asked.may_call:
        return call(("get_claim", {"claim_id": claims[len(found)]}))
    listed = ", ".join(f"{one_['claim_id']} {one_['amount']} {one_['currency']}" for one_ in found)
    return say(f"So far I have {listed}.")


def _in_euros(asked: Asked, claim: str, value: dict[str, str]) -> Message:
    told = asked.told("convert", into="EUR")
    if told is None:
        return call(("convert", {"amount": value["amount"], "currency": value["currency"], "into": "EUR"}))
    return say(f"{claim} is {told.value['amount']} EUR.")


def _status(rng: Random) -> Visit:
    claim = rng.choice(sorted(STATUS))
    return one(rng.choice(HOW).format(claim), expects=(STATUS[claim], "Desk 7"))


def _euros(rng: Random) -> Visit:
    claim = rng.choice(sorted(AMOUNTS))
    amount, currency = AMOUNTS[claim]
    euros = (Decimal(amount) * RATES[currency]).quantize(Decimal("0.01"))
    said = f"The EUR amount of {claim} is wrong, I checked it against the rate of the day."
    return one(rng.choice(MUCH).format(claim), expects=(str(euros),), complaint=said)


def _approval(rng: Random) -> Visit:
    claim = rng.choice(("C-1001", "C-1003", "C-1011", "C-1015"))
    return one(rng.choice(PAY).format(claim), expects=("approved",))


def _no_receipt(rng: Random) -> Visit:
    claim = rng.choice(("C-1002", "C-1008"))
    return one(rng.choice(PAY).format(claim), expects=("no receipt",))


def _compared(rng: Random) -> Visit:
    first, second = rng.sample(sorted(AMOUNTS), 2)
    expects = tuple(f"{each} is {' '.join(AMOUNTS[each])}" for each in (first, second))
    return one(f"Which is larger, {first} or {second}?", expects=expects)


def _summed(rng: Random) -> Visit:
    claims = [f"C-{1001 + n}" for n in sorted(rng.sample(range(16), 8))]
    return one(f"Go through {', '.join(claims)} one by one and tell me each amount.", expects=(claims[0], claims[2]))


def _long(rng: Random) -> Visit:
    turns = [_status(rng) for _ in range(6)]
    return one(*(turn.turns[0] for turn in turns), expects=turns[-1].expects)


def _with(kind: Callable[[Random], Visit], *names: str) -> Callable[[Random], Visit]:
    def write(rng: Random) -> Visit:
        visit = kind(rng)
        return one(*visit.turns, expects=visit.expects, quirk=rng.choice(names))

    return write


KINDS: dict[str, Callable[[Random], Visit]] = {
    "status": _status,
    "euros": _euros,
    "approval": _approval,
    "no_receipt": _no_receipt,
    "compared": _compared,
    "summed": _summed,
    "long": _long,
    "rate_limited": _with(_status, "429"),
    "overloaded": _with(_status, "503"),
    "bad_arguments": _with(_status, "empty-args", "broken-args"),
}
HEALTHY = ("status", "euros", "approval", "compared")
