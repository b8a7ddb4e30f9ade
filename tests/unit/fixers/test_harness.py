import pytest

from clustering.rule import Rule, Unless
from fixers.errors import ConfigurationError
from fixers.harness import Autonomy, Budget, Harness, read_harnesses, with_defaults
from fixers.manners import Manners

FULL = """\
version: 1
pull_requests: {open_per_agent: 2, new_per_day: 5, dashboard: true}
agents:
  - name: support
    services: [shop-support, "shop-*"]
    paths:
      allow: ["support/**/*.py"]
      deny: support/billing.py
    test: python -m pytest -q 'tests/unit and more'
    replay: [python, -m, support.replay]
    timeout_s: 90
    policies:
      - {name: identity first, tool: refund, requires: check_identity}
      - {name: shipped stays, tool: "cancel_*", confirmed: true, unless: {tool: look, field: status, is: shipped}}
    budget: {tokens: 1000, cost_usd: 0.5, steps: 7}
    autonomy: observe
"""


def test_every_key_of_a_full_file_is_read() -> None:
    assert read_harnesses(FULL) == [
        Harness(
            name="support",
            services=("shop-support", "shop-*"),
            allow=("support/**/*.py",),
            deny=("support/billing.py",),
            test=("python", "-m", "pytest", "-q", "tests/unit and more"),
            replay=("python", "-m", "support.replay"),
            timeout_s=90.0,
            policies=(
                Rule(name="identity first", tool="refund", requires="check_identity"),
                Rule(
                    name="shipped stays",
                    tool="cancel_*",
                    confirmed=True,
                    unless=Unless(tool="look", field="status", value="shipped"),
                ),
            ),
            budget=Budget(tokens=1000, cost_usd=0.5, steps=7),
            autonomy=Autonomy.OBSERVE,
            manners=Manners(open_per_agent=2, new_per_day=5, dashboard=True),
        )
    ]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "version: 1\n", "agents:\n", "agents: []\n", "agents: [{}]\n"])
def test_a_file_that_says_nothing_describes_one_agent_named_after_the_repository(text: str) -> None:
    assert read_harnesses(text, repository="acme/shop-bot") == [Harness(name="shop-bot")]


def test_without_a_repository_the_agent_still_has_a_name() -> None:
    assert read_harnesses("") == [Harness(name="agent")]


