"""Take the secrets out of a recording, before anything of it reaches a file. No I/O."""

import secrets
from collections.abc import Iterable
from urllib.parse import quote_plus

import orjson

from fixers.replay.cassette import Cassette
from webhooks.redact import redact
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.rule import Rule
from webhooks.redaction.secrets import canary

DIALECT = "cassette"  # JSON
KEY_BYTES = 32


def hide(cassette: Cassette, rules: Iterable[Rule], used: Iterable[str]) -> Cassette:
    """Return the cassette without secrets: equal ones become equal placeholders, wherever they stand.

    Parameters
    ----------
    rules
        What every secret is known by.
    used
        Values that the run proved itself with.

    """
    # A form writes a space as "+", which is no disguise that is looked behind. The longest first: one may hold another.
    spelt = {spelling for value in used for spelling in (value, quote_plus(value))}
    exact = [canary(value) for value in sorted(spelt, key=len, reverse=True)]
    redactor = Redactor((*exact, *rules))
    body = orjson.dumps(cassette.to_json())
    done = redact(body, dialect=DIALECT, redactor=redactor, key=secrets.token_bytes(KEY_BYTES))
    return Cassette.from_json(orjson.loads(done.body))
