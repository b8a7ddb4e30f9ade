import hashlib
import hmac
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.errors import Unauthorized, Undecodable, UnsupportedMedia, WebhookError
from webhooks.github import Delivery, read_delivery

SECRET = "it's a secret"
BODY = json.dumps({"action": "closed", "number": 7}).encode()


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(body: bytes = BODY, **changed: str) -> dict[str, str]:
    found = {
        "content-type": "application/json",
        "x-github-event": "pull_request",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": sign(body),
    }
    return found | {name.replace("_", "-"): value for name, value in changed.items()}


def test_a_signed_delivery_is_read() -> None:
    assert read_delivery(headers(), BODY, SECRET) == Delivery(
        delivery_id="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        event="pull_request",
        action="closed",
        payload={"action": "closed", "number": 7},
    )


def test_the_signature_of_github_s_own_example_is_accepted() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    with pytest.raises(Undecodable, match="not a GitHub delivery"):  # signed, but "Hello, World!" is not JSON
        read_delivery(headers(x_hub_signature_256=signature), b"Hello, World!", "It's a Secret to Everybody")


@pytest.mark.parametrize(
    "signature", ["", "sha256=", sign(BODY, "other"), sign(BODY)[7:], "sha1=" + sign(BODY)[7:], "sha256=é"]
)
def test_a_missing_or_wrong_signature_is_unauthorized(signature: str) -> None:
    with pytest.raises(Unauthorized):
        read_delivery(headers(x_hub_signature_256=signature), BODY, SECRET)


def test_a_body_changed_by_one_byte_is_unauthorized() -> None:
    with pytest.raises(Unauthorized):
        read_delivery(headers(), BODY + b" ", SECRET)


def test_an_empty_secret_verifies_nothing() -> None:
    with pytest.raises(Unauthorized, match="no webhook secret"):
        read_delivery(headers(x_hub_signature_256=sign(BODY, "")), BODY, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("x_github_delivery", ""), ("x_github_event", ""), ("x_github_delivery", "../../x"), ("x_github_event", "a" * 65)],
)
def test_a_header_that_is_not_a_name_is_undecodable(name: str, value: str) -> None:
    with pytest.raises(Undecodable, match=name.replace("_", "-")):
        read_delivery(headers(**{name: value}), BODY, SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_a_signed_body_that_is_no_object_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable, match="not a GitHub delivery"):
        read_delivery(headers(body), body, SECRET)


def test_a_form_encoded_delivery_is_unsupported() -> None:
    with pytest.raises(UnsupportedMedia, match="application/x-www-form-urlencoded"):
        read_delivery(headers(content_type="application/x-www-form-urlencoded"), BODY, SECRET)


def test_an_event_without_an_action_has_an_empty_one() -> None:
    body = b'{"zen": "Keep it logically awesome.", "action": 3}'
    assert read_delivery(headers(body), body, SECRET).action == ""


@given(st.binary(max_size=60), st.dictionaries(st.sampled_from(sorted(headers())), st.text(max_size=20)))
def test_random_deliveries_raise_nothing_but_webhook_errors(body: bytes, changed: dict[str, str]) -> None:
    with suppress(WebhookError):
        read_delivery(headers(body) | changed, body, SECRET)
