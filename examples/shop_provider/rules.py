"""What the model learns from its instructions: the system prompt and the tools' descriptions and schemas."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

IDENTITY = re.compile(r"verif|identity|prove who|who they are", re.IGNORECASE)
ALWAYS = re.compile(r"\b(?:always|any|every|all|never|each)\b", re.IGNORECASE)
REFUND = re.compile(r"refund|money back|pay(?:ing|ment)?\b", re.IGNORECASE)
ADDRESS = re.compile(r"address of|address change|chang\w+ (?:the |an )?(?:delivery )?address", re.IGNORECASE)
PLAIN_NUMBER = re.compile(
    r"decimal|plain number|digits|without (?:a |the )?currency|(?:such as|e\.g\.|for example|like)\W{0,3}\d+\.\d\d\b",
    re.IGNORECASE,
)

#: What customers say, by the reason that shops file it under.
SYNONYMS = {
    "damaged": ("damaged", "broken", "cracked", "shattered", "chipped", "dented"),
    "late": ("late", "too slow", "delayed", "after the party"),
    "wrong_item": ("wrong", "not what i ordered", "another colour"),
    "changed_mind": ("changed my mind", "no longer need", "do not need", "don't like"),
}

Schema: TypeAlias = Mapping[str, Any]


def wants_identity_check(rules: str, topic: re.Pattern[str]) -> bool:
    """Say whether some sentence, or the section it is in, ties a check of identity to `topic` or to everything."""
    heading = ""
    for line in rules.splitlines():
        if line.startswith("#"):
            heading = line
            continue
        for sentence in re.split(r"(?<=[.!?])\s", line):
            if IDENTITY.search(sentence) and _is_about(sentence, heading, topic):
                return True
    return False


def _is_about(sentence: str, heading: str, topic: re.Pattern[str]) -> bool:
    if topic.search(sentence) or topic.search(heading):
        return True
    others = [other for other in (REFUND, ADDRESS) if other is not topic]
    return bool(ALWAYS.search(sentence)) and not any(other.search(f"{heading}\n{sentence}") for other in others)


def amount_for(schema: Schema, spoken: str, *, hint: str = "") -> str | float:
    """Return the amount as the schema or the hint asks for it, otherwise as the customer wrote it.

    `hint` is what else was said of the tool: the system prompt, its description, its own refusals.
    """
    value = f"{float(re.sub(r'[^0-9.]', '', spoken.replace(',', '.'))):.2f}"
    kinds = schema.get("type")
    if {"number", "integer"} & set(kinds if isinstance(kinds, list) else [kinds]):
        return float(value)
    if any(key in schema for key in ("pattern", "format", "enum", "examples")):
        return value
    return value if PLAIN_NUMBER.search(f"{schema.get('description', '')} {hint}") else spoken


def reason_for(schema: Schema, spoken: str, *, hint: str = "") -> str:
    """Return one of the words that the schema or the hint lists, otherwise what the customer said."""
    described = f"{schema.get('description', '')} {hint}"
    listed = [word for word in SYNONYMS if re.search(rf"\b{word}\b", described)]
    allowed = schema.get("enum") or (listed if len(listed) > 1 else [])
    if not allowed:
        return spoken
    for word in allowed:
        if word in spoken or any(synonym in spoken.lower() for synonym in SYNONYMS.get(word, ())):
            return str(word)
    return "other" if "other" in allowed else str(allowed[0])
