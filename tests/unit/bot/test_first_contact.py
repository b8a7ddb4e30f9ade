"""A repository on GitHub is asked once for its configuration, and left alone until it says yes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.agents import read_agents
from bot.errors import Refused
from bot.first_contact import BRANCH, ask, ask_everyone
from bot.forge.forge import Annotation, Conclusion, Draft, Forge
from bot.forge.local import LocalForge
from bot.handlers.configuration import CHECK_NAME
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.pull_request import PullRequest
from bot.store.engine import open_engine
from bot.store.store import Store
from fixers.harness import CONFIGURATION_PATH, Autonomy, read_harnesses
from fixers.proposal import Edit
from tests.unit.bot.recorded_product import DISCRETIONS, make_repository
from webhooks.github import Delivery

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
AGENT = {"pyproject.toml": "dependencies = ['openai']", "agent/main.py": "", "agent/prompts/system.md": "Be kind."}


class Asking(LocalForge):
    """A folder whose people are asked first, as on GitHub, with a pull request from elsewhere."""

    changed: tuple[str, ...] = ()
    written: str | None = None

    def __init__(self, repository: Path) -> None:
        super().__init__(repository, folder=repository.parent / "pull-requests")
        self.checks: list[tuple[str, Conclusion, tuple[Annotation, ...]]] = []
        self.drafts: list[Draft] = []

    @property
    def opt_in(self) -> bool:
        return True

    def changed_paths(self, number: int) -> list[str]:
        assert number == 7
        return list(self.changed)

    def read_file(self, path: str, sha: str) -> str | None:
        return self.written if sha == "head" else super().read_file(path, sha)

    def open_pull_request(self, draft: Draft) -> PullRequest:
        self.drafts.append(draft)
        return super().open_pull_request(draft)

    def report_check(self, pull_request: PullRequest, **given: Any) -> None:  # noqa: ANN401 - as the forge is asked
        assert (pull_request.number, pull_request.head_sha) == (7, "head")
        self.checks.append((given["name"], given["conclusion"], given["annotations"]))


@pytest.fixture
def forge(tmp_path: Path) -> Asking:
    return Asking(make_repository(tmp_path / "shop", AGENT))


def test_the_one_pull_request_adds_the_configuration_and_nothing_else(forge: Asking) -> None:
    assert ask(forge, services=["shop-agent"])
    (draft,) = forge.drafts
    (edit,) = draft.edits
    assert (draft.head_branch, draft.draft, edit.path, edit.before) == (BRANCH, False, CONFIGURATION_PATH, None)
    assert read_harnesses(edit.after or "")[0].services == ("shop-agent",)
    assert "written by a bot" in draft.body
    assert '    services: ["shop-agent"]' in draft.body


def test_a_second_contact_opens_nothing_whatever_became_of_the_first(forge: Asking) -> None:
    ask(forge)
    assert ask(forge)
    assert len(forge.drafts) == 1


def test_who_has_a_configuration_or_a_folder_of_their_own_is_not_asked(tmp_path: Path) -> None:
    configured = Asking(make_repository(tmp_path / "shop", {**AGENT, CONFIGURATION_PATH: ""}))
    local = LocalForge(make_repository(tmp_path / "local", AGENT), folder=tmp_path / "pulls")
    assert ask(configured)
    assert ask(local)
    assert configured.drafts == []
    assert not (tmp_path / "pulls").exists()


def test_each_repository_is_asked_once(tmp_path: Path, forge: Asking) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: NOW)
    store.connect_repository("42", "acme/shop")
    plain = Asking(make_repository(tmp_path / "plain", {"README.md": ""}))
    store.connect_repository("42", "acme/plain")
    forges = {"acme/shop": forge, "acme/plain": plain}
    ask_everyone(store, "42", lambda _, repository: forges[repository])
    assert store.unasked_repositories("42") == ["acme/plain"]  # nothing to ask yet
    assert [len(each.drafts) for each in (forge, plain)] == [1, 0]
    store.close()


def test_nothing_is_proposed_before_the_file_is_there(tmp_path: Path, forge: Asking) -> None:
    yes = Asking(make_repository(tmp_path / "yes", {**AGENT, CONFIGURATION_PATH: ""}))
    found: list[Autonomy] = []
    for each in (forge, yes):
        agents = read_agents(["acme/shop"], lambda _, forge=each: forge)  # type: ignore[misc]
        found += [agent.harness.autonomy for agent in agents.readable]
    assert found == [Autonomy.OBSERVE, Autonomy.DRAFT]


def test_the_way_for_the_configuration_lets_nothing_else_through(forge: Asking) -> None:
    ask(forge)
    workflow = Edit(path=".github/workflows/ci.yml", before=None, after="on: push\n")
    for edits in ((workflow,), (*forge.drafts[0].edits, workflow)):
        with pytest.raises(Refused, match="workflows"):
            forge.open_pull_request(replace(forge.drafts[0], head_branch="tracewright/other", edits=edits))


def opened(tmp_path: Path, forge: Forge, *, base: str = "main") -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: NOW)
    store.connect_repository("42", "acme/shop")
    pull = {"number": 7, "head": {"ref": "edit", "sha": "head"}, "base": {"ref": base}, "title": "Edit"}
    payload = {
        "installation": {"id": 42},
        "repository": {"full_name": "Acme/Shop", "default_branch": "main"},
        "pull_request": pull,
    }
    means = Means(
        store=store,
        forge_of=lambda *_: forge,
        now=lambda: NOW,
        discretions=DISCRETIONS,
        start=lambda _: None,
        end_work=lambda _: None,
    )
    handle(Delivery(delivery_id="d", event="pull_request", action="opened", payload=payload), means)
    store.close()


def test_a_mistake_in_the_configuration_is_shown_on_its_line(tmp_path: Path, forge: Asking) -> None:
    forge.changed, forge.written = (CONFIGURATION_PATH,), "version: 1\nagents:\n  - servces: [x]\n"
    opened(tmp_path, forge)
    ((name, conclusion, (annotation,)),) = forge.checks
    assert (name, conclusion) == (CHECK_NAME, Conclusion.FAILURE)
    assert (annotation.path, annotation.start_line, annotation.level) == (CONFIGURATION_PATH, 3, "failure")
    assert "did you mean 'services'?" in annotation.message


@pytest.mark.parametrize(
    ("written", "conclusion"), [("agents: [{name: x}]", Conclusion.SUCCESS), (None, Conclusion.NEUTRAL)]
)
def test_a_configuration_that_can_be_read_or_is_taken_away_is_told(
    tmp_path: Path, forge: Asking, written: str | None, conclusion: Conclusion
) -> None:
    forge.changed, forge.written = (CONFIGURATION_PATH, "a.py"), written
    opened(tmp_path, forge)
    assert [(check[1], check[2]) for check in forge.checks] == [(conclusion, ())]


@pytest.mark.parametrize(("changed", "base"), [("a.py", "main"), (CONFIGURATION_PATH, "next")])
def test_other_pull_requests_get_no_check(tmp_path: Path, forge: Asking, changed: str, base: str) -> None:
    forge.changed, forge.written = (changed,), "agents: 3"
    opened(tmp_path, forge, base=base)
    assert forge.checks == []
