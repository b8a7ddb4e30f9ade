"""Find the ingestion key in a request, wherever its SDK puts what it calls its API key. No I/O."""

import binascii
from base64 import b64decode
from collections.abc import Mapping


def ingestion_key(headers: Mapping[str, str]) -> str:
    """Return the key that a request carries; empty when it carries none.

    Parameters
    ----------
    headers
        The request's; names in lowercase, or a mapping that ignores case.

    """
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    match scheme.lower(), credentials.strip():
        case "bearer", token if token:  # OTLP by its headers' setting, OpenLLMetry, OpenAI Agents
            return token
        case "basic", token if token:  # Langfuse: public key and secret key; ours is the secret
            return _password(token)
        case token, "" if token not in ("", "bearer", "basic"):  # Logfire sends it bare
            return scheme
        case _:
            return headers.get("x-api-key", "")  # LangSmith


def _password(token: str) -> str:
    try:
        return b64decode(token, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
