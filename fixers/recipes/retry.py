"""An OpenAI client told never to retry is told to: the SDK backs off with jitter and honours Retry-After."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.calls import Call, call_of, new_instance
from fixers.recipes.entry import asks_model, entry_of
from fixers.recipes.layout import Import, import_of
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.regression import lines, usable, write_test
from fixers.recipes.source import Source, Splice, dotted, harness_files, is_harness_file, keyword

#: With the SDK's back-off of 0.5 s doubling up to 8 s: about 15 s in all, or as long as Retry-After asks.
MAX_RETRIES = 5

_TRANSIENT = re.compile(
    r"RateLimit|Timeout|TimedOut|ConnectionError|APIConnection|ConnectError|InternalServer|ServiceUnavailable|Overloaded"
)
_STATUS_ERRORS = re.compile(r"HTTPStatusError|HTTPError|APIStatusError|APIError")
_TRANSIENT_STATUS = re.compile(r"\b(408|409|429|500|502|503|504|529)\b")
_RETRYING = re.compile(r"\b(tenacity|backoff|stamina|retrying)\b|@retry\b|\bretry_call\b|except[^\n]*RateLimitError")

_SERVER = '''
class BusyOnce(BaseHTTPRequestHandler):
    """A provider that is busy at first: 429, then an answer."""

    n_requests = 0

    def do_POST(self):
        type(self).n_requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "done"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "test", "choices": [choice]}
        busy = self.n_requests == 1
        body = json.dumps({"error": {"message": "busy"}} if busy else answer).encode()
        self.send_response(429 if busy else 200)
        self.send_header("Retry-After-Ms", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Keep the test's output clean."""
