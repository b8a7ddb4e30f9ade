"""What a harness did to what passed through it, seen in its traces alone: results, calls and messages that went astray.

Nothing fails where a harness shortens a tool's result, drops a second call or forgets a message: the run goes on, with
less than it had. What one span put out is compared with what the next one was given, word by word, since a result may
be wrapped, escaped or put into another message on its way.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise

from clustering.conversation import chat_calls, final_answer, tool_calls
from clustering.span_outcome import failed, tool_error
from clustering.span_tree import SpanTree
from clustering.tool_schema import declared_calls
from webhooks import semconv
from webhooks.attributes import parsed
from webhooks.messages import ToolCall
from webhooks.semconv import Message
from webhooks.trace import Span, Trace

MAX_RUNS = 20  # of each kind: more would say the same
MAX_TEXT = 60_000  # characters of one text that are compared
#: A symptom counts where this share of failing runs has it, and healthy ones have it this many times less often.
OFTEN, TIMES = 0.5, 3.0

_WORD = re.compile(r"\w+")
_INSTRUCTING = frozenset({"system", "developer"})


class Symptom(StrEnum):
    """What happened to data on its way; the value completes "in these runs, …"."""

    CALL_DROPPED = "the model asks for calls that are not made"
    CALL_ALTERED = "a tool is called with other arguments than the model gave"
    RESULT_LOST = "what a tool returned does not reach the model whole"
    ERROR_HIDDEN = "the model is not told why a tool failed"
    PROMPT_LOST = "the model is not sent the system prompt"
    MESSAGE_LOST = "messages are missing from what the model is sent"
    CUT_SHORT = "the run ends while the model is still calling tools"
    ANSWER_ALTERED = "the run's answer is not what the model answered"
    LOOSE_SCHEMA = "the model leaves out arguments that the tool's schema does not require"


def symptoms(failing: Iterable[Trace], healthy: Iterable[Trace]) -> list[Symptom]:
    """Return what failing runs show and healthy ones do not, in the order of `Symptom`: what says most comes first.

    Without a healthy run there is nothing to tell a flaw from the way that a harness works.
    """
    bad = [shown(trace) for trace, _ in zip(failing, range(MAX_RUNS), strict=False)]
    good = [shown(trace) for trace, _ in zip(healthy, range(MAX_RUNS), strict=False)]
    if not good:
        return []
    return [symptom for symptom in Symptom if _share(symptom, bad) >= max(OFTEN, TIMES * _share(symptom, good))]


def shown(trace: Trace) -> frozenset[Symptom]:
    """Return what one run shows."""
    calls = innermost_calls(trace)
    return frozenset(symptom for symptom, test in _TESTS.items() if test(trace, calls))


def innermost_calls(trace: Trace) -> list[Span]:
    """Return the calls to a model that are no more than one: a client and what calls it may both record a call."""
    tree, calls = SpanTree(trace), chat_calls(trace)
    outer = {above.span_id for call in calls for above in tree.ancestors(call)}
    return [call for call in calls if call.span_id not in outer]


def _share(symptom: Symptom, found: Sequence[frozenset[Symptom]]) -> float:
    return sum(symptom in each for each in found) / len(found) if found else 0.0


def _call_dropped(trace: Trace, calls: Sequence[Span]) -> bool:
    """Tell whether a call to the model remembers fewer tool calls than the last answer asked for, or fewer were run."""
    remembered = any(0 < len(_remembered(after)) < len(_asked(before)) for before, after in pairwise(calls))
    ran = len(tool_calls(trace))
    asked = sum(len(_asked(call)) for call in calls[:-1])
    return remembered or 0 < ran < asked


def _call_altered(trace: Trace, calls: Sequence[Span]) -> bool:
    for before, after in pairwise(calls):
        wanted, remembered = _asked(before), _remembered(after)
        if len(wanted) == len(remembered) and any(map(_differ, wanted, remembered)):
            return True
    for span in tool_calls(trace):
        earlier = [call for call in calls if call.start <= span.start]
        asked = [each for each in _asked(earlier[-1]) if each.id == semconv.tool_call_id(span)] if earlier else []
        given = semconv.tool_arguments(span)
        if len(asked) == 1 and given is not None and _lacks(asked[0].arguments, given):
            return True
    return False


def _result_lost(trace: Trace, calls: Sequence[Span]) -> bool:
    for span in tool_calls(trace):
        result, told = _content(semconv.tool_result(span)), _told_after(span, trace, calls)
        if result and told is not None and tool_error(span) is None and not _holds(told, result):
            return True
    if any(not message.content.strip() for call in calls for message in _results(call)):
        return True
    return any(0 < len(_results(after)) < len(_asked(before)) for before, after in pairwise(calls))


def _error_hidden(trace: Trace, calls: Sequence[Span]) -> bool:
    for span in tool_calls(trace):
        error, told = tool_error(span) if failed(span) else None, _told_after(span, trace, calls)
        if error and told is not None and not _holds(told, error):
            return True
    return False


def _prompt_lost(_trace: Trace, calls: Sequence[Span]) -> bool:
    told = [semconv.input_messages(call) for call in calls]
    return any(messages and not any(each.role in _INSTRUCTING for each in messages) for messages in told)


def _message_lost(_trace: Trace, calls: Sequence[Span]) -> bool:
    """Tell whether a request lacks what the one before it held, or ends with the model's own words."""
    told = [[each for each in semconv.input_messages(call) if each.role not in _INSTRUCTING] for call in calls]
    if any(messages and messages[-1].role == "assistant" and not messages[-1].tool_calls for messages in told):
        return True
    texts = [[_words(each.content) for each in messages] for messages in told]
    return any(any(text not in after for text in before) for before, after in pairwise(texts) if after)


