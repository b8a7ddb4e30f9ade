"""A limit on output tokens that cuts answers off is raised to one that answers fit in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.recipe import NOTHING, Fix, Seen, most
from fixers.recipes.settings import sent_with, setting_test, written_settings
from fixers.recipes.source import Splice

#: Room for an answer with a list and a few tool calls.
ENOUGH = 2048
#: Whoever chose more than this meant it.
SMALL = 1024
_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens")

_TEST = """
def test_an_answer_of_a_page_is_not_cut_off(monkeypatch):
    def answer(request):
        given = [request[name] for name in ("max_tokens", "max_completion_tokens") if request.get(name)]
        whole = not given or given[0] >= 1000
        said = completion("from the first word to the last" if whole else "from the")
        said["choices"][0]["finish_reason"] = "stop" if whole else "length"
        return said

    fake_provider(monkeypatch, answer)
    {import}

SETUP
    said = CALL
    assert "to the last" in str(said)
"""


@dataclass(frozen=True, slots=True)
class OutputLimit:
    """The recipe for `max_tokens`."""

    name: str = "output_limit"
    layer: Layer = Layer.MODEL_SETTINGS

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether answers break off at the limit of output tokens."""
        cut = mode.detector == "limit" and most(failures, lambda failure: failure.key == "length")
        return cut or mode.detector == "truncated_answer"

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Raise the only small limit that is written."""
        del diagnosis
        sent = sent_with(seen, _NAMES)
        if seen.failures and not sent:
            return "the requests that were cut off name no limit of output tokens"
        small = [each for each in written_settings(sources, _NAMES) if each.value < SMALL]
        found = [each for each in small if not sent or each.value in sent]
        if len(found) != 1:
            return f"{len(found)} places write the limit of output tokens that the requests had, or none that is small"
        (limit,) = found
        where = f"{limit.source.path}:{limit.source.line(limit.node)}"
        after = limit.source.edited([Splice(*limit.source.span(limit.node), str(ENOUGH))])
        test = setting_test(
            limit,
            sources,
            name="answers_are_not_cut_off",
            doc="An answer has room to be said to its end.",
            text=_TEST,
            condition=">= 1000",
        )
        if after is None or isinstance(test, str):
            return f"{where}: {test if isinstance(test, str) else 'the file would not parse after the edit'}"
        return Fix(
            edits=(Edit(path=limit.source.path, before=limit.source.text, after=after), test),
            regression_test=test.path,
            title="Leave an answer room to be said to its end",
            rationale=(
                f"{where} lets the model say {limit.value:g} tokens, and answers that are longer are cut off in the "
                f"middle, with finish_reason `length`. Now there is room for {ENOUGH}. The model stops by itself where "
                "an answer ends, so that short answers cost what they did."
            ),
            risk=f"An answer that does not end by itself now costs up to {ENOUGH} tokens.",
        )
