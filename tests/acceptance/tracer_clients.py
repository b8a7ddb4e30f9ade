"""Small agents, each traced by one real SDK; run by test_tracers.py with the interpreter of the SDK's own venv.

Each asks a model once, calls a tool that raises KeyError, and ends with a thumbs-down where its SDK has one.
Where to send and with which key, the environment says, as the pages of docs/connect tell to set it.
Usage: tracer_clients.py CLIENT, where CLIENT is the name of a function here.
"""
# ruff: noqa: PLC0415, ANN001, ANN002, ANN201, ANN202, ARG001  # one SDK a function and a venv; agents as their owners write them

import contextlib
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

QUESTION = "Where is A1?"
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"order_id": "A1"}'}}
ANSWER = {"role": "assistant", "content": None, "tool_calls": [CALL]}


def langsmith(*, takes_s=0.0):
    from langsmith import Client

    client = Client()
    run = _langsmith_agent(client, takes_s)
    client.create_feedback(run.id, key="thumb", score=0, trace_id=run.trace_id)
    client.flush()


def _langsmith_agent(client, takes_s):
    from langsmith import get_current_run_tree, traceable

    runs = []

    @traceable(run_type="tool", client=client)
    def get_order(order_id):
        raise KeyError(order_id)

    @traceable(run_type="llm", client=client)
    def chat(messages):
        return {"choices": [{"index": 0, "finish_reason": "tool_calls", "message": ANSWER}]}

    @traceable(client=client)
    def support(question):
        runs.append(get_current_run_tree())
        chat([{"role": "user", "content": question}])
        _tried(get_order)
        time.sleep(takes_s)
        return "Sorry"

    support(QUESTION)
    client.flush()
    return runs[0]


def langsmith_slow():
    langsmith(takes_s=1.0)  # long enough for its start and its end to travel apart


def langsmith_otel():
    """Send spans alone: the SDK makes them of its runs and posts them to {endpoint}/otel/v1/traces."""
    os.environ |= {"LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true"}
    from langsmith import Client
    from opentelemetry.trace import get_tracer_provider

    _langsmith_agent(Client(), 0.0)
    get_tracer_provider().force_flush()


def langsmith_tee():
    """Send every batch to a LangSmith and to us; both must have it."""
    got = []

    class Primary(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(200)

        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self._answer(202)

        def _answer(self, status):
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words):
            pass

    primary = HTTPServer(("127.0.0.1", 0), Primary)
    threading.Thread(target=primary.serve_forever, daemon=True).start()
    endpoints = os.environ["LANGSMITH_RUNS_ENDPOINTS"]
    ours = f"http://127.0.0.1:{primary.server_port}"
    os.environ["LANGSMITH_RUNS_ENDPOINTS"] = endpoints.replace("https://api.smith.langchain.com", ours)
    os.environ["LANGSMITH_TRACING"] = "true"
    from langsmith import Client

    _langsmith_agent(Client(), 0.0)
    paths = {path for path, body in got if b"get_order" in body}
    assert paths == {"/runs/multipart"}, got


def langfuse():
    from langfuse import get_client, observe

    client = get_client()
    assert client.auth_check()
    traces = []

    @observe(as_type="tool")
    def get_order(order_id):
        raise KeyError(order_id)

    @observe(as_type="agent")
    def support(question):
        traces.append(client.get_current_trace_id())
        asked = [{"role": "user", "content": question}]
        with client.start_as_current_observation(as_type="generation", name="chat", input=asked, output=ANSWER):
            pass
        _tried(get_order)
        return "Sorry"

    support(QUESTION)
    client.create_score(trace_id=traces[0], name="thumb", value=0, data_type="NUMERIC")
    client.flush()


def openai_agents():
    from agents.tracing import (
        agent_span,
        function_span,
        generation_span,
        get_trace_provider,
        set_trace_processors,
        trace,
    )

    set_trace_processors([])  # OpenAI's own, which is not asked here
    exec(os.environ["PAGE_PYTHON"], {})  # the lines that the page tells to add
    with trace("shop"), agent_span(name="support"):
        with generation_span(input=[{"role": "user", "content": QUESTION}], output=[ANSWER]):
            pass
        with function_span(name="get_order", input='{"order_id": "A1"}') as called:
            called.set_error({"message": "Error running tool", "data": {"error": "KeyError"}})
    get_trace_provider().shutdown()


