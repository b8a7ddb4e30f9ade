"""What can go wrong in the product itself.

BotError
├── BadSetting
├── AlreadyRunning
├── BadFile
├── UnknownFailureMode
├── UnknownKey
├── UnknownLesson
├── NotMergeable
├── NotSplittable
├── NoAgent
├── NoTraces
├── StoreError
│   ├── NewerSchema
│   ├── UnreadableRecord
│   └── UnreadableBatch
└── ForgeError
    ├── Refused
    └── ForeignCommits
"""


class BotError(Exception):
    """Tracewright could not do what was asked."""


class BadSetting(BotError):
    """A setting has a value that cannot be used."""


class AlreadyRunning(BotError):
    """Another process is doing this work already."""


class BadFile(BotError):
    """A file does not hold what its name says."""


class UnknownFailureMode(BotError):
    """There is no failure mode with this id."""


class UnknownKey(BotError):
    """There is no such ingestion key, or it is not accepted any more."""


class UnknownLesson(BotError):
    """There is no such lesson, or more than one."""


class NotMergeable(BotError):
    """These failure modes cannot become one."""


class NotSplittable(BotError):
    """A failure mode has no parts of this kind."""


class NoAgent(BotError):
    """The traces belong to no agent of a connected repository."""


class NoTraces(BotError):
    """No trace of the failure mode is kept any more, so nothing can be tried on it."""


class StoreError(BotError):
    """The database holds something that this version cannot work with."""


class NewerSchema(StoreError):
    """The database was migrated by a newer version of Tracewright."""


class UnreadableRecord(StoreError):
    """A stored record is not what its type says."""


class UnreadableBatch(StoreError):
    """A stored request body no longer decodes to the spans that were read from it."""


class ForgeError(BotError):
    """The place where pull requests go answered with an error, or could not be reached."""


class Refused(ForgeError):
    """The edits break a rule about what may be changed; nothing left this machine."""


class ForeignCommits(ForgeError):
    """The branch exists and holds commits that are not ours."""
