"""The attribute keys and event names that are read, each with the page that defines it.

The one file to change when a convention moves.
"""

from webhooks.trace import RESPONSE_ID

# https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
GEN_AI_OPERATION = "gen_ai.operation.name"
GEN_AI_CONVERSATION = "gen_ai.conversation.id"
GEN_AI_SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
GEN_AI_INPUT_MESSAGES = "gen_ai.input.messages"
GEN_AI_OUTPUT_MESSAGES = "gen_ai.output.messages"
GEN_AI_TOOL_DEFINITIONS = "gen_ai.tool.definitions"
GEN_AI_TOOL_NAME = "gen_ai.tool.name"
GEN_AI_FINISH_REASONS = "gen_ai.response.finish_reasons"
GEN_AI_RESPONSE_ID = RESPONSE_ID
# https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-events.md
GEN_AI_EVALUATION = "gen_ai.evaluation"
GEN_AI_EVALUATION_EVENT = "gen_ai.evaluation.result"
GEN_AI_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
# Up to 1.36: https://github.com/open-telemetry/semantic-conventions/blob/v1.36.0/docs/gen-ai/gen-ai-events.md
GEN_AI_MESSAGE_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
GEN_AI_CHOICE_EVENT = "gen_ai.choice"
EVENTS = (
    "events"  # the same events as one attribute, each with its name: https://ai.pydantic.dev/logfire/#opentelemetry
)
EVENT_NAME = "event.name"
# Older still, JSON text or flattened: https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions
GEN_AI_PROMPT = "gen_ai.prompt"
GEN_AI_COMPLETION = "gen_ai.completion"
LLM_REQUEST_FUNCTIONS = "llm.request.functions"

# https://arize-ai.github.io/openinference/spec/semantic_conventions.html
INPUT_VALUE = "input.value"
OUTPUT_VALUE = "output.value"
LLM_INPUT_MESSAGES = "llm.input_messages"
LLM_OUTPUT_MESSAGES = "llm.output_messages"
LLM_PROMPTS = "llm.prompts"  # of completions that are not chats
LLM_TOOLS = "llm.tools"
LLM_INVOCATION_PARAMETERS = "llm.invocation_parameters"
LLM_FINISH_REASON = "llm.finish_reason"
EVALUATION_LISTS = (  # (flattened list, prefix of its fields)
    ("evaluations", "evaluation"),
    ("annotations", "annotation"),
    ("trace.evaluations", "evaluation"),
    ("trace.annotations", "annotation"),
    ("session.evaluations", "evaluation"),
    ("session.annotations", "annotation"),
)

# https://ai-sdk.dev/docs/ai-sdk-core/telemetry#collected-data
AI_PROMPTS = ("ai.prompt.messages", "ai.prompt")
AI_PROMPT_TOOLS = "ai.prompt.tools"
AI_RESPONSE_TEXTS = ("ai.response.text", "ai.response.object")
AI_RESPONSE_CALLS = "ai.response.toolCalls"
AI_FINISH_REASON = "ai.response.finishReason"

