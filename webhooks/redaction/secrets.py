"""The secrets that are looked for: tokens that name their issuer, and values that are given under a telling name.

Each pattern starts at a literal that its issuer chose to be found by. There is no rule on entropy: on traces, ids and
hashes set it off far more often than secrets do. Sources: the issuers' documentation and https://github.com/gitleaks/gitleaks.
"""

import re

from webhooks.redaction.rule import Rule

# "token" alone is not among them: `max_tokens` and the tokens of log probabilities are in most traces.
NAMES = (
    rb"(?i:pass(?:word|wd|phrase)|pwd|secret(?:[_-]?key)?|authorization|connection[_-]?string"
    rb"|(?:api|access|auth|private)[_-]?key"
    rb"|(?:access|auth|refresh|bearer|id|session|client|webhook)[_-]?(?:token|secret))"
)
NAME_WORDS = ("password", "passwd", "passphrase", "pwd=", 'pwd"', "secret", "authorization", "connection", "token")
KEY_WORDS = ("_key", "-key", "ikey", "skey", "hkey", "ekey")
NAME_ANCHORS = (
    *(spelling.encode() for word in NAME_WORDS for spelling in (word, word.upper(), word.capitalize())),
    *(spelling.encode() for word in KEY_WORDS for spelling in (word, word.upper(), word[0] + "Key")),
)

# What documentation, schemas and forms put where a secret would be.
STAND_INS = frozenset(
    b"string object array number boolean integer required optional missing invalid incorrect expired null none "
    b"true false redacted hidden masked changeme example undefined default unknown".split()
)
MIN_CANARY_LENGTH = 8
MIN_MIXED_LENGTH = 8
QUOTES = rb"[\"'\\]"
VALUE = rb"[^\s\"'\\,;&<>\[\]{}()]"


def is_secret_value(value: bytes) -> bool:
    """Return whether a value under a telling name can be a secret: no stand-in, no template, no row of stars."""
    return value.lower() not in STAND_INS and not value.startswith((b"$", b"%")) and len(set(value)) > 2  # noqa: PLR2004  # x, * and a dot


def is_mixed(value: bytes) -> bool:
    """Return whether a value has letters and digits, as generated secrets have and words of a sentence have not."""
    return (
        len(value) >= MIN_MIXED_LENGTH
        and is_secret_value(value)
        and re.search(rb"[0-9]", value) is not None
        and re.search(rb"[A-Za-z]", value) is not None
    )


def canary(secret: str) -> Rule:
    """Return the rule for one exact value that the operator knows, as plain text or in JSON of any depth.

    Raises
    ------
    ValueError
        When the value has fewer than eight characters, and so would be found in ordinary text.

    """
    if len(secret) < MIN_CANARY_LENGTH:
        raise ValueError(f"a canary needs at least {MIN_CANARY_LENGTH} characters, got {len(secret)}")
    return Rule(name="canary", pattern=b"".join(map(_spellings, secret)), anchors=(secret.encode(),))


