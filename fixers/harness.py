"""Harness: what the fixer knows of the user's agent, read from `.github/tracewright.yml`. No I/O."""

import difflib
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Self

import yaml
from yaml.constructor import SafeConstructor

from clustering.rule import Rule, Unless
from fixers.errors import ConfigurationError
from fixers.eval_set import SUFFIXES
from fixers.manners import DEFAULT_MANNERS, Manners

CONFIGURATION_PATH = ".github/tracewright.yml"
VERSION = 1
DEFAULT_TEST = ("python", "-m", "pytest", "-q")

MAX_CHARACTERS = 64_000  # the longest sensible file is a few hundred lines
MAX_DEPTH = 8  # agents > agent > policies > policy > value is five
MAX_AGENTS = 100
MAX_TIMEOUT_S = 3600.0
MAX_PULL_REQUESTS = 100
SHELL_WORDS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"})
#: Folders whose `replay.py` is somebody else's.
NOT_PACKAGES = frozenset({"tests", "test", "docs", "scripts", "examples", "benchmarks"})


class Autonomy(StrEnum):
    """How far the bot may go by itself; each goes further than the one before."""

    #: Failure modes are found; nothing is written to the repository.
    OBSERVE = "observe"
    #: Findings are listed on the dashboard issue; a fix is drafted when somebody asks for it there.
    ISSUE = "issue"
    #: Verified fixes become draft pull requests.
    DRAFT = "draft"
    #: Verified fixes become pull requests that ask for review.
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one failure mode may cost the agent fixer."""

    tokens: int = 200_000
    cost_usd: float = 2.0
    steps: int = 40
    #: Proposals of the model that are tried, each after the trials of those before it are known.
    candidates: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """One agent of a repository and what may be done with it."""

    name: str
    #: Glob patterns of the service.name values whose traces belong to this agent.
    services: tuple[str, ...] = ("*",)
    #: Glob patterns of the paths that may be edited, relative to the repository's root; `**` crosses folders.
    allow: tuple[str, ...] = ("**/*.py", "**/*.md", "**/*.txt", "**/*.j2", "**/*.yaml", "**/*.json")
    #: Patterns that may not be edited, whatever `allow` says; added to the ones that never may be.
    deny: tuple[str, ...] = ()
    #: The repository's own test command.
    test: tuple[str, ...] = DEFAULT_TEST
    #: Runs one recorded input through the harness; None when it has no such command.
    replay: tuple[str, ...] | None = None
    #: Seconds that one run of `test` or `replay` may take.
    timeout_s: float = 120.0
    policies: tuple[Rule, ...] = ()
    #: A data file of eval cases, at whose end a proposal may add one; None for none.
    evals: str | None = None
    budget: Budget = Budget()
    autonomy: Autonomy = Autonomy.DRAFT
    #: Of the whole repository, the same for each of its agents.
    manners: Manners = DEFAULT_MANNERS


def read_harnesses(text: str, *, repository: str = "") -> list[Harness]:
    """Read the configuration file's text; an empty one describes one agent with every default.

    Parameters
    ----------
    text
        Content of `.github/tracewright.yml`.
    repository
        "owner/name", after which an agent without a name is called.

    Raises
    ------
    ConfigurationError
        With line, key and value of the first mistake.

    """
    default = repository.rpartition("/")[2] or "agent"
    root = _parse(text)
    if root is None:
        return [Harness(name=default)]
    fields = root.mapping("version", "agents", "pull_requests")
    if "version" in fields and fields["version"].scalar() != VERSION:
        raise fields["version"].error(f"{fields['version'].shown} is not a version that is read here: {VERSION}")
    items = fields["agents"].items(MAX_AGENTS) if "agents" in fields else []
    manners = _manners(fields["pull_requests"]) if "pull_requests" in fields else DEFAULT_MANNERS
    harnesses = [_harness(item, default=default if len(items) == 1 else None) for item in items]
    _require_distinct([(item, harness.name) for item, harness in zip(items, harnesses, strict=True)])
    return [replace(harness, manners=manners) for harness in harnesses or [Harness(name=default)]]


def with_defaults(harness: Harness, paths: Iterable[str]) -> Harness:
    """Fill in what the file did not say and the repository's `paths` show: the replay module and the tests folder."""
    known = [PurePosixPath(path) for path in paths]
    replay = harness.replay or _replay_command(known)
    folder = _tests_folder(known) if harness.test == DEFAULT_TEST else None
    return replace(harness, replay=replay, test=(*harness.test, folder) if folder else harness.test)


def _replay_command(paths: Iterable[PurePosixPath]) -> tuple[str, ...] | None:
    """Return the command that runs the only `<package>/replay.py`; with several, a person has to choose."""
    packages: set[str] = set()
    for path in paths:
        folders = path.parts[1:-1] if path.parts[0] == "src" else path.parts[:-1]
        if path.name == "replay.py" and len(folders) == 1 and folders[0].isidentifier():
            packages.update(folders)
    packages -= NOT_PACKAGES
    return ("python", "-m", f"{packages.pop()}.replay") if len(packages) == 1 else None


