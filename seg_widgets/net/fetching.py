"""The only place that fetches a URL.

Only http and https. Each redirect is checked like the first address. What comes back is limited in
bytes and in time, whatever the server's headers say, and is never decoded here.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import requests
from urllib3.util import Url

from ..errors import FetchError, FetchTooLargeError, SettingError
from .addresses import check_url, host_of, redirected_url, shorten, url_name
from .answer import Answer, nothing
from .connection import Guard, Timeouts, broken, make_session, request
from .fetched import MAX_BYTES, Fetched, Progress, size_text

__all__ = ["fetch", "fetch_file"]

_CHUNK_BYTES = 64 * 2**10
_FILE_CHUNK_BYTES = 2**20
_REDIRECTS = (301, 302, 303, 307, 308)
_PAGES = ("text/html", "application/xhtml+xml")


def fetch(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    connect_timeout_s: float = 5.0,
    total_timeout_s: float = 20.0,
    max_redirects: int = 5,
    allow_local: bool = False,
    stop: threading.Event | None = None,
) -> Fetched:
    """Get the bytes behind an http(s) URL.

    Args:
        url: the address.
        max_bytes: the most bytes of the body (default: 25 MiB). The body must come unpacked, not
            as gzip.
        connect_timeout_s: seconds for each address of the host.
        total_timeout_s: seconds for everything together, look-up and redirects included, however
            slowly bytes drip.
        max_redirects: how many are followed.
        allow_local: whether this machine and private networks may be opened, too. Link-local
            addresses and clouds' metadata never are.
        stop: ends the fetch within a moment when another thread sets it.

    Returns:
        The bytes, the URL after all redirects, and a name.

    Raises:
        UrlError: the URL, or a redirect's, may not be opened.
        UnreachableError: there is no such host, or no connection to it.
        FetchTimeoutError: it took too long.
        FetchStatusError: the server answered with an error; `status` is the HTTP status.
        FetchTooLargeError: there are more than `max_bytes`.
        FetchError: the answer can't be used; it is a web page, for example. Or `stop` was set.
        SettingError: a limit is out of its range.
    """
    _check_limits(max_bytes, max_redirects)
    timeouts = Timeouts(connect_timeout_s, total_timeout_s)
    advice = "Open the image in a browser and copy its address."
    with (
        Guard(timeouts, allow_local, stop) as guard,
        make_session(guard, accept="image/*,*/*;q=0.5") as session,
        _answer(session, url, guard, max_redirects, advice) as answer,
    ):
        return Fetched(_body(answer, max_bytes, guard), answer.url, url_name(answer.url))


def fetch_file(
    url: str,
    path: Path,
    *,
    max_bytes: int,
    connect_timeout_s: float = 5.0,
    stall_timeout_s: float = 30.0,
    total_timeout_s: float = 6 * 3600.0,
    max_redirects: int = 5,
    allow_local: bool = False,
    progress: Progress | None = None,
) -> None:
    """Get the bytes behind an http(s) URL into a file, and resume where an earlier try ended.

    Whether it is the right file, the caller checks.

    Args:
        url: the address.
        path: the file. What it holds already is taken for the beginning of the answer, if the
            server can resume from there. After a failure it keeps what has come.
        max_bytes: the most bytes of the file.
        connect_timeout_s: seconds for each address of the host.
        stall_timeout_s: seconds without a byte.
        total_timeout_s: seconds for everything together.
        max_redirects: how many are followed.
        allow_local: as for `fetch`.
        progress: is called at the start and after each MiB.

    Raises:
        FetchError: as for `fetch`, or the file can't be written.
        SettingError: a limit is out of its range.
    """
    _check_limits(max_bytes, max_redirects)
    timeouts = Timeouts(connect_timeout_s, total_timeout_s, stall_timeout_s)
    with (
        Guard(timeouts, allow_local) as guard,
        make_session(guard, accept="*/*") as session,
    ):
        download = _Download(path, max_bytes, guard, progress)
        # If the server can't resume, everything is fetched again.
        for start in (_bytes_in(path), 0):
            session.headers["Range"] = f"bytes={start}-"
            with _answer(session, url, guard, max_redirects) as answer:
                if start and answer.is_complete(start):
                    return
                if not start or answer.continues(start):
                    download.save(answer, start)
                    return


def _bytes_in(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_limits(max_bytes: int, max_redirects: int) -> None:
    if max_bytes < 1:
        raise SettingError(f"max_bytes is 1 or more, not {max_bytes}.")
    if max_redirects < 0:
        raise SettingError(f"max_redirects is 0 or more, not {max_redirects}.")


# ── the answer ────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _answer(
    session: requests.Session, url: str, guard: Guard, max_redirects: int, advice: str = ""
) -> Iterator[Answer]:
    """Follow redirects, each of them checked; `advice` is added to the message for too many."""
    for _ in range(max_redirects + 1):
        parts: Url = check_url(url)
        with request(session, url, parts, guard) as response:
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                yield Answer(response, url, host_of(parts))
                return
            url = redirected_url(url, location)
    message = f"{host_of(parts)} redirected more than {max_redirects} times. {advice}"
    raise FetchError(message.rstrip())


def _body(answer: Answer, max_bytes: int, guard: Guard) -> bytes:
    answer.check()
    answer.check_is_whole()
    declared = answer.body_bytes()
    too_large = FetchTooLargeError(
        f"{answer.host} sends more than {size_text(max_bytes)}. "
        "Choose a smaller version of the image, or raise max_bytes."
    )
    if declared > max_bytes:
        raise too_large

    content_type = answer.response.headers.get("content-type", "").partition(";")[0]
    is_page = content_type.strip().lower() in _PAGES
    content = bytearray()
    for chunk in answer.chunks(_CHUNK_BYTES):
        content += chunk
        # Some servers call every file a web page, so its first bytes have a say too.
        if is_page and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise FetchError(
                f"{shorten(answer.response.url)} is a web page, not an image. "
                "Open it in a browser, and copy the image's own address "
                '("Copy image address").'
            )
        if len(content) > max_bytes:
            raise too_large
        guard.remaining_s()

    if len(content) < declared:
        raise broken(answer.host, len(content), declared)
    if not content:
        raise nothing(answer.host)
    return bytes(content)


# ── into a file ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Download:
    """Writes an answer's body behind what a file holds already."""

    path: Path
    max_bytes: int
    guard: Guard
    progress: Progress | None

    def save(self, answer: Answer, start: int) -> None:
        """Write the body behind the file's first `start` bytes, or from 0 if all of it comes."""
        answer.check()
        there = answer.check_begins(start)
        total = answer.total_bytes()
        self._check_size(total or 0, answer.host)

        with self._open(there) as file:
            file.seek(there)
            self._report(there, total)
            for chunk in answer.chunks(_FILE_CHUNK_BYTES):
                there += len(chunk)
                self._check_size(there, answer.host)
                self._write(file, chunk)
                self._report(there, total)
                self.guard.remaining_s()
        if total is not None and there < total:
            raise broken(answer.host, there, total)
        if not there:
            raise nothing(answer.host)

    def _check_size(self, count: int, host: str) -> None:
        if count > self.max_bytes:
            raise FetchTooLargeError(f"{host} sends more than {size_text(self.max_bytes)}.")

    def _report(self, there: int, total: int | None) -> None:
        if self.progress is not None:
            self.progress(there, total)

    def _open(self, start: int) -> IO[bytes]:
        try:
            return self.path.open("r+b" if start else "wb")
        except OSError as error:
            raise self._unwritable(error) from error

    def _write(self, file: IO[bytes], chunk: bytes) -> None:
        try:
            file.write(chunk)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> FetchError:
        return FetchError(f"{self.path} could not be written: {error.strerror or error}.")
