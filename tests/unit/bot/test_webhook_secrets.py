from base64 import b64encode

import pytest

from bot.errors import BadSetting
from bot.settings import Settings
from bot.webhook_secrets import build_secrets

SECRET = "whsec_" + b64encode(b"a secret of ours").decode()


def test_a_secret_is_of_the_tenant_before_it_or_of_the_local_one() -> None:
    built = build_secrets(Settings(webhook_secrets=f"{SECRET}, 7:{SECRET}", langfuse_webhook_secrets="s3cret"))
    assert [(secret.tenant, secret.key) for secret in built.standard] == [
        ("local", b"a secret of ours"),
        ("7", b"a secret of ours"),
    ]
    assert ([secret.key for secret in built.langfuse], built.langsmith) == ([b"s3cret"], [])


@pytest.mark.parametrize("value", ["7:", ":x", "whsec_???"])
def test_a_wrong_secret_is_named_by_its_place_and_not_repeated(value: str) -> None:
    with pytest.raises(BadSetting, match="TRACEWRIGHT_WEBHOOK_SECRETS: secret 2") as raised:
        build_secrets(Settings(webhook_secrets=f"{SECRET},{value}"))
    assert "???" not in str(raised.value)
