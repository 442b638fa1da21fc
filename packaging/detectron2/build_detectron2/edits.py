"""What a patch is: edits that belong together, and the reason for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """One regular-expression replacement in one file (path inside the wheel), with its expected
    match count."""

    path: str
    pattern: str
    replacement: str
    count: int


@dataclass(frozen=True)
class Patch:
    """Edits that belong together, what they do and the reason for them (both end up in the wheel's
    change note)."""

    what: str
    why: str
    edits: tuple[Edit, ...]
