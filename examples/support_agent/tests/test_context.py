from support_agent.context import truncate


def conversation(n: int) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [
        {"role": "system", "content": "rules"},
        *({"role": roles[i % 2], "content": str(i)} for i in range(n)),
    ]


def test_a_short_conversation_is_left_alone() -> None:
    messages = conversation(5)
    assert truncate(messages, limit=10) == messages


def test_a_long_conversation_is_cut_to_the_limit() -> None:
    assert len(truncate(conversation(31), limit=10)) <= 10


def test_the_newest_message_is_kept() -> None:
    assert truncate(conversation(31), limit=10)[-1]["content"] == "30"
