"""Wish: what a person decided about failure modes, obeyed whenever failures are grouped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clustering.cluster import centroid
from clustering.failure import Failure
from clustering.group import Cluster
from clustering.kind import kind

HAS = "has:"  # what comes after it are words that a description has or has not

FACETS: dict[str, Callable[[Failure, str], str]] = {
    "key": lambda failure, _: f"{failure.detector}:{failure.key}",
    "service": lambda failure, _: failure.service,
    "message": lambda _, text: text.partition("\n")[0],
    "site": lambda _, text: text.partition("\n")[2],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Failures of these kinds belong together; or, where `by` is given, apart when they differ in that.

    A failure of another kind follows those that it would be grouped with.
    """

    kinds: tuple[str, ...]
    #: "" for together; else a name in FACETS, or `has:` and words of a description.
    by: str = ""


def facet(by: str, failure: Failure, text: str) -> str:
    """Return in which part of a split a failure belongs."""
    if by.startswith(HAS):
        return str(by.removeprefix(HAS).casefold() in text.casefold())
    return FACETS[by](failure, text)


def is_facet(by: str) -> bool:
    """Say whether failure modes can be split by this."""
    return by in FACETS or bool(by.removeprefix(HAS).strip() and by.startswith(HAS))


def obey(
    wishes: Sequence[Wish],
    clusters: Sequence[Cluster],
    failures: Sequence[Failure],
    texts: Sequence[str],
    X: npt.NDArray[np.float32],
    *,
    weights: npt.NDArray[np.float64] | None = None,
) -> list[Cluster]:
    """Return the clusters as people want them: each wish in turn, so that the last word counts.

    Failures of two owners stay apart whatever is wished: a fix goes to one of them.
    """
    kinds = [kind(failure, text) for failure, text in zip(failures, texts, strict=True)] if wishes else []
    parts = [(cluster.key, list(cluster.members)) for cluster in clusters]
    for wish in wishes:
        wanted = set(wish.kinds)
        is_touched = [any(kinds[row] in wanted for row in rows) for _, rows in parts]
        touched = [part for part, yes in zip(parts, is_touched, strict=True) if yes]
        rest = [part for part, yes in zip(parts, is_touched, strict=True) if not yes]
        parts = rest + (_apart(wish.by, touched, failures, texts) if wish.by else _together(touched, failures))
    before = {cluster.members: cluster for cluster in clusters}
    return sorted(
        (before.get(tuple(rows)) or _cluster(key, rows, X, weights) for key, rows in parts),
        key=lambda cluster: cluster.members[0],
    )


def _together(parts: list[tuple[str, list[int]]], failures: Sequence[Failure]) -> list[tuple[str, list[int]]]:
    of_owner: dict[str, tuple[str, list[int]]] = {}
    for key, rows in parts:
        of_owner.setdefault(failures[rows[0]].owner, (key, []))[1].extend(rows)
    return [(key, sorted(rows)) for key, rows in of_owner.values()]


def _apart(
    by: str, parts: list[tuple[str, list[int]]], failures: Sequence[Failure], texts: Sequence[str]
) -> list[tuple[str, list[int]]]:
    found: list[tuple[str, list[int]]] = []
    for key, rows in parts:
        of_facet: dict[str, list[int]] = {}
        for row in rows:
            of_facet.setdefault(facet(by, failures[row], texts[row]), []).append(row)
        found += [(key, each) for each in of_facet.values()]
    return found


def _cluster(key: str, rows: list[int], X: npt.NDArray[np.float32], weights: npt.NDArray[np.float64] | None) -> Cluster:
    return Cluster(key=key, members=tuple(rows), centroid=centroid(X[rows], None if weights is None else weights[rows]))
