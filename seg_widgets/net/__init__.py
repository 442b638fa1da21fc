"""Opening http(s) addresses that may not be trusted: which may be opened, for how long, and
how many bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_exports
from .addresses import MAX_URL_LENGTH, address_refusal, url_name
from .fetched import MAX_BYTES, Fetched, Progress, size_text

if TYPE_CHECKING:
    from .fetching import fetch, fetch_file

# The HTTP client is imported when something is fetched: few processes do.
__getattr__, _ = lazy_exports(__name__, {"fetching": ["fetch", "fetch_file"]})

__all__ = [
    "MAX_BYTES",
    "MAX_URL_LENGTH",
    "Fetched",
    "Progress",
    "address_refusal",
    "fetch",
    "fetch_file",
    "size_text",
    "url_name",
]


def __dir__() -> list[str]:
    return sorted(__all__)
