"""Both forges keep one promise; the emulator, where GitHub's is shown, is held against GitHub's own schemas."""

import hmac
import json
import logging
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.checks import ACTIONS
from bot.errors import ForeignCommits, ForgeError, Refused
from bot.forge.errors import Denied, Mismatch, Missing, RateLimited, Unavailable
from bot.forge.forge import Annotation, Conclusion, Draft, Forge, State
from bot.forge.github import web_address
from bot.forge.github_app import GitHubApp
from bot.forge.local import LocalForge
from bot.strangers import strangers
from fixers.harness import Harness
from fixers.proposal import Edit
from tests.emulator import contract
from tests.emulator.emulator import REVIEWER_TOKEN, Emulator

AGENT = "def answer():\n    return 1\n"
FILES = {"agent.py": AGENT, "prompts/system.md": "Be kind.\n", "old.py": "x = 1\n"}
EDITS = (
    Edit(path="agent.py", before=AGENT, after=AGENT.replace("1", "2")),
    Edit(path="tests/test_agent.py", before=None, after="def test_it():\n    assert True\n"),
    Edit(path="old.py", before="x = 1\n", after=None),
)


class OnGitHub:
    """A new repository state for each test, on one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        tree = emulator.call("GET", f"/repos/{emulator.repository}/git/trees/main?recursive=1")["tree"]
        left_over = {item["path"] for item in tree if item["type"] == "blob"} - FILES.keys()
        emulator.push(FILES | dict.fromkeys(left_over))
        self.app = GitHubApp(
            str(emulator.app_id), emulator.private_key, api_url=emulator.url, seconds_between_writes=None
        )
        self.forge: Forge = self.app.forge(emulator.repository)

    def close(self) -> None:
        self.emulator.fail()
        self.app.close()

    def push(self, branch: str) -> None:
        self.emulator.push({"foreign.py": "y = 1\n"}, branch=branch)

    def push_onto(self, branch: str) -> None:
        self.emulator.push({"foreign.py": "y = 2\n"}, branch=branch)

    def merge(self, number: int) -> None:
        self.emulator.merge(number)

    def n_pull_requests(self, branch: str) -> int:
        return sum(pull["head"]["ref"] == branch for pull in self.emulator.pulls())

    def branches(self, prefix: str) -> list[str]:
        found = self.emulator.call("GET", f"/repos/{self.emulator.repository}/git/matching-refs/heads/{prefix}")
        return [ref["ref"] for ref in found]

    def body(self, number: int) -> str:
        return str(self.emulator.call("GET", f"/repos/{self.emulator.repository}/pulls/{number}")["body"])

    def labels(self, number: int) -> list[str]:
        pull = self.emulator.call("GET", f"/repos/{self.emulator.repository}/pulls/{number}")
        return [label["name"] for label in pull["labels"]]

    def checks(self, sha: str) -> list[tuple[str, str, str]]:
        found = self.emulator.call("GET", f"/repos/{self.emulator.repository}/commits/{sha}/check-runs")["check_runs"]
        return [(run["name"], run["conclusion"], run["output"]["summary"]) for run in found]

    def comments(self, number: int) -> list[str]:
        path = f"/repos/{self.emulator.repository}/issues/{number}/comments"
        return [comment["body"] for comment in self.emulator.call("GET", path)]


class OnDisk:
    """A repository of its own for each test."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        self.records = folder / "pulls"
        self.repository.mkdir()
        self._git("init", "-q", "-b", "main")
        for path, text in FILES.items():
            (self.repository / path).parent.mkdir(exist_ok=True)
            (self.repository / path).write_text(text)
        self._git("add", ".")
        self._git("commit", "-qm", "Start")
        self.forge: Forge = LocalForge(self.repository, folder=self.records)

    def close(self) -> None:
        assert self._git("status", "--porcelain") == "", "the working tree was touched"

    def push(self, branch: str) -> None:
        tree = self._git("write-tree").strip()
        commit = self._git("commit-tree", tree, "-m", "Foreign").strip()
        self._git("update-ref", f"refs/heads/{branch}", commit)

    def push_onto(self, branch: str) -> None:
        tree = self._git("rev-parse", "HEAD^{tree}").strip()
        commit = self._git("commit-tree", tree, "-p", branch, "-m", "Foreign").strip()
        self._git("update-ref", f"refs/heads/{branch}", commit)

    def merge(self, number: int) -> None:
        self._git("merge", "-q", "--no-ff", "-m", "Merge", self._record(number)["head_branch"])

    def n_pull_requests(self, branch: str) -> int:
        records = [json.loads(path.read_text()) for path in self.records.glob("*.json")]
        return sum(record["head_branch"] == branch for record in records)

    def body(self, number: int) -> str:
        return str(self._record(number)["body"])

    def labels(self, number: int) -> list[str]:
        return list(self._record(number)["labels"])

    def checks(self, sha: str) -> list[tuple[str, str, str]]:
        records = [json.loads(path.read_text()) for path in self.records.glob("*.json")]
        found = [record["checks"] for record in records if record["head_sha"] == sha]
        return [(name, check["conclusion"], check["summary"]) for checks in found for name, check in checks.items()]

    def comments(self, number: int) -> list[str]:
        return list(self._record(number)["comments"].values())

    def _record(self, number: int) -> dict[str, Any]:
        return dict(json.loads((self.records / f"{number}.json").read_text()))

    def _git(self, *arguments: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        command = ["git", "-C", str(self.repository), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


Place = OnGitHub | OnDisk


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    server = Emulator.start()
    yield server
    server.stop()


@pytest.fixture(params=["github", "local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = OnGitHub(request.getfixturevalue("emulator")) if request.param == "github" else OnDisk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def on_github(emulator: Emulator) -> Iterator[OnGitHub]:
    made = OnGitHub(emulator)
    yield made
    made.close()


@pytest.fixture
def draft(request: pytest.FixtureRequest) -> Callable[[Place], Draft]:
    """Return a draft of a branch that no other test has."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")

    def make(place: Place) -> Draft:
        return Draft(
            head_branch=f"tracewright/{name}",
            base=place.forge.base(),
            title="Answer with two",
            body="The evidence.",
            page_html="<p>The evidence.</p>",
            edits=EDITS,
            commit_message="Answer with two",
            harness=Harness(name="agent"),
            labels=("tracewright",),
        )

    return make


Make = Callable[[Place], Draft]


def test_opening_twice_is_one_pull_request(place: Place, draft: Make) -> None:
    wanted = draft(place)
    first, second = place.forge.open_pull_request(wanted), place.forge.open_pull_request(wanted)
    assert first == second
    assert place.n_pull_requests(wanted.head_branch) == 1
    assert first == place.forge.find_pull_request(wanted.head_branch)


def test_body_and_labels_arrive(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    assert place.body(pull_request.number) == "The evidence."
    assert place.labels(pull_request.number) == ["tracewright"]


def test_the_head_holds_the_edits_and_nothing_else(place: Place, draft: Make, tmp_path: Path) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    place.forge.fetch(pull_request.head_sha, tmp_path / "checkout")
    found = {
        str(path.relative_to(tmp_path / "checkout")) for path in (tmp_path / "checkout").rglob("*") if path.is_file()
    }
    assert found == {"agent.py", "prompts/system.md", "tests/test_agent.py"}
    assert (tmp_path / "checkout/agent.py").read_text() == AGENT.replace("1", "2")


def test_a_file_is_read_at_a_commit(place: Place) -> None:
    base = place.forge.base()
    assert place.forge.read_file("prompts/system.md", base.sha) == "Be kind.\n"
    assert place.forge.read_file("prompts", base.sha) is None
    assert place.forge.read_file("nowhere.md", base.sha) is None


def test_a_branch_with_foreign_commits_is_left_alone(place: Place, draft: Make) -> None:
    wanted = draft(place)
    place.push(wanted.head_branch)
    with pytest.raises(ForeignCommits, match=wanted.head_branch):
        place.forge.open_pull_request(wanted)
    assert place.n_pull_requests(wanted.head_branch) == 0


def test_an_edit_outside_the_allowed_paths_leaves_no_branch(place: Place, draft: Make) -> None:
    workflow = Edit(path=".github/workflows/ci.yml", before=None, after="on: push\n")
    wanted = replace(draft(place), edits=(workflow,))
    with pytest.raises(Refused, match=r"\.github"):
        place.forge.open_pull_request(wanted)
    place.push(wanted.head_branch)  # would fail, or not start from main, if the branch were there
    assert place.forge.find_pull_request(wanted.head_branch) is None


def test_an_edit_of_another_text_does_not_apply(place: Place, draft: Make) -> None:
    stale = Edit(path="agent.py", before="something else\n", after="x\n")
    with pytest.raises(ForgeError, match=r"agent\.py"):
        place.forge.open_pull_request(replace(draft(place), edits=(stale,)))


def test_a_check_is_reported_once_and_brought_up_to_date(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    for summary in ("3 of 4", "4 of 4"):
        place.forge.report_check(
            pull_request, name="Evidence", summary=summary, text="All.", conclusion=Conclusion.NEUTRAL
        )
    assert place.checks(pull_request.head_sha) == [("Evidence", "neutral", "4 of 4")]


def test_a_comment_is_made_once_for_each_marker(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    for marker in ("follow-up", "follow-up", "revert"):
        place.forge.comment_once(pull_request, marker, f"About the {marker}.")
    comments = place.comments(pull_request.number)
    assert [comment.split("\n")[0] for comment in comments] == ["About the follow-up.", "About the revert."]


def test_a_comment_that_is_kept_is_brought_up_to_date(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    for text in ("first", "second", "second"):
        place.forge.keep_comment(pull_request, "explain", text)
    (comment,) = place.comments(pull_request.number)
    assert comment.startswith("second")


def test_a_description_is_replaced_and_a_pull_request_closed(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    place.forge.update_body(pull_request, "New evidence.")
    place.forge.close(pull_request)
    assert place.body(pull_request.number) == "New evidence."
    assert place.forge.pull_request_state(pull_request) == State.CLOSED
    assert place.forge.reopen(pull_request)
    assert place.forge.pull_request_state(pull_request) == State.OPEN


def test_commits_of_other_people_are_told_from_ours(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    assert place.forge.head_sha(pull_request) == pull_request.head_sha
    (ours,) = place.forge.commits(pull_request)
    assert ours.sha == pull_request.head_sha
    assert strangers([ours], pull_request.head_sha) == []
    place.push_onto(pull_request.head_branch)
    commits = place.forge.commits(pull_request)
    assert place.forge.head_sha(pull_request) == commits[-1].sha != ours.sha
    assert strangers(commits, pull_request.head_sha) == commits[1:]


def test_buttons_arrive_with_the_check(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    on_github.forge.report_check(
        pull_request, name="Evidence", summary="s", text="t", conclusion=Conclusion.NEUTRAL, actions=ACTIONS
    )
    asked = [entry["request"] for entry in on_github.emulator.log() if "/check-runs/" in entry["path"]]
    assert asked[-1]["actions"] == [
        {"identifier": each.identifier, "label": each.label, "description": each.description} for each in ACTIONS
    ]


def test_who_may_write_is_asked_of_github(on_github: OnGitHub) -> None:
    assert on_github.forge.may_write("octocat")
    assert not on_github.forge.may_write("a-stranger")
    assert not on_github.forge.may_write("../../user")


def test_reviews_are_asked_of_those_who_can_be_asked(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    on_github.forge.request_reviews(pull_request, ["reviewer", "nobody-of-that-name"])
    path = f"/repos/{on_github.emulator.repository}/pulls/{pull_request.number}"
    assert [user["login"] for user in on_github.emulator.call("GET", path)["requested_reviewers"]] == ["reviewer"]


def test_an_issue_of_ours_is_found_by_its_marker_and_edited_in_place(place: Place) -> None:
    marker = "<!-- tracewright:board -->"
    assert place.forge.read_issue(marker) is None
    for text in ("first", "second"):
        place.forge.keep_issue(marker, "Board", f"{marker}\n{text}")
    assert (place.forge.read_issue(marker) or "").endswith("second")


def test_a_stranger_s_issue_with_our_marker_is_not_ours(on_github: OnGitHub) -> None:
    marker, path = "<!-- tracewright:other -->", f"/repos/{on_github.emulator.repository}/issues"
    on_github.emulator.call("POST", path, {"title": "T", "body": marker, "labels": ["tracewright"]})
    assert on_github.forge.read_issue(marker) is None


def test_files_are_kept_beside_the_code_and_never_changed_by_the_next(on_github: OnGitHub) -> None:
    first = on_github.forge.keep_files("evidence-of-tests", "one", {"a.json": "1\n", "runs/b.json": "2\n"}, "One")
    again = on_github.forge.keep_files("evidence-of-tests", "one", {"a.json": "1\n", "runs/b.json": "2\n"}, "One")
    second = on_github.forge.keep_files("evidence-of-tests", "two", {"c.json": "3\n"}, "Two")

    sha = re.fullmatch(r".*/acme/shop-agent/tree/([0-9a-f]{40})/one", first)
    assert first == again
    assert sha is not None
    head = re.search("[0-9a-f]{40}", second)
    assert head is not None
    assert on_github.forge.paths(sha[1]) == ["one/a.json", "one/runs/b.json"]
    assert on_github.forge.paths(head[0]) == ["one/a.json", "one/runs/b.json", "two/c.json"]
    assert on_github.forge.read_file("one/a.json", head[0]) == "1\n"
    root = on_github.emulator.call("GET", f"/repos/acme/shop-agent/git/commits/{sha[1]}")
    assert root["parents"] == []


def test_another_worker_s_folder_stays(on_github: OnGitHub) -> None:
    on_github.forge.keep_files("evidence-of-two", "one", {"a": "1"}, "One")
    on_github.emulator.fail({"match": "PATCH .*/git/refs/heads/evidence-of-two", "status": 422})
    address = on_github.forge.keep_files("evidence-of-two", "two", {"b": "2"}, "Two")
    head = re.search("[0-9a-f]{40}", address)
    assert head is not None
    assert on_github.forge.paths(head[0]) == ["one/a", "two/b"]


def test_files_on_disk_are_kept_in_a_folder(tmp_path: Path) -> None:
    place = OnDisk(tmp_path)
    folder = Path(place.forge.keep_files("evidence", "one", {"runs/a.json": "1\n"}, "One"))
    assert (folder / "runs" / "a.json").read_text() == "1\n"


def test_a_line_has_a_permanent_address(on_github: OnGitHub) -> None:
    sha = on_github.forge.base().sha
    address = f"{on_github.emulator.url}/{on_github.emulator.repository}/blob/{sha}/a%20b/%23c.py#L3"
    assert on_github.forge.link("a b/#c.py", sha, line=3) == address


@pytest.mark.parametrize(
    ("api", "web"),
    [("https://api.github.com", "https://github.com"), ("https://git.acme.example/api/v3", "https://git.acme.example")],
)
def test_people_read_at_another_address_than_the_api(api: str, web: str) -> None:
    assert web_address(api) == web


def test_a_merge_shows_in_the_state(place: Place, draft: Make) -> None:
    pull_request = place.forge.open_pull_request(draft(place))
    assert place.forge.pull_request_state(pull_request) == State.OPEN
    place.merge(pull_request.number)
    assert place.forge.pull_request_state(pull_request) == State.MERGED
    found = place.forge.find_pull_request(pull_request.head_branch)
    assert found is not None
    assert found.state == State.MERGED


def test_links_and_submodules_are_left_out_and_recorded(on_github: OnGitHub, tmp_path: Path) -> None:
    sha = on_github.emulator.push(
        {"link": "/etc/passwd", "bin/run": "#!/bin/sh\n"}, modes={"link": "120000", "bin/run": "100755"}
    )
    skipped = on_github.forge.fetch(sha, tmp_path / "checkout")
    assert [(item.path, item.kind) for item in skipped] == [("link", "symlink")]
    assert not (tmp_path / "checkout/link").exists()
    assert (tmp_path / "checkout/bin/run").stat().st_mode & 0o777 == 0o755


def test_files_come_one_by_one_where_there_is_no_tarball(on_github: OnGitHub, tmp_path: Path) -> None:
    on_github.emulator.fail({"match": "GET .*/tarball/", "status": 404, "body": {"message": "Not Found"}})
    on_github.forge.fetch(on_github.forge.base().sha, tmp_path / "checkout")
    assert (tmp_path / "checkout/agent.py").read_text() == AGENT


FAULTS: list[tuple[dict[str, Any], type[ForgeError]]] = [
    ({"match": "POST .*/pulls$", "status": 502}, Unavailable),
    ({"match": "POST .*/pulls$", "status": 502, "after": True}, Unavailable),
    ({"match": "POST .*/git/refs$", "status": 500}, Unavailable),
    ({"match": "POST .*/git/refs$", "status": 500, "after": True}, Unavailable),
    ({"match": "POST .*/git/commits$", "status": 500, "after": True}, Unavailable),
    ({"match": "POST .*/labels$", "status": 500}, Unavailable),
    (
        {
            "match": "POST .*/pulls$",
            "status": 403,
            "headers": {"retry-after": "7"},
            "body": {"message": "You have exceeded a secondary rate limit"},
        },
        RateLimited,
    ),
    (
        {"match": "POST .*/git/trees$", "status": 429, "headers": {"retry-after": "7"}, "body": {"message": "Slow"}},
        RateLimited,
    ),
    ({"match": "POST .*/pulls$", "status": 403, "body": {"message": "Resource not accessible by integration"}}, Denied),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
def test_a_call_that_was_cut_off_is_finished_by_the_next(
    on_github: OnGitHub, draft: Make, fault: dict[str, Any], error: type[ForgeError]
) -> None:
    wanted = draft(on_github)
    on_github.emulator.fail(fault)
    with pytest.raises(error) as caught:
        on_github.forge.open_pull_request(wanted)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after_s == 7
    pull_request = on_github.forge.open_pull_request(wanted)
    assert on_github.n_pull_requests(wanted.head_branch) == 1
    assert on_github.labels(pull_request.number) == ["tracewright"]


@pytest.mark.parametrize("what", ["blob", "tree"])
def test_what_github_made_of_it_must_be_what_the_gate_has_seen(on_github: OnGitHub, draft: Make, what: str) -> None:
    wanted, other = draft(on_github), "0" * 40
    on_github.emulator.fail({"match": f"POST .*/git/{what}s$", "status": 201, "body": {"sha": other, "tree": []}})
    with pytest.raises(Mismatch, match=f"GitHub made the {what} {other}"):
        on_github.forge.open_pull_request(wanted)
    assert on_github.n_pull_requests(wanted.head_branch) == 0
    assert on_github.branches(wanted.head_branch) == []
    assert on_github.forge.open_pull_request(wanted).state == State.OPEN


def test_a_read_survives_one_server_error(on_github: OnGitHub) -> None:
    on_github.emulator.fail({"match": "GET .*/git/ref/", "status": 503})
    assert on_github.forge.base().branch == "main"


def test_another_worker_who_was_faster_is_found(on_github: OnGitHub, draft: Make) -> None:
    wanted = draft(on_github)
    theirs = on_github.forge.open_pull_request(wanted)
    on_github.emulator.fail({"match": "GET .*/pulls$", "status": 200, "body": []})
    assert on_github.forge.open_pull_request(wanted).number == theirs.number
    assert on_github.n_pull_requests(wanted.head_branch) == 1


def test_an_expired_token_is_made_anew(on_github: OnGitHub, draft: Make) -> None:
    on_github.forge.base()
    on_github.emulator.expire_tokens()
    assert on_github.forge.open_pull_request(draft(on_github)).state == State.OPEN


def test_annotations_beyond_one_request_arrive_once(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    annotations = [Annotation(path="agent.py", start_line=1, end_line=1, message=str(i)) for i in range(120)]
    on_github.emulator.fail({"match": "PATCH .*/check-runs/", "status": 502, "skip": 1})
    for attempt in range(2):
        try:
            on_github.forge.report_check(
                pull_request, name="E", summary="s", text="t", conclusion=Conclusion.SUCCESS, annotations=annotations
            )
        except Unavailable:
            assert attempt == 0
    path = f"/repos/{on_github.emulator.repository}/commits/{pull_request.head_sha}/check-runs"
    runs = on_github.emulator.call("GET", path)["check_runs"]
    assert [run["output"]["annotations_count"] for run in runs] == [120]


def test_tokens_are_narrowed_to_one_repository_and_its_needs(on_github: OnGitHub, draft: Make) -> None:
    n_before = len(on_github.emulator.log())
    on_github.forge.open_pull_request(draft(on_github))
    log = on_github.emulator.log()[n_before:]
    asked = [entry["request"] for entry in log if entry["path"].endswith("/access_tokens")]
    assert {json.dumps(request["repositories"]) for request in asked} == {'["shop-agent"]'}
    assert {json.dumps(request["permissions"], sort_keys=True) for request in asked} == {
        '{"checks": "write", "contents": "write", "pull_requests": "write"}',
        '{"contents": "read"}',
    }


def test_no_token_appears_in_messages_or_logs(
    on_github: OnGitHub, draft: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    on_github.forge.fetch(on_github.forge.base().sha, tmp_path / "checkout")
    on_github.emulator.fail({"match": "POST .*/pulls$", "status": 500})
    with pytest.raises(Unavailable) as caught:
        on_github.forge.open_pull_request(draft(on_github))
    assert not re.search(r"ghs_|eyJ|token=", caplog.text + str(caught.value) + repr(on_github.forge))


def test_an_app_that_is_not_installed_is_named(on_github: OnGitHub) -> None:
    with pytest.raises(Missing, match="acme/not-installed"):
        on_github.app.forge("acme/not-installed").base()


def test_a_wrong_key_is_denied(emulator: Emulator) -> None:
    other = Emulator.new_key()
    app = GitHubApp(str(emulator.app_id), other, api_url=emulator.url, seconds_between_writes=None)
    with pytest.raises(Denied):
        app.forge(emulator.repository, emulator.installation_id).base()
    app.close()


def test_a_push_moves_the_pull_request(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    on_github.push(pull_request.head_branch)
    found = on_github.forge.find_pull_request(pull_request.head_branch)
    assert found is not None
    assert found.head_sha != pull_request.head_sha


def test_a_further_commit_moves_the_branch_only_from_where_we_left_it(place: Place, draft: Make) -> None:
    opened = place.forge.open_pull_request(draft(place))
    more = Edit(path="agent.py", before=AGENT.replace("1", "2"), after=AGENT.replace("1", "3"))
    further = replace(draft(place), base=replace(place.forge.base(), sha=opened.head_sha), edits=(more,))
    sha = place.forge.commit(further)
    assert place.forge.head_sha(opened) == opened.head_sha
    for _ in range(2):
        place.forge.move_branch(opened, sha, before=opened.head_sha)
    assert [commit.sha for commit in place.forge.commits(opened)] == [opened.head_sha, sha]
    assert place.forge.read_file("agent.py", sha) == AGENT.replace("1", "3")
    place.push_onto(opened.head_branch)
    with pytest.raises(ForeignCommits):
        place.forge.move_branch(opened, opened.head_sha, before=sha)


def test_a_branch_is_built_anew_on_another_base(place: Place, draft: Make) -> None:
    opened = place.forge.open_pull_request(draft(place))
    sha = place.forge.commit(replace(draft(place), commit_message="Anew\n"))
    place.forge.move_branch(opened, sha, before=opened.head_sha)
    assert [commit.sha for commit in place.forge.commits(opened)] == [sha]


def test_a_further_commit_passes_the_gate_or_is_not_made(place: Place, draft: Make) -> None:
    opened = place.forge.open_pull_request(draft(place))
    workflow = Edit(path=".github/workflows/ci.yml", before=None, after="on: push\n")
    with pytest.raises(Refused):
        place.forge.commit(
            replace(draft(place), base=replace(place.forge.base(), sha=opened.head_sha), edits=(workflow,))
        )


def test_a_thread_is_answered_once_for_each_marker(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    comments = f"/repos/{on_github.emulator.repository}/pulls/{pull_request.number}/comments"
    said = {"body": "Why?", "path": "agent.py", "line": 2, "side": "RIGHT", "commit_id": pull_request.head_sha}
    thread = on_github.emulator.call("POST", comments, said, token=REVIEWER_TOKEN)["id"]
    for _ in range(2):
        on_github.forge.reply(pull_request, thread, "reply-1", "Because.")
    on_github.forge.reply(pull_request, 999_999, "reply-2", "Nobody.")
    shown = on_github.emulator.call("GET", comments)
    assert [(each["in_reply_to_id"], each["body"].split("\n")[0]) for each in shown[1:]] == [(thread, "Because.")]
    answers = contract.deviations_of_answers(on_github.emulator.log())
    assert {operation: lacks for operation, lacks in answers.items() if lacks and "/comments" in operation} == {}
    deliveries = contract.deviations_of_deliveries(on_github.emulator.deliveries())
    assert deliveries["pull_request_review_comment$created"] == set()


def test_a_comment_is_acknowledged_once(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    comments = f"/repos/{on_github.emulator.repository}/issues"
    said = on_github.emulator.call("POST", f"{comments}/{pull_request.number}/comments", {"body": "/tracewright rerun"})
    for _ in range(2):
        on_github.forge.acknowledge(pull_request, said["id"])
    on_github.forge.acknowledge(pull_request, 999_999)
    (shown,) = on_github.emulator.call("GET", f"{comments}/comments/{said['id']}/reactions")
    assert (shown["content"], shown["user"]["login"]) == ("eyes", "tracewright[bot]")
    answers = contract.deviations_of_answers(on_github.emulator.log())
    assert [lacks for operation, lacks in answers.items() if lacks and "/reactions" in operation] == []


def test_what_we_rely_on_is_as_github_describes_it(on_github: OnGitHub, draft: Make) -> None:
    pull_request = on_github.forge.open_pull_request(draft(on_github))
    on_github.forge.report_check(pull_request, name="E", summary="s", text="t", conclusion=Conclusion.NEUTRAL)
    on_github.forge.comment_once(pull_request, "m", "Words.")
    on_github.merge(pull_request.number)
    reviews = f"/repos/{on_github.emulator.repository}/pulls/{pull_request.number}/reviews"
    on_github.emulator.call("POST", reviews, {"event": "APPROVE", "body": "Good."}, token=REVIEWER_TOKEN)
    answers = contract.deviations_of_answers(on_github.emulator.log())
    assert {operation: lacks for operation, lacks in answers.items() if lacks and "/reviews" not in operation} == {}
    deliveries = contract.deviations_of_deliveries(on_github.emulator.deliveries())
    assert {"pull_request$opened", "pull_request$closed", "issue_comment$created"} < deliveries.keys()
    assert {event: lacks for event, lacks in deliveries.items() if lacks} == {}


def test_deliveries_are_signed_and_told_apart(on_github: OnGitHub, draft: Make) -> None:
    on_github.forge.open_pull_request(draft(on_github))
    sent = on_github.emulator.deliveries("pull_request")
    assert len({delivery["headers"]["x-github-delivery"] for delivery in sent}) == len(sent)
    for delivery in sent:
        digest = hmac.new(on_github.emulator.webhook_secret.encode(), delivery["body"].encode(), "sha256").hexdigest()
        assert delivery["headers"]["x-hub-signature-256"] == f"sha256={digest}"
        assert delivery["headers"]["user-agent"].startswith("GitHub-Hookshot/")
