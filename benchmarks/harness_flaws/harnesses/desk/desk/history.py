"""Keep a conversation short enough for the model."""

MAX_MESSAGES = 14


def shorten(messages, limit=MAX_MESSAGES):
    """Return the system message and the newest messages, at most `limit` in all; a tool result keeps its call."""
    if len(messages) <= limit:
        return list(messages)
    head, tail = messages[:1], messages[-(limit - 1) :]
    while tail and tail[0]["role"] != "user":
        tail = tail[1:]
    if not tail:  # one long turn of tool calls: it is sent whole
        last = max(i for i, message in enumerate(messages) if message["role"] == "user")
        tail = messages[last:]
    return head + tail
