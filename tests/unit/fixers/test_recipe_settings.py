"""Settings of requests that make answers break off or wander."""

from pathlib import Path

import pytest

from fixers.recipes.model_settings import OUTPUT_LIMIT, TEMPERATURE
from fixers.recipes.recipe import Recipe
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.recipe_shapes import FRAMEWORK, PLAIN, RAW, shaped
from tests.unit.fixers.red_green import DIAGNOSIS
from tests.unit.fixers.runs import asked_with, mode_of

CUT = asked_with("limit", "length", max_tokens=64)
HOT = asked_with("negative_feedback", temperature=1.5)
SENT = 'self.http.post(self.url + "/chat/completions", json={"messages": messages, NAME: VALUE})'


def harnesses(name: str, value: str) -> dict[str, dict[str, str]]:
    asked = f"return client.chat.completions.create(model='m', messages=messages, {name}={value})"
    awaited = f"""
done = await self.client.chat.completions.create(model=self.name, messages=messages, {name}={name.upper()})
return done.choices[0].message.content
"""
    posted = f'response = {SENT}\nreturn response.json()["choices"][0]["message"]'
    return {
        "sdk": shaped(PLAIN, asking=asked),
        "framework": shaped(FRAMEWORK, head=f"{name.upper()} = {value}", asking=awaited),
        "by hand": shaped(RAW, asking=posted.replace("NAME", f'"{name}"').replace("VALUE", value)),
        "declared": {
            "app/__init__.py": "",
            "app/agents.py": f"class Settings:\n    def __init__(self, {name}):\n        self.{name} = {name}\n\n\n"
            f"HELPER = Settings({name}={value})\n",
        },
    }


@pytest.mark.parametrize("name", harnesses("max_tokens", "64"))
def test_an_answer_has_room(name: str, tmp_path: Path) -> None:
    sources = harnesses("max_tokens", "64")[name]
    fix = mended(OUTPUT_LIMIT, sources, tmp_path, seen=CUT)
    assert isinstance(OUTPUT_LIMIT.apply(after_of(fix, sources), DIAGNOSIS, seen=CUT), str)


@pytest.mark.parametrize("name", harnesses("temperature", "1.5"))
def test_the_model_is_steady(name: str, tmp_path: Path) -> None:
    sources = harnesses("temperature", "1.5")[name]
    fix = mended(TEMPERATURE, sources, tmp_path, seen=HOT)
    assert isinstance(TEMPERATURE.apply(after_of(fix, sources), DIAGNOSIS, seen=HOT), str)


@pytest.mark.parametrize(
    ("recipe", "name", "value"),
    [
        (OUTPUT_LIMIT, "max_tokens", "4096"),
        (OUTPUT_LIMIT, "max_tokens", "80"),
        (OUTPUT_LIMIT, "max_tokens", "wanted()"),
        (TEMPERATURE, "temperature", "0.7"),
        (TEMPERATURE, "temperature", "1.8"),
    ],
    ids=["plenty", "not what was sent", "not plain", "usual", "not what was sent"],
)
def test_settings_that_the_runs_do_not_speak_of_are_left_alone(recipe: Recipe, name: str, value: str) -> None:
    seen = CUT if name == "max_tokens" else HOT
    assert isinstance(recipe.apply(harnesses(name, value)["sdk"], DIAGNOSIS, seen=seen), str)


def test_two_places_that_write_the_same_limit_are_left_to_people() -> None:
    sources = {**harnesses("max_tokens", "64")["sdk"], **harnesses("max_tokens", "64")["by hand"]}
    assert "2 places" in str(OUTPUT_LIMIT.apply(sources, DIAGNOSIS, seen=CUT))


def test_a_limit_of_steps_is_no_limit_of_tokens() -> None:
    assert not OUTPUT_LIMIT.fits(mode_of("limit", "steps"), asked_with("limit", "steps").failures)
    assert OUTPUT_LIMIT.fits(mode_of("limit", "length"), CUT.failures)
