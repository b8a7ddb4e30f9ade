"""Operation: what a span did, whichever convention says so."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from webhooks.attribute_keys import GEN_AI_TOOL_NAME, KIND_KEYS
from webhooks.attributes import parsed, text
from webhooks.reading import once
from webhooks.trace import Span


class Operation(StrEnum):
    """What a span did, in the words of gen_ai.operation.name."""

    AGENT = "invoke_agent"
    LLM = "chat"
    TOOL = "execute_tool"
    RETRIEVER = "retrieval"
    EMBEDDING = "embeddings"
    OTHER = "other"


#: Every convention's word, lowercase -> Operation. A word that is not here is OTHER.
OPERATIONS = {
    "invoke_agent": Operation.AGENT,
    "agent": Operation.AGENT,
    "chat": Operation.LLM,
    "chat_model": Operation.LLM,
    "completion": Operation.LLM,
    "generate_content": Operation.LLM,
    "generation": Operation.LLM,
    "llm": Operation.LLM,
    "text_completion": Operation.LLM,
    "ai.generatetext.dogenerate": Operation.LLM,
    "ai.generateobject.dogenerate": Operation.LLM,
    "ai.streamtext.dostream": Operation.LLM,
    "ai.streamobject.dostream": Operation.LLM,
    "execute_tool": Operation.TOOL,
    "tool": Operation.TOOL,
    "ai.toolcall": Operation.TOOL,
    "retrieval": Operation.RETRIEVER,
    "retriever": Operation.RETRIEVER,
    "embedding": Operation.EMBEDDING,
    "embeddings": Operation.EMBEDDING,
    "ai.embed.doembed": Operation.EMBEDDING,
    "ai.embedmany.doembed": Operation.EMBEDDING,
}


@once
def operation(span: Span) -> Operation:
    """Return what the span did: the first key whose word is known decides."""
    return operation_of(span.attributes)


def operation_of(attributes: Mapping[str, Any]) -> Operation:
    """Return what a span with these attributes did."""
    for key in KIND_KEYS:
        value = attributes.get(key)
        if value is not None and (known := _known(value)):
            return known
    return Operation.TOOL if GEN_AI_TOOL_NAME in attributes else Operation.OTHER


def _known(value: object) -> Operation | None:
    # Nearly every value is a word as it stands: trying it first saves looking for JSON in it.
    known = OPERATIONS.get(value.lower()) if isinstance(value, str) else None
    return known or OPERATIONS.get((text(parsed(value)) or "").lower())
