"""Domain: the people who use one harness, and the rules of the model behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random

from benchmarks.harness_flaws.provider import Reply
from benchmarks.harness_flaws.visit import Visit

MAX_DRAWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What is known of one harness from outside."""

    name: str
    #: Starts the worker that answers jobs, one a line.
    worker: tuple[str, ...]
    reply: Reply
    #: Writes a visit of a kind.
    kinds: Mapping[str, Callable[[Random], Visit]]
    #: Kinds that the clean harness answers without any trouble on the way.
    healthy: tuple[str, ...]

    def visits(self, kinds: Sequence[str], *, n: int, seed: int, unlike: Sequence[Visit] = ()) -> list[Visit]:
        """Write `n` visits, the kinds in turn, no two of them with one last question, and none that `unlike` holds.

        Raises
        ------
        ValueError
            When the kinds have too few different visits.

        """
        rng = Random(seed)  # noqa: S311  # traffic, not secrets
        taken = {visit.turns[-1] for visit in unlike}
        written: list[Visit] = []
        for draw in range(MAX_DRAWS):
            visit = self.kinds[kinds[draw % len(kinds)]](rng)
            if visit.turns[-1] not in taken:
                taken.add(visit.turns[-1])
                written.append(visit)
            if len(written) == n:
                return written
        raise ValueError(f"{self.name}: only {len(written)} different visits of {', '.join(kinds)}, {n} are wanted")


def load(name: str) -> Domain:
    """Return the domain of a harness."""
    module = import_module(f"benchmarks.harness_flaws.domains.{name}")
    return Domain(
        name=name, worker=module.WORKER, reply=module.reply, kinds=module.KINDS, healthy=tuple(module.HEALTHY)
    )
