"""The busy provider of a regression test: statuses, one after the other, and no real waiting."""

from fixers.recipes.regression import REQUESTS_RESPONSE, Transport

#: Stands for a request that no answer comes to.
NO_ANSWER = 0

_ANSWERED = '''
def busy_provider(monkeypatch, statuses, headers=None):
    """A provider that answers with these statuses in turn, 0 being no answer; returns those that are left."""
    message = {"role": "assistant", "content": "done"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "test", "choices": [choice]}

    ASYNCdef SEND:
        status = statuses.pop(0)
        if status == 0:
            raise NO_ANSWER
        RETURN

    monkeypatch.setattr(TARGET, "METHOD", METHOD)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    return statuses
'''

_SDK = """if status == 200:
            return ChatCompletion.model_validate(body)
        response = SimpleNamespace(status_code=status, headers=headers or {}, request=None)
        kinds = {409: openai.ConflictError, 429: openai.RateLimitError}
        raise kinds.get(status, openai.InternalServerError)("busy", response=response, body=None)"""

_WAITING = '''
def without_waiting(monkeypatch):
    """Let no pause take any time; return how long each would have been, in seconds."""
    waited = []

    async def pause(seconds, *_args):
        waited.append(seconds)

    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr("asyncio.sleep", pause)
    return waited
'''


def busy_helpers(transport: Transport) -> list[str]:
    """Return the functions `busy_provider` and `without_waiting` of a test, for one way to reach the provider."""
    async_ = "async " if transport.is_async else ""
    prefix = "Async" if transport.is_async else ""
    send, target, method = "send(_client, request, **_options)", f"httpx.{prefix}Client", "send"
    fakes = []
    if transport.library == "openai":
        send, target, method = "create(_completions, **_request)", f"{prefix}Completions", "create"
        lost = "openai.APIConnectionError(request=None)"
        answer = _SDK
    elif transport.library == "httpx":
        lost = 'httpx.ConnectError("no answer", request=request)'
        answer = "return httpx.Response(status, json=body, headers=headers, request=request)"
    else:
        target, async_ = "requests.Session", ""
        lost = 'requests.ConnectionError("no answer")'
        answer = "return http_response(status, body, headers)"
        fakes = [REQUESTS_RESPONSE]
    text = _ANSWERED.replace("ASYNC", async_).replace("SEND", send).replace("NO_ANSWER", lost)
    text = text.replace("RETURN", answer).replace("TARGET", target).replace("METHOD", method)
    return [*fakes, text, _WAITING]
