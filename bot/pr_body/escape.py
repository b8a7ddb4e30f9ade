"""Make a stranger's text harmless in Markdown: it is shown as it was written, and it does nothing.

GitHub reads a body twice: as markup, and then its words for mentions, references, addresses and emoji. A squash merge
copies it into a commit message besides, where not even a code block keeps "fixes #1" from closing an issue. So markup
is escaped, what cannot be seen is spelled out, and an invisible space parts what GitHub would recognise.
"""

import re
import unicodedata

ELLIPSIS = "…"
# Put in after `visible`, which spells out those of the text itself.
BREAK = "\u200b"
# In prose it is spelled, so that a reader of the source sees it. In code an entity would be shown as it is.
SPELLED_BREAK = "&#8203;"

# Drawn as nothing, though their categories are those of letters and marks.
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
LAST_OF_FOUR_DIGITS = 0xFFFF

# The empty places that are filled with an invisible space.
ANYWHERE = re.compile(
    r"""
      (?<=@)(?=[\w-])                                            # @user, @owner/team, user@host
    | (?<=\#)(?=\d)                                              # #1, owner/name#1
    | (?<=\b[Gg][Hh]-)(?=\d)                                     # GH-1
    | (?<=:)(?=//)                                               # https://github.com/owner/name/issues/1
    | (?<=\[)(?=(?:skip|no)[ ](?:ci|actions)|(?:ci|actions)[ ]skip)  # [skip ci]
    | (?<=<)(?=!--)                                              # a comment that hides something from readers
    | ^[ \t]*(?=/[a-z])                                          # /approve
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
# GitHub leaves these alone in code.
IN_PROSE = re.compile(
    r"""
      (?<=[A-Za-z]-)(?=\d)                                       # the prefixes that a repository configures: JIRA-1
    | (?<=:)(?=[^\s\u200b])                                      # :emoji:, mailto:someone
    | (?<=[Ww]{3})(?=\.)                                         # www.example.org
    """,
    re.VERBOSE,
)
# A commit is 7 to 40 hexadecimal digits; six in a row are nothing.
HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{7,}(?![0-9A-Za-z])")
SIX = re.compile(r"(.{6})(?=.)")
MARKUP = re.compile(r"[\\`*\[\]#~&<>|$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|^[-+=]|^\d{1,9}[.)]")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;"}
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
BACKTICKS = re.compile(r"`+")


def visible(text: str, *, keep: str = "") -> str:
    r"""Spell out what cannot be seen: U+202E becomes `\u202e`. The characters of `keep` stay."""
    return "".join(character if character in keep else _spelled(character) for character in text)


def one_line(text: str, *, limit: int) -> str:
    """Return the text on one line, everything in it visible, at most `limit` characters."""
    line = re.sub(r"[ \t\r\n]+", " ", text[: 2 * limit]).strip()
    shown = visible(line)
    return shown if len(shown) <= limit and len(text) <= 2 * limit else shown[: limit - 1].rstrip() + ELLIPSIS


def prose(text: str, *, limit: int = 300) -> str:
    """Return the text as running words on one line, for a paragraph or a cell of a table."""
    line = HEXADECIMAL.sub(lambda match: SIX.sub(rf"\1{BREAK}", match.group()), one_line(text, limit=limit))
    broken = IN_PROSE.sub(BREAK, inert(line))
    return MARKUP.sub(_escaped, broken).replace(BREAK, SPELLED_BREAK)


def code(text: str, *, limit: int = 300) -> str:
    """Return the text as a code span, for a paragraph: in a cell of a table, a "|" of the text would end the cell."""
    line = inert(one_line(text, limit=limit)) or " "
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in {line[0], line[-1]} else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def identifier(text: str) -> str:
    """Return an id or a name as a code span when it is nothing more than that, else as prose."""
    harmless = IDENTIFIER.fullmatch(text) and inert(text) == text
    return f"`{text}`" if harmless else prose(text, limit=100)


def block(text: str, *, limit: int, language: str = "") -> str:
    """Return the last `limit` characters of the text as a code block that nothing in it can end."""
    lines = text.replace("\r\n", "\n").strip("\n")
    shown = visible(lines, keep="\n\t")
    shown = inert(shown if len(shown) <= limit else ELLIPSIS + shown[-limit:])
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def inert(text: str) -> str:
    """Part what GitHub would recognise wherever it stands, for code and for titles."""
    return ANYWHERE.sub(lambda match: match.group() + BREAK, text)


def _spelled(character: str) -> str:
    category = unicodedata.category(character)
    selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    space = category == "Zs" and character != " "
    if category not in INVISIBLE and not space and not selector and character not in BLANKS:
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= LAST_OF_FOUR_DIGITS else f"\\U{number:08x}"


def _escaped(match: re.Match[str]) -> str:
    digits, mark = match.group()[:-1], match.group()[-1]
    return digits + ENTITIES.get(mark, "\\" + mark)


def _longest_run(text: str) -> int:
    return max((len(run) for run in BACKTICKS.findall(text)), default=0)
