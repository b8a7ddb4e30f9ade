"""What an edit may touch: the harness's own patterns, and what nobody's configuration can allow."""

import ast
import re
import unicodedata
from collections.abc import Iterator, Sequence

from fixers.eval_set import why_not_appended
from fixers.harness import CONFIGURATION_PATH, Harness
from fixers.powers import new_powers
from fixers.proposal import Edit
from fixers.syntax import parse

MAX_EDITS = 20
MAX_FILE_BYTES = 400_000
MAX_CHANGED_BYTES = 200_000
#: Two paths longer than this cannot be checked out everywhere.
MAX_PATH_CHARACTERS = 240

#: Never edited, whatever a configuration says; matched without regard to case, anywhere in the tree.
FORBIDDEN = (
    # What runs with the repository's credentials, and who must review.
    ".github/**",
    "**/.gitlab-ci.y*ml", "**/.gitlab/**", "**/.circleci/**", "**/.buildkite/**", "**/.drone.y*ml", "**/.travis.y*ml",
    "**/azure-pipelines*.y*ml", "**/bitbucket-pipelines.y*ml", "**/jenkinsfile*", "**/appveyor.y*ml", "**/codeowners",
    "**/.ci/**", "**/.pre-commit-config.y*ml", "**/.husky/**",
    # Git's own files.
    "**/.git", "**/.git/**", "**/.git*", "**/.git*/**",
    # Lock files: a dependency changes by its manager, in a pull request of its own.
    "**/*.lock", "**/*-lock.*", "**/*.lockb", "**/*.lock.*", "**/requirements*.txt", "**/constraints*.txt",
    "**/go.sum", "**/npm-shrinkwrap.json",
    # Secrets.
    "**/.env", "**/.env.*", "**/*.env", "**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx", "**/*.crt", "**/*.kdbx",
    "**/.netrc",
    "**/.pypirc", "**/.npmrc", "**/id_rsa*", "**/id_ed25519*", "**/secrets/**", "**/secrets.*", "**/credentials*",
    "**/.ssh/**", "**/.aws/**",
    # What runs by itself when an interpreter or a test run starts.
    "**/*.pth", "**/sitecustomize.py", "**/usercustomize.py",
    "**/conftest.py", "**/pytest.ini", "**/.pytest.ini", "**/tox.ini",
    # What other programs run by themselves: editors, agents, deployments, task runners.
    "**/.vscode/**", "**/.idea/**", "**/.devcontainer/**", "**/.devcontainer.json", "**/.claude/settings*.json",
    "**/.mcp.json", "**/mcp.json", "**/.cursor/**", "**/docker-compose*.y*ml", "**/compose*.y*ml", "**/dockerfile*",
    "**/cloudbuild*.y*ml", "**/buildspec*.y*ml", "**/serverless.y*ml", "**/.woodpecker*", "**/.woodpecker/**",
    "**/.semaphore/**", "**/.tekton/**", "**/.forgejo/**", "**/.gitea/**", "**/action.y*ml", "**/.readthedocs.y*ml",
    "**/vercel.json", "**/netlify.toml", "**/firebase.json", "**/app.json", "**/renovate.json*", "**/.renovaterc*",
    "**/noxfile.py", "**/tasks.py", "**/fabfile.py", "**/dodo.py", "**/hatch_build.py", "**/gunicorn.conf.py",
    "**/ipython_config.py", "**/makefile", "**/justfile", "**/composer.json", "**/deno.json*",
    # Ours.
    CONFIGURATION_PATH, "**/tracewright.y*ml", "**/.tracewright/**",
)  # fmt: skip