# What one thing is called in each convention, the most exact first. Beside those above:
# https://langfuse.com/integrations/native/opentelemetry#property-mapping (langfuse.*)
# https://docs.langchain.com/langsmith/trace-with-opentelemetry (langsmith.*)
# https://mlflow.org/docs/latest/genai/tracing/ (mlflow.*, JSON in a string)
KIND_KEYS = (
    GEN_AI_OPERATION,
    "openinference.span.kind",
    "langfuse.observation.type",
    "langsmith.span.kind",
    "traceloop.span.kind",
    "mlflow.spanType",
    "ai.operationId",
    "llm.request.type",
)
INPUT_KEYS = (
    INPUT_VALUE,
    "traceloop.entity.input",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    "input",
    "gen_ai.prompt",  # of any kind of run, when LangSmith's SDK sends spans
)
OUTPUT_KEYS = (
    OUTPUT_VALUE,
    "traceloop.entity.output",
    "langfuse.observation.output",
    "mlflow.spanOutputs",
    "output",
    "gen_ai.completion",
)
MODEL_KEYS = (
    "gen_ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "gen_ai.request.model",
    "llm.request.model_name",
    "embedding.model_name",
    "langfuse.observation.model.name",
    "ai.model.id",
)
PROVIDER_KEYS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
REQUEST_MODEL_KEYS = ("gen_ai.request.model", "llm.request.model_name", *MODEL_KEYS)
TOOL_NAME_KEYS = (GEN_AI_TOOL_NAME, "tool.name", "ai.toolCall.name", "traceloop.entity.name")
TOOL_CALL_ID_KEYS = ("gen_ai.tool.call.id", "tool_call.id", "tool.id", "ai.toolCall.id")
TOOL_ARGUMENT_KEYS = (
    "gen_ai.tool.call.arguments",
    "tool_call.function.arguments",
    "ai.toolCall.args",
    "tool_arguments",
    *INPUT_KEYS,
    "tool.parameters",
)
TOOL_RESULT_KEYS = ("gen_ai.tool.call.result", "ai.toolCall.result", "tool_response", *OUTPUT_KEYS)
INPUT_TOKEN_KEYS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
OUTPUT_TOKEN_KEYS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
#: US dollars of one call, where the tracer knew the price.
COST_KEYS = (
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "llm.cost.total",  # https://arize-ai.github.io/openinference/spec/semantic_conventions.html
    "operation.cost",  # pydantic-ai
)
SESSION_KEYS = (
    "session.id",  # https://opentelemetry.io/docs/specs/semconv/general/session/
    GEN_AI_CONVERSATION,
    "langfuse.session.id",
    "langfuse.observation.metadata.thread_id",  # LangGraph's conversation, by Langfuse's callback
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "traceloop.association.properties.session_id",
)
USER_KEYS = (
    "user.id",  # https://opentelemetry.io/docs/specs/semconv/registry/attributes/user/
    "enduser.id",
    "langfuse.user.id",
    "langsmith.metadata.user_id",
    "traceloop.association.properties.user_id",
)
SERVICE_NAME = "service.name"  # https://opentelemetry.io/docs/specs/semconv/resource/#service
RELEASE_KEYS = ("service.version", "vcs.ref.head.revision", "langfuse.release")
# https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/ (the second of each is the older name)
# https://opentelemetry.io/docs/specs/semconv/http/http-spans/ ; the bodies as Logfire and OpenLLMetry record them
HTTP_METHOD_KEYS = ("http.request.method", "http.method")
HTTP_URL_KEYS = ("url.full", "http.url")
HTTP_STATUS_KEYS = ("http.response.status_code", "http.status_code")
HTTP_SENT_KEYS = ("http.request.body.text", "http.request.body")
HTTP_BODY_KEYS = ("http.response.body.text", "http.response.body")
HTTP_CONTENT_TYPE_KEYS = ("http.response.header.content-type", "http.response.header.content_type")
HTTP_RETRY_AFTER_KEYS = ("http.response.header.retry-after", "http.response.header.retry_after")
FILE_KEYS = ("code.file.path", "code.filepath")
LINE_KEYS = ("code.line.number", "code.lineno")
ERROR_TYPE = "error.type"  # https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
EXCEPTION_TYPE = "exception.type"
EXCEPTION = "exception"  # https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/

#: Provider's words for a finish reason -> OpenAI's; any other word stays.
FINISH_REASONS = {
    "max_tokens": "length",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "tool-calls": "tool_calls",
    "content-filter": "content_filter",
}
# Parameters of a chat completions request that the GenAI conventions record one by one.
REQUEST_PARAMETERS = ("temperature", "top_p", "max_tokens", "frequency_penalty", "presence_penalty", "seed")
