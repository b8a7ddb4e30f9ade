"""What a reviewer finds in a pull request, and where."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.pr_body import facts
from bot.pr_body.body import LIMIT, check_run_summary, page, render, title
from bot.pr_body.escape import block
from bot.pr_body.facts import reproduce, rows, significance
from bot.pr_body.page import diff
from clustering.score import Traffic
from fixers.aftermath import Exposure
from fixers.evidence import Evidence, Result, Role
from fixers.expected import expect
from fixers.proposal import Edit

Fixture = Any  # what conftest.py makes; its types cannot be imported here


def body_of(made: Fixture, **changes: Fixture) -> str:
    return render(made.proposal, made.evidence, made.mode, **changes)


def section(body: str, heading: str) -> str:
    return body.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_sections_come_in_the_order_a_reviewer_asks(make: Fixture) -> None:
    headings = re.findall(r"^## (.*)$|^<summary>(.*)</summary>$", body_of(make()), re.MULTILINE)
    assert [plain or folded for plain, folded in headings] == [
        "What failed",
        "Cause and change",
        "Before and after",
        "Risk, undo, cost",
        "Reproduce",
        "What this change should do",
        "What the traces say",
        "Every replayed case",
        "Test output",
    ]


def test_it_says_what_failed_for_whom_and_how_often(make: Fixture) -> None:
    traffic = Traffic(n_traces=370, n_sessions=310, n_users=120)
    told = section(body_of(make(), traffic=traffic), "What failed")
    assert "**RateLimitError in ask_model**" in told
    assert "37 traces of 370 (10.0%), 31 sessions of 310 (10.0%), 12 users of 120 (10.0%)" in told
    assert "First seen 2026-10-01 08:30, last 2026-11-02 17:05 UTC" in told


def test_users_nobody_named_are_not_counted_as_none(make: Fixture) -> None:
    made = make()
    told = render(made.proposal, made.evidence, replace(made.mode, n_users=0))
    assert "user" not in section(told, "What failed")


def test_the_cause_has_a_file_and_a_line(make: Fixture) -> None:
    assert "`support_agent/client.py:2`" in section(body_of(make()), "Cause and change")


def test_what_a_reviewer_must_read_fits_on_one_screen(make: Fixture) -> None:
    first = body_of(make()).split("<details>")[0]
    assert sum(1 + len(line) // 110 for line in first.splitlines()) <= 45


def test_the_change_says_how_much_there_is_to_read(make: Fixture) -> None:
    made = make()
    edit = Edit(path="a.py", before="1\n2\n3\n", after="1\n2\n4\n5\n")
    test = Edit(path="test_a.py", before=None, after="x\ny\n")
    proposal = replace(made.proposal, edits=(edit, test), regression_test="test_a.py")
    proposal = replace(proposal, diagnosis=replace(proposal.diagnosis, location=None))
    told = section(render(proposal, made.evidence, made.mode, link="https://x/a.py#L3"), "Cause and change")
    assert "mended at [`a.py:3`](https://x/a.py#L3)" in told
    assert "2 lines added and 1 removed in 1 file, and a test of 2 lines." in told


def test_chance_is_told_once(make: Fixture) -> None:
    made = make()
    said = replace(made.evidence, reason=f"All pass (p = {made.evidence.p_value:.3g}).")
    assert render(made.proposal, said, made.mode).count(f"{made.evidence.p_value:.3g}") == 1


def test_a_cause_without_a_line_says_so(make: Fixture) -> None:
    made = make()
    proposal = replace(made.proposal, diagnosis=replace(made.proposal.diagnosis, location=None))
    told = section(render(proposal, made.evidence, made.mode), "Cause and change")
    assert f"mended at `{facts.place(proposal).shown}`" in told  # type: ignore[union-attr]
    added = replace(proposal, edits=tuple(replace(edit, before=None) for edit in proposal.edits))
    assert "no single line could be blamed" in render(added, made.evidence, made.mode)


def test_both_arms_stand_side_by_side_with_their_intervals(make: Fixture) -> None:
    table = section(body_of(make()), "Before and after")
    assert "| Failing runs, replayed: pass | 0 of 12 (0% to 24%) | 12 of 12 (76% to 100%) |" in table
    assert "| Healthy runs, replayed: still pass | 12 of 12 (76% to 100%) | 12 of 12 (76% to 100%) |" in table
    assert "| New regression test | red (exit status 1) | green |" in table
    assert "| The repository's own tests | green | green |" in table
    assert "exact one-sided p = 0.000244" in table
    assert "**Verdict: verified.**" in table


def test_inconclusive_cases_are_left_out_of_the_counts_and_named(make: Fixture) -> None:
    made = make()
    unclear = tuple(
        replace(case, result=Result.INCONCLUSIVE) if case.role is Role.GUARD else case for case in made.evidence.cases
    )
    told = check_run_summary(replace(made.evidence, cases=unclear))
    assert "| Healthy runs, replayed: still pass | not judged | not judged |" in told
    assert "12 cases could not be judged and are not counted" in told


def test_repeated_runs_are_counted_as_trials_and_their_interval_is_that_of_the_runs(make: Fixture) -> None:
    made = make(n_cases=10)
    repeated = replace(made.evidence, cases=made.evidence.cases * 3)
    after = rows(repeated)[0].after
    assert after == "15 of 15 trials of 5 runs (57% to 100%)"
    assert rows(made.evidence)[0].after == "5 of 5 (57% to 100%)"
    assert significance(repeated).endswith("30 trials of 10 cases on either arm: random runs were repeated.")
    assert "trial" not in significance(made.evidence)


def test_it_says_where_the_answers_came_from(make: Fixture) -> None:
    made = make()
    assert "216 answers recorded in the same run, 24 in other recorded runs, no live model" in body_of(made)
    live = replace(made.evidence, live_model="gpt-5")
    assert "0 from the live model gpt-" in render(made.proposal, live, made.mode)


def test_it_says_how_to_undo_and_how_to_reproduce(make: Fixture) -> None:
    made = make()
    told = section(body_of(made), "Risk, undo, cost")
    assert "revert the merge commit" in told
    assert f"git fetch --all && git checkout tracewright/{made.proposal.id}\n" in told
    assert "python -m pytest -q tests/test_retry.py  # passes" in told
    assert f"git checkout {made.proposal.base_sha} -- support_agent/client.py\n" in told
    assert "tests/test_retry.py  # fails" in told


def test_it_says_what_it_cost_and_who_drafted_it(make: Fixture) -> None:
    made = make()
    assert "no model, no tokens. Tried in 42 s" in body_of(made)
    paid = replace(made.proposal, author="agent", tokens=81_204, cost_usd=0.4)
    assert "Drafted by agent: 81,204 tokens, 0.40 USD" in render(paid, made.evidence, made.mode)


def test_it_says_that_a_bot_wrote_it_and_no_weights_changed(make: Fixture) -> None:
    assert body_of(make()).startswith("> [!NOTE]\n> A bot wrote this pull request.")
    assert "no model's weights were trained or changed" in body_of(make())


def test_code_that_ran_without_isolation_is_a_warning_on_the_first_lines(make: Fixture) -> None:
    made = make(isolation="none")
    assert "> [!WARNING]\n> The code ran WITHOUT ISOLATION" in body_of(made)[:700]
    assert 'class="warning"' in page(made.proposal, made.evidence, made.mode)
    assert "WITHOUT ISOLATION" in check_run_summary(made.evidence)
    assert "[!WARNING]" not in body_of(make())


def test_the_last_paragraph_holds_the_trailers(make: Fixture) -> None:
    made = make()
    last = body_of(made).rstrip("\n").split("\n\n")[-1]
    assert last == f"Failure-Mode: fm7\nEvidence-Run: {made.proposal.id}"


def test_the_rate_to_expect_after_a_merge_stands_in_the_manifest_with_its_interval(make: Fixture) -> None:
    made = make()
    expected = expect(Exposure(n_runs=1_200, n_of_mode=240), n_replayed=10, n_unmended=1)
    told = render(made.proposal, replace(made.evidence, expected=expected), made.mode)
    manifest = told.split("<summary>What this change should do</summary>", 1)[1].split("</details>", 1)[0]
    assert "Expected after a merge: 2.0% of such runs show this failure (0.0% to 11.1%" in manifest
    assert "240 of 1,200 runs, and 1 of 10 that were replayed still fail" in manifest
    assert "Expected after a merge" not in body_of(made)


def test_what_is_too_long_is_cut_from_the_end_and_the_reader_is_told(make: Fixture) -> None:
    made = make(n_cases=600)
    body, whole = body_of(made), body_of(made, limit=10**9)
    assert len(body) <= LIMIT < len(whole)
    assert re.search(r"> - [\d,]+ of 1,200: Every replayed case\n> - 4 of 4: Test output", body)
    assert "`tracewright show fm7` prints the rest" in body
    assert "<summary>Every replayed case, the first " in body
    assert body.count("<details>") == body.count("</details>") == 4
    assert body.rstrip().endswith(f"Evidence-Run: {made.proposal.id}")


@pytest.mark.parametrize("limit", [5_000, 6_000, 8_000, 12_000])
def test_the_first_screen_is_never_cut(make: Fixture, limit: int) -> None:
    made = make(n_cases=600)
    whole = body_of(made, limit=10**9).split("<details>")[0].rstrip()
    body = body_of(made, limit=limit)
    assert body.startswith(whole)
    assert len(body) <= limit


def test_what_fits_is_not_cut(make: Fixture) -> None:
    assert "was cut" not in body_of(make())
    assert body_of(make()) == body_of(make(), limit=10**9)


def test_a_title_is_one_line_of_at_most_70_characters(make: Fixture) -> None:
    made = make()
    assert title(made.proposal) == made.proposal.title
    long = title(replace(made.proposal, title="Retry " * 40))
    assert len(long) <= 70
    assert long.endswith("…")
    assert title(replace(made.proposal, title=" \n ")) == "Mend failure mode fm7"


def test_evidence_of_an_attempt_that_never_ran_can_be_shown(make: Fixture) -> None:
    made = make()
    bare = Evidence(proposal_id=made.proposal.id, verdict=made.evidence.verdict, reason="", isolation="bubblewrap")
    told = render(made.proposal, bare, made.mode)
    assert "| New regression test | not run | not run |" in told
    assert "no case could be paired" in told
    assert "Every replayed case" not in told
    assert page(made.proposal, bare, made.mode)


def test_the_page_needs_nothing_else_and_shows_the_diff(make: Fixture) -> None:
    made = make()
    html = page(made.proposal, made.evidence, made.mode, traffic=Traffic(n_traces=370, n_sessions=310, n_users=120))
    assert f"<h1>{made.proposal.title}</h1>" in html
    assert '<span class="removed">-    return client.create(messages=messages)</span>' in html
    assert '<span class="added">+    return with_retry(' in html
    assert "0 of 12 (0% to 24%)" in html
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"\b(?:src|href|url)\b\s*[=(]|<script|<a\b", html)


def test_a_diff_shows_each_line_once_and_ends_somewhere() -> None:
    edit = Edit(path="a", before="--- x\nsame\n", after="+++ y\nsame\n")
    assert [line.text for line in diff(edit)] == ["@@ -1,2 +1,2 @@", "---- x", "++++ y", " same"]
    long = Edit(path="a", before=None, after="x\n" * 50)
    assert [line.text for line in diff(long, limit=10)][-1] == "… cut after 10 lines"


def test_windows_line_ends_are_no_part_of_what_is_shown() -> None:
    assert block("one\r\ntwo\rthree", limit=100) == "```\none\ntwo\\u000dthree\n```"


def test_the_lines_to_reproduce_are_red_without_the_change_and_green_with_it(make: Fixture, tmp_path: Path) -> None:
    made = make()
    edits = (
        Edit(path="a file.py", before="value = 1\n", after="value = 2\n"),
        Edit(path="new.py", before=None, after="\n"),
        Edit(path="check.py", before=None, after="import new\nassert 'value = 2' in open('a file.py').read()\n"),
    )
    (tmp_path / "a file.py").write_text("value = 1\n")
    base = commit(tmp_path, "base")
    proposal = replace(made.proposal, base_sha=base, edits=edits, regression_test="check.py")
    git(tmp_path, "checkout", "-q", "-b", f"tracewright/{proposal.id}")
    for edit in edits:
        (tmp_path / edit.path).write_text(edit.after or "")
    commit(tmp_path, "fix")
    git(tmp_path, "checkout", "-q", base)
    runs = tuple(replace(run, command=(sys.executable, "-B", "check.py")) for run in made.evidence.regression)
    lines = reproduce(proposal, replace(made.evidence, regression=runs))
    ended = [subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=False) for line in lines]
    assert [run.returncode for run in ended] == [0, 0, 0, 0, 1, 0]
    assert git(tmp_path, "status", "--porcelain") == ""


def test_without_a_branch_the_lines_apply_and_revert_the_diff(make: Fixture, tmp_path: Path) -> None:
    made = make()
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-value = 1\n+value = 2\n"
    test = "--- /dev/null\n+++ b/check.py\n@@ -0,0 +1 @@\n+assert 'value = 2' in open('a.py').read()\n"
    checkout = tmp_path / "plain"
    checkout.mkdir()
    (checkout / "a.py").write_text("value = 1\n")
    (tmp_path / "1.patch").write_text(diff + test)
    runs = tuple(replace(run, command=(sys.executable, "-B", "check.py")) for run in made.evidence.regression)
    proposal, evidence = replace(made.proposal, regression_test="check.py"), replace(made.evidence, regression=runs)
    lines = reproduce(proposal, evidence, patch=str(tmp_path / "1.patch"))
    ended = [subprocess.run(["sh", "-c", line], cwd=checkout, capture_output=True, check=False) for line in lines]
    assert [run.returncode for run in ended] == [0, 0, 0, 1, 0]
    assert (checkout / "a.py").read_text() == "value = 2\n"


def commit(folder: Path, message: str) -> str:
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_blamed_line_is_linked_at_the_commit_that_was_tried(make: Fixture) -> None:
    address = "https://github.com/acme/shop/blob/c0ffee/support_agent/client.py#L2"
    assert f"[`support_agent/client.py:2`]({address})" in body_of(make(), link=address)


def test_where_everybody_reads_there_are_counts_and_no_words_of_runs(make: Fixture) -> None:
    made = make()
    told, hidden = body_of(made), body_of(made, public=True)
    said = ("Error code: 429", "RateLimitError again", "1 failed", "4bf92f3577b34da6")
    assert all(words in told for words in said)
    assert [words for words in said if words in hidden] == []
    assert "37 traces" in hidden
    assert "publish_runs" in hidden
