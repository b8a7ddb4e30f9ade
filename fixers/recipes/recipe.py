"""Recipe: a deterministic fixer for one well-known flaw, and the Fix that it makes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What a recipe would change: the source, and a new test that is red before the change and green after it."""

    edits: tuple[Edit, ...]
    #: Path of the new test among `edits`.
    regression_test: str
    #: An imperative sentence, at most 70 characters.
    title: str
    #: Why these edits remove the cause; two to five sentences.
    rationale: str
    #: What could go wrong when it is merged, in a sentence.
    risk: str


def fix_of_file(
    where: str, path: str, before: str, after: str | None, test: Edit | str, *, title: str, rationale: str, risk: str
) -> Fix | str:
    """Return the fix of one file, or why there is none: `where` and what `test` says, or that nothing would parse."""
    if after is None or isinstance(test, str):
        return f"{where}: {test if isinstance(test, str) else 'the file would not parse after the edit'}"
    return Fix(
        edits=(Edit(path=path, before=before, after=after), test),
        regression_test=test.path,
        title=title,
        rationale=rationale,
        risk=risk,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What failed: the evidence that a recipe compares the code with."""

    failures: Sequence[Failure] = ()
    #: The failing traces by id.
    traces: Mapping[str, Trace] = field(default_factory=dict)


#: For a repair that no run asks for.
NOTHING = Seen()


class Recipe(Protocol):
    """A fixer that needs no model. It declines, in words, wherever it does not understand the code."""

    @property
    def name(self) -> str:
        """Stable, lowercase; the author of a proposal is `recipe:<name>`."""

    @property
    def layer(self) -> Layer:
        """The one layer that its edits belong to."""

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether failures like these are what this recipe mends."""

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Return the fix, or a sentence that says why there is none.

        Parameters
        ----------
        sources
            Text of the repository's files by path, forward slashes, relative to its root.
        diagnosis
            Where and why; its location is tried first.
        seen
            What failed, for numbers and names that the code must match.

        """


@dataclass(frozen=True, slots=True)
class ByDetector:
    """What those recipes share that fit whatever certain detectors see."""

    #: Names of detectors.
    shown_by: frozenset[str] = frozenset()

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether one of the detectors saw the failures."""
        del failures
        return mode.detector in self.shown_by


def most(failures: Sequence[Failure], test: Callable[[Failure], bool]) -> bool:
    """Tell whether more than half of the failures pass `test`; False when there are none."""
    return 2 * sum(map(test, failures)) > len(failures)


def first_fix(tried: Iterable[Fix | str | None], otherwise: str) -> Fix | str:
    """Return the first fix, else why the first place that was looked at has none, else what to say without a place."""
    reasons = []
    for found in tried:
        if isinstance(found, Fix):
            return found
        if found is not None:
            reasons.append(found)
    return reasons[0] if reasons else otherwise