ASKED = json.dumps([{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}])
CALLED = {"type": "tool_call", "id": "call_1", "name": "get_order", "arguments": {"order_id": "A1"}}
ANSWERED = json.dumps([{"role": "assistant", "parts": [CALLED], "finish_reason": "tool_call"}])
RESPONSE_ID = "chatcmpl-1"
MODEL = "gpt-5-mini"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.response.id": RESPONSE_ID}
CHAT |= {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order"}


def _otel_provider():
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def otel():
    """Trace by OpenTelemetry's own SDK; the thumb is a log event that names the answer alone."""
    provider = _otel_provider()
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("support", attributes={"gen_ai.operation.name": "invoke_agent"}):
        with tracer.start_as_current_span("chat gpt", attributes=CHAT):
            pass
        with contextlib.suppress(KeyError), tracer.start_as_current_span("execute_tool get_order", attributes=TOOL):
            raise KeyError("A1")
    provider.shutdown()
    thumb = {"gen_ai.evaluation.name": "thumb", "gen_ai.evaluation.score.value": 0.0}
    _log([("gen_ai.evaluation.result", None, {**thumb, "gen_ai.response.id": RESPONSE_ID})])


def openllmetry():
    """Ask a provider by OpenAI's own client, first with success, then for a model that it does not have."""
    from openai import NotFoundError, OpenAI
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import tool, workflow

    os.environ["TRACELOOP_TELEMETRY"] = "false"
    Traceloop.init(app_name="shop", disable_batch=True)
    client = OpenAI(api_key="none", base_url=_provider_of_one_model(), max_retries=0)

    @tool(name="get_order")
    def get_order(order_id):
        raise KeyError(order_id)

    @workflow(name="support")
    def support(question):
        asked = [{"role": "user", "content": question}]
        client.chat.completions.create(model=MODEL, messages=asked)
        with contextlib.suppress(NotFoundError):
            client.chat.completions.create(model="gone", messages=asked)
        _tried(get_order)
        return "Sorry"

    support(QUESTION)


def _provider_of_one_model():
    choice = {"index": 0, "finish_reason": "tool_calls", "message": ANSWER}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    found = {"id": RESPONSE_ID, "object": "chat.completion", "created": 1, "model": MODEL}
    found |= {"choices": [choice], "usage": usage}

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known = asked["model"] == MODEL
            body = json.dumps(found if known else {"error": {"message": "No such model"}}).encode()
            self.send_response(200 if known else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"


def _log(events):
    from opentelemetry._logs import LogRecord
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    logger = provider.get_logger("shop")
    for name, body, attributes in events:
        logger.emit(LogRecord(timestamp=time.time_ns(), event_name=name, body=body, attributes=attributes))
    provider.shutdown()


def claude_code():
    """Log what Claude Code logs, by the SDK that it uses: it sends no spans."""
    where = {"session.id": "s", "prompt.id": "p"}
    named = {"user_prompt": {"prompt": QUESTION}, "api_request": {"model": "claude", "duration_ms": "120"}}
    named |= {"tool_result": {"tool_name": "Bash", "success": "false", "error": "exit 1"}}
    _log([(name, f"claude_code.{name}", {**where, "event.name": name, **found}) for name, found in named.items()])


def logfire():
    os.environ["LOGFIRE_CONSOLE"] = "false"
    import logfire

    logfire.configure()
    with logfire.span("support", **{"gen_ai.operation.name": "invoke_agent"}):
        with logfire.span("chat", **CHAT):
            pass
        with contextlib.suppress(KeyError), logfire.span("get_order", **TOOL):
            raise KeyError("A1")
    logfire.shutdown()


def openinference():
    from openinference.instrumentation import OITracer, TraceConfig, get_llm_attributes

    provider = _otel_provider()
    tracer = OITracer(provider.get_tracer("shop"), config=TraceConfig())

    @tracer.tool
    def get_order(order_id: str):
        raise KeyError(order_id)

    @tracer.agent
    def support(question):
        called = [{"id": CALL["id"], "function": CALL["function"]}]
        said = get_llm_attributes(
            input_messages=[{"role": "user", "content": question}],
            output_messages=[{"role": "assistant", "tool_calls": called}],
        )
        with tracer.start_as_current_span("chat", openinference_span_kind="llm", attributes=said):
            pass
        _tried(get_order)
        return "Sorry"

    support(QUESTION)
    provider.shutdown()


def mlflow():
    os.environ["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"  # not asked; mlflow-tracing alone has no other default
    os.environ["MLFLOW_EXPERIMENT_ID"] = "0"
    import mlflow

    @mlflow.trace(span_type="TOOL")
    def get_order(order_id):
        raise KeyError(order_id)

    @mlflow.trace(span_type="AGENT")
    def support(question):
        with mlflow.start_span(name="chat", span_type="CHAT_MODEL") as span:
            span.set_inputs({"messages": [{"role": "user", "content": question}]})
            span.set_outputs({"choices": [{"index": 0, "message": ANSWER}]})
        _tried(get_order)
        return "Sorry"

    support(QUESTION)
    mlflow.flush_trace_async_logging()
    time.sleep(6)  # its batches leave every five seconds, and it has no public way to say "now"


def _tried(tool):
    with contextlib.suppress(KeyError):
        tool("A1")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
