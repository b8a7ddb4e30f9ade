import re
from dataclasses import fields
from pathlib import Path

from bot.settings import PREFIX, Settings
from fixers.harness import read_harnesses

ROOT = Path(__file__).parents[3]


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    for field in fields(Settings):
        name = field.name.upper()
        if name.startswith("OPENAI_"):
            assert f"`{name}`" in text
        else:
            assert f"`{PREFIX}{name}`" in text or f"`…{re.sub('^(REPLAY|USD_PER_MILLION)', '', name)}`" in text, name


def test_the_documented_configuration_is_valid() -> None:
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.DOTALL)
    assert block is not None
    [harness] = read_harnesses(block.group(1))
    assert harness.services == ("support-agent",)
    assert harness.replay == ("python", "-m", "support_agent.replay")


def test_the_commands_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\S+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert f"\n{target}:" in makefile
