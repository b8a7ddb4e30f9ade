"""What can go wrong at the place where pull requests go, finer than `bot.errors` needs it.

ForgeError             (bot.errors)
├── Refused            (bot.errors) the patch gate found violations
├── ForeignCommits     (bot.errors) the branch holds work that is not ours
├── Unavailable        no answer, or a 5xx: the same call may succeed later
│   └── RateLimited    GitHub asks to wait; `retry_after_s` says how long
├── Denied             the credentials are refused, or lack the permission
│   └── TokenRefused   this token is over; a new one may do
├── Missing            no such repository, commit or installation
└── Mismatch           what arrived is not what was asked for, or not what was checked
"""

from bot.errors import ForeignCommits, ForgeError, Refused

__all__ = [
    "Denied",
    "ForeignCommits",
    "ForgeError",
    "Mismatch",
    "Missing",
    "RateLimited",
    "Refused",
    "TokenRefused",
    "Unavailable",
]


class Unavailable(ForgeError):
    """The forge gave no answer, or said that it is not well; the same call may succeed later."""


class RateLimited(Unavailable):
    """The forge asks to wait. `retry_after_s` is the number of seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Denied(ForgeError):
    """The forge refuses the credentials, or they lack the permission."""


class Missing(ForgeError):
    """There is no such repository, commit or installation."""


class Mismatch(ForgeError):
    """What arrived is not what was asked for, or what would be pushed is not what was checked."""


class TokenRefused(Denied):
    """GitHub does not take this token any more; a new one may do."""
