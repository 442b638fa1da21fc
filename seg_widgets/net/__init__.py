"""Opening http(s) addresses that may not be trusted: which may be opened, for how long, and
how many bytes."""

from __future__ import annotations

from .addresses import MAX_URL_LENGTH, address_refusal, url_name
from .fetching import MAX_BYTES, Fetched, Progress, fetch, fetch_file, size_text

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