def _cut_short(trace: Trace, calls: Sequence[Span]) -> bool:
    return bool(calls) and bool(_asked(calls[-1])) and not failed(trace.root)


def _answer_altered(trace: Trace, calls: Sequence[Span]) -> bool:
    answer, said = final_answer(trace), _said(calls[-1]) if calls else ""
    return bool(answer and said) and not _holds(answer or "", said)


def _loose_schema(trace: Trace, _calls: Sequence[Span]) -> bool:
    for declared in declared_calls(trace):
        schema, given = declared.parameters or {}, parsed(declared.call.arguments or "{}")
        known, required = schema.get("properties"), schema.get("required") or []
        if isinstance(known, dict) and isinstance(given, dict) and set(known) - set(given) - set(required):
            return True
    return False


_TESTS: Mapping[Symptom, Callable[[Trace, Sequence[Span]], bool]] = {
    Symptom.CALL_DROPPED: _call_dropped,
    Symptom.CALL_ALTERED: _call_altered,
    Symptom.RESULT_LOST: _result_lost,
    Symptom.ERROR_HIDDEN: _error_hidden,
    Symptom.PROMPT_LOST: _prompt_lost,
    Symptom.MESSAGE_LOST: _message_lost,
    Symptom.CUT_SHORT: _cut_short,
    Symptom.ANSWER_ALTERED: _answer_altered,
    Symptom.LOOSE_SCHEMA: _loose_schema,
}


def _asked(call: Span) -> list[ToolCall]:
    return [asked for message in semconv.output_messages(call)[:1] for asked in message.tool_calls]


def _said(call: Span) -> str:
    return "\n".join(message.content for message in semconv.output_messages(call)[:1]).strip()


def _remembered(call: Span) -> list[ToolCall]:
    """Return the tool calls of the last message of the model's own that a request holds."""
    last = next((each for each in reversed(semconv.input_messages(call)) if each.role == "assistant"), None)
    return list(last.tool_calls) if last else []


def _results(call: Span) -> list[Message]:
    """Return the results that a request ends with."""
    found: list[Message] = []
    for message in reversed(semconv.input_messages(call)):
        if message.role != "tool":
            break
        found.append(message)
    return found


def _told_after(span: Span, trace: Trace, calls: Sequence[Span]) -> str | None:
    """Return what the next call to the model after a tool was told, else how the run ended; None where nothing says."""
    after = next((call for call in calls if call.start >= (span.end or span.start)), None)
    if after is None:
        return final_answer(trace) or None
    return "\n".join(message.content for message in semconv.input_messages(after)) or None


def _content(result: str | None) -> str:
    """Return what a tool returned, without the message that some frameworks record it in."""
    found = parsed(result)
    for name in ("data", "content"):
        found = found.get(name, found) if isinstance(found, dict) else found
    return found if isinstance(found, str) and isinstance(parsed(result), dict) else result or ""


def _differ(asked: ToolCall, remembered: ToolCall) -> bool:
    return asked.name != remembered.name or _lacks(asked.arguments, remembered.arguments)


def _lacks(given: str, kept: str) -> bool:
    """Tell whether arguments lack a value of those that the model gave."""
    return not set(_WORD.findall(given[:MAX_TEXT])) <= set(_WORD.findall(kept[:MAX_TEXT]))


def _holds(text: str, part: str) -> bool:
    return _words(part) in _words(text)


def _words(text: str) -> str:
    return f" {' '.join(_spelled(text[:MAX_TEXT]))} "


def _spelled(text: str) -> Iterator[str]:
    """Yield the words; an escaped line end is not a word's beginning."""
    return (match[0] for match in _WORD.finditer(text.replace("\\n", " ").replace('\\"', " ")))