#: How a test is told not to run.
_SWITCHED_OFF = re.compile(r"\b(skip|skipif|xfail|importorskip|pytestmark|collect_ignore\w*|__test__)\b")
_DEPENDENCIES = re.compile(
    r"(^|/)(pyproject\.toml|setup\.(py|cfg)|package\.json|pipfile|environment\.ya?ml)$", re.IGNORECASE
)
_TEST = re.compile(r"(^|/)(tests?/.*|test_[^/]*|[^/]*_test|tests|conftest)\.py$", re.IGNORECASE)
#: What judges the agent, or is what its answers are compared with: new files may be added, none changed.
_JUDGES = re.compile(
    r"(^|/)(evals?|evaluators?|evaluations?|graders?|judges?|__snapshots__|snapshots|golden)(/|\.py$)"
    r"|(^|/)tests?/.*(?<!\.py)$|(^|/)(cassettes?|fixtures)/",
    re.IGNORECASE,
)


def violations(edits: Sequence[Edit], harness: Harness) -> list[str]:
    """Return one sentence for each reason that these edits may not be made; none when they may.

    Examples
    --------
    >>> violations([Edit(path=".github/workflows/ci.yml", before="", after="x")], Harness(name="agent"))
    ['.github/workflows/ci.yml: no configuration can allow edits of .github/**']

    """
    found = [reason for edit in edits for reason in _of_one(edit, harness)]
    paths = [edit.path.casefold() for edit in edits]
    found += [f"{path}: edited twice" for path in sorted({path for path in paths if paths.count(path) > 1})]
    if len(edits) > MAX_EDITS:
        found.append(f"{len(edits)} files edited; at most {MAX_EDITS}")
    changed = sum(len((edit.after or "").encode(errors="replace")) for edit in edits)
    if changed > MAX_CHANGED_BYTES + sum(len((edit.before or "").encode(errors="replace")) for edit in edits):
        found.append(f"{changed} bytes written; at most {MAX_CHANGED_BYTES} more than before")
    return found


def matches(path: str, pattern: str) -> bool:
    """Tell whether a path matches a glob: `*` and `?` stay within a folder, `**` crosses folders.

    Examples
    --------
    >>> matches("a/b/c.py", "**/*.py"), matches("c.py", "**/*.py"), matches("a/b/c.py", "a/*.py")
    (True, True, False)

    """
    return re.fullmatch(_regex(pattern), path, re.DOTALL) is not None


def _of_one(edit: Edit, harness: Harness) -> Iterator[str]:
    if reason := _malformed(edit.path):
        # An odd path is quoted as Python would, so that what cannot be seen is seen.
        yield f"{edit.path!r}: {reason}"
        return
    forbidden = next((p for p in FORBIDDEN if matches(edit.path.casefold(), p)), None)
    if forbidden:
        yield f"{edit.path}: no configuration can allow edits of {forbidden}"
    if _DEPENDENCIES.search(edit.path):
        yield f"{edit.path}: dependencies and build settings are not edited"
    if edit.path == harness.evals:
        if reason := why_not_appended(edit.path, edit.before, edit.after):
            yield f"{edit.path}: one case may be added at the end of the eval set, and nothing else: {reason}"
    elif not any(matches(edit.path, pattern) for pattern in harness.allow):
        yield f"{edit.path}: not among the paths that may be edited"
    denied = next((p for p in harness.deny if matches(edit.path.casefold(), p.casefold())), None)
    if denied:
        yield f"{edit.path}: denied by {denied}"
    yield from _contents(edit, is_eval_set=edit.path == harness.evals)


def _malformed(path: str) -> str | None:  # noqa: PLR0911 - one return for each thing that can be wrong
    """Return what makes a path unfit to be written on every file system, if anything does."""
    if not path or len(path) > MAX_PATH_CHARACTERS:
        return f"a path has 1 to {MAX_PATH_CHARACTERS} characters"
    if any(unicodedata.category(character)[0] == "C" for character in path) or any(c in path for c in "\u2028\u2029"):
        return "control or invisible character in the path"
    if unicodedata.normalize("NFKC", path) != path:
        return "the path is not in Unicode's normal form"
    if "\\" in path or ":" in path:
        return "backslash or colon in the path"
    parts = path.split("/")
    if path.startswith(("/", "~")) or any(part in {"", ".", ".."} for part in parts):
        return "not a plain path relative to the repository's root"
    # Windows drops trailing dots and spaces, and knows .git as git~1 as well.
    if any(part != part.strip(" ").rstrip(".") or part.casefold().startswith("git~") for part in parts):
        return "a file system may read this path as another one"
    return None


