"""What a server answered: whether it is what was asked for, and how many bytes there are of it.

A server may send less than it says, a part that nobody asked for, or another part than the one
that was asked for. None of them is taken for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import requests
import urllib3

from ..errors import FetchError, FetchStatusError
from .addresses import shorten
from .connection import broken

__all__ = ["Answer", "Part", "nothing"]

_PARTIAL: Final = 206
_BEYOND_THE_END: Final = 416
_RANGE: Final = re.compile(r"\s*bytes\s+(\d{1,15})-(\d{1,15})/(\d{1,15}|\*)\s*", re.IGNORECASE)
_NO_RANGE: Final = re.compile(r"\s*bytes\s+\*/(\d{1,15})\s*", re.IGNORECASE)
_ADVICE: Final = {
    204: "It has nothing to send: check the address.",
    205: "It has nothing to send: check the address.",
    304: "It says that nothing has changed, though it was not asked: try again later.",
    401: "It asks for a login: download the image in a browser and give the file.",
    403: "It doesn't give this image to programs: download it in a browser and give the file.",
    404: "There is no such image: check the address.",
    410: "The image is gone: look for another address.",
    429: "Too many requests were sent to it: wait a little and try again.",
}


class Part(NamedTuple):
    """Which bytes of a file a 206 says that it carries.

    Attributes:
        first: the index of the first one.
        last: the index of the last one.
        total: how many bytes the whole file has; None: the server doesn't know.
    """

    first: int
    last: int
    total: int | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.first == 0 and self.total == self.last + 1


@dataclass(frozen=True)
class Answer:
    """What the server sent after all redirects; its body is not read yet.

    Attributes:
        response: the answer as the HTTP library has it.
        url: where it came from.
        host: what messages call the server.
    """

    response: requests.Response
    url: str
    host: str

    def check(self) -> None:
        """Check that it is a success whose body is not packed.

        Raises:
            FetchStatusError: it is no success, or has no body.
            FetchError: its body is packed.
        """
        _check_status(self.response.status_code, self.host)
        for header in ("content-encoding", "transfer-encoding"):
            codings = self.response.headers.get(header, "").split(",")
            packed = {coding.strip().lower() for coding in codings} - {"", "identity", "chunked"}
            if packed:
                raise FetchError(
                    f"{self.host} sends the file packed ({shorten(', '.join(sorted(packed)))}) "
                    "though it was asked not to. Download it and give the file."
                )

    def check_is_whole(self) -> None:
        """Check that it is the whole file, where no part was asked for.

        Raises:
            FetchError: it is a part.
        """
        # By the standard nobody sends a part unasked; one that says that it is all of it may be.
        part = self.part()
        if self._is_partial and (part is None or not part.is_whole):
            raise FetchError(
                f"{self.host} sends only a part of the image ({self._part_text()}), though all "
                "of it was asked for. Try again, or download the image and give the file."
            )

    def check_begins(self, start: int) -> int:
        """Check that it continues a file, or is all of it.

        Args:
            start: the byte from which on the file was asked for.

        Returns:
            The byte with which it begins: `start`, or 0 for the whole file.

        Raises:
            FetchError: it is another part.
        """
        if not self._is_partial:
            return 0
        if not self.continues(start):
            raise FetchError(
                f"{self.host} sends another part of the file ({self._part_text()}) than the one "
                f"from byte {start:,} on that was asked for. Download it by other means."
            )
        return start

    def is_complete(self, start: int) -> bool:
        """Whether nothing comes after the first `start` bytes."""
        if self.response.status_code != _BEYOND_THE_END:
            return False
        found = _NO_RANGE.fullmatch(self._content_range)
        return found is not None and int(found[1]) == start

    def continues(self, start: int) -> bool:
        """Whether its body is the rest after `start` bytes, or the whole."""
        if self._is_partial:
            part = self.part()
            return part is not None and part.first == start
        return not start or self.response.status_code != _BEYOND_THE_END

    def part(self) -> Part | None:
        """Which bytes it carries; None where it is no single part, or doesn't say which."""
        # https://www.rfc-editor.org/rfc/rfc9110#field.content-range
        found = _RANGE.fullmatch(self._content_range) if self._is_partial else None
        if found is None or self._content_type.startswith("multipart/"):
            return None
        part = Part(int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3]))
        is_possible = part.first <= part.last and (part.total is None or part.last < part.total)
        return part if is_possible else None

    def body_bytes(self) -> int:
        """How many bytes of body the server promises, the more of two promises; 0: it doesn't
        say."""
        headers = self.response.headers
        length = headers.get("content-length", "")
        is_known = "transfer-encoding" not in headers and re.fullmatch(r"[0-9]{1,30}", length)
        part = self.part()
        return max(int(length) if is_known else 0, part.last + 1 - part.first if part else 0)

    def total_bytes(self) -> int | None:
        """How many bytes the whole file has; None: the server doesn't say."""
        part = self.part()
        if part is None:
            return self.body_bytes() or None
        return part.total or part.first + self.body_bytes()

    def chunks(self, size: int) -> Iterator[bytes]:
        """The body as it comes.

        Args:
            size: the most bytes of a piece.

        Yields:
            The pieces.

        Raises:
            UnreachableError: it ended before the bytes that were promised had come.
        """
        count = 0
        try:
            for chunk in self.response.raw.stream(size, decode_content=False):
                count += len(chunk)
                yield chunk
        except urllib3.exceptions.ProtocolError:
            if count < self.body_bytes():
                raise broken(self.host, count, self.body_bytes()) from None
            raise

    @property
    def _is_partial(self) -> bool:
        return self.response.status_code == _PARTIAL

    @property
    def _content_range(self) -> str:
        return str(self.response.headers.get("content-range", ""))

    @property
    def _content_type(self) -> str:
        return str(self.response.headers.get("content-type", "")).strip().lower()

    def _part_text(self) -> str:
        """The part in words."""
        part = self.part()
        if part is not None:
            of = f" of {part.total:,}" if part.total is not None else ""
            return f"status 206, bytes {part.first:,} to {part.last:,}{of}"
        if self._content_type.startswith("multipart/"):
            return "status 206, several parts in one"
        return "status 206, which it doesn't name"


def nothing(host: str) -> FetchError:
    """Make the error for an answer without a body.

    Args:
        host: what messages call the server.

    Returns:
        The error, to be raised.
    """
    return FetchError(f"{host} answered with nothing (0 bytes). Check the address.")


def _check_status(status: int, host: str) -> None:
    if 200 <= status < 300 and status not in _ADVICE:
        return
    advice = _ADVICE.get(status, "Try again later." if status >= 500 else "Check the address.")
    raise FetchStatusError(f"{host} answered with status {status}. {advice}", status)
