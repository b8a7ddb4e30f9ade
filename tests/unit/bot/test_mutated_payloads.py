"""Whatever is sent, the application answers, never breaks, and its memory does not grow."""

import gzip
import os
import random
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from backports import zstd

from bot.ingest import Ingested, ingest
from tests.unit.bot.attacked import NOON, SIGNED, TENANTS, Receiving, Sent, receiving, redactor
from tests.unit.bot.mutations import MUTATIONS
from tests.unit.bot.payloads import seeds
from webhooks.redact import Redaction

SEEDS = seeds()
ACCEPTED, REFUSED = {200, 202, 207}, {400, 413}
ENCODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}
MESSAGES = (
    b'{"session_id": "s", "outcome": "failed", "messages": [{"role": "user", "content": "hi", "tool_calls": []}]}'
)
#: TRACEWRIGHT_TEST_ALL_PAYLOADS=1 sends twenty thousand.
MANY = 20_000 if os.environ.get("TRACEWRIGHT_TEST_ALL_PAYLOADS") else 12_000
WARM = 5_000
# What lies between live values takes 5 MB after that; a leak of 1 kB in each of 7,000 requests would add 7 MB.
MAX_GROWTH_BYTES = 8_000_000


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    with receiving(tmp_path_factory.mktemp("mutated")) as running:
        yield running


def test_the_payloads_are_valid_before_they_are_spoiled(receiver: Receiving) -> None:
    answers = [(sent.path, *receiver.send(sent)) for sent in SEEDS]
    assert [answer for answer in answers if answer[1] not in ACCEPTED] == []


def test_a_spoiled_payload_is_answered(receiver: Receiving) -> None:
    rng = random.Random(1)
    assert set(_answers(receiver, rng, 500)) <= ACCEPTED | REFUSED


@pytest.mark.parametrize("depth", [200, 300, 900, 2_000])
@pytest.mark.parametrize("path", ["/langsmith/runs/batch", "/api/public/ingestion", "/v1/traces/ingest", "/v1/traces"])
def test_deep_nesting_is_answered(receiver: Receiving, path: str, depth: int) -> None:
    sent = next(seed for seed in SEEDS if seed.path == path and seed.headers["content-type"] == "application/json")
    nested = b'"nested":' + b"[" * depth + b"]" * depth
    for body in (
        sent.body.replace(b"{", b"{" + nested + b",", 1),
        sent.body.replace(b'[{"', b"[{" + nested + b',"', 1),
    ):
        status, answer = receiver.send(replace(sent, body=body))
        assert status in {200, 202, 207, 400}, answer


def test_a_spoiled_line_of_a_file_is_refused_by_name(receiver: Receiving, tmp_path: Path) -> None:
    rng = random.Random(2)
    lines = [MESSAGES, *(sent.body for sent in SEEDS if sent.path == "/v1/traces" and sent.body.startswith(b"{"))]
    file, refused = tmp_path / "spoiled.jsonl", []
    for _ in range(200):
        file.write_bytes(_spoiled(rng.choice(lines), rng).replace(b"\n", b" "))
        refused += _ingest(receiver, file).bad
    assert len(refused) > 20
    assert all("spoiled.jsonl, line 1" in told for told in refused)


@pytest.mark.slow
@pytest.mark.timeout(600)  # about a minute of CPU
def test_thousands_of_spoiled_payloads_are_answered_in_flat_memory(receiver: Receiving) -> None:
    rng = random.Random(3)
    answers = _answers(receiver, rng, WARM)
    warm = _resident_bytes()
    answers += _answers(receiver, rng, MANY - WARM)
    grown = _resident_bytes() - warm
    sys.stdout.write(f"{dict(answers)}; {grown / 1e6:.1f} MB more after {MANY} requests than after {WARM}\n")
    assert set(answers) <= ACCEPTED | REFUSED
    assert answers.total() == MANY
    assert min(answers[200], answers[202], answers[207], answers[400]) > MANY // 100
    assert grown < MAX_GROWTH_BYTES


def _answers(receiver: Receiving, rng: random.Random, n: int) -> Counter[int]:
    sent = (receiver.send(_spoiled_request(rng.choice(SEEDS), rng), tenant=rng.choice(TENANTS)) for _ in range(n))
    return Counter(status for status, _ in sent)


def _spoiled_request(sent: Sent, rng: random.Random) -> Sent:
    """Spoil a body, in half of the cases a compressed one, and in a few what compression made of it."""
    body = _spoiled(sent.body, rng)
    encoding = rng.choice([*ENCODINGS, "", "", ""])
    if not encoding or sent.path in SIGNED:
        return replace(sent, body=body)
    packed = ENCODINGS[encoding](body)
    if rng.random() < 0.1:
        packed = rng.choice(MUTATIONS[:4])(packed, rng.getrandbits(32))
    return replace(sent, body=packed, headers={**sent.headers, "content-encoding": encoding})


def _spoiled(body: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        body = rng.choice(MUTATIONS)(body, rng.getrandbits(32))
    return body


def _ingest(receiver: Receiving, file: Path) -> Ingested:
    redaction = Redaction(redactor=redactor(), master_key=b"master")
    return ingest(receiver.store, "7", file, redaction=redaction, received_at=NOON, on_progress=lambda _, __: None)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
