"""What a JPEG costs before it is decoded: a few bytes can ask for hours of work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from ..errors import ImageDamagedError, ImageTooLargeError

__all__ = ["MOST_BYTES", "MOST_SCANS", "check_jpeg"]

MOST_SCANS: Final = 100
"""Scans of a progressive JPEG. Each goes over all pixels; encoders write about ten. libtiff has the
same limit."""

MOST_BYTES: Final = 400_000_000
"""Memory for decoding. Only a JPEG whose colours come one after the other needs more: all of its
coefficients are kept until the last scan. With full colour resolution that is over 39 megapixels
(4:2:0: none under the limit of 50)."""

_MOST_SEGMENTS: Final = 20_000
_MOST_FILL_BYTES: Final = 65_536

# Of https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1.
_START_OF_SCAN, _END = 0xDA, 0xD9
_FRAMES: Final = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
_WITHOUT_LENGTH: Final = (0x01, *range(0xD0, 0xD9))

# Within a scan, FF is followed by 00 or by one of the restart markers.
_MARKER: Final = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")


@dataclass(frozen=True)
class _Frame:
    """What a JPEG says of its pixels.

    Args:
        width: in pixels.
        height: in pixels.
        sampling: of each component, how many samples it has in a row and a column of a unit.
        is_progressive: whether its coefficients come in several scans.
    """

    width: int
    height: int
    sampling: tuple[tuple[int, int], ...]
    is_progressive: bool

    @classmethod
    def read(cls, segment: bytes, kind: int) -> Self:
        """Read the segment of a frame, from its length on (T.81, B.2.2)."""
        height, width = (int.from_bytes(segment[at : at + 2], "big") for at in (3, 5))
        factors = segment[9 : 8 + 3 * segment[7] : 3] if len(segment) > 7 else b""
        sampling = tuple((each >> 4, each & 15) for each in factors)
        return cls(width, height, sampling, kind in _PROGRESSIVE)

    @property
    def buffered_bytes(self) -> int:
        """What is needed when all coefficients are kept (two bytes each) beside the pixels, for
        which Pillow takes four bytes, or one for grey."""
        across = max((h for h, _ in self.sampling), default=1) or 1
        down = max((v for _, v in self.sampling), default=1) or 1
        samples = sum(h * v for h, v in self.sampling) / (across * down)
        pixels = self.width * self.height
        return int(pixels * (2 * samples + (1 if len(self.sampling) == 1 else 4)))


def check_jpeg(content: bytes, name: str) -> None:
    """Count the scans and segments of a JPEG, and what it takes to decode; nothing is decoded.

    Args:
        content: the whole file.
        name: what messages call the image.

    Raises:
        ImageTooLargeError: it has more than `MOST_SCANS`, or takes more than `MOST_BYTES`.
        ImageDamagedError: it has far more segments, or bytes between them, than any encoder writes.
    """
    scans = fill = 0
    at = 2
    frame: _Frame | None = None
    for segments in range(1, _MOST_SEGMENTS + 1):
        found = _MARKER.search(content, at)
        if found is None or found[1][0] == _END:
            return
        if not scans:  # within a scan, what is skipped is its data
            fill += found.end() - at - 2
        at, kind = found.end(), found[1][0]
        if kind in _FRAMES and frame is None:
            frame = _Frame.read(content[at : at + 1024], kind)
        if kind == _START_OF_SCAN and not scans and frame is not None:
            _check_memory(frame, content[at + 2 : at + 3], name)
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


def _check_memory(frame: _Frame, components: bytes, name: str) -> None:
    """Refuse a frame that needs too much, given the count of components in its first scan."""
    is_buffered = frame.is_progressive or components < bytes([len(frame.sampling)])
    if is_buffered and frame.buffered_bytes > MOST_BYTES:
        raise ImageTooLargeError(
            f"{name} is a progressive JPEG of {frame.width:,}×{frame.height:,} pixels, which takes "
            f"{frame.buffered_bytes / 1e6:.0f} MB to decode, over the limit of "
            f"{MOST_BYTES / 1e6:.0f} MB. Save it anew without “progressive”, or scale it down."
        )


def _has_few_markers(content: bytes, at: int, segments: int) -> bool:
    """Whether the file can't be over a limit, though only its first segments were counted: the
    counts of what comes behind them, from `at` on, are never too low.

    Counting bytes takes a tenth of the time of looking at each marker.
    """
    markers = content.count(b"\xff", at) - content.count(b"\xff\x00", at)
    scans = 1 + content.count(b"\xff\xda", at)
    return scans <= MOST_SCANS and segments + markers < _MOST_SEGMENTS
