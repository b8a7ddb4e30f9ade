import json
import sys
from pathlib import Path

import pytest

from benchmarks import detecting
from benchmarks.judging import sampled
from benchmarks.labelled_runs import read_runs


def run(number: int, *, failed: bool) -> str:
    call = {"id": "c1", "name": "cancel_order", "arguments": "{}"}
    messages = [
        {"role": "user", "content": "Cancel my order, please."},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "Error: it has left" if failed else "ok", "tool_call_id": "c1"},
        {"role": "assistant", "content": "Sorry." if failed else "Done."},
    ]
    label = {"primary": "missing", "step": 1} if failed else None
    return json.dumps({"id": f"r{number}", "domain": "shop", "label": label, "messages": messages})


def test_anybodys_labelled_runs_are_measured_by_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traces, written = tmp_path / "mine.jsonl", tmp_path / "figures.json"
    traces.write_text("\n".join(run(number, failed=number < 2) for number in range(6)))
    monkeypatch.setattr(sys, "argv", ["detecting.py", "--traces", str(traces), "--json", str(written)])
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    detecting.main()
    figures = json.loads(written.read_text())["mine"]
    assert figures["domains"]["shop"] | {"recall": 1.0, "precision": 1.0, "failed": 2} == figures["domains"]["shop"]
    assert figures["detectors"]["tool_error"] == {"runs": 2, "failed": 2}
    assert figures["anchor"]["ours"]["exact"] == 1.0
    assert figures["judge"] == {}  # nobody answered for these
    assert figures["policies"]["shop"]["rules"]["flagged"] == 4  # cancelled without a yes


def test_the_judges_sample_does_not_depend_on_the_order_of_the_runs(tmp_path: Path) -> None:
    lines = [run(number, failed=number % 2 == 0) for number in range(30)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "b.jsonl").write_text("\n".join(reversed(lines)))
    first, second = ([each.id for each in sampled(list(read_runs(tmp_path / name)))] for name in ("a.jsonl", "b.jsonl"))
    assert first == second
    assert len(first) == 8
