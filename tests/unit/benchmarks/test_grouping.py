import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import grouping
from benchmarks.grouping_sets import About, labelled_failures
from benchmarks.labelled_runs import UnreadableRun, read_runs
from tests.unit.clustering.runs import WordEncoder

SPAN = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "refund_order",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000001000000000",
    "attributes": [
        {"key": "openinference.span.kind", "value": {"stringValue": "TOOL"}},
        {"key": "output.value", "value": {"stringValue": "Error: user not found"}},
    ],
}


def run(**fields: object) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "cancel_order", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Cancel it."}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "Error: not enough seats", "tool_call_id": "c1"},
        {"role": "assistant", "content": "Sorry."},
    ]
    return {"id": "r", "messages": messages} | fields


def written(path: Path, *runs: object) -> Path:
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in runs))
    return path


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("gone", "gone"),
        (7, "7"),
        (["gone", "late"], "gone"),
        ({"category": "gone"}, "gone"),
        ({"primary": None, "category": "gone"}, ""),
        ({"step": 3}, ""),
        (True, ""),
        ([], ""),
        ("healthy", ""),
        (None, ""),
    ],
)
def test_labels_of_any_kind_have_a_name(tmp_path: Path, label: object, name: str) -> None:
    (found,) = read_runs(written(tmp_path / "mine.jsonl", run(label=label)))
    assert found.label == name
    assert found.domain == "all"


@pytest.mark.parametrize("spans", [[SPAN], {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}])
def test_runs_are_read_from_spans_too(tmp_path: Path, spans: object) -> None:
    (found,) = read_runs(written(tmp_path / "mine.jsonl", {"id": 3, "label": "x", "spans": spans}))
    assert [span.name for span in found.trace.spans] == ["refund_order"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Expecting"),
        ("[1]", "an object is expected, not list"),
        ('{"id": 1}', "neither messages nor spans"),
        ('{"messages": [{"role": "user", "content": "hi"}]}', "no 'id'"),
        ('{"id": 1, "messages": [{"content": "hi"}]}', "no 'role'"),
        ('{"id": 1, "messages": ["hi"]}', "no labelled run"),
        ('{"id": 1, "spans": [{"traceId": "zz"}]}', "no labelled run"),
    ],
)
def test_a_line_that_is_no_run_is_named_with_the_reason(tmp_path: Path, line: str, why: str) -> None:
    path = written(tmp_path / "mine.jsonl", run(), "", line)
    with pytest.raises(UnreadableRun, match=f"line 3 of .*mine.jsonl is no labelled run: .*{why}|line 3 .*{why}"):
        list(read_runs(path))


def test_strangers_runs_are_grouped_and_their_sections_are_written(tmp_path: Path) -> None:
    runs = [run(id=at, label="late" if at % 2 else 5, domain=["shop", None][at % 2]) for at in range(6)]
    lines = [json.dumps(each) for each in [*runs, {"id": "s", "label": "late", "spans": [SPAN]}, run(label="fine")]]
    path, told = tmp_path / "mine.jsonl.gz", tmp_path / "figures.json"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    sections = ["mine", "errors", "wrote", "scale"]  # the others take minutes
    arguments = ["--traces", str(path), "--no-peers", "--failures", "300", "--json", str(told), "--only", *sections]
    grouping.main(arguments, encoder=WordEncoder())
    figures = json.loads(told.read_text())
    assert set(figures) == set(sections)
    assert figures["errors"] | {"ami": 1.0, "pair_precision": 1.0, "share_embedded": 0.25} == figures["errors"]
    assert figures["mine"].keys() >= {"ami", "ami_domain", "peers"}
    assert figures["wrote"] is None  # nothing was changed in these runs
    assert figures["scale"].keys() >= {"seconds", "peak_mb"}


def test_a_bad_line_ends_the_measurement_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "mine.jsonl", run(label="late"), "{")
    with pytest.raises(SystemExit):
        grouping.main(["--traces", str(path), "--no-peers", "--only", "mine"], encoder=WordEncoder())
    assert f"line 2 of {path} is no labelled run" in capsys.readouterr().err


def answered(at: int, said: str, label: str) -> dict[str, Any]:
    messages = run()["messages"]
    messages[2] = messages[2] | {"content": said}
    return run(id=str(at), label=label, messages=messages)


@pytest.mark.parametrize(
    ("name", "section", "groups"),
    [("errors-of-ours", "errors", 3), ("mine", "mine", 3), ("tau_bench-part", "tau_bench-part", 1)],
)
def test_errors_of_strangers_are_grouped_by_what_their_tools_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, section: str, groups: int
) -> None:
    said = {"late": "Error: order {} arrived late", "gone": "Error: item {} vanished", "bad": "KeyError: 'card {}'"}
    runs = [answered(at, text.format(at), label) for at in range(3) for label, text in said.items()]
    told = tmp_path / "figures.json"
    arguments = ["--traces", str(written(tmp_path / f"{name}.jsonl", *runs)), "--no-peers", "--json", str(told)]
    grouping.main([*arguments, "--only", section], encoder=WordEncoder())
    assert json.loads(told.read_text())[section]["ami"] == (1.0 if groups == len(said) else 0.0)
    (ours,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("ours"))
    assert int(ours.split()[1]) == groups


def test_a_line_of_errors_that_no_detector_takes_for_one_is_what_was_said_last(tmp_path: Path) -> None:
    plain = {"id": "p", "label": "late", "messages": [{"role": "user", "content": "nothing arrived"}]}
    path = written(tmp_path / "errors.jsonl", answered(1, "the shelf is empty", "gone"), plain)
    first, second = labelled_failures(path, about=About.ERRORS)
    assert (first.failure.key, first.text) == ("cancel_order", "the shelf is empty")
    assert "nothing arrived" in second.raw