'''

_TEST = """
def test_a_busy_provider_is_asked_again(monkeypatch):
    BusyOnce.n_requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), BusyOnce) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        {import}

SETUP
        CALL
        server.shutdown()
    assert answer.choices[0].message.content == "done"
    assert BusyOnce.n_requests == 2
"""

_ENTRY_TEST = """
def test_a_busy_provider_is_asked_again(monkeypatch):
    BusyOnce.n_requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), BusyOnce) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        made = CLIENT.__init__

        def pointed(client, *args, **options):
            made(client, *args, **{**options, "api_key": "test", "base_url": url})

        monkeypatch.setattr(CLIENT, "__init__", pointed)
        {import}

SETUP
        CALL
        server.shutdown()
    assert BusyOnce.n_requests == 2
"""

#: For a search that no diagnosis leads.
_NOWHERE = Diagnosis(failure_mode_id="", cause="", layer=Layer.LIFECYCLE, location=None, quotes=())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where `0` stands, and the client that it governs."""

    source: Source
    zero: cst.CSTNode
    in_source: Source
    call: cst.Call


@dataclass(frozen=True, slots=True)
class Retry:
    """The recipe for clients of the openai package."""

    name: str = "retry"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the provider was busy or unreachable for a moment."""
        return mode.detector == "error" and most(failures, is_transient)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Set the client's `max_retries`."""
        del seen
        files = harness_files(sources, diagnosis, "max_retries")
        tried = (_fix(place, sources) for source in files for place in _places(source, sources, diagnosis))
        return first_fix(tried, "no OpenAI client is built with max_retries=0")


def is_transient(failure: Failure) -> bool:
    """Tell whether the same request might have succeeded a moment later."""
    if _TRANSIENT.search(failure.key):
        return True
    return bool(_STATUS_ERRORS.search(failure.key) and _TRANSIENT_STATUS.search(failure.message))


def already_retries(text: str) -> bool:
    """Tell whether a file has a retry of its own, which another one would multiply."""
    return bool(_RETRYING.search(text))


def _other_retry(place: _Place, sources: Mapping[str, str]) -> str | None:
    """Return the file that has a retry of its own around the client's requests."""
    if already_retries(place.in_source.text):
        return place.in_source.path
    return next((path for path in sorted(sources) if is_harness_file(path) and _by_hand(sources[path])), None)


def _by_hand(text: str) -> bool:
    """Tell whether a file waits after the client's own errors."""
    return "sleep(" in text and bool(re.search(r"RateLimitError|APIConnectionError|APITimeoutError", text))


def _places(source: Source, sources: Mapping[str, str], diagnosis: Diagnosis) -> Iterator[_Place]:
    """Yield each client of the file whose `max_retries` is 0."""
    for call in source.find(cst.Call):
        name = dotted(call.func).rsplit(".", 1)[-1] or source.code(call.func).rsplit(".", 1)[-1]
        argument = keyword(call, "max_retries")
        if argument is None or name not in {
            "OpenAI",
            "AsyncOpenAI",
            "AzureOpenAI",
            "AsyncAzureOpenAI",
            "with_options",
            "copy",
        }:
            continue
        if "openai" not in source.text.casefold():
            continue
        if _is_zero(argument.value):
            yield _Place(source, argument.value, source, call)
        elif found := _definition(source, argument.value, call, sources, diagnosis):
            yield _Place(found[0], found[1], source, call)


def _is_zero(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Integer) and node.evaluated_value == 0


def _definition(
    source: Source, value: cst.BaseExpression, call: cst.Call, sources: Mapping[str, str], diagnosis: Diagnosis
) -> tuple[Source, cst.CSTNode] | None:
    """Return the only 0 that a name stands for: a parameter's default, a constant, a field's default."""
    name = dotted(value).rsplit(".", 1)[-1]
    if not name:
        return None
    function = source.function_of(call)
    if isinstance(value, cst.Name) and function is not None:
        params = [*function.params.params, *function.params.kwonly_params]
        own = [param.default for param in params if param.name.value == name]
        if own:
            return (source, own[0]) if own[0] is not None and _is_zero(own[0]) else None
    found = [(file, zero) for file in harness_files(sources, diagnosis, name) for zero in _assigned(file, name)]
    return found[0] if len(found) == 1 and _is_zero(found[0][1]) else None


def _assigned(source: Source, name: str) -> Iterator[cst.BaseExpression]:
    """Yield the values that a name is given anywhere in the file."""
    for node in source.find(cst.Assign):
        if any(dotted(target.target).rsplit(".", 1)[-1] == name for target in node.targets):
            yield node.value
    for field in source.find(cst.AnnAssign):
        if dotted(field.target).rsplit(".", 1)[-1] == name and field.value is not None:
            yield field.value


def _fix(place: _Place, sources: Mapping[str, str]) -> Fix | str:
    if other := _other_retry(place, sources):
        return f"{other} already retries by other means"
    after = place.source.edited([Splice(*place.source.span(place.zero), str(MAX_RETRIES))])
    if after is None:
        return f"{place.source.path} would not parse after the edit"
    imported = usable(import_of(place.in_source.path, sources))
    if isinstance(imported, str):
        return imported
    test = _test(place, imported, sources)
    if isinstance(test, str):
        return test
    line = place.source.line(place.zero)
    return Fix(
        edits=(Edit(path=place.source.path, before=place.source.text, after=after), test),
        regression_test=test.path,
        title="Retry when the model provider is busy",
        rationale=(
            f"The client is built with max_retries=0 ({place.source.path}:{line}), so the first 429, 5xx or "
            "time-out ends the "
            f"conversation. With max_retries={MAX_RETRIES} the SDK waits as long as Retry-After asks, or backs off "
            "exponentially with jitter, and asks again."
        ),
        risk=f"A conversation may wait longer, up to {MAX_RETRIES} more requests, while the provider stays busy.",
    )


def _test(place: _Place, imported: Import, sources: Mapping[str, str]) -> Edit | str:
    """Return the test that asks the repository's own client twice."""
    client = _client(place, imported, sources)
    if isinstance(client, str):
        return _test_of_entry(place, sources, client)
    is_async = source_is_async(place)
    ask = 'client.chat.completions.create(model="test", messages=[{"role": "user", "content": "hello"}])'
    ask = ask.replace("client.", f"{client.receiver}.", 1)
    call = f"answer = asyncio.run({ask})" if is_async else f"answer = {ask}"
    setup = "\n".join(f"        {line}" for line in client.setup)
    text = lines(_TEST).replace("SETUP", setup).replace("CALL", call)
    return write_test(
        name="busy_provider",
        doc="The agent's client asks again when the provider answers 429.",
        imported=imported,
        source=place.in_source,
        sources=sources,
        helpers=[_SERVER],
        test=text,
    )


def _test_of_entry(place: _Place, sources: Mapping[str, str], reason: str) -> Edit | str:
    """Return the test that asks through the repository's own functions, for a client that none can reach."""
    for source in (place.in_source, *harness_files(sources, _NOWHERE, ".chat.completions.create")):
        for function in source.find(cst.FunctionDef):
            if not asks_model(source, function, depth=0):
                continue
            entry = entry_of(source, function, sources)
            if isinstance(entry, str) or "OpenAI(" in entry.call.expression:
                continue
            client = "AsyncOpenAI" if entry.transport.is_async else "OpenAI"
            setup = "".join(f"        {line}\n" for line in entry.call.setup)
            return write_test(
                name="busy_provider",
                doc="The agent's client asks again when the provider answers 429.",
                imported=entry.imported,
                source=entry.source,
                sources=sources,
                helpers=[_SERVER],
                test=lines(_ENTRY_TEST)
                .replace("CLIENT", client)
                .replace("SETUP\n", setup)
                .replace("CALL", entry.call.awaited()),
            )
    return reason


def source_is_async(place: _Place) -> bool:
    """Tell whether the client's calls are awaited."""
    return "Async" in place.in_source.code(place.call.func) or "await " in place.in_source.text


def _client(place: _Place, imported: Import, sources: Mapping[str, str]) -> Call | str:
    """Return how a test gets the client that the edited value governs."""
    source, call = place.in_source, place.call
    function = source.function_of(call)
    holder = source.nearest(call, cst.Assign)
    target = dotted(holder.targets[0].target) if holder is not None and holder.value is call else ""
    pointed = "made.base_url = url"
    if function is None:
        if not target or source.nearest(call, cst.ClassDef) is not None:
            return f"the client of {source.path}:{source.line(call)} has no name that a test could use"
        setup: tuple[str, ...] = (f"made = {imported.module}.{target}", pointed)
    elif target.startswith("self."):
        owner = source.class_of(function)
        made = "!the client belongs to no class"
        if owner is not None:
            made = new_instance(source, owner, imported, sources)
        if made.startswith("!"):
            return made[1:]
        setup = (f"made = {made}.{target.removeprefix('self.')}", pointed)
    elif _returns(source, function, call, target):
        given = call_of(source, function, imported, sources=sources)
        if isinstance(given, str):
            return given
        setup = (*given.setup, f"made = {given.awaited()}", pointed)
    else:
        return f"{function.name.value}() keeps its client to itself, so that no test can reach it"
    return Call(setup=setup, receiver="made", expression="", is_async=False)


def _returns(source: Source, function: cst.FunctionDef, call: cst.Call, target: str) -> bool:
    """Tell whether the function gives the client to its caller."""
    return any(
        node.value is call or (target and node.value is not None and dotted(node.value) == target)
        for node in source.find(cst.Return, function.body)
    )
