from base64 import b64encode
from collections import Counter
from functools import cache

import pytest
import re2

from webhooks.redaction.personal import PERSONAL
from webhooks.redaction.placeholder import SHAPE, placeholder, tenant_key
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.rule import Rule
from webhooks.redaction.secrets import SECRETS, canary

RULES = (canary("blue-Heron 42"), *SECRETS, *PERSONAL)


@cache
def redactor() -> Redactor:
    return Redactor(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_placeholder_is_nobody_s_secret(rule: Rule) -> None:
    for number in range(40):
        mark = placeholder(rule.name, b"%d" % number, key=b"k")
        for text in (mark, b'password="' + mark + b'"', b"https://user:" + mark + b"@host", mark + mark):
            assert redactor().redact(text, key=b"k", counts=Counter()) == text
        assert re2.fullmatch(SHAPE, mark)


@pytest.mark.parametrize("rule", SECRETS, ids=lambda rule: rule.name)
def test_an_anchor_is_long_enough_to_be_rare_in_base64(rule: Rule) -> None:
    assert all(len(anchor) >= 3 for anchor in rule.anchors)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_is_found_at_each_place_in_base64_and_behind_other_letters(before: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    for text in (b64encode((before + secret).encode()), before.encode() + b64encode(secret.encode())):
        counts: Counter[str] = Counter()
        redactor().redact(text, key=b"k", counts=counts)
        assert counts == {"github-token": 1}


def test_two_secrets_side_by_side_are_both_found() -> None:
    counts: Counter[str] = Counter()
    redactor().redact(b"AKIA234567ABCDEFGHIJ:AKIA234567ABCDEFGHIK", key=b"k", counts=counts)
    assert counts == {"aws-access-id": 2}


def test_a_hostile_text_of_disguises_within_disguises_ends() -> None:
    text = b"ghp_" + b"a1B2" * 9
    for _ in range(8):
        text = b64encode(b"%67%68" + text)
    redactor().redact(text * 20, key=b"k", counts=Counter())


def test_a_placeholder_cannot_be_guessed_without_the_key() -> None:
    one, other = (placeholder("pin", b"1234", key=tenant_key(b"master", tenant)) for tenant in ("acme", "globex"))
    assert one != other
    assert b"1234" not in one
