"""Fetch the files of a commit as one tarball: two requests instead of one for each file.

With the standard library, because the second address holds a token, and httpx and urllib3 write addresses into the log.
"""

import http.client
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from bot.forge.answers import error_of
from bot.forge.errors import ForgeError, Mismatch, Unavailable

MAX_TARBALL_BYTES = 500_000_000
MAX_FILE_BYTES = 100_000_000
TIMEOUT_S = 60.0
_IN_MEMORY = 20_000_000
_CHUNK = 1 << 16


def download(url: str, headers: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of the regular files in the tarball that `url` redirects to.

    Parameters
    ----------
    url
        The API's address of the tarball.
    headers
        Of the first request alone: the second one takes no credentials of ours.

    Raises
    ------
    ForgeError
        There is no such tarball, or it is larger than `MAX_TARBALL_BYTES`, packed or not.

    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        try:
            _save(_location(url, headers), file)
            file.seek(0)
            yield from _files(file)
        except (OSError, http.client.HTTPException, tarfile.TarError, EOFError) as error:
            raise Unavailable(f"GET {url}: {type(error).__name__}") from None  # the error may name the address


def _location(url: str, headers: Mapping[str, str]) -> str:
    """Return where the tarball is; the redirect is not followed with our credentials."""
    try:
        with _open(url, headers):
            raise Mismatch(f"GET {url}: no redirect to a tarball")
    except HTTPError as error:
        with error:
            location = error.headers.get("location")
            if location is None:
                raise error_of(error.code, f"GET {url}", "", dict(error.headers)) from None
    if urlsplit(location).scheme != urlsplit(url).scheme:
        raise Mismatch(f"GET {url}: redirects to {urlsplit(location).scheme}://{urlsplit(location).hostname}")
    return str(location)


def _save(location: str, file: IO[bytes]) -> None:
    try:
        with _open(location, {}) as answer:
            _copy(answer, file)
    except HTTPError as error:
        with error:
            raise error_of(error.code, "GET the tarball at its second address", "", dict(error.headers)) from None


def _open(url: str, headers: Mapping[str, str]) -> IO[bytes]:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Mismatch(f"not a web address: {urlsplit(url).scheme}")
    request = Request(url, headers=dict(headers))  # noqa: S310 - the scheme was looked at above
    opened: IO[bytes] = build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S)
    return opened


class _NoRedirect(HTTPRedirectHandler):
    """Leaves a redirect to the caller."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever urllib passes
        """Follow nothing."""


def _copy(answer: IO[bytes], file: IO[bytes]) -> None:
    left = MAX_TARBALL_BYTES
    while chunk := answer.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise ForgeError(f"the tarball is larger than {MAX_TARBALL_BYTES} bytes")
        file.write(chunk)


def _files(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    total = 0
    with tarfile.open(fileobj=file, mode="r:gz") as tarball:
        for member in tarball:
            total += member.size
            if total > MAX_TARBALL_BYTES:
                raise ForgeError(f"the tarball's files are larger than {MAX_TARBALL_BYTES} bytes")
            content = tarball.extractfile(member) if member.isreg() and member.size <= MAX_FILE_BYTES else None
            if content is not None:
                yield member.name.partition("/")[2], content.read()
