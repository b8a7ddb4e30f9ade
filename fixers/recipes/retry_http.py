"""A hand-rolled POST to a chat-completions endpoint is tried again: exponential back-off, jitter, Retry-After."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import entry_of
from fixers.recipes.insert import add_helper, add_imports
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.regression import REQUESTS_RESPONSE, Transport, lines, write_test
from fixers.recipes.retry import MAX_RETRIES, already_retries, is_transient
from fixers.recipes.source import Source, Splice, dotted, free_name, harness_files, keyword

#: What a library raises when no answer came; anything else is not worth another try.
_ERRORS = {"requests": "(requests.ConnectionError, requests.Timeout)", "httpx": "httpx.TransportError"}
_OWN_RETRY = re.compile(
    r"HTTPAdapter|\bRetry\(|transport\s*=|Retry-After|status_code\s*(==|in|!=)[^\n]*\b429\b|TOO_MANY_REQUESTS"
)

_HELPER = '''
ASYNC_DEFNAME(post, *args, **kwargs):
    """Send a request; when the provider is busy or does not answer, wait and send it again, at most RETRIES times."""
    for attempt in range(RETRIES):
        try:
            response = AWAITpost(*args, **kwargs)
        except ERRORS:
            AWAITSLEEP(DELAY(None, attempt))
            continue
        if response.status_code not in (408, 429, 500, 502, 503, 504):
            return response
        AWAITSLEEP(DELAY(response.headers.get("Retry-After"), attempt))
    return AWAITpost(*args, **kwargs)


def DELAY(retry_after, attempt):
    """Return the seconds to wait: what Retry-After asks (seconds or a date), else back-off with jitter; at most 60."""
    try:
        seconds = float(retry_after)
    except (TypeError, ValueError):
        try:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (TypeError, ValueError):
            seconds = min(8, 2**attempt / 2) * random.uniform(0.5, 1)
    return min(max(seconds, 0), 60)
'''

_FAKE = '''
def busy_provider(monkeypatch, statuses):
    """A provider that answers with these statuses, one after the other; returns those that are left."""
    message = {"role": "assistant", "content": "done"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "test", "choices": [choice]}

    ASYNCdef send(_client, request, **_options):
        return RESPONSE

    monkeypatch.setattr(TARGET, "send", send)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    return statuses
'''

_TEST = """
def test_a_busy_provider_is_asked_again(monkeypatch):
    left = busy_provider(monkeypatch, [429, 200])
    {import}

SETUP
    answer = CALL
    assert "done" in str(answer)
    assert left == []
"""


@dataclass(frozen=True, slots=True)
class RetryHttp:
    """The recipe for requests and httpx."""

    name: str = "retry_http"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the provider was busy or unreachable for a moment."""
        return mode.detector == "error" and most(failures, is_transient)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Send the request through a helper that tries again."""
        del seen
        files = harness_files(sources, diagnosis, "chat/completions")
        tried = (_fix(source, call, sources) for source in files for call in _posts(source))
        return first_fix(tried, "nothing posts to a chat-completions endpoint by hand")


def _posts(source: Source) -> Iterator[cst.Call]:
    """Yield the calls that post to chat/completions: in the address, or by a name that stands for it."""
    names = {
        dotted(target.target)
        for node in source.find(cst.Assign)
        if "chat/completions" in source.code(node.value)
        for target in node.targets
    }
    for call in source.find(cst.Call):
        if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "post" or not call.args:
            continue
        address = keyword(call, "url") or call.args[0]
        code = source.code(address.value)
        if "chat/completions" in code or any(
            re.search(rf"(?<![\w.]){re.escape(name)}\b", code) for name in names if name
        ):
            yield call


def _fix(source: Source, call: cst.Call, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(call)}"
    if _OWN_RETRY.search(source.text) or already_retries(source.text):
        return f"{source.path} already looks after busy providers by other means"
    function = source.function_of(call)
    libraries = [name for name in _ERRORS if re.search(rf"^import {name}$", source.text, re.MULTILINE)]
    if function is None or len(libraries) != 1 or not dotted(call.func):
        return f"{where}: which HTTP client this is, is not plain"
    if keyword(call, "stream") is not None or any(arg.star for arg in call.args):
        return f"{where}: the answer is streamed, or the arguments are not plain"
    is_async = isinstance(next(source.ancestors(call)), cst.Await)
    library = libraries[0]
    after = _edited(source, call, library, is_async=is_async)
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, function, sources, Transport(library, is_async))
    if isinstance(test, str):
        return test
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Retry when the model provider is busy",
        rationale=(
            f"The request at {where} is sent once, so the first 429, 5xx or lost connection ends the "
            "conversation. Now it is sent "
            f"again up to {MAX_RETRIES} times, after as long as Retry-After asks or after an exponential back-off "
            "with jitter."
        ),
        risk=f"A conversation may wait longer, up to {MAX_RETRIES} more requests, while the provider stays busy.",
    )


def _edited(source: Source, call: cst.Call, library: str, *, is_async: bool) -> str | None:
    taken = source.names()
    name, delay = free_name("_post_with_retry", taken), free_name("_retry_delay", taken)
    helper = _HELPER.replace("ASYNC_DEF", "async def " if is_async else "def ").replace("NAME", name)
    helper = helper.replace("DELAY", delay).replace("ERRORS", _ERRORS[library]).replace("RETRIES", str(MAX_RETRIES))
    helper = helper.replace("AWAIT", "await " if is_async else "").replace(
        "SLEEP", "asyncio.sleep" if is_async else "time.sleep"
    )
    start, _ = source.span(call.func)
    first, _ = source.span(call.args[0])
    # `client.post(URL, …)` becomes `_post_with_retry(client.post, URL, …)`; the rest of the call is left as it is.
    opening = source.text.encode()[start:first].decode()
    inside = opening.removeprefix(source.code(call.func)).lstrip()[1:]
    middle = inside or " "
    text = f"{name}({inside}{source.code(call.func)},{middle}"
    modules = ["email.utils", "random", "time", *(["asyncio"] if is_async else [])]
    return source.edited([Splice(start, first, text), add_helper(source, call, helper), *add_imports(source, modules)])


def _test(source: Source, function: cst.FunctionDef, sources: Mapping[str, str], transport: Transport) -> Edit | str:
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return entry
    if transport.library == "httpx":
        response = 'httpx.Response(statuses.pop(0), json=body, headers={"Retry-After": "0"}, request=request)'
        target = "httpx.AsyncClient" if transport.is_async else "httpx.Client"
        helpers = []
    else:
        response = 'http_response(statuses.pop(0), body, {"Retry-After": "0"})'
        target = "requests.Session"
        helpers = [REQUESTS_RESPONSE]
    fake = (
        _FAKE.replace("ASYNC", "async " if transport.is_async else "")
        .replace("RESPONSE", response)
        .replace("TARGET", target)
    )
    return write_test(
        name="busy_provider",
        doc="A request is sent again when the provider answers 429.",
        imported=entry.imported,
        source=entry.source,
        sources=sources,
        helpers=[*helpers, fake],
        test=lines(_TEST)
        .replace("SETUP\n", "".join(f"    {line}\n" for line in entry.call.setup))
        .replace("CALL", entry.call.awaited()),
    )
