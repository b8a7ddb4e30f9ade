"""Replace what differs from one occurrence to the next by typed placeholders, so that equal causes read alike."""

import re
from http import HTTPStatus

MAX_CHARS = 4_000

# What is tried first wins; `keep` is kept as it is. Every pattern is bounded, since the text is hostile.
PATTERNS = {
    "keep": (
        r"\b(?:error code|status code|status|http(?:/[\d.]{1,3})?|(?:client|server) error)[:= ]{1,2}[1-5]\d\d\b"
        rf"|\b(?=[1-5]\d\d )(?:{'|'.join(re.escape(f'{status.value} {status.phrase}') for status in HTTPStatus)})\b"
    ),
    "url": r"\b[a-z][a-z+.\-]{1,15}://[^\s\"'<>)\]}]{1,2000}",
    "email": r"\b[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4}",
    "uuid": r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
    "date": (
        r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+\-]\d\d:?\d\d)?)?"
        r"|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"
        r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?\b"
    ),
    "time": r"\b\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?\b",
    "ip": r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b",
    "path": r"(?<![\w/])(?:[a-z]:\\|~?/|\.{1,2}/)(?:[\w.\-@+]{1,255}[\\/]){0,40}[\w.\-@+]{2,255}"
    r"(?:\?[\w\-.%]{1,100}=[^\s\"'<>)\]}]{0,2000})?",
    "amount": (
        r"[$€£¥] ?\d[\d,.]{0,20}"
        r"|\b\d[\d,.]{0,20} ?(?:usd|eur|gbp|dollars|euros|cents)\b|\b\d[\d.,]{0,20} ?[€£]"
    ),
    "duration": r"\b\d[\d.]{0,15} ?(?:ms|milliseconds?|s|secs?|seconds?|min|mins|minutes?|hours?|days?)\b",
    "hex": r"\b0x[0-9a-f]{1,64}\b|\b(?=[0-9a-f]{0,63}\d)(?=[0-9a-f]{0,63}[a-f])[0-9a-f]{8,64}\b",
    "id": (
        r"#[a-z]{0,4}\d[\w\-]{0,63}"
        r"|\b(?=[a-z0-9_\-]{0,40}\d)(?=[a-z0-9_\-]{0,40}[a-z])[a-z0-9]{1,40}(?:[_\-][a-z0-9]{1,40}){1,8}\b"
        r"|\b(?=[a-z]{0,40}\d)[a-z]{1,40}\d[a-z0-9]{2,40}\b"
        r"|\b\d{1,40}[a-z][a-z0-9]{2,40}\b"
    ),
    "number": r"(?<![\w.])[+\-]?\d(?:[\d,]{0,20}\d)?(?:\.\d{1,20})?(?:e[+\-]?\d{1,3})?%?(?!\w)",
}
MASKS = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS.items()), re.IGNORECASE)
#: What stands for something that differed.
PLACEHOLDER = re.compile(rf"<(?:{'|'.join(name for name in PATTERNS if name != 'keep')}|value)>")

# A quoted name after one of these words belongs to the code, and tells one bug from another.
CODE_WORDS = (
    r"argument|attribute|column|field|function|key|keyerror|keyword|method|module|named|option|parameter|property|tool"
)
NAMED = re.compile(
    rf"\b(?P<word>(?:{CODE_WORDS}):?) ?[(]?(?P<quote>['\"`])(?P<name>[A-Za-z_][\w.]{{0,80}})(?P=quote)", re.IGNORECASE
)
TYPE = re.compile(r"(?P<quote>['\"`])(?P<name>[A-Za-z_][\w.]{0,80})(?P=quote)(?= object\b)")  # 'NoneType' object
QUOTED = re.compile(r"'(?P<single>[^'\n]{0,400})'(?!\w)|\"(?P<double>[^\"\n]{0,400})\"|`(?P<back>[^`\n]{0,400})`")
PROSE = 4  # words; a quotation of so many is a message, not a value
SPACE = re.compile(r"\s+")


def mask(text: str) -> str:
    """Return `text` on one line, with ids, numbers, dates, amounts, paths, addresses and quoted values masked."""
    named = NAMED.sub(lambda match: f"{match['word']} {match['name']}", text[:MAX_CHARS])
    named = TYPE.sub(lambda match: match["name"], named)
    return SPACE.sub(" ", MASKS.sub(_placeholder, QUOTED.sub(_quotation, named))).strip()


def _placeholder(match: re.Match[str]) -> str:
    return match.group() if match.lastgroup == "keep" else f"<{match.lastgroup}>"


def _quotation(match: re.Match[str]) -> str:
    """Keep a quoted sentence, but for what it quotes, and a key of a JSON object; any other quotation is a value."""
    said: str = match["single"] or match["double"] or match["back"] or ""
    is_key = match.string[match.end() : match.end() + 1] == ":"
    if len(said.split()) >= PROSE or (is_key and said.isidentifier()):
        return QUOTED.sub(_quotation, said)
    masked = MASKS.fullmatch(said)
    return _placeholder(masked) if masked else "<value>"
