"""Ask the provider."""

import os
import time

import openai

MODEL = os.environ.get("DESK_MODEL", "scripted-1")
TIMEOUT_S = 30.0
ATTEMPTS = 4
PAUSE_S = float(os.environ.get("DESK_PAUSE_S", "0.2"))
AGAIN = (openai.RateLimitError, openai.InternalServerError, openai.APIConnectionError)


def make_client():
    return openai.OpenAI(timeout=TIMEOUT_S, max_retries=0)


def ask(client, messages, **options):
    """Return the message that the model answers with; what passes by itself is tried again."""
    for attempt in range(ATTEMPTS):
        try:
            completion = client.chat.completions.create(model=MODEL, messages=messages, temperature=0.2, **options)
            return completion.choices[0].message
        except AGAIN:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_S * 2**attempt)
    raise AssertionError("unreachable")
