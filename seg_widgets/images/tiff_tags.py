"""The directories of a TIFF: what each page says of itself, read without decoding a pixel."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

__all__ = ["MOST_PIECES", "TiffPage", "is_raw", "is_sound", "read_pages"]

# The numbers of tags and values: https://www.loc.gov/preservation/digital/formats/content/
# tiff_tags.shtml
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, DESCRIPTION, STRIPS, ORIENTATION, SAMPLES, ROWS = 266, 270, 273, 274, 277, 278
STRIP_BYTES, PLANAR, PREDICTOR = 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, SUB_IFDS = 322, 323, 324, 325, 330
EXTRA, FORMAT, NO_DATA, DNG_VERSION, SUBFILE = 338, 339, 42113, 50706, 254

_CFA, _LINEAR_RAW = 32803, 34892
_RAW_COMPRESSIONS: Final = (32767, 32770, 34713, 65000, 65535)
"""Of Sony, Samsung, Nikon, Kodak and Pentax."""

_RAW_SUFFIXES: Final = (
    *(".3fr", ".arw", ".cr2", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc", ".mef"),
    *(".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2"),
    *(".srf", ".srw"),
)

_TYPES: Final = dict(
    zip((1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 16, 17, 18), "BsHIbshifdIQqQ", strict=True)
)
"""How `struct` reads each type of value; of bytes (2 and 7) it makes one text."""

_READ: Final = frozenset(
    (
        *(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, DESCRIPTION, STRIPS),
        *(ORIENTATION, SAMPLES, ROWS, STRIP_BYTES, PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT),
        *(TILES, TILE_BYTES, SUB_IFDS, EXTRA, FORMAT, NO_DATA, DNG_VERSION, SUBFILE),
    )
)
"""The tags that somebody asks for."""

MOST_PIECES: Final = 200_000
"""Strips or tiles of one page. Pillow goes over them in Python; 50 megapixels of the smallest tiles
that TIFF allows, 16×16, have 195,313."""

_MOST_PAGES: Final = 100_000
_MOST_ENTRIES: Final = 1_000_000
_MOST_VALUES: Final = 1_000_000

Value = tuple[float, ...] | bytes


@dataclass(frozen=True)
class TiffPage:
    """One directory of a TIFF.

    Args:
        order: "<" or ">", the file's byte order.
        tags: the values of the tags that this module names, by number; those of unknown types
            are left out.
        pieces: how many strips or tiles it says it has.
    """

    order: str
    tags: dict[int, Value] = field(repr=False)
    pieces: int = 0

    def numbers(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The whole numbers of a tag.

        Args:
            tag: its number.
            default: what it is where the page doesn't say.

        Returns:
            The numbers.
        """
        found = self.tags.get(tag)
        if found is None or isinstance(found, bytes):
            return default
        return tuple(int(value) for value in found)

    def number(self, tag: int, default: int = 0) -> int:
        """The first whole number of a tag.

        Args:
            tag: its number.
            default: what it is where the page doesn't say.

        Returns:
            The number.
        """
        return next(iter(self.numbers(tag)), default)

    def text(self, tag: int) -> str:
        """The text of a tag.

        Args:
            tag: its number.

        Returns:
            The text to its first NUL; "" where there is none.
        """
        found = self.tags.get(tag, b"")
        return found.split(b"\0")[0].decode("latin-1") if isinstance(found, bytes) else ""

    @property
    def is_whole(self) -> bool:
        """It is an image of its own: neither a smaller copy of one nor a mask."""
        return not self.number(SUBFILE) & 0b101


def read_pages(content: bytes) -> list[TiffPage]:
    """Read the directories of a TIFF, classic or BigTIFF.

    Args:
        content: the whole file.

    Returns:
        Its pages, in their order; those before the first that is broken.
    """
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    pages: list[TiffPage] = []
    seen: set[int] = set()
    budget = _Budget(len(content))
    try:
        (offset,) = struct.unpack_from(
            order + ("Q" if is_big else "I"), content, 8 if is_big else 4
        )
        while offset and offset not in seen and len(pages) < _MOST_PAGES:
            seen.add(offset)
            page, offset = _read_directory(content, offset, order, is_big, budget)
            pages.append(page)
    except struct.error:
        pass
    return pages


