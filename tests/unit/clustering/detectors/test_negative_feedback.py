import pytest

from clustering.detectors.negative_feedback import NegativeFeedback
from tests.unit.clustering.runs import Run


def found(run: Run) -> list[tuple[str, str]]:
    return [(failure.key, failure.message) for failure in NegativeFeedback()(run.trace)]


def test_a_thumbs_down_is_a_failure_with_the_users_words(run: Run) -> None:
    run.agent()
    run.feedback(0.0, label="thumbs_down", words="That was not my order")
    assert found(run) == [("user_feedback", "That was not my order")]


@pytest.mark.parametrize(
    ("score", "label", "negative"),
    [
        (0.0, "", True),
        (0.49, "", True),
        (0.5, "", False),
        (1.0, "", False),
        (-1.0, "", True),
        (1.0, "Thumbs Down", True),
        (0.0, "thumbs_up", False),
        (0.2, "category 7", True),
        (0.9, "👎", True),
    ],
)
def test_a_known_label_decides_and_else_the_score(run: Run, score: float, label: str, *, negative: bool) -> None:
    run.feedback(score, label=label)
    assert bool(found(run)) is negative


def test_a_low_score_is_good_news_where_the_evaluation_measures_harm(run: Run) -> None:
    run.feedback(0.0, name="toxicity")
    assert found(run) == []
    run.feedback(1.0, label="toxic", name="toxicity")
    assert found(run) == [("toxicity", "toxic")]
