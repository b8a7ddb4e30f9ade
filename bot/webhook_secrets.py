"""The secrets of signed webhooks, as the settings name them: `secret`, or `tenant:secret`, separated by commas."""

from collections.abc import Callable

from bot.errors import BadSetting
from bot.settings import Settings
from webhooks.signatures import Secret, Secrets, standard_key

DEFAULT_TENANT = "local"


def build_secrets(settings: Settings) -> Secrets:
    """Return the secrets of every signed webhook.

    Raises
    ------
    BadSetting
        When a secret cannot be what its kind of webhook is signed with; the secret itself is not repeated.

    """
    return Secrets(
        standard=_secrets("TRACEWRIGHT_WEBHOOK_SECRETS", settings.webhook_secrets, standard_key),
        langsmith=_secrets("TRACEWRIGHT_LANGSMITH_WEBHOOK_SECRETS", settings.langsmith_webhook_secrets, str.encode),
        langfuse=_secrets("TRACEWRIGHT_LANGFUSE_WEBHOOK_SECRETS", settings.langfuse_webhook_secrets, str.encode),
    )


def _secrets(name: str, value: str, key_of: Callable[[str], bytes]) -> list[Secret]:
    found = []
    for number, item in enumerate((part.strip() for part in value.split(",") if part.strip()), 1):
        tenant, colon, secret = item.rpartition(":")
        if not secret or (colon and not tenant):
            raise BadSetting(f"{name}: secret {number} is not `secret` or `tenant:secret`")
        try:
            found.append(Secret(tenant=tenant or DEFAULT_TENANT, key=key_of(secret)))
        except ValueError as error:
            raise BadSetting(f"{name}: secret {number}: {error}") from error
    return found
