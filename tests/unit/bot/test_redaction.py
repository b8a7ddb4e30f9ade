import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import BadSetting
from bot.redaction import build_redaction
from bot.settings import Settings

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def redacted(settings: Settings, text: str, tenant: str = "7") -> str:
    return build_redaction(settings)(text.encode(), dialect="text", tenant=tenant).body.decode()


def test_a_token_is_replaced_by_the_same_placeholder_after_a_restart(settings: Settings) -> None:
    first = redacted(settings, f"the token is {TOKEN} here")
    assert TOKEN not in first
    assert redacted(settings, f"the token is {TOKEN} here") == first
    assert redacted(settings, f"the token is {TOKEN} here", tenant="8") != first


def test_the_key_is_readable_by_its_owner_alone(settings: Settings) -> None:
    build_redaction(settings)
    key = settings.data / "redaction.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32
    assert [path.name for path in settings.data.iterdir()] == ["redaction.key"]


def test_canaries_are_taken_out_and_personal_data_only_when_asked(settings: Settings) -> None:
    text = "project Bluebird-Seven belongs to ann.lee@example.com"
    assert redacted(settings, text) == text
    assert "Bluebird" not in redacted(replace(settings, canaries="Bluebird-Seven"), text)
    assert "ann.lee" not in redacted(replace(settings, redact_personal_data=1), text)


def test_a_canary_that_any_text_would_hold_is_a_bad_setting(settings: Settings) -> None:
    with pytest.raises(BadSetting, match="TRACEWRIGHT_CANARIES"):
        build_redaction(replace(settings, canaries="the"))