#: The most telling first: where two match, the first takes the secret.
SECRETS = (
    Rule(
        name="pem-block",
        # A tracer that cuts long values leaves no END, so the end is optional.
        pattern=rb"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\:,]|-[A-Za-z0-9])*"
        rb"(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)?",
        anchors=(b"PRIVATE KEY",),
    ),
    # The dots hold the stateless installation tokens, ghs_<app>_<jwt>, in which `_` leaves a JWT rule no boundary:
    # https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    Rule(
        name="github-token",
        pattern=rb"gh[pousr]_[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+){0,2}",
        anchors=(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
    ),
    Rule(name="github-fine-grained", pattern=rb"github_pat_[A-Za-z0-9_]{22,}", anchors=(b"github_pat_",)),
    Rule(
        name="gitlab", pattern=rb"gl(?:pat|dt|rt|ptt|cbt|ft|soat)-[A-Za-z0-9_.-]{16,}", anchors=(b"glpat-", b"glptt-")
    ),
    Rule(
        name="aws-access-id",
        pattern=rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
        anchors=(b"AKIA", b"ASIA", b"ABIA", b"ACCA"),
        bounded=True,
    ),
    Rule(
        name="aws-secret-access",
        pattern=rb"(?i:aws_?secret_?(?:access_?)?key)[\"'\\]*\s*[:=]+\s*[\"'\\]*([A-Za-z0-9/+\\]{40,})",
        anchors=(b"aws_secret", b"AWS_SECRET", b"SecretAccess"),
    ),
    Rule(name="anthropic", pattern=rb"sk-ant-[A-Za-z0-9_-]{16,}", anchors=(b"sk-ant-",)),
    Rule(
        name="openai",
        pattern=rb"sk-(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
        anchors=(b"sk-proj-", b"sk-svcacct-", b"sk-admin-", b"sk-or-v1-", b"T3BlbkFJ"),
    ),
    Rule(name="openai-like", pattern=rb"sk-(?:lf-)?[A-Za-z0-9-]{32,}", anchors=(b"sk-",), bounded=True, check=is_mixed),
    Rule(name="google", pattern=rb"AIza[A-Za-z0-9_-]{35}", anchors=(b"AIza",)),
    Rule(
        name="google-oauth",
        pattern=rb"GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,}",
        anchors=(b"GOCSPX-", b"ya29."),
    ),
    Rule(name="huggingface", pattern=rb"(?:hf|api_org)_[A-Za-z0-9]{30,}", anchors=(b"hf_", b"api_org_"), bounded=True),
    Rule(name="groq", pattern=rb"gsk_[A-Za-z0-9]{40,}", anchors=(b"gsk_",)),
    Rule(name="xai", pattern=rb"xai-[A-Za-z0-9]{40,}", anchors=(b"xai-",), bounded=True),
    Rule(name="replicate", pattern=rb"r8_[A-Za-z0-9]{37,}", anchors=(b"r8_",), bounded=True),
    Rule(name="langsmith", pattern=rb"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", anchors=(b"lsv2_pt_", b"lsv2_sk_")),
    Rule(
        name="slack",
        pattern=rb"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}",
        anchors=(b"xoxb-", b"xoxp-", b"xoxa-", b"xoxo-", b"xoxe-", b"xoxs-", b"xoxr-", b"xapp-"),
    ),
    Rule(
        name="chat-webhook",
        pattern=rb"hooks\.slack\.com(?:\\*/)(?:services|workflows)(?:\\*/)[A-Za-z0-9_/\\-]{20,}"
        rb"|discord(?:app)?\.com(?:\\*/)api(?:\\*/)webhooks(?:\\*/)[A-Za-z0-9_/\\-]{40,}",
        anchors=(b"/services/", b"/workflows/", b"/api/webhooks/"),
    ),
    Rule(
        name="stripe",
        pattern=rb"(?:[sr]k_(?:live|test|prod)|whsec)_[A-Za-z0-9+/=]{16,}",
        anchors=(b"k_live_", b"k_test_", b"whsec_"),
    ),
    Rule(name="npm", pattern=rb"npm_[A-Za-z0-9]{36}", anchors=(b"npm_",)),
    Rule(name="pypi", pattern=rb"pypi-AgE[A-Za-z0-9_-]{50,}", anchors=(b"pypi-AgE",)),
    Rule(name="sendgrid", pattern=rb"SG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}", anchors=(b"SG.",), bounded=True),
    Rule(name="twilio", pattern=rb"(?:SK|AC)[0-9a-f]{32}", bounded=True),
    Rule(name="telegram", pattern=rb"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}", anchors=(b":AA",), bounded=True),
    Rule(name="digitalocean", pattern=rb"do[opr]_v1_[a-f0-9]{64}", anchors=(b"dop_v1_", b"doo_v1_", b"dor_v1_")),
    Rule(
        name="shopify",
        pattern=rb"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
        anchors=(b"shpat_", b"shpca_", b"shppa_", b"shpss_"),
    ),
    Rule(name="databricks", pattern=rb"dapi[a-f0-9]{32}", anchors=(b"dapi",), bounded=True),
    Rule(name="vault", pattern=rb"hv[sb]\.[A-Za-z0-9_-]{24,}", anchors=(b"hvs.", b"hvb."), bounded=True),
    Rule(name="docker", pattern=rb"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", anchors=(b"dckr_",)),
    Rule(name="linear", pattern=rb"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", anchors=(b"lin_api_", b"lin_oauth_")),
    Rule(name="notion", pattern=rb"ntn_[A-Za-z0-9]{40,}", anchors=(b"ntn_",)),
    Rule(name="atlassian", pattern=rb"ATATT3[A-Za-z0-9_=-]{50,}", anchors=(b"ATATT3",)),
    Rule(name="sentry", pattern=rb"sntry[su]_[A-Za-z0-9+/=_-]{40,}", anchors=(b"sntrys_", b"sntryu_")),
    Rule(name="grafana", pattern=rb"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}", anchors=(b"glsa_", b"glc_")),
    Rule(name="newrelic", pattern=rb"NRAK-[A-Z0-9]{27}", anchors=(b"NRAK-",)),
    Rule(name="azure-storage", pattern=rb"AccountKey=([A-Za-z0-9+/\\]{80,}={0,2})", anchors=(b"AccountKey=",)),
    Rule(name="age", pattern=rb"AGE-SECRET-KEY-1[A-Z0-9]{58}", anchors=(b"AGE-SECRET-KEY-1",)),
    Rule(
        name="jwt",
        pattern=rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?",
        anchors=(b".eyJ",),
    ),
    Rule(
        name="http-bearer",
        pattern=rb"(?i:bearer)\s+([A-Za-z0-9._~+/=-]{16,})",
        anchors=(b"Bearer ", b"bearer "),
        bounded=True,
        check=is_mixed,
    ),
    Rule(
        name="http-basic",
        pattern=rb"(?i:authorization[\"'\\]*\s*[:=]\s*[\"'\\]*basic)\s+([A-Za-z0-9+/=_-]{8,})",
        anchors=(b"Basic ",),
    ),
    Rule(
        name="url-userinfo",
        pattern=rb"[A-Za-z]:(?:\\*/){2}[^\s:/@\"'\\<>\[\]{}]*:([^\s/@\"'\\<>\[\]{}]{3,})@[A-Za-z0-9]",
        anchors=(b"https://", b"postgres", b"mysql", b"mongodb", b"redis", b"amqp", b"smtp"),
        check=is_secret_value,
    ),
    Rule(
        name="named-value",
        pattern=NAMES + QUOTES + rb"+\s*[:=]\s*" + QUOTES + rb"+(" + VALUE + rb"{4,})",
        anchors=NAME_ANCHORS,
        check=is_secret_value,
    ),
    Rule(
        name="assigned-value",
        pattern=NAMES + QUOTES + rb"*\s*(?:=>|:=|==?|:)\s*" + QUOTES + rb"*(" + VALUE + rb"*[0-9]" + VALUE + rb"*)",
        anchors=NAME_ANCHORS,
        check=is_mixed,
    ),
)


def _spellings(letter: str) -> bytes:
    """Return the pattern of one character of a canary: itself, or what JSON, however deep, makes of it."""
    plain = b"".join(rb"\x%02x" % byte for byte in letter.encode())
    if letter in LETTERS_OF_ESCAPES:
        return rb"(?:%b|\\+%b)" % (plain, LETTERS_OF_ESCAPES[letter])
    if letter in '"/':
        return rb"\\*" + plain
    if letter == "\\":
        return rb"\\+"
    if letter.isascii():
        return plain
    units = letter.encode("utf-16-be")
    escapes = b"".join(rb"\\+u(?i:%04x)" % int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return rb"(?:%b|%b)" % (plain, escapes)


LETTERS_OF_ESCAPES = {"\n": b"n", "\r": b"r", "\t": b"t"}
