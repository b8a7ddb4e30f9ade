"""Kind: what failures share that grouping cannot tell apart. There are a few thousand, however many failures."""

import hashlib

from clustering.failure import Failure

KIND_LENGTH = 20  # hex digits


def kind(failure: Failure, text: str) -> str:
    """Return the kind of `failure`, whose description is `text`: a hash, whoever owns its service."""
    told = "\0".join((failure.service, f"{failure.detector}:{failure.key}", text))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:KIND_LENGTH]
