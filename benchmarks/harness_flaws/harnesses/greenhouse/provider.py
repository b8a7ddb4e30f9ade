"""Chat completions over HTTP."""

import os
import time

import httpx

import spans

MODEL = os.environ.get("KEEPER_MODEL", "scripted-1")
CONNECT_TIMEOUT_S = 0.4
READ_TIMEOUT_S = 30.0
TRIES = 4
RETRY_STATUS = {429, 500, 502, 503}
FIRST_WAIT_S = 0.15
LONGEST_WAIT_S = 20.0


class Provider:
    def __init__(self, base_url=None, key=None, transport=None):
        self.http = httpx.Client(
            base_url=base_url or os.environ["OPENAI_BASE_URL"],
            headers={"Authorization": f"Bearer {key or os.environ.get('OPENAI_API_KEY', '')}"},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            transport=transport,
        )

    def complete(self, messages, tools):
        """Return the assistant's message."""
        body = {"model": MODEL, "messages": messages, "tools": tools}
        for attempt in range(1, TRIES + 1):
            with spans.model_call(body) as span:
                response = self.http.post("/chat/completions", json=body)
                if response.status_code == 200:
                    span.output(response.text)
                    return response.json()["choices"][0]["message"]
                if response.status_code in RETRY_STATUS and attempt < TRIES:
                    span.failed(httpx.HTTPStatusError(_said(response), request=response.request, response=response))
                else:
                    response.raise_for_status()
            time.sleep(wait_s(response, attempt))


def wait_s(response, attempt):
    """Seconds until the next try: what the provider says, else twice as long each time."""
    try:
        told = float(response.headers.get("retry-after", ""))
    except ValueError:
        told = FIRST_WAIT_S * 2 ** (attempt - 1)
    return min(told, LONGEST_WAIT_S)


def _said(response):
    return f"HTTP {response.status_code} from {response.request.url}: {response.text[:300]}"
