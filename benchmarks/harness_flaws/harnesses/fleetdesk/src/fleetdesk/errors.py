"""What can go wrong.

    FleetError
    ├── NotFound            nothing of that name
    ├── NotAllowed          the state of things forbids it
    │   ├── OutOfStock
    │   └── ShiftFull
    ├── BadArguments        a tool was called with something that it does not take
    ├── ToolTimeout         a tool took too long
    ├── ProviderFailed      the model's provider did not answer
    └── Misconfigured
"""


class FleetError(Exception):
    """Root of all errors that are ours."""


class NotFound(FleetError):
    """There is nothing of that name."""

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"there is no {kind} {name}")
        self.kind = kind
        self.name = name


class NotAllowed(FleetError):
    """The state of things forbids what was asked."""


class OutOfStock(NotAllowed):
    """No piece of a part is left."""


class ShiftFull(NotAllowed):
    """Nobody has time."""


class BadArguments(FleetError):
    """A tool was called with something that it does not take."""


class ToolTimeout(FleetError):
    """A tool took longer than it may."""


class ProviderFailed(FleetError):
    """The model's provider did not answer, however often it was asked."""


class Misconfigured(FleetError):
    """A setting has a value that makes no sense."""
