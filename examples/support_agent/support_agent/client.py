"""The model provider's client."""

import os

from openai import OpenAI

REQUEST_TIMEOUT_S = 30.0


def build_client() -> OpenAI:
    """Build the client; base URL and key come from the OPENAI_* variables."""
    return OpenAI(timeout=REQUEST_TIMEOUT_S, max_retries=0)


def model_name() -> str:
    return os.environ.get("SUPPORT_MODEL", "shop-1")
