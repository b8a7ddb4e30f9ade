"""A plain checkout and a file of traces in, a diff and a verdict out."""

import hashlib
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.fix_checkout import Order, Report, fix_checkout
from bot.settings import Settings
from bot.tables import checkout_page, checkout_record
from fixers.evidence import Arm, Result, Role, Verdict
from fixers.model import Reply
from fixers.sandbox import find_sandbox
from tests.unit.bot.recorded_product import OneVector
from tests.unit.fixers.recorded_runs import PLAIN_PYTEST
from tests.unit.fixers.scripted_model import ScriptedModel, calls

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")

ADD = "def add(a, b):\n    return a + b + 1\n"
NEW_TEST = "from calc.tools import add\n\n\ndef test_two_numbers_are_added():\n    assert add(2, 2) == 4\n"
TEST_PATH = "tests/test_add.py"
BAD_ID = hashlib.sha256(b"bad-0").hexdigest()[:32]


def write_checkout(folder: Path) -> Path:
    """Write a small harness with a `src` layout, a link, something built, and no git."""
    files = {
        "pyproject.toml": "[project]\nname = 'calc'\nversion = '0'\n",
        "src/calc/__init__.py": "",
        "src/calc/tools.py": ADD,
        "tests/test_import.py": "import calc\n\n\ndef test_import():\n    assert calc\n",
        "node_modules/x/index.js": "x",
        ".venv/pyvenv.cfg": "home = /usr\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "link.py").symlink_to("/etc/passwd")
    return folder


def write_traces(path: Path) -> Path:
    lines = []
    for number in range(3):
        for kind, outcome in (("bad", "failed"), ("good", "passed")):
            messages = [
                {"role": "user", "content": f"what is {number} and 2?"},
                {"role": "assistant", "content": f"It is {number + 2 + (kind == 'bad')}."},
            ]
            lines.append(json.dumps({"id": f"{kind}-{number}", "messages": messages, "outcome": outcome}))
    path.write_text("\n".join(lines))
    return path


#: Looks up what it may not know; the replay command runs it on one input and exports the run as OTLP/JSON.
ANSWER = """def answer(text):
    word, _, number = text.split()
    return str({"good": 1}[word] + int(number))
"""
REPLAY = """import json, os, time, traceback, urllib.request

from calc.tools import answer

with open(os.environ["TRACEWRIGHT_INPUT"]) as file:
    text = json.load(file)["input"]
now = time.time_ns()
span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "run", "startTimeUnixNano": str(now)}
span["endTimeUnixNano"] = str(now + 1)
try:
    print(answer(text))
except KeyError as error:
    told = {"type": "KeyError", "message": str(error), "stacktrace": traceback.format_exc()}
    attributes = [{"key": "exception." + key, "value": {"stringValue": value}} for key, value in told.items()]
    span["events"] = [{"name": "exception", "timeUnixNano": str(now), "attributes": attributes}]
    span["status"] = {"code": 2}
body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
urllib.request.urlopen(
    urllib.request.Request(
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
)
"""
NEW_ANSWER_TEST = """from calc.tools import answer


def test_an_unknown_word_counts_nothing():
    assert answer('new number 2') == '2'
"""
N_RUNS = 6
NOON_NS = 1_772_366_400 * 10**9


def write_replayable(folder: Path) -> None:
    write_checkout(folder)
    (folder / "src/calc/tools.py").write_text(ANSWER)
    (folder / "replay_one.py").write_text(REPLAY)


def write_runs(path: Path) -> Path:
    """Write runs as a tracer exports them: half of them end with an exception."""
    lines = []
    for number in range(N_RUNS):
        for word in ("bad", "good"):
            trace_id = hashlib.sha256(f"{word}-{number}".encode()).hexdigest()[:32]
            span = {"traceId": trace_id, "spanId": trace_id[:16], "name": "run", "startTimeUnixNano": str(NOON_NS)}
            span["endTimeUnixNano"] = str(NOON_NS + 10**9)
            told = {"input.value": f"{word} number {number}", "openinference.span.kind": "AGENT"}
            raised = {"exception.type": "KeyError", "exception.message": "'bad'"}
            failed = {"status": {"code": 2}, "events": [{"name": "exception", "attributes": _attributes(raised)}]}
            spans = [{**span, "attributes": _attributes(told), **(failed if word == "bad" else {})}]
            lines.append(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    path.write_text("\n".join(lines))
    return path


def _attributes(values: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def submission(
    test: str = NEW_TEST, *, old: str = "a + b + 1\n", after: str = "a + b\n", quoted: str = "what is 0 and 2?"
) -> list[Reply]:
    quote = {"trace_id": BAD_ID, "span_id": BAD_ID[:16], "text": quoted}
    told = {
        "title": "Add two numbers without one more",
        "cause": "The tool adds one.",
        "layer": "tool code",
        "rationale": "The sum is no longer one too high.",
        "risk": "Whoever relied on the wrong sum, as ada@example.com did.",
        "quotes": [quote],
        "regression_test": TEST_PATH,
    }
    return [
        calls(("edit_file", {"path": TEST_PATH, "old": "", "new": test})),
        calls(("edit_file", {"path": "src/calc/tools.py", "old": old, "new": after})),
        calls(("submit", told)),
    ]


def fixed(
    tmp_path: Path,
    replies: Sequence[Reply] | None,
    *,
    test: str = "tests",
    replay: tuple[str, ...] | None = None,
    write: Callable[[Path], Path] = write_traces,
    max_modes: int = 5,
) -> Report:
    checkout = tmp_path / "checkout"
    return fix_checkout(
        Order(
            folder=checkout if checkout.exists() else write_checkout(checkout),
            traces=write(tmp_path / "traces.jsonl"),
            test=("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", test),
            replay=replay,
            timeout_s=60,
            max_modes=max_modes,
        ),
        settings=Settings(),
        sandbox=replace(find_sandbox(), variables=PLAIN_PYTEST),
        encoder=OneVector(),
        model=None if replies is None else ScriptedModel(replies),
        output=tmp_path / "out",
        listener=lambda *_: None,
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
    )


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_checkout_gets_a_diff_that_applies_and_a_verdict_that_says_what_was_not_shown(tmp_path: Path) -> None:
    checkout = write_checkout(tmp_path / "checkout")
    before = state(checkout)
    report = fixed(tmp_path, submission())
    [attempt] = report.attempts
    assert state(checkout) == before
    assert (attempt.verdict, report.n_traces, report.n_failing) == (Verdict.UNREPLAYED, 6, 3)
    assert "not shown" in attempt.reason
    assert report.left_out == ("link.py",)
    assert attempt.patch is not None
    body = attempt.patch.with_suffix(".md").read_text()
    assert "not shown" in body
    assert ("relied on the wrong sum, as" in body, "ada@" in body) == (True, False)
    assert f"git apply {attempt.patch}" in body
    assert f"git apply {attempt.patch}" in attempt.patch.with_suffix(".html").read_text()
    subprocess.run(["git", "apply", str(attempt.patch)], cwd=checkout, check=True)
    assert (checkout / "src/calc/tools.py").read_text().endswith("a + b\n")
    assert (checkout / TEST_PATH).read_text() == NEW_TEST
    assert checkout_record(report)["failure_modes"][0]["patch"] == str(attempt.patch)
    assert checkout_page(report)


def test_with_a_replay_command_the_recorded_runs_are_tried_too(tmp_path: Path) -> None:
    write_replayable(tmp_path / "checkout")
    replies = submission(NEW_ANSWER_TEST, old="[word]", after=".get(word, 0)", quoted="bad number 0")
    report = fixed(tmp_path, replies, replay=("python", "replay_one.py"), write=write_runs)
    [attempt] = report.attempts
    assert (attempt.verdict, report.n_failing, report.proposed) == (Verdict.VERIFIED, N_RUNS, True), attempt.reason
    assert attempt.evidence is not None
    ends = Counter((case.role, case.arm, case.result) for case in attempt.evidence.cases)
    assert ends == {
        (Role.FAILING, Arm.BEFORE, Result.FAILED): N_RUNS,
        (Role.FAILING, Arm.AFTER, Result.PASSED): N_RUNS,
        (Role.GUARD, Arm.BEFORE, Result.PASSED): N_RUNS,
        (Role.GUARD, Arm.AFTER, Result.PASSED): N_RUNS,
    }


def test_a_test_that_proves_nothing_goes_back_to_the_model_and_leaves_no_diff(tmp_path: Path) -> None:
    report = fixed(tmp_path, submission(test="def test_nothing():\n    assert True\n"))
    assert [attempt.verdict for attempt in report.attempts] == [Verdict.NO_PROPOSAL]
    assert not report.proposed
    assert list((tmp_path / "out").glob("*.patch")) == []


def test_without_a_model_and_a_recipe_that_fits_there_is_a_reason_and_what_the_rules_found(tmp_path: Path) -> None:
    report = fixed(tmp_path, None)
    [attempt] = report.attempts
    assert attempt.verdict is Verdict.NO_PROPOSAL
    assert "no model is configured" in attempt.reason
    [told] = checkout_record(report)["failure_modes"]
    assert told["cause"]


def test_a_file_that_is_missing_from_the_test_command_is_told(tmp_path: Path) -> None:
    [attempt] = fixed(tmp_path, submission(), test="tests/test_absent.py").attempts
    assert attempt.verdict is Verdict.TESTS_ALREADY_FAIL


def test_failure_modes_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    def write(path: Path) -> Path:
        asked = [{"role": "user", "content": "what is 0 and 2?"}]
        marks = [("rude", 0), ("rude", 1), ("rude", 2), ("slow", 0), ("slow", 1)]
        lines = [
            {"id": f"{name}-{number}", "messages": asked, "outcome": {"name": name, "label": "failed"}}
            for name, number in marks
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return path

    report = fixed(tmp_path, [], write=write, max_modes=1)
    assert [attempt.mode.n_traces for attempt in report.attempts] == [3]
    assert checkout_record(report)["untried"] == 1
