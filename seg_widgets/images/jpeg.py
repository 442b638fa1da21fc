"""What a JPEG costs before it is decoded: a few bytes can ask for hours of work."""

from __future__ import annotations

import re
from typing import Final

from ..errors import ImageDamagedError, ImageTooLargeError

__all__ = ["MOST_SCANS", "check_jpeg"]

MOST_SCANS: Final = 100
"""Scans of a progressive JPEG. Each goes over all pixels; encoders write about ten. libtiff has the
same limit."""

_MOST_SEGMENTS: Final = 20_000
_MOST_FILL_BYTES: Final = 65_536

# Of https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1.
_START_OF_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH: Final = (0x01, *range(0xD0, 0xD9))

# Within a scan, FF is followed by 00 or by one of the restart markers.
_MARKER: Final = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")


def check_jpeg(content: bytes, name: str) -> None:
    """Count the scans and segments of a JPEG; nothing is decoded.

    Args:
        content: the whole file.
        name: what messages call the image.

    Raises:
        ImageTooLargeError: it has more than `MOST_SCANS`.
        ImageDamagedError: it has far more segments, or bytes between them, than any encoder writes.
    """
    scans = fill = 0
    at = 2
    for segments in range(1, _MOST_SEGMENTS + 1):
        found = _MARKER.search(content, at)
        if found is None or found[1][0] == _END:
            return
        if not scans:  # within a scan, what is skipped is its data
            fill += found.end() - at - 2
        at, kind = found.end(), found[1][0]
        if kind not in _WITHOUT_LENGTH:
            at += int.from_bytes(content[at : at + 2], "big")
        scans += kind == _START_OF_SCAN
        if scans == 1 and _has_few_markers(content, at, segments):
            return
        if scans > MOST_SCANS:
            raise ImageTooLargeError(
                f"{name} is a JPEG of more than {MOST_SCANS} scans, which would take long to "
                "decode; photographs have about ten. Save it anew."
            )
        if fill > _MOST_FILL_BYTES:
            break
    raise ImageDamagedError(
        f"{name} begins like a JPEG file, but has thousands of parts that are no image. "
        "Copy or download it once more, or save it anew."
    )


def _has_few_markers(content: bytes, at: int, segments: int) -> bool:
    """Whether the file can't be over a limit, though only its first segments were counted: the
    counts of what comes behind them, from `at` on, are never too low.

    Counting bytes takes a tenth of the time of looking at each marker.
    """
    markers = content.count(b"\xff", at) - content.count(b"\xff\x00", at)
    scans = 1 + content.count(b"\xff\xda", at)
    return scans <= MOST_SCANS and segments + markers < _MOST_SEGMENTS