def _contents(edit: Edit, *, is_eval_set: bool) -> Iterator[str]:
    if edit.before is None and edit.after is None:
        yield f"{edit.path}: neither before nor after"
    if edit.before is not None and edit.before == edit.after:
        yield f"{edit.path}: nothing changes"
    if edit.after is not None:
        try:
            size = len(edit.after.encode())
        except UnicodeEncodeError:
            yield f"{edit.path}: not UTF-8 text"
            return
        if size > MAX_FILE_BYTES:
            yield f"{edit.path}: {size} bytes; at most {MAX_FILE_BYTES}"
        if "\0" in edit.after:
            yield f"{edit.path}: holds a NUL character"
    if not is_eval_set:
        yield from _of_tests(edit)
    elif edit.after is not None:
        yield from new_powers(edit, is_test=False)


def _of_tests(edit: Edit) -> Iterator[str]:
    if edit.before is not None and _JUDGES.search(edit.path):
        yield f"{edit.path}: what answers are judged by or compared with is not changed"
    is_test = _TEST.search(edit.path) is not None
    if edit.before is not None and is_test:
        yield from _weakened(edit.path, edit.before, edit.after)
    elif is_test and _SWITCHED_OFF.search(edit.after or ""):
        yield f"{edit.path}: a new test would be skipped"
    if edit.after is not None:
        yield from new_powers(edit, is_test=is_test)


def _weakened(path: str, before: str, after: str | None) -> Iterator[str]:
    """Yield how an edit makes an existing test check less; a test may be extended."""
    if after is None:
        yield f"{path}: an existing test file may not be deleted"
        return
    old, new = _checks(before), _checks(after)
    if old is None or new is None:
        yield f"{path}: an existing test file that cannot be parsed may not be edited"
        return
    kept = _functions(after)
    changed = [name for name, code in _functions(before).items() if kept.get(name, [])[: len(code)] != code]
    if changed:
        yield f"{path}: an existing function of the tests would be changed, such as {min(changed)}()"
    lost = [text for text in set(old) if new.count(text) < old.count(text)]
    if lost:
        yield f"{path}: {len(lost)} tests or assertions would be lost, such as `{min(lost)[:80]}`"
    if len(_SWITCHED_OFF.findall(after)) > len(_SWITCHED_OFF.findall(before)):
        yield f"{path}: an existing test would be skipped"


def _checks(text: str) -> list[str] | None:
    """Return the tests and assertions of a file, each as text; None when it is not Python."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            found.append(f"def {node.name}")
        elif isinstance(node, ast.Call) and re.search(r"(^|\.)(assert\w+|raises|fail)$", ast.unparse(node.func)):
            found.append(ast.unparse(node))
    return found


def _functions(text: str) -> dict[str, list[str]]:
    """Return every function of a file by its name with its classes': parameters, decorators, then each statement.

    A test may be extended at its end, where nothing that is added can keep the rest from being reached.
    """
    found: dict[str, list[str]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = f"{prefix}{getattr(child, 'name', '')}"
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                head = [ast.dump(child.args), *map(ast.dump, child.decorator_list)]
                found[name] = [" ".join(head), *map(ast.dump, child.body)]
            elif isinstance(child, ast.ClassDef):
                visit(child, f"{name}.")

    visit(parse(text), "")
    return found


def _regex(pattern: str) -> str:
    """Translate a glob with `**`; every other character stands for itself."""
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    known = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(token, re.escape(token)) for token in tokens)
