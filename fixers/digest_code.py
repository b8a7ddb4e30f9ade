"""What the digest shows of the repository: candidate lines in their functions, whole files, how tests look."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fixers.code_index import CodeIndex, Place, is_test
from fixers.diagnosis import Diagnosis
from fixers.link import Candidate
from fixers.quoting import fenced, one_line

SHOWN_CANDIDATES = 8
LINES_BEFORE = 8
LINES_AFTER = 24
MAX_LINE = 300  # characters
MENTIONS = 10
LISTED_FILES = 300
MAX_WHOLE = 12_000  # bytes of a file that is shown whole
MAX_TEST_LINES = 80
SCANNED = 400  # files whose imports are looked at
SMALL = 80  # files of a repository that can be shown almost whole
_READ = frozenset({".py", ".txt", ".md", ".j2", ".jinja", ".jinja2", ".prompt", ".yaml", ".yml"})

_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import\s+([^#\n]+)|import\s+([\w.]+))", re.MULTILINE)


def excerpts(diagnosis: Diagnosis | None, candidates: Sequence[Candidate], index: CodeIndex) -> Iterator[str]:
    """Yield the lines that may hold the cause, the likeliest first, each with what is around it."""
    guess = diagnosis.location if diagnosis else None
    whys = {each.place: f"{each.kind}; {each.n} failing spans" if each.n else str(each.kind) for each in candidates}
    places = [Place(guess.path, guess.line), *whys] if guess else [*whys]
    shown: list[Place] = []
    for place in dict.fromkeys(places):
        if place.path not in index.files or any(_is_near(place, other) for other in shown):
            continue
        shown.append(place)
        yield _excerpt(place, whys.get(place, "diagnosis"), index)
        if len(shown) == SHOWN_CANDIDATES:
            return


def _is_near(place: Place, other: Place) -> bool:
    return place.path == other.path and -LINES_BEFORE <= place.line - other.line <= LINES_AFTER


def _excerpt(place: Place, why: str, index: CodeIndex) -> str:
    lines = index.files[place.path].decode(errors="replace").split("\n")
    first = max(place.line - LINES_BEFORE, 1)
    shown = lines[first - 1 : place.line + LINES_AFTER]
    text = "\n".join(f"{number:5}  {line[:MAX_LINE]}" for number, line in enumerate(shown, start=first))
    return f"{place.path}:{place.line} ({why})\n" + fenced(text, "the repository")


def source(paths: Sequence[str], index: CodeIndex, *, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield whole files and their text: those that may hold the cause, what speaks of these words, what they import."""
    seen: set[str] = set()
    waiting = [*paths, *_speaking(words, index)]
    while waiting and len(seen) < SCANNED:
        path = waiting.pop(0)
        content = index.files.get(path)
        if path in seen or content is None:
            continue
        seen.add(path)
        waiting += _imported(path, index)
        if 0 < len(content) <= MAX_WHOLE:
            yield path, fenced(content.decode(errors="replace"), "the repository")


def _speaking(words: Sequence[str], index: CodeIndex) -> list[str]:
    """Return the files that hold most of some words; of a small repository, all that are no tests, in that order."""
    wanted = [word.encode(errors="replace") for word in dict.fromkeys(words) if len(word) >= len("tool")]
    written = [path for path in index.files if PurePosixPath(path).suffix in _READ and not is_test(path)]
    counts = {path: sum(word in index.files[path] for word in wanted) for path in written}
    kept = [path for path in written if counts[path] or len(written) <= SMALL]
    return sorted(kept, key=lambda path: (-counts[path], path))[:SCANNED]


def _imported(path: str, index: CodeIndex) -> Iterator[str]:
    """Yield the repository's modules that a module imports, in order."""
    if not path.endswith(".py"):
        return
    text = index.files[path].decode(errors="replace")
    for module, names, plain in _IMPORT.findall(text):
        base = module or plain
        dots = len(base) - len(base.lstrip("."))
        stem = base.lstrip(".").replace(".", "/")
        folder = (
            PurePosixPath(path).parents[dots - 1].as_posix() if 0 < dots <= len(PurePosixPath(path).parents) else ""
        )
        inner = [name.strip().split(" ")[0] for name in names.strip("() ").split(",")] if names else []
        for each in (stem, *(f"{stem}/{name}".lstrip("/") for name in inner)):
            for end in (f"{each}.py", f"{each}/__init__.py"):
                if found := _module(folder, end, index):
                    yield found


def _module(folder: str, end: str, index: CodeIndex) -> str | None:
    if folder not in {"", "."}:
        path = f"{folder}/{end}"
        return path if path in index.files else None
    return index.match(f"src/{end}") if f"src/{end}" in index.files else (end if end in index.files else None)


def tests(paths: Sequence[str], index: CodeIndex) -> Iterator[str]:
    """Yield how the repository writes tests: the beginning of the test file that speaks most of these modules."""
    stems = {PurePosixPath(path).stem for path in paths if path.endswith(".py")}
    found = [path for path in index.files if path.endswith(".py") and PurePosixPath(path).name.startswith("test_")]
    ranked = sorted(found, key=lambda path: (-_speaks_of(stems, index.files[path], path), path))
    yield f"{len(found)} test files" + (f", such as {', '.join(ranked[:8])}" if ranked else "")
    for path in ranked[:1]:
        lines = index.files[path].decode(errors="replace").split("\n")
        more = f"\n[... {len(lines) - MAX_TEST_LINES} lines ...]" if len(lines) > MAX_TEST_LINES else ""
        text = "\n".join(line[:MAX_LINE] for line in lines[:MAX_TEST_LINES])
        yield f"{path}\n" + fenced(text + more, "the repository")


def _speaks_of(stems: set[str], content: bytes, path: str) -> int:
    named = sum(10 for stem in stems if stem in PurePosixPath(path).stem)
    return named + sum(stem.encode() in content for stem in stems)


def mentions(key: str, index: CodeIndex) -> str:
    """Show where the repository speaks of what failed: a tool, an exception, a rule."""
    word = key.encode(errors="replace")
    if len(word) < len("tool"):
        return ""
    paths = sorted(index.files, key=lambda path: (is_test(path), path))
    lines: list[str] = []
    for place in index.lines(word, paths):
        line = index.files[place.path].split(b"\n")[place.line - 1].decode(errors="replace").strip()
        lines.append(f"{place.path}:{place.line}: {line[:MAX_LINE]}")
        if len(lines) == MENTIONS:
            break
    return fenced("\n".join(lines), "the repository") if lines else ""


def file_list(index: CodeIndex) -> list[str]:
    """Return the paths; of a large repository, its folders with how many files each holds."""
    paths = sorted(index.files)
    if len(paths) <= LISTED_FILES:
        return [one_line(path, 240) for path in paths]
    counts: dict[str, int] = {}
    for path in paths:
        folder = "/".join(PurePosixPath(path).parts[:-1][:3]) or "."
        counts[folder] = counts.get(folder, 0) + 1
    listed = [
        f"{one_line(folder, 240)}/ ({n} files)" for folder, n in sorted(counts.items(), key=lambda each: -each[1])
    ]
    return [f"{len(paths)} files; see list_files. The largest folders:", *listed[:LISTED_FILES]]
