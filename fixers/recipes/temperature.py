"""A temperature above one, at which models make things up, is set to one at which they follow their instructions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.recipe import NOTHING, Fix, Seen
from fixers.recipes.settings import sent_with, setting_test, written_settings
from fixers.recipes.source import Splice

STEADY = "0.2"
#: Providers' own default; more than this is for stories.
USUAL = 1.0
#: Ways to fail that randomness brings about.
_SHOWN_BY = frozenset(
    {
        "negative_feedback", "objection", "unbacked_claim", "contradiction", "ungrounded_arguments", "unknown_tool",
        "invalid_tool_arguments", "invalid_output", "trial_and_error", "needless_handover",
    }
)  # fmt: skip

_TEST = """
def test_the_model_is_asked_for_steady_answers(monkeypatch):
    sent = fake_provider(monkeypatch, lambda request: completion("done"))
    {import}

SETUP
    CALL
    assert sent[0]["temperature"] <= 1
"""


@dataclass(frozen=True, slots=True)
class Temperature:
    """The recipe for `temperature`."""

    name: str = "temperature"
    layer: Layer = Layer.MODEL_SETTINGS

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the model said or called what it should not have."""
        del failures
        return mode.detector in _SHOWN_BY

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Lower the only high temperature that is written, where the failing requests have it."""
        del diagnosis
        sent = sent_with(seen, ("temperature",))
        if seen.failures and (not sent or min(sent) <= USUAL):
            return "the requests that failed were not sent with a high temperature"
        high = [each for each in written_settings(sources, ("temperature",)) if each.value > USUAL]
        found = [each for each in high if not sent or each.value in sent]
        if len(found) != 1:
            return f"{len(found)} places write a temperature above {USUAL:g}"
        (heat,) = found
        where = f"{heat.source.path}:{heat.source.line(heat.node)}"
        after = heat.source.edited([Splice(*heat.source.span(heat.node), STEADY)])
        test = setting_test(
            heat,
            sources,
            name="steady_answers",
            doc="The model is asked for steady answers.",
            text=_TEST,
            condition="<= 1",
        )
        if after is None or isinstance(test, str):
            return f"{where}: {test if isinstance(test, str) else 'the file would not parse after the edit'}"
        return Fix(
            edits=(Edit(path=heat.source.path, before=heat.source.text, after=after), test),
            regression_test=test.path,
            title="Ask the model for steady answers",
            rationale=(
                f"{where} sets the temperature to {heat.value:g}. Above one, a model picks unlikely words, and with "
                f"them tools, arguments and facts that nothing supports. With {STEADY} it keeps to its instructions "
                "and to what the tools tell it."
            ),
            risk="Answers vary less in their wording.",
        )
