"""What the hidden tests share: fresh visits to the harness in the current folder, through its own worker."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.harness_flaws.domain import Domain, load
from benchmarks.harness_flaws.provider import Provider
from benchmarks.harness_flaws.visit import Answered, Visit, hold, quirks, worker_environment

FRESH_SEED = 4711


@dataclass(frozen=True, kw_only=True)
class Held:
    """The visits of one test, how they ended, and what the provider saw."""

    answered: list[Answered]
    provider: Provider

    @property
    def wrong(self) -> list[str]:
        """The visits that ended badly, each in a line."""
        return [f"{a.visit.turns[-1]} -> {a.error or a.answer!r}" for a in self.answered if not a.is_right]


Hold = Callable[..., Held]


@pytest.fixture
def domain(request: pytest.FixtureRequest) -> Domain:
    return load(request.module.HARNESS)


@pytest.fixture
def fresh(domain: Domain) -> Hold:
    """Hold fresh visits of these kinds: `fresh("status", n=4)`; or the visits that are given."""

    def hold_visits(*kinds: str, n: int = 6, visits: list[Visit] | None = None) -> Held:
        visits = domain.visits(kinds, n=n, seed=FRESH_SEED) if visits is None else visits
        with Provider(domain.reply, quirks(visits)) as provider:
            env = worker_environment(provider.base_url)
            answered = hold(visits, command=domain.worker, checkout=Path.cwd(), env=env)
        return Held(answered=answered, provider=provider)

    return hold_visits


@pytest.fixture
def healthy_kinds(domain: Domain) -> list[str]:
    """The kinds of visits that work with the flaw too: HARNESS_FLAWS_FAILS names those that do not."""
    failing = os.environ.get("HARNESS_FLAWS_FAILS", "").split(",")
    return [kind for kind in domain.healthy if kind not in failing]
