from clustering.telling import Vocabulary, words

STRANGERS = ["why do you show me this", "you showed me the order of a stranger", "this is the order of a stranger"]
OTHERS = ["why do you ask me this", "you do this to me", "you do not show me why"]


def test_the_telling_member_is_the_one_whose_words_other_groups_lack() -> None:
    assert Vocabulary([STRANGERS, OTHERS]).telling(STRANGERS) == STRANGERS[1]


def test_a_word_that_all_groups_use_weighs_less_than_one_of_the_group() -> None:
    weights = Vocabulary([STRANGERS, OTHERS]).weights(STRANGERS)
    assert weights["stranger"] > weights["me"]


def test_of_equal_members_the_first_is_taken_and_no_words_are_no_error() -> None:
    assert Vocabulary([["", "<id>"]]).telling(["", "<id>"]) == ""
    assert Vocabulary([]).telling(["a word"]) == "a word"


def test_placeholders_and_the_structure_are_no_words() -> None:
    assert words("Order <id> is unknown\nagent.py:run") == ["order", "is", "unknown"]
