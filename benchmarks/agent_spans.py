"""Make the export requests that an instrumented agent would send: the workload of the ingestion benchmark.

Traces of about ten spans (an agent, model calls with their messages, tools), 2 to 6 KB a span, the same for the same
seed. Words follow a long-tailed distribution, so that the requests compress about as real conversations do.
"""

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS = 1_780_000_000 * 10**9
SPAN_NS = 350_000_000
SPANS_PER_REQUEST = 125
SPANS_PER_TRACE = 10
N_WORDS = 4_000
GZIP_LEVEL = 6  # what `curl` users and most exporters take; Python's exporter takes 9
TOOLS = ("lookup_order", "search_manual", "refund", "update_address", "track_parcel")
SERVICES = ("support-agent", "shop-agent", "research-agent")


def requests(n_spans: int, *, seed: int) -> Iterator[bytes]:
    """Yield gzipped protobuf export requests that hold `n_spans` spans together, all different."""
    random_ = random.Random(seed)  # noqa: S311  # a workload, not a secret
    vocabulary = ["".join(random_.choices("etaoinshrdlucmwfgypb", k=random_.randint(2, 11))) for _ in range(N_WORDS)]
    for _ in range(n_spans // SPANS_PER_REQUEST):
        yield gzip.compress(_Request(random_, vocabulary).body(), GZIP_LEVEL, mtime=0)


class _Request:
    """One export request under construction."""

    def __init__(self, random_: random.Random, vocabulary: list[str]) -> None:
        self._random = random_
        self._vocabulary = vocabulary
        self._message = ExportTraceServiceRequest()

    def body(self) -> bytes:
        resource = self._message.resource_spans.add()
        _set(resource.resource, {"service.name": self._random.choice(SERVICES), "service.version": "1.4.2"})
        scope = resource.scope_spans.add()
        scope.scope.name = "openinference.instrumentation.openai"
        for number in range(SPANS_PER_REQUEST):
            if number % SPANS_PER_TRACE == 0:
                trace_id, root_id, parent = self._random.randbytes(16), self._random.randbytes(8), b""
                session = f"session-{self._random.randrange(10**9)}"
            span = scope.spans.add(trace_id=trace_id, span_id=root_id if not parent else self._random.randbytes(8))
            span.parent_span_id = parent
            self._fill(span, number % SPANS_PER_TRACE, session)
            parent = root_id
        return self._message.SerializeToString()

    def _fill(self, span: Any, place: int, session: str) -> None:  # noqa: ANN401  # generated class
        span.start_time_unix_nano = START_NS + self._random.randrange(10**15) + place * SPAN_NS
        span.end_time_unix_nano = span.start_time_unix_nano + self._random.randrange(SPAN_NS)
        if place == 0:
            span.name, attributes = "conversation", self._agent(session)
        elif place % 2:
            span.name, attributes = "ChatCompletion", self._model_call(place)
        else:
            span.name, attributes = "tool", self._tool()
        _set(span, attributes)
        if self._random.random() < 0.03:  # noqa: PLR2004  # about one span in thirty fails
            span.status.code = 2
            _set(span.events.add(name="exception"), {"exception.type": "TimeoutError", "exception.message": "late"})

    def _agent(self, session: str) -> dict[str, Any]:
        return {
            "openinference.span.kind": "AGENT",
            "session.id": session,
            "user.id": f"user-{self._random.randrange(10**5)}",
            "input.value": json.dumps({"turns": [self._text(150), self._text(150)]}),
            "output.value": self._text(150),
        }

    def _model_call(self, place: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-5-mini",
            "llm.invocation_parameters": '{"model": "gpt-5-mini", "temperature": 0.2}',
            "llm.token_count.prompt": self._random.randrange(200, 4_000),
            "llm.token_count.completion": self._random.randrange(10, 600),
            "llm.finish_reason": "stop",
            "output.value": self._text(60),
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": self._text(60),
        }
        for number in range(2 + place // 2):
            role = ("system", "user", "assistant", "tool")[min(number, 3)]
            found[f"llm.input_messages.{number}.message.role"] = role
            found[f"llm.input_messages.{number}.message.content"] = self._text(self._random.randint(40, 160))
        return found

    def _tool(self) -> dict[str, Any]:
        return {
            "openinference.span.kind": "TOOL",
            "tool.name": self._random.choice(TOOLS),
            "tool_call.id": f"call_{self._random.randrange(10**12)}",
            "input.value": json.dumps({"order": self._random.randrange(10**6), "reason": self._text(40)}),
            "output.value": json.dumps({"rows": [self._text(90) for _ in range(3)]}),
        }

    def _text(self, n_words: int) -> str:
        places = (int(len(self._vocabulary) * self._random.random() ** 3) for _ in range(n_words))
        return " ".join(self._vocabulary[place] for place in places)


def _set(owner: Any, attributes: dict[str, Any]) -> None:  # noqa: ANN401  # generated class
    for key, value in attributes.items():
        item = owner.attributes.add(key=key)
        setattr(item.value, "int_value" if isinstance(value, int) else "string_value", value)
