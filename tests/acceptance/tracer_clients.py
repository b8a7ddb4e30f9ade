"""Small agents, each traced by one real SDK; run by test_tracers.py with the interpreter of the SDK's own venv.

Each asks a model once, calls a tool that raises KeyError, and ends with a thumbs-down where its SDK has one.
Usage: tracer_clients.py langsmith|langsmith_slow|langfuse|openai_agents|otlp BASE_URL KEY
"""
# ruff: noqa: PLC0415, ANN001, ANN201, ANN202, ARG001  # one SDK a function and a venv; agents as their owners write them

import contextlib
import os
import sys
import time

QUESTION = "Where is A1?"
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"order_id": "A1"}'}}
ANSWER = {"role": "assistant", "content": None, "tool_calls": [CALL]}


def langsmith(base_url, key, *, takes_s=0.0):
    os.environ |= {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": f"{base_url}/langsmith"}
    os.environ |= {"LANGSMITH_API_KEY": key, "LANGSMITH_PROJECT": "shop"}
    from langsmith import Client, get_current_run_tree, traceable

    client = Client()
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
    client.create_feedback(runs[0].id, key="thumb", score=0, trace_id=runs[0].trace_id)
    client.flush()


def langsmith_slow(base_url, key):
    langsmith(base_url, key, takes_s=1.0)  # long enough for its start and its end to travel apart


def langfuse(base_url, key):
    os.environ |= {"LANGFUSE_BASE_URL": base_url, "LANGFUSE_HOST": base_url}
    os.environ |= {"LANGFUSE_PUBLIC_KEY": "pk-lf-shop", "LANGFUSE_SECRET_KEY": key}
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


def openai_agents(base_url, key):
    from agents.tracing import (
        agent_span,
        function_span,
        generation_span,
        get_trace_provider,
        set_trace_processors,
        trace,
    )
    from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor

    exporter = BackendSpanExporter(api_key=key, endpoint=f"{base_url}/v1/traces/ingest")
    set_trace_processors([BatchTraceProcessor(exporter)])
    with trace("shop"), agent_span(name="support"):
        with generation_span(input=[{"role": "user", "content": QUESTION}], output=[ANSWER]):
            pass
        with function_span(name="get_order", input='{"order_id": "A1"}') as called:
            called.set_error({"message": "Error running tool", "data": {"error": "KeyError"}})
    get_trace_provider().shutdown()


def _tried(tool):
    with contextlib.suppress(KeyError):
        tool("A1")


if __name__ == "__main__":
    clients = {client.__name__: client for client in (langsmith, langsmith_slow, langfuse, openai_agents)}
    clients[sys.argv[1]](*sys.argv[2:])