class _Budget:
    """How much more is read of a file whose directories and values may lie on each other.

    Args:
        count: the bytes of the file.
    """

    def __init__(self, count: int) -> None:
        self._bytes, self._values, self._entries = count, _MOST_VALUES, _MOST_ENTRIES

    def takes_entry(self) -> bool:
        """Whether one more entry may be looked at."""
        self._entries -= 1
        return self._entries >= 0

    def takes(self, values: int, size: int) -> bool:
        """Whether so many values, of so many bytes together, may be read."""
        if size > self._bytes or values > self._values:
            return False
        self._bytes -= size
        self._values -= values
        return True


def _read_directory(
    content: bytes, offset: int, order: str, is_big: bool, budget: _Budget
) -> tuple[TiffPage, int]:
    """The page whose tags are at an offset, and the offset of the next directory."""
    head, entry, inline, link = ("Q", "HHQ", 8, "Q") if is_big else ("H", "HHI", 4, "I")
    (count,) = struct.unpack_from(order + head, content, offset)
    offset += struct.calcsize(order + head)
    size = struct.calcsize(order + entry) + inline
    tags: dict[int, Value] = {}
    pieces = 0
    for at in range(offset, offset + min(count, 65535) * size, size):
        if not budget.takes_entry():
            break
        tag, kind, length = struct.unpack_from(order + entry, content, at)
        form = _TYPES.get(kind)
        if form is None or tag not in _READ:
            continue
        if tag in (STRIPS, TILES):
            pieces = max(pieces, length)
        bytes_there = struct.calcsize(order + form) * length
        place = at + size - inline
        if bytes_there > inline:
            (place,) = struct.unpack_from(order + link, content, place)
        # A count that lies must not make us take memory for it.
        count_there = 1 if form == "s" else length
        if place + bytes_there <= len(content) and budget.takes(count_there, bytes_there):
            found = struct.unpack_from(f"{order}{length}{form}", content, place)
            tags[tag] = found[0] if form == "s" and found else found
    try:
        (following,) = struct.unpack_from(order + link, content, offset + count * size)
    except struct.error:
        following = 0
    return TiffPage(order, tags, pieces), following


def is_raw(content: bytes, pages: list[TiffPage], name: str) -> bool:
    """Say whether a TIFF is a camera's RAW file, whose first page is a small preview.

    Args:
        content: the whole file.
        pages: what `read_pages` gave.
        name: the file's name.

    Returns:
        True if a page holds what a sensor saw, or is a preview of pages inside it.
    """
    if name.lower().endswith(_RAW_SUFFIXES):
        return True
    if not pages:
        return False
    first = pages[0]
    if DNG_VERSION in first.tags or (not first.is_whole and SUB_IFDS in first.tags):
        return True
    inner: list[TiffPage] = []
    budget = _Budget(len(content))
    for offset in first.numbers(SUB_IFDS)[:16]:
        is_big = content[2:4] in (b"+\0", b"\0+")
        try:
            inner.append(_read_directory(content, offset, first.order, is_big, budget)[0])
        except struct.error:
            continue
    return any(
        page.number(PHOTOMETRIC) in (_CFA, _LINEAR_RAW)
        or page.number(COMPRESSION) in _RAW_COMPRESSIONS
        for page in (*pages, *inner)
    )


def is_sound(content: bytes, page: TiffPage) -> bool:
    """Say whether all bytes that a page names are in the file, so that it is not cut short.

    Args:
        content: the whole file.
        page: one of its pages.

    Returns:
        True if each strip or tile lies inside, and there is at least one.
    """
    tiled = TILES in page.tags
    offsets = page.numbers(TILES if tiled else STRIPS)
    counts = page.numbers(TILE_BYTES if tiled else STRIP_BYTES)
    if not offsets or len(offsets) != len(counts):
        return False
    ends = [offset + count for offset, count in zip(offsets, counts, strict=True)]
    return 0 < max(ends) <= len(content) and page.number(WIDTH) > 0 and page.number(HEIGHT) > 0
