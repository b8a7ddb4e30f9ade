"""What the conversation is about, so that "it" and "my order" can be understood."""

_facts: dict[str, str] = {}


def remember(name: str, value: str) -> None:
    _facts[name] = value


def recall(name: str) -> str | None:
    return _facts.get(name)
