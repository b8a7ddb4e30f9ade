"""Telling: which member's words say best what sets its group apart, by class-based TF-IDF."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from clustering.mask import PLACEHOLDER

WORD = re.compile(r"[^\W\d_]{2,}")


class Vocabulary:
    """How often each word is used in all groups.

    Parameters
    ----------
    groups : Iterable[Iterable[str]]
        The different descriptions of each group.

    """

    def __init__(self, groups: Iterable[Iterable[str]]) -> None:
        counts = [Counter(word for text in group for word in words(text)) for group in groups]
        self._used = sum(counts, Counter())
        self._mean = self._used.total() / max(1, len(counts))

    def weights(self, group: Sequence[str]) -> dict[str, float]:
        """Return the c-TF-IDF of each word of a group: its share of the group, times log(1 + mean size / uses)."""
        within = Counter(word for text in group for word in words(text))
        n = max(1, within.total())
        return {word: uses / n * math.log1p(self._mean / max(1, self._used[word])) for word, uses in within.items()}

    def telling(self, group: Sequence[str]) -> str:
        """Return the text whose words weigh most for their number; the first of equal ones."""
        weights = self.weights(group)
        return max(group, key=lambda text: _weight(text, weights))


def words(text: str) -> list[str]:
    """Return the words of a description's first line in lower case, placeholders left out."""
    return WORD.findall(PLACEHOLDER.sub(" ", text.partition("\n")[0].lower()))


def _weight(text: str, weights: Mapping[str, float]) -> float:
    found = words(text)
    return sum(weights.get(word, 0.0) for word in set(found)) / math.sqrt(max(1, len(found)))
