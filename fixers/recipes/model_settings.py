"""A setting that requests are sent with, such as a temperature, is brought back to what models work well with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.recipes.numbers import Number
from fixers.recipes.recipe import NOTHING, Fix, Seen, fix_of_file, most
from fixers.recipes.settings import SettingTest, sent_with, setting_test, written_settings
from fixers.recipes.source import Splice

#: Room for an answer with a list and a few tool calls.
ENOUGH_TOKENS = 2048
#: Whoever chose more tokens than this meant it.
FEW_TOKENS = 1024
STEADY = 0.2
#: Providers' own default; a higher temperature is for stories.
USUAL = 1.0
#: Ways to fail that randomness brings about.
_RANDOM = frozenset(
    {
        "negative_feedback", "objection", "unbacked_claim", "contradiction", "ungrounded_arguments", "unknown_tool",
        "invalid_tool_arguments", "invalid_output", "trial_and_error", "needless_handover",
    }
)  # fmt: skip

_ROOM_TEST = """
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
_STEADY_TEST = """
def test_the_model_is_asked_for_steady_answers(monkeypatch):
    sent = fake_provider(monkeypatch, lambda request: completion("done"))
    {import}

SETUP
    CALL
    assert sent[0]["temperature"] <= 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSetting:
    """The recipe for one number in requests to the model."""

    name: str
    #: How the setting is called in requests and in code.
    names: tuple[str, ...]
    shown_by: Callable[[FailureMode, Sequence[Failure]], bool]
    is_wrong: Callable[[float], bool]
    #: Whether `any` or `all` values that the failing requests had must be wrong.
    quantity: Callable[[Iterable[bool]], bool]
    #: Such as "a high temperature".
    called: str
    becomes: float
    test: SettingTest
    title: str
    #: With {where} and {value}.
    rationale: str
    risk: str
    layer: Layer = Layer.MODEL_SETTINGS

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the setting may have brought about what was seen."""
        return self.shown_by(mode, failures)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Change the only wrong value that is written, where the failing requests have it."""
        del diagnosis
        sent = sent_with(seen, self.names)
        if seen.failures and not (sent and self.quantity(map(self.is_wrong, sent))):
            return f"the requests that failed were not sent with {self.called}"
        wrong = [each for each in written_settings(sources, self.names) if self.is_wrong(each.value)]
        found = [each for each in wrong if not sent or each.value in sent]
        if len(found) != 1:
            return f"{len(found)} places write {self.called} that the requests had"
        return self._fix(found[0], sources)

    def _fix(self, number: Number, sources: Mapping[str, str]) -> Fix | str:
        source = number.source
        where = f"{source.path}:{source.line(number.node)}"
        after = source.edited([Splice(*source.span(number.node), f"{self.becomes:g}")])
        test = setting_test(number, sources, self.test)
        return fix_of_file(
            where,
            source.path,
            source.text,
            after,
            test,
            title=self.title,
            rationale=self.rationale.format(where=where, value=f"{number.value:g}"),
            risk=self.risk,
        )


def _breaks_off(mode: FailureMode, failures: Sequence[Failure]) -> bool:
    """Tell whether answers break off at the limit of output tokens."""
    cut = mode.detector == "limit" and most(failures, lambda failure: failure.key == "length")
    return cut or mode.detector == "truncated_answer"


OUTPUT_LIMIT = ModelSetting(
    name="output_limit",
    names=("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens"),
    shown_by=_breaks_off,
    is_wrong=lambda tokens: tokens < FEW_TOKENS,
    quantity=any,
    called="a small limit of output tokens",
    becomes=ENOUGH_TOKENS,
    test=SettingTest(
        name="answers_are_not_cut_off",
        doc="An answer has room to be said to its end.",
        text=_ROOM_TEST,
        condition=">= 1000",
    ),
    title="Leave an answer room to be said to its end",
    rationale=(
        "{where} lets the model say {value} tokens, and answers that are longer are cut off in the middle, with "
        f"finish_reason `length`. Now there is room for {ENOUGH_TOKENS}. The model stops by itself where an answer "
        "ends, so that short answers cost what they did."
    ),
    risk=f"An answer that does not end by itself now costs up to {ENOUGH_TOKENS} tokens.",
)
TEMPERATURE = ModelSetting(
    name="temperature",
    names=("temperature",),
    shown_by=lambda mode, _: mode.detector in _RANDOM,
    is_wrong=lambda temperature: temperature > USUAL,
    quantity=all,
    called="a high temperature",
    becomes=STEADY,
    test=SettingTest(
        name="steady_answers",
        doc="The model is asked for steady answers.",
        text=_STEADY_TEST,
        condition="<= 1",
    ),
    title="Ask the model for steady answers",
    rationale=(
        "{where} sets the temperature to {value}. Above one, a model picks unlikely words, and with them tools, "
        f"arguments and facts that nothing supports. With {STEADY} it keeps to its instructions and to what the tools "
        "tell it."
    ),
    risk="Answers vary less in their wording.",
)