AGENT = "agents:\n  - name: a\n    "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (AGENT + "autonomy: auto", "line 3, agents[0].autonomy: 'auto' is not one of observe, issue, draft, ready"),
        (AGENT + "autonomi: draft", "line 3, agents[0]: unknown key 'autonomi'; did you mean 'autonomy'?"),
        (AGENT + "zzz: 1", "unknown key 'zzz'; known here: name, services"),
        (AGENT + "? [a]\n    : 1", "unknown key a list"),
        (AGENT + "name: b", "line 3, agents[0].name: the key is there twice"),
        (AGENT + "name:\n    name: b", "the key is there twice"),
        (AGENT + "services: 7", "agents[0].services: '7' is not text; put it in quotes if it should be"),
        (AGENT + "services: [x, yes]", "agents[0].services[1]: 'yes' is not text"),
        (AGENT + "services: {a: b}", "a mapping is not text"),
        (AGENT + 'services: ""', "'' is empty or holds control characters"),
        (AGENT + 'services: "a\\u202eb"', "is empty or holds control characters"),
        (AGENT + "test: 5", "agents[0].test: '5' is not text"),
        (AGENT + "test: [python, 5]", "agents[0].test[1]: '5' is not text"),
        (AGENT + "test: []", "agents[0].test: the command is empty"),
        (AGENT + "test: {run: x}", "agents[0].test: a mapping is not a list"),
        (AGENT + 'test: "pytest \'x"', "is not a command: No closing quotation"),
        (AGENT + "test: pytest && rm -rf /", "'&&' needs a shell, and commands run without one"),
        (AGENT + "replay: [[python]]", "agents[0].replay[0]: a list is not text"),
        ("pull_requests: {dashboard: 1}", "line 1, pull_requests.dashboard: '1' is neither true nor false"),
        ("pull_requests: {new_per_day: 0}", "'0' is not a number above 0 and up to 100"),
        (AGENT + "timeout_s: soon", "agents[0].timeout_s: 'soon' is not a number above 0 and up to 3600"),
        (AGENT + "timeout_s: -1", "'-1' is not a number above 0"),
        (AGENT + "timeout_s: .nan", "'.nan' is not a number"),
        (AGENT + "timeout_s: .inf", "'.inf' is not a number"),
        (AGENT + "timeout_s: true", "'true' is not a number"),
        (AGENT + f"timeout_s: {'9' * 5000}", "is not a number"),
        (AGENT + f"timeout_s: {'9' * 400}", "is not a number"),
        (AGENT + "budget: {steps: 1.5}", "agents[0].budget.steps: '1.5' is not a whole number"),
        (AGENT + "budget: {steps: true}", "agents[0].budget.steps: 'true' is not a number"),
        (AGENT + "budget: {tokens: 0}", "agents[0].budget.tokens: '0' is not a number above 0"),
        (AGENT + "budget: {cost: 1}", "agents[0].budget: unknown key 'cost'; did you mean 'cost_usd'?"),
        (AGENT + "paths: [a]", "agents[0].paths: a list is not a mapping with some of the keys allow, deny"),
        (AGENT + "paths: {allow: [/etc/*]}", "'/etc/*' is not a pattern relative to the root"),
        (AGENT + "paths: {allow: [a/../../b]}", "is not a pattern relative"),
        (
            AGENT + "policies: [{name: p, tool: t}]",
            "policies[0]: one of requires, confirmed, at_most, unless is missing",
        ),
        (AGENT + "policies: [{name: p, tool: t, confirmed: maybe}]", "policies[0].confirmed: 'maybe' is neither"),
        (AGENT + "policies: [{name: p, tool: t, unless: {tool: u}}]", "policies[0].unless: 'field' is missing"),
        (AGENT + "policies: {name: p}", "agents[0].policies: a mapping is not a list"),
        (AGENT + "evals: evals/judge.py", "'evals/judge.py' is not the path of a data file"),
        (AGENT + "evals: ../cases.jsonl", "'../cases.jsonl' is not the path of a data file"),
        (AGENT + "evals: /cases.jsonl", "is not the path of a data file"),
        (AGENT + "evals: 'evals/*.jsonl'", "is not the path of a data file"),
        (AGENT + "services: 2026-99-99", "'2026-99-99' is not text"),
        ("agents:\n  - {name: a}\n  - {name: a}\n", "line 3, agents[1]: the name 'a' is there twice"),
        ("agents:\n  - {name: a}\n  - {test: x}\n", "line 3, agents[1]: each of several agents needs a name"),
        ("version: 2\n", "line 1, version: '2' is not a version that is read here: 1"),
        ("version: [1]\n", "line 1, version: a list is not a version"),
        ("just words\n", "line 1: 'just words' is not a mapping"),
        ("- a\n", "line 1: a list is not a mapping"),
        ("agents: [\n", "line 2: not YAML"),
        ("a: b: c\n", "line 1: not YAML"),
        ("name: \x07\n", "line 1: not YAML"),
        ("version: 1\n---\nversion: 1\n", "line 2: more than 8 levels, or more than one document"),
        ("agents: !!python/object:os.system [x]\n", "line 1: tags are not read here"),
        ("[" * 20_000, "line 1: more than 8 levels"),
        ("!" + "x" * 60_000 + " a", "line 1: tags are not read here"),
        ("&" + "x" * 60_000 + " a", "line 1: anchors and aliases are not read here"),
        (AGENT + f"paths: {{allow: [/{'x' * 60_000}]}}", "is not a pattern relative"),
        ("#" * 64_001, "line 1: 64001 characters are more than 64000"),
        (f"agents: [{'{},' * 101}]\n", "line 1, agents: 101 items are more than 100"),
    ],
)
def test_a_mistake_is_named_with_line_key_and_value(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_harnesses(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("line ")
    assert len(str(caught.value)) < 400


def test_anchors_that_multiply_are_refused_before_they_are_followed() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 40))
    with pytest.raises(ConfigurationError, match="line 1: anchors and aliases are not read here"):
        read_harnesses("l0: &l0 [lol]\n" + levels)


def test_a_replay_module_and_the_tests_folder_are_found() -> None:
    paths = ["README.md", "support/__init__.py", "support/replay.py", "tests/unit/test_tools.py"]
    found = with_defaults(Harness(name="a"), paths)
    assert found.replay == ("python", "-m", "support.replay")
    assert found.test == ("python", "-m", "pytest", "-q", "tests")


def test_a_replay_module_under_src_is_found() -> None:
    assert with_defaults(Harness(name="a"), ["src/bot/replay.py"]).replay == ("python", "-m", "bot.replay")


@pytest.mark.parametrize(
    "paths",
    [[], ["replay.py"], ["a/b/replay.py"], ["tests/replay.py"], ["a-b/replay.py"], ["a/replay.py", "b/replay.py"]],
)
def test_nothing_is_guessed_where_no_single_package_has_a_replay_module(paths: list[str]) -> None:
    assert with_defaults(Harness(name="a"), paths) == Harness(name="a")


def test_what_the_file_says_wins_over_what_the_paths_show() -> None:
    said = Harness(name="a", test=("make", "test"), replay=("make", "replay"))
    assert with_defaults(said, ["a/replay.py", "tests/test_a.py"]) == said
