from collections import Counter
from functools import cache

import pytest

from webhooks.redaction.personal import PERSONAL, is_card, is_iban
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS


@cache
def redactor() -> Redactor:
    return Redactor((*SECRETS, *PERSONAL))


def counted(text: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    redactor().redact_text(text, key=b"k", counts=counts)
    return dict(counts)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "write to ada.lovelace+shop@mail.example.co.uk, please"),
        ("phone", "call +49 (30) 901820-11 now"),
        ("phone", "call +4930901820 now"),
        ("phone", "my number is (415) 555-2671."),
        ("card", "4111 1111 1111 1111 expires 05/29"),
        ("card", "amex 378282246310005"),
        ("iban", "IBAN DE89 3704 0044 0532 0130 00, thanks"),
        ("iban", "GB82WEST12345698765432"),
    ],
)
def test_personal_data_is_found(kind: str, text: str) -> None:
    assert counted(text) == {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        "order 4111 1111 1111 1112 shipped",
        "at 1763839789123456789 ns",
        "DE89 3704 0044 0532 0130 02",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "id 0f8fad5b-d9cb-469f-a165-70867728950e",
        "version 2.10.4, 12:30:45, 10.0.0.1, $1,299.00, 2026-05-01",
        "@dataclass and user@host",
        "0000 0000 0000 0000",
    ],
)
def test_numbers_that_are_nobody_s_are_left(text: str) -> None:
    assert counted(text) == {}


def test_personal_data_is_left_unless_its_rules_are_given() -> None:
    text = b"ada@example.com paid with 4111 1111 1111 1111"
    counts: Counter[str] = Counter()
    assert Redactor(SECRETS).redact(text, key=b"k", counts=counts) == text


@pytest.mark.parametrize("digit", range(10))
def test_one_wrong_digit_fails_both_checksums(digit: int) -> None:
    assert is_card(b"411111111111111%d" % digit) == (digit == 1)
    assert is_iban(b"DE8937040044053201300%d" % digit) == (digit == 0)
