"""What a fetch gives, and how much it may be; light: who only opens files needs no HTTP client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["MAX_BYTES", "Fetched", "Progress", "size_text"]

MAX_BYTES: Final = 25 * 2**20
"""How many bytes an image's file may have: 25 MiB. The one place of this limit, for addresses,
files and uploads alike."""

Progress = Callable[[int, int | None], None]
"""Is called with the bytes that have come and those that there will be (None: the server doesn't
say); may raise to stop."""


@dataclass(frozen=True)
class Fetched:
    """What a URL gave.

    Args:
        content: the raw bytes.
        url: where they came from after all redirects.
        name: what messages call it.
    """

    content: bytes = field(repr=False)
    url: str
    name: str


def size_text(count: int) -> str:
    """Write a number of bytes for a message.

    Args:
        count: how many.

    Returns:
        Such as "25.0 MiB" (a MiB is 2²⁰ bytes), or "900 bytes" for less than one.
    """
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count:,} bytes"
