"""What can go wrong on the way to a fix.

FixerError
├── ConfigurationError  .github/tracewright.yml cannot be used
├── ModelError          the model behind the agent gave no usable answer
├── SandboxMissing      no isolation on this machine
├── CassetteError       a recorded run cannot be read
├── NotRecordable       an answer cannot be kept in a recording
├── NotInstalled        what the tests need could not be installed
├── DoesNotApply        an edit does not fit the checkout
├── TreeTooLarge        a folder holds more than may be read
└── ModelUnavailable    the live model did not answer
"""

import re


class FixerError(Exception):
    """A fix could not be tried."""


class SandboxMissing(FixerError):
    """No way to isolate a stranger's code on this machine; the message names what to install or to switch on."""


class NotInstalled(FixerError):
    """What the repository's tests need could not be installed; the message ends with what the installer said."""


class CassetteError(FixerError):
    """The file is not a recorded run as `tracewright record` writes it."""


class NotRecordable(FixerError):
    """What came back to a live run cannot be kept as it was; the message names it."""


class DoesNotApply(FixerError):
    """An edit does not fit the checkout that it is for."""


class TreeTooLarge(FixerError):
    """The folder holds more files or bytes than may be read."""


class ModelUnavailable(FixerError):
    """The model endpoint could not be reached, or did not answer in time."""


class ConfigurationError(FixerError):
    """The repository's `.github/tracewright.yml` cannot be used as it is."""

    @property
    def line(self) -> int:
        """The 1-based line that the message begins with; 1 when it names none."""
        found = re.match(r"line (\d+)", str(self))
        return int(found[1]) if found else 1


class ModelError(FixerError):
    """The model did not give a usable answer; the message says what came instead."""
