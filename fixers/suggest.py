"""Suggest a `.github/tracewright.yml` from what a repository shows. No I/O: paths and texts in, YAML out.

Names of files and services are other people's text: what is not plain is left out, and the rest is quoted.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from fixers.harness import DEFAULT_TEST, NOT_PACKAGES, VERSION, Harness, read_harnesses, with_defaults

#: The files whose text is looked at, when they are at the root.
READ = ("pyproject.toml", "setup.cfg", "tox.ini", "Makefile", "package.json", "requirements.txt")
PROMPT_SUFFIXES = (".md", ".txt", ".j2", ".jinja", ".jinja2", ".yaml", ".yml")
MAX_FOLDERS = 12
MAX_SERVICES = 10
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_SERVICE = re.compile(r"[^\s*?\[\]](?:[^*?\[\]\n]{0,78}[^\s*?\[\]])?")
#: What an agent in Python or JavaScript is built on.
_LIBRARIES = re.compile(
    r"\b(?:openai|anthropic|litellm|lang(?:chain|graph|fuse|smith)|llama[-_]index|pydantic[-_]ai|google[-_]genai|crewai"
    r"|autogen|smolagents|dspy|mistralai|openai-agents|semantic[-_]kernel|haystack|agno|ollama)\b"
)


def suggest(
    paths: Sequence[str], texts: Mapping[str, str], *, repository: str, services: Iterable[str] = ()
) -> str | None:
    """Return the text of a configuration, or None when nothing of the repository looks like an agent.

    Parameters
    ----------
    paths
        Of all files, relative to the root.
    texts
        Of those in `READ` that exist, by path.
    repository
        "owner/name".
    services
        The service.name values of traces that belong to the repository.

    """
    folders, prompts = _packages(paths), _prompt_patterns(paths)
    replay = with_defaults(Harness(name="agent"), paths).replay
    named = [service for service in services if _SERVICE.fullmatch(service) and service.isprintable()][:MAX_SERVICES]
    is_agent = named or replay or prompts or any(_LIBRARIES.search(text.lower()) for text in texts.values())
    allow = [*(f"{folder}/**/*.py" for folder in folders), *prompts]
    if not is_agent or not allow:
        return None
    text = _yaml(
        name=repository.rpartition("/")[2],
        services=named,
        allow=[*allow, *_tests(paths)],
        test=_test(paths, texts),
        replay=replay,
    )
    read_harnesses(text, repository=repository)
    return text


def _yaml(
    *,
    name: str,
    services: Sequence[str],
    allow: Sequence[str],
    test: tuple[str, ...],
    replay: tuple[str, ...] | None,
) -> str:
    unknown_replay = (
        "    # replay: [python, -m, your_agent.replay]   # runs one recorded input; nothing is proven without it"
    )
    unseen = "    # services: [your-agent]   # service.name of the agent's traces; all of them until this is set"
    return "\n".join(
        [
            f"version: {VERSION}",
            "agents:",
            f"  - name: {json.dumps(name)}",
            f"    services: {json.dumps(list(services))}" if services else unseen,
            "    paths:",
            "      allow:   # what may be edited; nothing else ever is",
            *(f"        - {json.dumps(pattern)}" for pattern in allow),
            f"    test: {json.dumps(list(test))}",
            f"    replay: {json.dumps(list(replay))}" if replay else unknown_replay,
            "    autonomy: draft   # observe: report only",
            "",
        ]
    )


def _packages(paths: Iterable[str]) -> list[str]:
    """Return the folders that hold the product's Python, by their first part, or by two parts below `src`."""
    found = set()
    for path in paths:
        parts = PurePosixPath(path).parts
        depth = 2 if parts[0] == "src" else 1
        if path.endswith(".py") and len(parts) > depth and parts[depth - 1] not in NOT_PACKAGES:
            found.add("/".join(parts[:depth]))
    return sorted(folder for folder in found if _is_plain(folder))[:MAX_FOLDERS]


def _prompt_patterns(paths: Iterable[str]) -> list[str]:
    found = set()
    for path in map(PurePosixPath, paths):
        parts = path.parts[:-1]
        if path.suffix in PROMPT_SUFFIXES and "prompts" in parts:
            folder = "/".join(parts[: parts.index("prompts") + 1])
            if _is_plain(folder) and not folder.startswith(".github"):
                found.add(f"{folder}/**/*{path.suffix}")
    return sorted(found)[:MAX_FOLDERS]


def _tests(paths: Iterable[str]) -> list[str]:
    roots = {PurePosixPath(path).parts[0] for path in paths if "/" in path and path.endswith(".py")}
    return [f"{folder}/**/*.py" for folder in ("tests", "test") if folder in roots]


def _test(paths: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the test command that the repository's own files speak of."""
    names = {PurePosixPath(path).name for path in paths}
    configured = "[tool.pytest" in texts.get("pyproject.toml", "") or "[tool:pytest]" in texts.get("setup.cfg", "")
    if configured or names & {"pytest.ini", "conftest.py"} or any(_is_test(name) for name in names):
        return DEFAULT_TEST
    if re.search(r"^test\s*:(?!=)", texts.get("Makefile", ""), re.MULTILINE):
        return ("make", "test")
    if "tox.ini" in texts:
        return ("tox",)
    return ("npm", "test") if re.search(r'"test"\s*:', texts.get("package.json", "")) else DEFAULT_TEST


def _is_test(name: str) -> bool:
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _is_plain(folder: str) -> bool:
    return all(_PLAIN.fullmatch(part) for part in folder.split("/"))
