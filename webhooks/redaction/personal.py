"""Personal data: e-mail addresses, telephone numbers, payment cards and bank accounts."""

import re

from webhooks.redaction.rule import Rule

LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # twice the digit, its own digits added
CARD_LENGTHS = range(13, 20)  # ISO/IEC 7812
IBAN_LENGTHS = range(15, 35)  # ISO 13616


def is_card(text: bytes) -> bool:
    """Return whether the digits are a payment card's: its length, its first digit and Luhn's checksum."""
    digits = [int(digit) for digit in re.findall(rb"[0-9]", text)]
    if len(digits) not in CARD_LENGTHS or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) == 1:
        return False
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(odd) + sum(LUHN_DOUBLED[digit] for digit in even)) % 10 == 0


def is_iban(text: bytes) -> bool:
    """Return whether the text has an IBAN's length and ISO 7064's checksum (remainder 1 modulo 97)."""
    letters = text.replace(b" ", b"").decode("ascii")
    if len(letters) not in IBAN_LENGTHS:
        return False
    return int("".join(str(int(letter, 36)) for letter in letters[4:] + letters[:4])) % 97 == 1


PERSONAL = (
    Rule(name="email", pattern=rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{2,24}"),
    Rule(name="iban", pattern=rb"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b", bounded=True, check=is_iban),
    Rule(name="card", pattern=rb"[0-9](?:[ -]?[0-9]){12,18}\b", bounded=True, check=is_card),
    # With a plus sign, or grouped as in North America: a bare row of digits is an order number more often than not.
    Rule(
        name="phone",
        pattern=rb"\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}\b"
        rb"|(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-. ])[0-9]{3}[-. ][0-9]{4}\b",
        bounded=True,
    ),
)
