"""Opening http(s) addresses that may come from strangers: what may be reached, for how long, and
how much."""

from __future__ import annotations

from .fetching import (
    MAX_BYTES,
    MAX_URL_LENGTH,
    Fetched,
    Progress,
    address_refusal,
    fetch,
    fetch_file,
)

__all__ = [
    "MAX_BYTES",
    "MAX_URL_LENGTH",
    "Fetched",
    "Progress",
    "address_refusal",
    "fetch",
    "fetch_file",
]
