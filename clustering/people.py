"""What people say when an agent has let them down. English only: in another language nothing is seen."""

import re

MAX_TEXT = 2_000  # a longer message is a document, not a remark
APOSTROPHE = re.compile("[\u2018\u2019\u02bc]")

WRONG = r"(?:wrong|incorrect|not (?:right|correct|true|what))"
CORRECTION = re.compile(
    rf"""\bthat(?:'s|\sis|\swas)\s{WRONG}\b
      | \bnot\swhat\si\s(?:asked|meant|wanted|said|need)
      | \bi\s(?:already|just)\s(?:told|said|gave|provided|mentioned|explained|answered)
      | \byou\s(?:misunderstood|misread|missed|forgot|ignored|got\s(?:it|that|this|my\s\w+)\swrong)
      | \byou(?:'re|\sare)\s(?:wrong|mistaken|not\slistening)
      | \byou(?:r)?\s(?:answer|response|reply)\s(?:is|was)\s{WRONG}\b
      | \bi\s(?:never|didn't|did\snot)\s(?:say|said|ask|asked)\s(?:that|for|you|to)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Of the agent: people are upset about late flights as well.
COMPLAINT = re.compile(
    r"""\bi(?:'m|\sam)\s(?:\w+\s){0,2}(?:frustrated|disappointed|annoyed|fed\sup|upset)\s(?:with|by)\s(?:you|this\s(?:chat|bot|conv))
      | \byou(?:'re|\sare)\s(?:\w+\s){0,2}(?:useless|not\shelp\w+|unhelpful|terrible|going\s(?:in|round)\w*\scircles)
      | \b(?:waste\sof\s(?:my\s)?time|you\skeep\s\w+ing)\b
      | \b(?:it|that|this)\s(?:still\s)?(?:doesn't|does\snot|didn't|did\snot|is\snot|isn't)\s(?:help|answer)
    """,
    re.IGNORECASE | re.VERBOSE,
)
PERSON = r"(?:human|(?:real|actual|live)\s(?:person|agent)|manager|supervisor|representative|someone\selse|a\sperson)"
ESCALATION = re.compile(
    rf"\b(?:speak|talk|transferr?(?:ed)?|connect(?:ed)?|escalate\w*|hand\s\w+\sover)\b[^.?!]{{0,40}}\b{PERSON}\b"
    r"|\bescalate\sth(?:is|e)\b|\bwant\sa\s(?:human|real\sperson|manager)\b",
    re.IGNORECASE,
)


AGREEMENT = re.compile(
    r"\b(?:yes|yeah|yep|yup|sure|ok(?:ay)?|confirm(?:ed|ing)?|proceed|agree[d]?|correct|absolutely|definitely)\b"
    r"|\b(?:go\sahead|please\sdo|do\s(?:it|that|so)|sounds\s(?:good|great|fine)|that\sworks|that's\s(?:fine|right))\b",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"^\W*(?:no|nope|wait|hold\son|stop|don't|do\snot|not\syet)\b"
    r"|\b(?:don't|do\snot|not)\s(?:confirm|proceed|agree|go\sahead)\b",
    re.IGNORECASE,
)


def overlap(before: str, now: str) -> float:
    """Return the share of the words of two remarks that both use; 0 for long texts."""
    if max(len(before), len(now)) > MAX_TEXT:
        return 0.0
    words, again = set(re.findall(r"\w+", before.lower())), set(re.findall(r"\w+", now.lower()))
    return len(words & again) / max(1, len(words | again))


def agrees(said: str) -> bool:
    """Say whether somebody agrees to what was proposed to them."""
    text = _plain(said)
    return AGREEMENT.search(text) is not None and REFUSAL.search(text) is None


def asks_for_a_person(said: str) -> bool:
    """Say whether somebody asks to be passed on to a person."""
    return ESCALATION.search(_plain(said)) is not None


def objection(said: str) -> str | None:
    """Return what a person's turn is when it objects: "escalation", "correction" or "complaint"; or None."""
    text = _plain(said)
    patterns = {"escalation": ESCALATION, "correction": CORRECTION, "complaint": COMPLAINT}
    return next((kind for kind, pattern in patterns.items() if pattern.search(text)), None)


def _plain(said: str) -> str:
    return APOSTROPHE.sub("'", said) if len(said) <= MAX_TEXT else ""
