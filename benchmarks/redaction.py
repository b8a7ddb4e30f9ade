"""Measure how fast secrets are replaced, how many are missed and how many are seen where there are none.

    python -m benchmarks.redaction [--json FILE]

In one run and on the same lines: our redaction, the same rules one by one through Python's `re`, and detect-secrets
where it is installed (`pip install detect-secrets`). Speeds are megabytes per CPU-second and the ratio to ours on clean
bodies. Secrets and benign lines are generated from a seed and written by us: read the recall as an upper bound.
"""

import argparse
import importlib.util
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.webhooks.planting import benign, planted
from webhooks.redact import redact
from webhooks.redaction.personal import PERSONAL
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS

KEY = b"benchmark"
SPANS_PER_BODY = 125
LINES_PER_SPAN = 8  # about 1.5 kB, as spans of agents have
N_BODIES = 40
N_PLANTED = 1_680
N_BENIGN = 2_000

#: Returns whether a line is held to have a secret.
Finder = Callable[[str], bool]


def main() -> None:
    """Print speeds, then what is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = {**ours(), **others()}
    clean = found["ours, clean bodies"]["mb_per_cpu_s"]
    print(f"{'':<44}{'MB/CPU-s':>10}{'to ours':>10}{'found':>12}{'false alarms':>14}")
    for name, row in found.items():
        speed = row["mb_per_cpu_s"]
        print(f"{name:<44}{speed:>10.2f}{speed / clean:>10.4f}{_share(row, 'found'):>12}{_share(row, 'alarms'):>14}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


def ours() -> dict[str, dict[str, Any]]:
    """Measure whole bodies, as the receiver gets them: all clean, one with a secret in forty, one in each."""
    redactor, strict = Redactor(SECRETS), Redactor((*SECRETS, *PERSONAL))
    clean = [_body(seed) for seed in range(N_BODIES)]
    mixed = [_body(seed, secret=seed % N_BODIES == 0) for seed in range(N_BODIES)]
    dirty = [_body(seed, secret=True) for seed in range(N_BODIES)]
    plain = {"mb_per_cpu_s": _speed(clean, _redacts(redactor)), **_quality(_finds(redactor))}
    return {
        "ours, clean bodies": plain,
        "ours, one body in forty with a secret": {"mb_per_cpu_s": _speed(mixed, _redacts(redactor))},
        "ours, a secret in every body": {"mb_per_cpu_s": _speed(dirty, _redacts(redactor))},
        "ours with personal data, clean bodies": {"mb_per_cpu_s": _speed(clean, _redacts(strict))},
    }


def others() -> dict[str, dict[str, Any]]:
    """Measure the others line by line, which is how they are used."""
    patterns = [re.compile(rule.pattern) for rule in SECRETS]
    finders: dict[str, Finder] = {
        "the same rules, one by one, Python's re": lambda line: any(
            pattern.search(line.encode()) for pattern in patterns
        )
    }
    if importlib.util.find_spec("detect_secrets"):
        finders["detect-secrets, default plugins"] = _detect_secrets()
    lines = benign(N_BENIGN, seed=1)
    return {
        name: {"mb_per_cpu_s": _speed([line.encode() for line in lines], _on_bytes(finder)), **_quality(finder)}
        for name, finder in finders.items()
    }


def _detect_secrets() -> Finder:
    from detect_secrets.core.scan import scan_line  # noqa: PLC0415  # installed by choice
    from detect_secrets.settings import default_settings  # noqa: PLC0415  # installed by choice

    def finds(line: str) -> bool:
        with default_settings():
            return any(True for _ in scan_line(line))

    return finds


def _body(seed: int, *, secret: bool = False) -> bytes:
    """Return an export request of benign lines; with a GitHub token in its last span when asked."""
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    lines = iter(benign(SPANS_PER_BODY * LINES_PER_SPAN, seed=seed))
    for number in range(SPANS_PER_BODY):
        span = spans.add(
            trace_id=b"\1" * 16, span_id=(number + 1).to_bytes(8), name="chat", start_time_unix_nano=10**18
        )
        for _ in range(LINES_PER_SPAN):
            span.attributes.add(key="input.value").value.string_value = next(lines)
    if secret:
        spans[-1].attributes.add(key="output.value").value.string_value = "ghp_" + "a1B2" * 9
    return message.SerializeToString()


def _redacts(redactor: Redactor) -> Callable[[bytes], object]:
    return lambda body: redact(body, dialect="otlp-protobuf", redactor=redactor, key=KEY)


def _finds(redactor: Redactor) -> Finder:
    return lambda line: redactor.redact_text(line, key=KEY, counts=Counter()) != line


def _on_bytes(finder: Finder) -> Callable[[bytes], object]:
    return lambda line: finder(line.decode())


def _speed(bodies: Sequence[bytes], work: Callable[[bytes], object]) -> float:
    """Return megabytes per CPU-second; the first body warms the automaton up."""
    work(bodies[0])
    start = time.process_time()
    for body in bodies:
        work(body)
    return sum(map(len, bodies)) / 1e6 / (time.process_time() - start)


def _quality(finder: Finder) -> dict[str, Any]:
    secrets = [text for _, _, text in planted(N_PLANTED, seed=2)]
    return {"found": _count(finder, secrets), "alarms": _count(finder, benign(N_BENIGN, seed=3))}


def _count(finder: Finder, lines: Iterable[str]) -> tuple[int, int]:
    seen = [finder(line) for line in lines]
    return sum(seen), len(seen)


def _share(row: dict[str, Any], name: str) -> str:
    return "{} of {}".format(*row[name]) if name in row else ""


if __name__ == "__main__":
    main()
