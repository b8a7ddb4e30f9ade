"""Secrets that are sent in, wherever and however written, are not in what is kept, logged or answered."""

import io
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.bot.attacked import TENANTS, receiving
from tests.unit.bot.found_again import Seeker, kept_in
from tests.unit.bot.planted_requests import carriers, planted_in
from tests.unit.webhooks.planting import planted

N_SECRETS = 1_680
PLANTED = planted(N_SECRETS, seed=9)
SECRETS = [(f"{number}: {kind}", secret, text) for number, (kind, secret, text) in enumerate(PLANTED)]
ANSWERS = {200, 202, 207, 400, 413}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Where the secrets were found after they had been sent."""

    kept: set[str]
    logged: set[str]
    answered: set[str]
    statuses: Counter[int]


@pytest.mark.slow
def test_no_planted_secret_is_kept_logged_or_answered(tmp_path: Path) -> None:
    taken = _taken(tmp_path, redacting=True)
    sys.stdout.write(f"{N_SECRETS} secrets, answers {dict(taken.statuses)}\n")
    assert set(taken.statuses) <= ANSWERS
    assert taken.statuses[400] > N_SECRETS // 10
    assert (sorted(taken.kept), sorted(taken.logged), sorted(taken.answered)) == ([], [], [])


@pytest.mark.slow
def test_the_same_search_finds_them_where_redaction_is_off(tmp_path: Path) -> None:
    taken = _taken(tmp_path, redacting=False)
    sys.stdout.write(f"found {len(taken.kept)}, logged {len(taken.logged)}, answered {len(taken.answered)}\n")
    assert len(taken.kept) > N_SECRETS * 0.9


def _taken(folder: Path, *, redacting: bool) -> Taken:
    """Send each secret in a request of its own, to each route in turn, and look for all of them."""
    seeds, answers, statuses = carriers(), [], Counter[int]()
    with _log() as log, receiving(folder, redacting=redacting) as receiver:
        for number, (_, _, text) in enumerate(SECRETS):
            seed = seeds[number % len(seeds)]
            sent = planted_in(seed, text, number // len(seeds))
            status, answer = receiver.send(sent, tenant=TENANTS[number // len(seeds)])
            statuses[status] += 1
            answers.append(answer)
    seeker = Seeker((name, secret) for name, secret, _ in SECRETS)
    return Taken(
        kept=seeker.found(kept_in(folder)),
        logged=seeker.found([log.getvalue().encode(errors="replace")]),
        answered=seeker.found([b"\n".join(answers)]),
        statuses=statuses,
    )


@contextmanager
def _log() -> Iterator[io.StringIO]:
    """Take down every record of every logger, at DEBUG."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
