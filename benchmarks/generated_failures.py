"""Failures by the hundred thousand, generated: what moves when more arrive, and what grouping them costs."""

import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bot.group import group
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.describe import describe
from clustering.embed import Embeddings, Encoder, embed
from clustering.failure import Failure
from clustering.modes import update_modes
from clustering.represent import represent

START = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = "generated"
N_CAUSES, N_TEXTS, BATCH, PARTS = 200, 5_000, 10_000, 10
SUBJECTS = ["order", "payment", "invoice", "customer", "address", "voucher", "parcel", "account", "session", "document"]
TROUBLES = ["is not known to", "was refused by", "was closed by", "has expired in", "is locked in"]
PLACES = ["the shop", "the warehouse", "the bank", "the mail service"]


def generated(n: int, *, seed: int, first: int = 0) -> Iterator[Failure]:
    """Yield failures of 200 causes, frequent ones more often; masked, their messages are 5,000 texts."""
    causes = [f"{trouble} {place}" for trouble in TROUBLES for place in PLACES]
    draw = random.Random(seed)  # noqa: S311 - a measure, not a secret
    for at in range(first, first + n):
        cause = min(int(draw.expovariate(3 / N_CAUSES)), N_CAUSES - 1)
        subject, rest = SUBJECTS[cause // len(causes)], causes[cause % len(causes)]
        step = "abcdefghijklmnopqrstuvwxy"[draw.randrange(N_TEXTS // N_CAUSES)]
        yield Failure(
            trace_id=f"{at:032x}",
            span_id="01",
            detector="error",
            key=f"E{cause % 20}",
            message=f"Error: the {subject} A-{at} {rest}, step {step}",
            reason="",
            occurred_at=START + timedelta(seconds=at),
            service="shop",
            session_id=f"s{at // 3}",
            user_id=f"u{at % 5000}",
        )


def stability(encoder: Encoder, *, n: int = 3_000, seeds: Sequence[int] = (1,)) -> dict[str, float]:
    """Return the share of failures whose mode changes when 20 % more arrive, and of modes that keep their id."""
    cache: dict[str, Embeddings] = {}
    found = [_stability(encoder, cache, n, seed) for seed in seeds]
    moved, kept = (np.array(each) for each in zip(*found, strict=True))
    spread = {"moved_spread": moved.std(), "ids_kept_spread": kept.std()}
    return {"moved": moved.mean(), "ids_kept": kept.mean(), **spread}


def _stability(encoder: Encoder, cache: dict[str, Embeddings], n: int, seed: int) -> tuple[float, float]:
    failures = list(generated(n, seed=seed))
    texts = [describe(failure, None) for failure in failures]
    known = int(n / 1.2)
    cached = partial(embed, encoder=encoder, cache=cache)
    few = represent(failures[:known], texts[:known], cached, n_features=encoder.n_features)
    before = update_modes(failures[:known], texts[:known], few)
    modes, members = before
    vectors = represent(failures, texts, cached, n_features=encoder.n_features, previous=modes, members=members)
    after = update_modes(failures, texts, vectors, previous=modes, members=members)
    moved = sum(after.members[identity] != mode_id for identity, mode_id in before.members.items())
    kept = {mode.id for mode in after.modes if mode.n_traces} & {mode.id for mode in before.modes}
    return moved / len(before.members), len(kept) / len(before.modes)


def scale(encoder: Encoder, *, n_failures: int) -> dict[str, float]:
    """Return what it costs to describe, keep and group failures, through a SQLite database.

    All at once, as many again, and a tenth of that in ten parts, each grouped before the next comes.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'tracewright.db'}"
        store = Store(open_engine(url), now=lambda: START, min_free_bytes=0)
        first, again = (_taken(store, encoder, n_failures, n_failures * round_) for round_ in range(2))
        part = max(1, n_failures // (10 * PARTS))
        parts = [_taken(store, encoder, part, 2 * n_failures + part * at) for at in range(PARTS)]
        n_modes = len(store.failure_modes(TENANT))
        store.close()
    return {
        "failures": n_failures,
        "modes": n_modes,
        "seconds": first.seconds,
        "seconds_as_many_again": again.seconds,
        "cpu_seconds": first.cpu_seconds,
        "cpu_seconds_as_many_again": again.cpu_seconds,
        "failures_per_cpu_second": n_failures / again.cpu_seconds,
        "failures_per_cpu_second_in_parts": part * PARTS / sum(each.cpu_seconds for each in parts),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


class Took(NamedTuple):
    """What something took, on the clock and of the processors."""

    seconds: float
    cpu_seconds: float


def _taken(store: Store, encoder: Encoder, n: int, first: int) -> Took:
    """Describe and keep as many failures as if their traces had been examined, and group them."""
    began, worked = time.perf_counter(), time.process_time()
    coming = generated(n, seed=first, first=first)
    while batch := list(islice(coming, BATCH)):
        store.keep_described(TENANT, batch, [describe(failure, None) for failure in batch])
    group(store, TENANT, encoder=encoder)
    return Took(time.perf_counter() - began, time.process_time() - worked)