def _tests_folder(paths: Iterable[PurePosixPath]) -> str | None:
    tests = [path for path in paths if path.match("test_*.py") or path.match("*_test.py")]
    folders = {path.parts[0] for path in tests if len(path.parts) > 1}
    return next((name for name in ("tests", "test") if name in folders), None)


@dataclass(frozen=True, slots=True)
class _Field:
    """A YAML node and the name under which a person finds it."""

    node: yaml.Node
    where: str = ""

    @property
    def shown(self) -> str:
        if isinstance(self.node, yaml.ScalarNode):
            return repr(self.node.value)[:80]
        return "a mapping" if isinstance(self.node, yaml.MappingNode) else "a list"

    @property
    def is_null(self) -> bool:
        return bool(self.node.tag == "tag:yaml.org,2002:null")

    def error(self, problem: str) -> ConfigurationError:
        where = f", {self.where}" if self.where else ""
        return ConfigurationError(f"line {self.node.start_mark.line + 1}{where}: {problem}")

    def mapping(self, *known: str) -> dict[str, Self]:
        """Return the fields of a mapping by key; a key without a value counts as absent."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"{self.shown} is not a mapping with some of the keys {', '.join(known)}")
        fields: dict[str, Self] = {}
        for key_node, node in self.node.value:
            key = self._key(key_node, known)
            if key in fields:
                raise type(self)(key_node, fields[key].where).error("the key is there twice")
            fields[key] = type(self)(node, f"{self.where}.{key}".lstrip("."))
        return {key: field for key, field in fields.items() if not field.is_null}

    def _key(self, node: yaml.Node, known: tuple[str, ...]) -> str:
        key = node.value if isinstance(node, yaml.ScalarNode) else None
        if isinstance(key, str) and key in known:
            return key
        near = difflib.get_close_matches(str(key)[:80], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        problem = f"unknown key {type(self)(node).shown}; {hint}"
        raise type(self)(node, self.where).error(problem)

    def items(self, limit: int = 1000) -> list[Self]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error(f"{self.shown} is not a list")
        if len(self.node.value) > limit:
            raise self.error(f"{len(self.node.value)} items are more than {limit}")
        return [type(self)(node, f"{self.where}[{index}]") for index, node in enumerate(self.node.value)]

    def scalar(self) -> Any:  # noqa: ANN401 - whatever YAML makes of it
        """Return the value as YAML 1.1 reads it; None when it is not a scalar or cannot be read."""
        if not isinstance(self.node, yaml.ScalarNode):
            return None
        try:
            return SafeConstructor().construct_object(self.node)
        except (ValueError, OverflowError, yaml.YAMLError):
            return None  # 2026-99-99, or an integer of five thousand digits

    def text(self) -> str:
        value = self.scalar()
        if not isinstance(value, str):
            raise self.error(f"{self.shown} is not text; put it in quotes if it should be")
        if not value.strip() or not value.isprintable():
            raise self.error(f"{self.shown} is empty or holds control characters")
        return value

    def texts(self) -> tuple[str, ...]:
        """Return the texts of a list; one text alone is a list of one."""
        fields = self.items() if isinstance(self.node, yaml.SequenceNode) else [self]
        return tuple(field.text() for field in fields)

    def number(self, *, above: float = 0, to: float) -> float:
        value = self.scalar()
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not above < value <= to:
            raise self.error(f"{self.shown} is not a number above {above:g} and up to {to:g}")
        return float(value)

    def truth(self) -> bool:
        value = self.scalar()
        if not isinstance(value, bool):
            raise self.error(f"{self.shown} is neither true nor false")
        return value

    def whole(self, *, to: int) -> int:
        if not isinstance(self.scalar(), int):
            raise self.error(f"{self.shown} is not a whole number")
        return int(self.number(to=to))


def _parse(text: str) -> _Field | None:
    if len(text) > MAX_CHARACTERS:
        raise ConfigurationError(f"line 1: {len(text)} characters are more than {MAX_CHARACTERS}")
    try:
        _refuse_tricks(yaml.parse(text, Loader=yaml.SafeLoader))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"line {line}: not YAML: {error.problem!s:.200}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"line 1: not YAML: {error!s:.200}") from error
    return None if node is None or _Field(node).is_null else _Field(node)


def _refuse_tricks(events: Iterator[yaml.Event]) -> None:
    """Refuse what lets a small file become a large value or another type, before anything recursive reads it."""
    depth = documents = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise ConfigurationError(f"line {line}: anchors and aliases are not read here: {event.anchor!r:.80}")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise ConfigurationError(f"line {line}: tags are not read here: {event.tag!r:.80}")
        if depth > MAX_DEPTH or documents > 1:
            raise ConfigurationError(f"line {line}: more than {MAX_DEPTH} levels, or more than one document")


def _harness(field: _Field, *, default: str | None) -> Harness:
    keys = ("name", "services", "paths", "test", "replay", "timeout_s", "policies", "evals", "budget", "autonomy")
    fields = field.mapping(*keys)
    if "name" not in fields and default is None:
        raise field.error("each of several agents needs a name")
    values: dict[str, Any] = {"name": fields["name"].text() if "name" in fields else default}
    if "paths" in fields:
        values |= {key: _patterns(paths) for key, paths in fields["paths"].mapping("allow", "deny").items()}
    for key, read in _READERS.items():
        if key in fields:
            values[key] = read(fields[key])
    return Harness(**values)


def _patterns(field: _Field) -> tuple[str, ...]:
    for pattern in field.texts():
        if pattern.startswith("/") or "\\" in pattern or ".." in pattern.split("/"):
            raise field.error(f"{pattern!r:.80} is not a pattern relative to the root, with forward slashes")
    return field.texts()


def _command(field: _Field) -> tuple[str, ...]:
    """Read a list of words, or a line that is split as a shell would split it; no shell ever runs it."""
    if not isinstance(field.node, yaml.ScalarNode):
        words = tuple(item.text() for item in field.items())
    else:
        try:
            words = tuple(shlex.split(field.text()))
        except ValueError as error:
            raise field.error(f"{field.shown} is not a command: {error!s:.80}") from error
        shell = next((word for word in words if word in SHELL_WORDS), None)
        if shell is not None:
            raise field.error(f"{shell!r} needs a shell, and commands run without one")
    if not words:
        raise field.error("the command is empty")
    return words


def _eval_set(field: _Field) -> str:
    path = field.text()
    if not re.fullmatch(r"\w[\w-]*([./][\w-]+)*", path, re.ASCII) or PurePosixPath(path).suffix not in SUFFIXES:
        kinds = ", ".join(sorted(SUFFIXES))
        raise field.error(f"{path!r:.80} is not the path of a data file ({kinds}), relative to the root")
    return path


def _policies(field: _Field) -> tuple[Rule, ...]:
    policies = [_policy(item) for item in field.items()]
    _require_distinct([(item, policy.name) for item, policy in zip(field.items(), policies, strict=True)])
    return tuple(policies)


def _policy(item: _Field) -> Rule:
    fields = item.mapping("name", "tool", *CONDITIONS)
    for key in ("name", "tool"):
        if key not in fields:
            raise item.error(f"{key!r} is missing")
    if not fields.keys() & set(CONDITIONS):
        raise item.error(f"one of {', '.join(CONDITIONS)} is missing")
    values: dict[str, Any] = {key: fields[key].text() for key in ("name", "tool", "requires") if key in fields}
    if "confirmed" in fields:
        values["confirmed"] = fields["confirmed"].truth()
    if "at_most" in fields:
        values["at_most"] = fields["at_most"].whole(to=1000)
    if "unless" in fields:
        values["unless"] = _unless(fields["unless"])
    return Rule(**values)


def _unless(field: _Field) -> Unless:
    fields = field.mapping("tool", "field", "is")
    for key in ("tool", "field", "is"):
        if key not in fields:
            raise field.error(f"{key!r} is missing")
    return Unless(tool=fields["tool"].text(), field=fields["field"].text(), value=fields["is"].text())


def _budget(field: _Field) -> Budget:
    fields = field.mapping("tokens", "cost_usd", "steps", "candidates")
    budget = Budget()
    return Budget(
        tokens=fields["tokens"].whole(to=100_000_000) if "tokens" in fields else budget.tokens,
        cost_usd=fields["cost_usd"].number(to=10_000) if "cost_usd" in fields else budget.cost_usd,
        steps=fields["steps"].whole(to=1000) if "steps" in fields else budget.steps,
        candidates=fields["candidates"].whole(to=10) if "candidates" in fields else budget.candidates,
    )


def _manners(field: _Field) -> Manners:
    limits = ("open_per_agent", "open_per_repository", "new_per_day")
    choices = ("dashboard", "block_merge", "publish_runs")
    fields = field.mapping(*limits, *choices)
    values: dict[str, Any] = {key: fields[key].whole(to=MAX_PULL_REQUESTS) for key in limits if key in fields}
    return Manners(**values | {key: fields[key].truth() for key in choices if key in fields})


def _autonomy(field: _Field) -> Autonomy:
    value = field.scalar()
    if value not in list(Autonomy):
        raise field.error(f"{field.shown} is not one of {', '.join(Autonomy)}")
    return Autonomy(value)


def _require_distinct(names: Iterable[tuple[_Field, str]]) -> None:
    seen = set()
    for field, name in names:
        if name in seen:
            raise field.error(f"the name {name!r:.80} is there twice")
        seen.add(name)


CONDITIONS = ("requires", "confirmed", "at_most", "unless")  # of a policy
_READERS = {
    "services": _Field.texts,
    "test": _command,
    "replay": _command,
    "timeout_s": lambda field: field.number(to=MAX_TIMEOUT_S),
    "policies": _policies,
    "evals": _eval_set,
    "budget": _budget,
    "autonomy": _autonomy,
}
