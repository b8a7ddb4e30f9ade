"""Secrets that look like real ones and are not: made from a seed, so that no file of the repository holds one."""

import json
import random
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote
from uuid import UUID

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
ZERO_WIDTH = "\u200b"


def _some(rng: random.Random, n: int, letters: str = ALNUM) -> str:
    return "".join(rng.choices(letters, k=n - 2)) + "a7"  # both a letter and a digit, as any generated secret has


def _jwt(rng: random.Random) -> str:
    head = urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT"}').decode().rstrip("=")
    claims = urlsafe_b64encode(json.dumps({"sub": _some(rng, 12)}).encode()).decode().rstrip("=")
    return f"{head}.{claims}.{_some(rng, 43)}"


#: Kind -> the secret, from a random generator.
KINDS: dict[str, Callable[[random.Random], str]] = {
    "github classic": lambda rng: "ghp_" + _some(rng, 36),
    "github oauth": lambda rng: "gho_" + _some(rng, 36),
    "github installation": lambda rng: "ghs_" + _some(rng, 36),
    "github stateless": lambda rng: f"ghs_{rng.randrange(10**6, 10**7)}_{_jwt(rng)}",
    "github fine-grained": lambda rng: f"github_pat_{_some(rng, 22)}_{_some(rng, 59)}",
    "gitlab": lambda rng: "glpat-" + _some(rng, 20),
    "aws id": lambda rng: "AKIA" + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
    "anthropic": lambda rng: f"sk-ant-api03-{_some(rng, 93)}AA",
    "openai project": lambda rng: f"sk-proj-{_some(rng, 74)}T3BlbkFJ{_some(rng, 74)}",
    "openai legacy": lambda rng: f"sk-{_some(rng, 20)}T3BlbkFJ{_some(rng, 20)}",
    "openrouter": lambda rng: "sk-or-v1-" + _some(rng, 64, HEX),
    "google": lambda rng: "AIza" + _some(rng, 35),
    "google oauth": lambda rng: "GOCSPX-" + _some(rng, 28),
    "huggingface": lambda rng: "hf_" + _some(rng, 34),
    "groq": lambda rng: "gsk_" + _some(rng, 52),
    "langsmith": lambda rng: f"lsv2_pt_{_some(rng, 32, HEX)}_{_some(rng, 10, HEX)}",
    "slack bot": lambda rng: f"xoxb-{rng.randrange(10**11)}-{rng.randrange(10**12)}-{_some(rng, 24)}",
    "slack webhook": lambda rng: f"hooks.slack.com/services/T{_some(rng, 8)}/B{_some(rng, 10)}/{_some(rng, 24)}",
    "stripe": lambda rng: "sk_live_" + _some(rng, 24),
    "npm": lambda rng: "npm_" + _some(rng, 36),
    "pypi": lambda rng: "pypi-AgEIcHlwaS5vcmc" + _some(rng, 80),
    "sendgrid": lambda rng: f"SG.{_some(rng, 22)}.{_some(rng, 43)}",
    "telegram": lambda rng: f"{rng.randrange(10**8, 10**10)}:AA{_some(rng, 33)}",
    "digitalocean": lambda rng: "dop_v1_" + _some(rng, 64, HEX),
    "shopify": lambda rng: "shpat_" + _some(rng, 32, HEX),
    "databricks": lambda rng: "dapi" + _some(rng, 32, HEX),
    "vault": lambda rng: "hvs." + _some(rng, 90),
    "jwt": _jwt,
    "pem": lambda rng: f"-----BEGIN PRIVATE KEY-----\n{_some(rng, 64)}\n{_some(rng, 64)}\n-----END PRIVATE KEY-----",
}
#: Kind -> the secret within what tells that it is one.
NAMED: dict[str, Callable[[str], str]] = {
    "aws secret": lambda secret: f"aws_secret_access_key = {secret * 2}",
    "database url": lambda secret: f"postgresql://shop:{secret}@db.internal:5432/shop",
    "bearer": lambda secret: f"Authorization: Bearer {secret}",
    "assignment": lambda secret: f"DB_PASSWORD={secret}",
    "json field": lambda secret: json.dumps({"user": "ada", "api_key": secret}),
    "json in json": lambda secret: json.dumps(json.dumps({"client_secret": secret})),
}

