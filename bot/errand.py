"""Errand: durable work on one of our pull requests that somebody asked for."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is to be done; the ids of the workflows begin with it."""

    REEXAMINE = "reexamine"
    REOPEN = "reopen"
    REVIEW = "review"
    REBASE = "rebase"
    SPLIT = "split"


class Errand(NamedTuple):
    """Work that waits in a queue until a worker does it."""

    kind: Kind
    tenant: str
    proposal_id: str
    #: Seconds before which nobody begins.
    delay_s: float = 0.0
    #: What the person wrote after the command. Data, never instructions.
    words: str = ""
