"""The test of a conversation that is shortened: whole exchanges with tools, and the system prompt."""

import re
from collections.abc import Mapping, Sequence

import libcst as cst

from fixers.proposal import Edit
from fixers.recipes.calls import call_of, parameters
from fixers.recipes.cuts import Cut
from fixers.recipes.entry import asks_model, entry_of
from fixers.recipes.layout import Import, import_of
from fixers.recipes.regression import COMPLETION, lines, usable, write_test
from fixers.recipes.source import Source

_LONG = '''
def long_conversation(n_exchanges):
    """A system prompt, a question, and as many exchanges with a tool."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    for number in range(n_exchanges):
        call = {"id": f"call_{number}", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": TEXT})
    return messages
'''

_CHECKS = """
    assert kept[0]["role"] == "system"
    assert len(kept) < len(messages)
    for before, message in zip(kept, kept[1:]):
        assert message["role"] != "tool" or before.get("tool_calls"), "a tool result without its call"
"""

_TEST = """
def test_a_shortened_conversation_keeps_the_system_prompt_and_whole_tool_exchanges(FIXTURE):
    {import}

    messages = long_conversation(N_EXCHANGES)
BODY
"""


def shortening_test(source: Source, cut: Cut, function: cst.FunctionDef, sources: Mapping[str, str]) -> Edit | str:
    """Return the test of one cut: through the function that cuts, or of what is sent where that asks the model too."""
    n_exchanges, text = _size(source, cut, function, sources)
    own = {param.name.value for param in parameters(function)}
    values = {cut.subject: "messages"} if cut.subject in own else {}
    if asks_model(source, function):
        return _test_of_request(source, cut, function, sources, values=values, n_exchanges=n_exchanges, text=text)
    imported = usable(import_of(source.path, sources))
    if isinstance(imported, str):
        return imported
    call = call_of(source, function, imported, values)
    if isinstance(call, str):
        return call
    body = [*call.setup]
    attribute = cut.subject.removeprefix("self.")
    if cut.subject.startswith("self."):
        body.append(f"subject.{attribute} = list(messages)")
    elif cut.subject not in own:
        return f"{function.name.value}() gets its messages from elsewhere"
    returns = [node.value for node in source.find(cst.Return, function.body) if node.value is not None]
    if returns and all(not isinstance(value, cst.Tuple) for value in returns):
        body.append(f"kept = {call.awaited().replace('(messages', '(list(messages)', 1)}")
    elif cut.subject.startswith("self."):
        body += [call.awaited(), f"kept = subject.{attribute}"]
    else:
        body += ["kept = list(messages)", call.awaited().replace("messages", "kept", 1)]
    if "OpenAI(" in source.text:
        body.insert(0, 'monkeypatch.setenv("OPENAI_API_KEY", "test")')
    return _written(source, imported, sources, body, n_exchanges=n_exchanges, text=text, helpers=())


def _test_of_request(
    source: Source,
    cut: Cut,
    function: cst.FunctionDef,
    sources: Mapping[str, str],
    *,
    values: Mapping[str, str],
    n_exchanges: int,
    text: str,
) -> Edit | str:
    """Return a test of what the model is sent, for a function that shortens and asks in one."""
    entry = entry_of(source, function, sources, values)
    if isinstance(entry, str):
        return entry
    if entry.function is not function or (not values and not cut.subject.startswith("self.")):
        return f"{function.name.value}() makes the conversation itself, so that no test can give it a long one"
    body = ['sent = fake_provider(monkeypatch, lambda request: completion("done"))', *entry.call.setup]
    if cut.subject.startswith("self."):
        body.append(f"{entry.call.receiver}.{cut.subject.removeprefix('self.')} = list(messages)")
    body += [entry.call.awaited().replace("(messages", "(list(messages)", 1), 'kept = sent[0]["messages"]']
    helpers = (COMPLETION, entry.transport.fake_provider())
    return _written(source, entry.imported, sources, body, n_exchanges=n_exchanges, text=text, helpers=helpers)


def _written(
    source: Source,
    imported: Import,
    sources: Mapping[str, str],
    body: Sequence[str],
    *,
    n_exchanges: int,
    text: str,
    helpers: Sequence[str],
) -> Edit | str:
    test = (
        lines(_TEST)
        .replace("FIXTURE", "monkeypatch" if any("monkeypatch" in line for line in body) else "")
        .replace("N_EXCHANGES", str(n_exchanges))
    )
    test = test.replace("BODY\n", "".join(f"    {line}\n" for line in body) + _CHECKS.lstrip("\n"))
    return write_test(
        name="shortened_conversation",
        doc="A conversation that is shortened keeps its system prompt and whole exchanges with tools.",
        imported=imported,
        source=source,
        sources=sources,
        helpers=[*helpers, _LONG.replace("TEXT", text)],
        test=test,
    )


def _size(source: Source, cut: Cut, function: cst.FunctionDef, sources: Mapping[str, str]) -> tuple[int, str]:
    """Return how many exchanges are more than the limit, and the text of each tool result."""
    limit = limit_in(source, cut.limit, function, sources)
    if cut.name.startswith("_keep_recent"):
        return (limit or 6) + 3, '"found"'
    words = 200
    return max(4 * (limit or 8000) // words, 10), f'"word " * {words}'


def limit_in(source: Source, name: str, function: cst.FunctionDef, sources: Mapping[str, str]) -> int | None:
    """Return the number that a limit is: a literal, a parameter's default, a constant of the file or the repository."""
    if name.isdigit():
        return int(name)
    name = name.removesuffix(" + 1")
    for param in parameters(function):
        if param.name.value == name:
            if param.default is None:
                return None  # then a test gives it
            return limit_in(source, source.code(param.default).replace("_", ""), function, sources) or _constant(
                source.code(param.default), source, sources
            )
    return _constant(name, source, sources)


def _constant(name: str, source: Source, sources: Mapping[str, str]) -> int | None:
    last = re.escape(name.rsplit(".", 1)[-1])
    for text in (source.text, *(sources[path] for path in sorted(sources) if path.endswith(".py"))):
        if match := re.search(rf"\b{last}\s*(?::[^=\n]+)?=\s*(\d[\d_]*)", text):
            return int(match[1].replace("_", ""))
    return None
