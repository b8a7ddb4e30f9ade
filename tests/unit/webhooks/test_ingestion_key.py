from base64 import b64encode

import pytest

from webhooks.ingestion_key import ingestion_key


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer tw_key"},
        {"authorization": "bearer  tw_key"},
        {"x-api-key": "tw_key"},
        {"authorization": basic("pk-lf-1:tw_key")},
        {"authorization": "tw_key"},
    ],
)
def test_every_sdks_way_to_send_a_key_is_read(headers: dict[str, str]) -> None:
    assert ingestion_key(headers) == "tw_key"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Basic !!"},
        {"authorization": basic("tw_key")},
        {"authorization": ""},
    ],
)
def test_what_carries_no_key_gives_none(headers: dict[str, str]) -> None:
    assert ingestion_key(headers) == ""
