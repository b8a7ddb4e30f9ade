from pathlib import Path

import pytest

from bot.errors import BadSetting
from bot.settings import Settings, read_settings


def test_an_empty_environment_is_the_embedded_defaults() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"TRACEWRIGHT_PORT": ""}) == Settings()
    assert Settings().engine_url == "sqlite:///tracewright-data/tracewright.db"


def test_each_kind_of_setting_is_read() -> None:
    environ = {
        "TRACEWRIGHT_DATA": "elsewhere",
        "TRACEWRIGHT_PORT": "9000",
        "TRACEWRIGHT_QUIET_S": "1.5",
        "TRACEWRIGHT_GITHUB_APP_ID": "12",
        "OPENAI_API_KEY": "k",
        "TRACEWRIGHT_OPENAI_API_KEY": "not this one",
        "UNRELATED": "x",
    }
    expected = Settings(data=Path("elsewhere"), port=9000, quiet_s=1.5, github_app_id="12", openai_api_key="k")
    assert read_settings(environ) == expected


def test_one_database_url_serves_records_and_work() -> None:
    settings = read_settings({"TRACEWRIGHT_DATABASE_URL": "postgresql://db/tw"})
    assert settings.engine_url == settings.work_url == "postgresql://db/tw"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TRACEWRIGHT_PORT", "80x", "TRACEWRIGHT_PORT='80x' is not a whole number"),
        ("TRACEWRIGHT_PORT", "1.5", "is not a whole number"),
        ("TRACEWRIGHT_PORT", "-1", "TRACEWRIGHT_PORT='-1' is not a finite number, 0 or more"),
        ("TRACEWRIGHT_QUIET_S", "soon", "TRACEWRIGHT_QUIET_S='soon' is not a number"),
        ("TRACEWRIGHT_QUIET_S", "nan", "is not a finite number"),
        ("TRACEWRIGHT_INTERVAL_S", "inf", "is not a finite number"),
    ],
)
def test_a_number_that_is_none_is_named_with_its_value(name: str, value: str, told: str) -> None:
    with pytest.raises(BadSetting, match=told.replace("(", r"\(")):
        read_settings({name: value})
