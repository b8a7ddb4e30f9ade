"""What GitHub sends is kept without secrets, and otherwise as it came."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.unit.webhooks.planting import KINDS
from webhooks.errors import Undecodable
from webhooks.github import Delivery
from webhooks.redact import Redaction
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS

EXAMPLES = Path(__file__).parents[3] / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
N_EXAMPLES = 300
REDACTION = Redaction(redactor=Redactor(SECRETS), master_key=b"a test")


def delivery(payload: dict[str, Any], event: str = "issue_comment") -> Delivery:
    return Delivery(delivery_id="d-1", event=event, action="created", payload=payload)


@pytest.mark.skipif(not EXAMPLES.exists(), reason="GitHub's example payloads are not installed")
def test_what_github_itself_says_is_kept_as_it_came() -> None:
    examples = [
        delivery(example, event["name"]) for event in json.loads(EXAMPLES.read_text()) for example in event["examples"]
    ]
    changed = [each.event for each in examples if REDACTION.delivery(each) != each]
    assert len(examples) > N_EXAMPLES
    assert set(changed) <= {"package"}, "whose signed addresses hold a key"


def test_a_secret_of_any_kind_in_a_comment_is_replaced() -> None:
    for kind, make in KINDS.items():
        secret = make(random.Random(1))
        kept = REDACTION.delivery(delivery({"comment": {"id": 1, "body": f"I used {secret} here"}})).payload
        assert secret not in json.dumps(kept), kind
        assert kept["comment"]["id"] == 1


def test_equal_secrets_get_equal_placeholders_in_one_installation_alone() -> None:
    def body(number: int) -> str:
        payload = {"installation": {"id": number}, "comment": {"body": "ghp_" + "a1B2" * 9}}
        return str(REDACTION.delivery(delivery(payload)).payload["comment"]["body"])

    assert body(7) == body(7) != body(8)


def test_a_payload_nested_too_deep_to_be_looked_through_is_refused() -> None:
    payload: Any = {}
    for _ in range(500):
        payload = {"a": payload}
    with pytest.raises(Undecodable):
        REDACTION.delivery(delivery(payload))
