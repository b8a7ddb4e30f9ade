"""People, or evaluators, who said that a run went wrong."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from webhooks import semconv
from webhooks.semconv import Evaluation
from webhooks.trace import Trace

LOW_SCORE = 0.5  # of a scale from 0 to 1; a negative score is a thumbs-down everywhere
# Spaces and hyphens of a label read as "_".
NEGATIVE = re.compile(
    r"👎|bad|dislike[ds]?|down|fail(?:ed|s|ure)?|false|hallucinated|incorrect|irrelevant|negative|no|poor|thumbs_?down"
    r"|toxic|unfaithful|ungrounded|unhelpful|unsafe|unsatisfied|wrong"
)
POSITIVE = re.compile(
    r"👍|correct|factual|good|grounded|helpful|like[ds]?|non_toxic|pass(?:ed|es)?|positive|relevant|safe|satisfied"
    r"|thumbs_?up|true|up|yes"
)
LOW_IS_GOOD = re.compile(r"toxic|hallucinat|bias|harm|error|latency|cost|duration|distance|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeFeedback:
    """An evaluation that is a thumbs-down, a low score or a negative label; keyed by the evaluation's name.

    A label that is known decides; a score decides otherwise, unless low is good for what the evaluation measures.
    """

    name: str = "negative_feedback"
    low_score: float = LOW_SCORE

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per negative evaluation."""
        for span in trace.spans:
            for evaluation in semconv.evaluations(span):
                if self._negative(evaluation):
                    said = evaluation.explanation or evaluation.label or ""
                    yield failure_at(
                        trace,
                        span,
                        detector=self.name,
                        key=evaluation.name,
                        message=said,
                        reason=f"{one_line(evaluation.name)} is negative: {_verdict(evaluation)}.",
                    )

    def _negative(self, evaluation: Evaluation) -> bool:
        return _is_negative(evaluation, self.low_score) is True


def rating(trace: Trace) -> int:
    """Return -1 when an evaluation of the run is negative, 1 when all that can be read are not, 0 without any."""
    told = [
        verdict
        for span in trace.spans
        for evaluation in semconv.evaluations(span)
        if (verdict := _is_negative(evaluation, LOW_SCORE)) is not None
    ]
    return (-1 if any(told) else 1) if told else 0


def _is_negative(evaluation: Evaluation, low_score: float) -> bool | None:
    """Say whether an evaluation is negative; None when neither its label nor its score says."""
    label = _plain(evaluation.label or "")
    if NEGATIVE.fullmatch(label) or POSITIVE.fullmatch(label):
        return NEGATIVE.fullmatch(label) is not None
    if evaluation.score is None or LOW_IS_GOOD.search(evaluation.name):
        return None
    return evaluation.score < low_score


def says_only_no(text: str) -> bool:
    """Say whether a text says no more than that something was bad, as a label does."""
    return NEGATIVE.fullmatch(_plain(text)) is not None


def _plain(label: str) -> str:
    return re.sub(r"[\s\-]+", "_", label.strip().lower())


def _verdict(evaluation: Evaluation) -> str:
    told = f"label {one_line(evaluation.label)}" if evaluation.label else ""
    score = f"score {evaluation.score:g}" if evaluation.score is not None else ""
    return ", ".join(part for part in (told, score) if part)