#: Disguise -> how a text is written in it.
DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 of more": lambda text: b64encode(f"the key is {text}, keep it".encode()).decode(),
    "base64 for urls": lambda text: urlsafe_b64encode(f"?{text}?".encode()).decode().rstrip("="),
    "data url": lambda text: "data:text/plain;base64," + b64encode(f"> {text}\n".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent, as libraries do": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote("".join(f"%{byte:02x}" for byte in text.encode())),
    "zero-width": ZERO_WIDTH.join,
    "fullwidth": lambda text: "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text),
    "escaped": lambda text: json.dumps({"note": ZERO_WIDTH.join(text)}),
}


def planted(n: int, *, seed: int) -> list[tuple[str, str, str]]:
    """Return n secrets as (kind and disguise, the secret, the text that holds it), every pair of both in turn."""
    rng = random.Random(seed)
    makers = {**KINDS, **{name: lambda rng: _some(rng, 24) for name in NAMED}}
    pairs = [(kind, disguise) for kind in makers for disguise in DISGUISES]
    found = []
    for number in range(n):
        kind, disguise = pairs[number % len(pairs)]
        secret = makers[kind](rng)
        text = NAMED[kind](secret) if kind in NAMED else secret
        found.append((f"{kind}, {disguise}", secret, DISGUISES[disguise](text)))
    return found


def forms(secret: str) -> list[str]:
    """Return the spellings in which a secret must not be found any more."""
    secret = max(secret.splitlines(), key=len)  # JSON writes line ends in another way
    return [secret, *(disguise(secret) for name, disguise in DISGUISES.items() if name in WHOLE)]


WHOLE = {"base64", "hex", "percent", "zero-width", "fullwidth"}


def benign(n: int, *, seed: int) -> list[str]:
    """Return n lines as traces hold them: ids, hashes, prices, images, prose about passwords. No secret in any."""
    rng = random.Random(seed)
    makers: tuple[Callable[[], str], ...] = (
        lambda: f"trace_id={_some(rng, 32, HEX)} span_id={_some(rng, 16, HEX)}",
        lambda: f"order {UUID(bytes=rng.randbytes(16), version=4)}",
        lambda: f"commit {_some(rng, 40, HEX)} sha256:{_some(rng, 64, HEX)}",
        lambda: f"The total is ${rng.randrange(10**5) / 100:.2f} for {rng.randrange(9)} items, tax 19 %.",
        lambda: "data:image/png;base64," + b64encode(b"\x89PNG\r\n" + rng.randbytes(600)).decode(),
        lambda: json.dumps(
            {"max_tokens": rng.randrange(4096), "prompt_tokens": rng.randrange(9999), "token": " hello"}
        ),
        lambda: f"call_{_some(rng, 24)} chatcmpl-{_some(rng, 29)} resp_{_some(rng, 48, HEX)} msg_{_some(rng, 24)}",
        lambda: json.dumps(
            {"password": {"type": "string", "description": "The user's password"}, "required": ["password"]}
        ),
        lambda: "I forgot my password: please help, the password is incorrect, the secret: unknown.",
        lambda: f"https://shop.example/orders/{rng.randrange(10**6)}?q=red%20shoes%2C%20size%2042&page=2",
        lambda: f"{rng.randrange(10**18, 2 * 10**18)} ns, 2026-05-01T12:00:00.{rng.randrange(10**6):06}Z",
        lambda: f"risk-{_some(rng, 10)} task-{_some(rng, 20)} disk-{rng.randrange(100)} sketch: {_some(rng, 7)}",
        lambda: (
            "\u8ba2\u5355\uff0c\u8bf7\u5e2e\u5fd9\u3002 \U0001f468\u200d\U0001f469\u200d\U0001f467 na\u00efve caf\u00e9"
        ),
        lambda: f"embedding [{', '.join(f'{rng.uniform(-1, 1):.6f}' for _ in range(12))}]",
        lambda: f'File "/srv/app/tools.py", line {rng.randrange(999)}, in password_reset: KeyError("api_key")',
        lambda: f'arn:aws:iam::{rng.randrange(10**12):012}:role/app etag W/"{_some(rng, 27)}"',
    )
    return [makers[number % len(makers)]() for number in range(n)]
