"""Rule: a policy line of the user's own, which every run of the agent is held to."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless:
    """What a lookup may have said of the same thing, so that the guarded tool must not run."""

    #: The tool whose result says so.
    tool: str
    #: A field of that result, at any depth.
    field: str
    #: The forbidden value, as text; upper and lower case are the same.
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold whenever `tool` does its work; at least one of the four."""

    name: str
    #: The guarded tool; a glob, such as `cancel_*`.
    tool: str
    #: This tool must have succeeded before in the same trace.
    requires: str = ""
    #: The user's last words before it must agree: "yes", "go ahead". English only.
    confirmed: bool = False
    #: It may succeed so often in one trace; 0 for any number.
    at_most: int = 0
    unless: Unless | None = None

    def guards(self, tool: str | None) -> bool:
        """Say whether the rule is about this tool."""
        return tool is not None and fnmatchcase(tool, self.tool)

    @property
    def sentence(self) -> str:
        """The rule in plain words."""
        told = [
            f"needs {self.requires} first" if self.requires else "",
            "needs the user's yes" if self.confirmed else "",
            f"runs at most {self.at_most} times" if self.at_most else "",
            f"must not run when {self.unless.tool} says {self.unless.field} is {self.unless.value}"
            if self.unless
            else "",
        ]
        return f"{self.tool} {' and '.join(part for part in told if part)}."
