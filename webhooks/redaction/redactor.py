"""Redactor: the rules, compiled, that replace the secrets of a text.

Hyperscan says whether a whole body is suspect, for all patterns at once and at the same speed whatever the bytes; RE2,
which knows groups and never backtracks, finds what to replace in the few that are.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import hyperscan
import re2

from webhooks.redaction.placeholder import SHAPE, placeholder
from webhooks.redaction.rule import Rule
from webhooks.redaction.secrets import NAMES, is_secret_value
from webhooks.redaction.views import View, views

# Base64 within percent-encoding within base64; each level deeper multiplies the work that a hostile text can cause.
DEPTH = 3
# A replacement can leave a boundary where a second secret now begins; two passes have been enough in every trial.
PASSES = 4
# The automaton's states are cached up to this size; it grows only with texts that need it.
MAX_MEMORY_BYTES = 64 << 20

# Where an attribute's name and its value stand apart, the name alone is the hint: protobuf's next field, JSON's key.
NAMES_APART = (rb"(?i:" + NAMES + rb")\x12", rb"(?i:\"key\"\s*:\s*\"[^\"]*" + NAMES + rb"\")")

# A word begins after what is no letter or digit, and after what only ends in one: the escapes of JSON in JSON, of URLs
# and of a terminal's colours.
BEFORE = rb"(?:^|[^A-Za-z0-9]|\\(?:[bfnrt]|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2}|\[[0-9;]{0,8}m)"

Step = Callable[["_Pass", bytes], bytes]


class Redactor:
    """Replaces secrets in text, in linear time. Immutable once built; threads may share one.

    Parameters
    ----------
    rules
        What to look for; where two rules match, the first takes the secret.

    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        options = _options()
        self._set = re2.Set.SearchSet(options)
        self._patterns: list[bytes] = []
        #: Pattern of the set, by number -> what to do when it is found; None when it only says "look closer".
        self._steps: list[int | None] = []
        self._order: list[Step] = []
        for rule in rules:
            self._add((rule.pattern,), partial(_replace, rule, _compile(_bounded(rule))))
        anchors = sorted({anchor for rule in rules for anchor in rule.anchors})
        for view in views(anchors) if anchors else ():
            self._add(view.triggers, partial(_look_behind, view, _compile(view.run)))
        for hint in NAMES_APART:
            self._note(hint, None)
        self._set.Compile()
        self._database = hyperscan.Database()
        flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(self._patterns)
        self._database.compile(expressions=self._patterns, flags=flags)
        self._local = threading.local()
        self._name = _compile(rb"(?i:(?:.*[^A-Za-z])?(?:" + NAMES + rb"))")
        self._placeholder = _compile(SHAPE)

    def suspects(self, body: bytes) -> bool:
        """Return whether a body may hold a secret. One pass over the bytes, whatever the number of rules."""
        try:
            self._database.scan(body, match_event_handler=_stop, scratch=self._scratch())
        except hyperscan.ScanTerminated:
            return True
        return False

    def redact(self, text: bytes, *, key: bytes, counts: Counter[str]) -> bytes:
        """Return the text with its secrets replaced, and add to `counts`, by the name of the rule.

        Parameters
        ----------
        text
            Any bytes; what is not text is left alone unless a secret stands in it.
        key
            The tenant's, for placeholders.
        counts
            Added to.

        """
        return _Pass(self, key, counts).rewrite(text)

    def redact_text(self, text: str, *, key: bytes, counts: Counter[str]) -> str:
        """Do as `redact` does, for text."""
        before = text.encode(errors="surrogatepass")
        after = self.redact(before, key=key, counts=counts)
        return text if after == before else after.decode(errors="replace")

    def redact_named(self, name: str, value: str, *, key: bytes, counts: Counter[str]) -> str:
        """Return an attribute's value, redacted; the whole of it when its name says that it is a secret."""
        found = self.redact_text(value, key=key, counts=counts)
        if found != value or not self._names_secret(name) or not self._is_secret(value):
            return found
        counts["named-value"] += 1
        return placeholder("named-value", value.encode(errors="surrogatepass"), key=key).decode()

    def _names_secret(self, name: str) -> bool:
        return self._name.fullmatch(name.encode(errors="surrogatepass")) is not None

    def _is_secret(self, value: str) -> bool:
        text = value.encode(errors="surrogatepass")
        return " " not in value and is_secret_value(text) and self._placeholder.search(text) is None

    def _add(self, patterns: Sequence[bytes], step: Step) -> None:
        for pattern in patterns:
            self._note(pattern, len(self._order))
        self._order.append(step)

    def _note(self, pattern: bytes, step: int | None) -> None:
        self._set.Add(pattern)
        self._patterns.append(pattern)
        self._steps.append(step)

    def _scratch(self) -> hyperscan.Scratch:
        """Return this thread's working memory: two scans at once must not share one."""
        if not hasattr(self._local, "scratch"):
            self._local.scratch = hyperscan.Scratch(self._database)
        scratch: hyperscan.Scratch = self._local.scratch
        return scratch

    def steps(self, text: bytes) -> list[Step]:
        """Return what there is to do for a text, in the order of the rules."""
        found = {self._steps[number] for number in self._set.Match(text) or ()}
        return [self._order[number] for number in sorted(step for step in found if step is not None)]


class _Pass:
    """The rewriting of one text: the tenant's key, the counts, and how deep in disguises it is."""

    __slots__ = ("counts", "depth", "key", "redactor")

    def __init__(self, redactor: Redactor, key: bytes, counts: Counter[str], depth: int = DEPTH) -> None:
        self.redactor, self.key, self.counts, self.depth = redactor, key, counts, depth

    def rewrite(self, text: bytes) -> bytes:
        for _ in range(PASSES):
            before = text
            for step in self.redactor.steps(text):
                text = step(self, text)
            if text == before:
                break
        return text

    def deeper(self) -> "_Pass":
        return _Pass(self.redactor, self.key, self.counts, self.depth - 1)


def _stop(*_match: object) -> bool:
    """End the scan: one match is enough to look closer."""
    return True


def _replace(rule: Rule, pattern: re2._Regexp, state: _Pass, text: bytes) -> bytes:
    """Put placeholders where the rule's pattern is found, and its check agrees."""
    parts, end = [], 0
    for match in pattern.finditer(text):
        start, stop = match.span(pattern.groups)
        secret = text[start:stop]
        if rule.check is None or rule.check(secret):
            state.counts[rule.name] += 1
            parts += [text[end:start], placeholder(rule.name, secret, key=state.key)]
            end = stop
    return b"".join([*parts, text[end:]]) if parts else text


def _look_behind(view: View, run: re2._Regexp, state: _Pass, text: bytes) -> bytes:
    """Rewrite each run of the text in which the view's disguise hides a secret."""
    if state.depth == 0:
        return text
    deeper = state.deeper()
    parts, end = [], 0
    for match in run.finditer(text):
        start, stop = match.span()
        parts += [text[end:start], view.reveal(text[start:stop], deeper.rewrite)]
        end = stop
    return b"".join([*parts, text[end:]]) if parts else text


def _bounded(rule: Rule) -> bytes:
    """Return the rule's pattern with one group, the secret, and what may stand before it."""
    secret = rule.pattern if re2.compile(rule.pattern, _options()).groups else b"(" + rule.pattern + b")"
    return BEFORE + b"(?:" + secret + b")" if rule.bounded else secret


def _compile(pattern: bytes) -> re2._Regexp:
    return re2.compile(pattern, _options())


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MAX_MEMORY_BYTES
    options.log_errors = False
    return options
