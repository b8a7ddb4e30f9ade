"""A customer's rating, added to the trace of the conversation that it is about."""

from opentelemetry import trace

from support_agent.telemetry import tracer


def record(conversation: trace.SpanContext, *, helpful: bool, comment: str = "") -> None:
    """Add a thumbs-up or thumbs-down; the conversation's own span has ended, so it gets a child."""
    parent = trace.set_span_in_context(trace.NonRecordingSpan(conversation))
    with tracer().start_as_current_span("user_feedback", context=parent) as span:
        attributes: dict[str, str | float] = {
            "gen_ai.evaluation.name": "user_feedback",
            "gen_ai.evaluation.score.value": 1.0 if helpful else 0.0,
            "gen_ai.evaluation.score.label": "thumbs_up" if helpful else "thumbs_down",
        }
        if comment:
            attributes["gen_ai.evaluation.explanation"] = comment
        span.add_event("gen_ai.evaluation.result", attributes)
