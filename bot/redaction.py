"""What is taken out of every body before it is kept: built from the settings and a key of the installation's own."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.discretion import Discretions
from bot.errors import BadSetting
from bot.settings import Settings
from webhooks.redact import Redaction
from webhooks.redaction.personal import PERSONAL
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.rule import Rule
from webhooks.redaction.secrets import SECRETS, canary

KEY_BYTES = 32

OnReplaced = Callable[[str, Mapping[str, int]], None]


def build_redaction(settings: Settings, *, on_replaced: OnReplaced | None = None) -> Redaction:
    """Return what redacts bodies; compiling the rules takes a moment, so build it once.

    Parameters
    ----------
    on_replaced
        Told the tenant and how many values each rule replaced in a body of its.

    Raises
    ------
    BadSetting
        When a canary is too short to be looked for, or the key cannot be kept.

    """
    return Redaction(
        redactor=Redactor(rules(settings)),
        master_key=_lasting_key(settings.data / "redaction.key"),
        on_replaced=on_replaced,
    )


def rules(settings: Settings) -> tuple[Rule, ...]:
    """Return what secrets are known by.

    Raises
    ------
    BadSetting
        When a canary is too short to be looked for.

    """
    try:
        canaries = [canary(value) for value in settings.canaries.split(",") if value]
    except ValueError as error:
        raise BadSetting(f"TRACEWRIGHT_CANARIES: {error}") from error
    return (*canaries, *SECRETS, *(PERSONAL if settings.redact_personal_data else ()))


def build_discretions(settings: Settings) -> Discretions:
    """Return what takes personal data out of pull requests and of all else that people are shown.

    Raises
    ------
    BadSetting
        When the key cannot be kept.

    """
    return Discretions(on=bool(settings.hide_personal_data), master_key=_lasting_key(settings.data / "redaction.key"))


def _lasting_key(path: Path) -> bytes:
    """Return the key under which equal secrets get equal placeholders; made once, readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}")
        if not path.exists():
            made.touch(mode=0o600)
            made.write_bytes(secrets.token_bytes(KEY_BYTES))
            try:
                os.link(made, path)  # the first of several processes wins, and never with half a key
            except FileExistsError:
                pass
            finally:
                made.unlink()
        return path.read_bytes()
    except OSError as error:
        raise BadSetting(f"the redaction key {path} cannot be kept: {error.strerror}") from error
