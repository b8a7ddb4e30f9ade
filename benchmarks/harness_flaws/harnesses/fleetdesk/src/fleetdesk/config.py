"""Settings, from the environment: FLEETDESK_<SECTION>_<NAME>."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from fleetdesk.errors import Misconfigured

PREFIX = "FLEETDESK"
PACKAGE = Path(__file__).parent

T = TypeVar("T")


@dataclass(frozen=True)
class ModelSettings:
    """How the model is asked."""

    name: str = "scripted-1"
    temperature: float = 0.1
    max_tokens: int = 900
    #: Seconds that one request may take.
    timeout_s: float = 45.0

    def problems(self) -> list[str]:
        found = []
        if not 0 <= self.temperature <= 2:
            found.append(f"temperature {self.temperature} is not between 0 and 2")
        if self.max_tokens < 1:
            found.append(f"max_tokens {self.max_tokens} is less than 1")
        if self.timeout_s <= 0:
            found.append(f"timeout_s {self.timeout_s} is not positive")
        return found


@dataclass(frozen=True)
class RetrySettings:
    """How often and how patiently a request is made again."""

    attempts: int = 4
    first_wait_s: float = 0.1
    longest_wait_s: float = 8.0
    factor: float = 2.0

    def problems(self) -> list[str]:
        found = []
        if not 1 <= self.attempts <= 10:
            found.append(f"attempts {self.attempts} are not between 1 and 10")
        if self.factor < 1:
            found.append(f"factor {self.factor} is less than 1")
        return found


@dataclass(frozen=True)
class LoopSettings:
    """Limits of one conversation."""

    max_steps: int = 8
    #: Seconds that one run of a tool may take.
    tool_timeout_s: float = 0.5
    #: Tool calls of one message that run at the same time.
    parallel: int = 4

    def problems(self) -> list[str]:
        found = []
        if self.max_steps < 1:
            found.append(f"max_steps {self.max_steps} is less than 1")
        if self.parallel < 1:
            found.append(f"parallel {self.parallel} is less than 1")
        return found


@dataclass(frozen=True)
class ContextSettings:
    """How much the model is told."""

    #: Estimated tokens of a request, beyond which old turns are left out.
    budget_tokens: int = 900
    #: Characters of one tool result that are kept.
    max_result: int = 3000

    def problems(self) -> list[str]:
        return [] if self.budget_tokens >= 400 else [f"budget_tokens {self.budget_tokens} are fewer than 400"]


@dataclass(frozen=True)
class Settings:
    """All of them."""

    depot: str = "North"
    model: ModelSettings = field(default_factory=ModelSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    prompts: Path = PACKAGE / "prompts"
    skills: Path = PACKAGE / "skills"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; what the environment does not say has its default.

    Raises Misconfigured with every problem that was found.
    """
    values = os.environ if environ is None else environ
    settings = Settings(
        depot=values.get(f"{PREFIX}_DEPOT", "North"),
        model=_section(ModelSettings, "MODEL", values),
        retry=_section(RetrySettings, "RETRY", values),
        loop=_section(LoopSettings, "LOOP", values),
        context=_section(ContextSettings, "CONTEXT", values),
    )
    sections = (settings.model, settings.retry, settings.loop, settings.context)
    if problems := [problem for section in sections for problem in section.problems()]:
        raise Misconfigured("; ".join(problems))
    return settings


def _section(kind: type[T], name: str, values: Mapping[str, str]) -> T:
    found: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]
        key = f"{PREFIX}_{name}_{each.name.upper()}"
        if key in values:
            found[each.name] = _parsed(key, values[key], each.default)
    return kind(**found)


def _parsed(key: str, text: str, default: Any) -> Any:
    try:
        return type(default)(text)
    except ValueError as error:
        raise Misconfigured(f"{key}={text!r} is not of type {type(default).__name__}") from error
