"""The samples of TIFFs that Pillow can't open, or would cut down to 8 bits.

Pillow still unpacks them: it is handed the same file with one directory more, which calls each row
a row of bytes. NumPy then makes samples of these bytes.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import TiffImagePlugin

from ..errors import ImageDamagedError, ImageFormatError, ImageTooLargeError
from . import tiff_tags as tag
from .limits import Limits
from .rows import kept
from .samples import Samples
from .tiff_tags import TiffPage

__all__ = ["compression_name", "is_ordinary", "read_samples"]

_UNSIGNED, _SIGNED, _FLOAT, _VOID = 1, 2, 3, 4
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATED = 0, 1, 2, 5
_ASSOCIATED, _UNASSOCIATED = 1, 2

_BYTES_PER_PIXEL: Final = 32
"""How much memory the samples of one pixel may take, on the average."""

_BAND_BYTES: Final = 8_000_000
_KEPT_BYTES: Final = 120_000_000

_LOSSLESS: Final = (1, 5, 8, 32773, 32946, 34925, 50000)
_COMPRESSIONS: Final = {
    "none": (1,),
    "CCITT": (2, 3, 4),
    "LZW": (5,),
    "JPEG": (6, 7, 34892),
    "Deflate": (8, 32946),
    "JPEG 2000": (33003, 33004, 33005, 34712),
    "JPEG XL": (50002, 52546),
    "JPEG XR": (22610, 34934),
    "LERC": (34887,),
    "PackBits": (32773,),
    "WebP": (50001,),
}


def compression_name(page: TiffPage) -> str:
    """What a page is compressed with.

    Args:
        page: one page.

    Returns:
        Such as "LZW".
    """
    number = page.number(tag.COMPRESSION, 1)
    names = (name for name, numbers in _COMPRESSIONS.items() if number in numbers)
    return next(names, f"method {number}")


def is_ordinary(page: TiffPage) -> bool:
    """Say whether Pillow shows a page as it is meant.

    Args:
        page: one page.

    Returns:
        True for 8 bits and fewer in one of the usual arrangements of channels, and for what only
        Pillow can decode. False for RGB that has to be turned.
    """
    layout = _Layout(page)
    if layout.is_plain_rgb and page.number(tag.ORIENTATION, 1) != 1:
        return False  # Pillow would turn it while loading, into a second copy
    if layout.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATED):
        return True
    if max(layout.bits) > 8 or layout.format not in (_UNSIGNED, _VOID):
        return False
    if layout.photometric == _SEPARATED or page.number(tag.COMPRESSION, 1) not in _LOSSLESS:
        return True
    if layout.samples == 1:
        return True
    if max(layout.bits) < 8:
        return True
    grey = layout.photometric != _RGB
    return (layout.samples == 2 and grey and layout.alpha) or (
        not grey and (layout.samples == 3 or (layout.samples == 4 and layout.alpha))
    )


class _Layout:
    """How the samples of a page lie in its bytes."""

    def __init__(self, page: TiffPage) -> None:
        self.page = page
        self.width, self.height = page.number(tag.WIDTH), page.number(tag.HEIGHT)
        self.samples = max(1, page.number(tag.SAMPLES, 1))
        self.bits = page.numbers(tag.BITS, (1,)) or (1,)
        self.format = page.number(tag.FORMAT, _UNSIGNED)
        self.photometric = page.number(tag.PHOTOMETRIC, _BLACK_IS_ZERO)
        self.planes = self.samples if page.number(tag.PLANAR, 1) == 2 else 1
        self.predictor = page.number(tag.PREDICTOR, 1)

    @property
    def extra(self) -> int:
        """What the last channel is: 1 and 2 are kinds of opacity."""
        return next(iter(self.page.numbers(tag.EXTRA)[-1:]), 0)

    @property
    def alpha(self) -> bool:
        usual = {_RGB: 3, _WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1}.get(self.photometric, 0)
        is_opacity = self.extra in (_ASSOCIATED, _UNASSOCIATED)
        return is_opacity and self.samples == usual + 1

    @property
    def is_plain_rgb(self) -> bool:
        is_8_bit = set(self.bits) == {8} and self.format == _UNSIGNED
        is_lossless = self.page.number(tag.COMPRESSION, 1) in _LOSSLESS
        return self.photometric == _RGB and self.samples == 3 and is_8_bit and is_lossless

    @property
    def depth(self) -> int:
        return self.bits[0]

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The type of the samples in the file; None: they don't fill whole bytes."""
        kinds = {_UNSIGNED: "u", _VOID: "u", _SIGNED: "i", _FLOAT: "f"}
        kind = kinds.get(self.format)
        sizes = (16, 32, 64) if kind == "f" else (8, 16, 32, 64)
        if kind is None or self.depth not in sizes:
            return None
        return np.dtype(f"{self.page.order}{kind}{self.depth // 8}")

    @property
    def row_samples(self) -> int:
        """Samples in one row of one plane."""
        return self.width * self.samples // self.planes

    @property
    def tile_width(self) -> int:
        """The width of a tile; 0: the page is in strips."""
        return self.page.number(tag.TILE_WIDTH)

    def bytes_of(self, pixels: int) -> int:
        """The bytes of so many pixels in a row of one plane."""
        return math.ceil(pixels * (self.samples // self.planes) * self.depth / 8)


def read_samples(content: bytes, page: TiffPage, name: str, limits: Limits) -> Samples:
    """Read the samples of a page at their full depth.

    Args:
        content: the whole file.
        page: one of its pages.
        name: what messages call the image.
        limits: how large it may be.

    Returns:
        All its channels, as they lie in the file.

    Raises:
        ImageFormatError: its samples or its compression are of a kind that is not read.
        ImageTooLargeError: it is over a limit.
        ImageDamagedError: it has no pixels, or its tags contradict each other.
    """
    layout = _Layout(page)
    limits.check_size(layout.width, layout.height, name)
    _check_readable(layout, name)
    itemsize = math.ceil(layout.depth / 8)
    per_pixel = layout.samples * itemsize
    if layout.width * layout.height * per_pixel > _BYTES_PER_PIXEL * limits.max_pixels:
        raise ImageTooLargeError(
            f"{name} has {layout.samples} channels of {layout.depth} bits, too many for its size. "
            "Save the three that you want to see."
        )
    return Samples(
        kept(_TiffRows(content, layout), _KEPT_BYTES),
        alpha=layout.alpha,
        premultiplied=layout.extra == _ASSOCIATED,
        inverted=layout.photometric == _WHITE_IS_ZERO,
        no_data=_no_data(page),
        full=None if layout.dtype is not None else (0.0, float(2**layout.depth - 1)),
    )


def _check_readable(layout: _Layout, name: str) -> None:
    page = layout.page
    fix = "Save it as an uncompressed TIFF of 8 or 16 bits, or as a PNG."
    if layout.format in (5, 6):
        raise ImageFormatError(
            f"{name} holds complex numbers, not brightness. Save their magnitude as floats."
        )
    if len(set(layout.bits)) > 1:
        raise ImageFormatError(f"{name} is a TIFF whose channels differ in their bits. {fix}")
    packed = layout.format in (_UNSIGNED, _VOID) and 9 <= layout.depth <= 15
    if layout.dtype is None and not packed:
        kind = "floats" if layout.format == _FLOAT else "samples"
        raise ImageFormatError(f"{name} is a TIFF with {kind} of {layout.depth} bits. {fix}")
    if layout.photometric == _SEPARATED:
        raise ImageFormatError(
            f"{name} is a CMYK image of {layout.depth} bits, which can't be read. Save it as RGB."
        )
    is_lossless = page.number(tag.COMPRESSION, 1) in _LOSSLESS
    if not is_lossless or (layout.predictor != 1 and layout.dtype is None):
        raise ImageFormatError(
            f"{name} is a TIFF of {layout.depth} bits and {layout.samples} channels, compressed "
            f"with {compression_name(page)}, which can't be read. {fix}"
        )
    if page.number(tag.PLANAR, 1) not in (1, 2):
        raise ImageDamagedError(f"{name} is damaged: its tags contradict each other. {fix}")


def _no_data(page: TiffPage) -> float | None:
    try:
        return float(page.text(tag.NO_DATA).strip() or "x")
    except ValueError:
        return None


# ── bytes ─────────────────────────────────────────────────────────────────────────────────────────


class _TiffRows:
    """The samples of a page, as many strips or rows of tiles at a time as a band may have.

    Args:
        content: the whole file.
        layout: of the page.
    """

    def __init__(self, content: bytes, layout: _Layout) -> None:
        self._layout = layout
        self._planes = [_Pieces(content, layout, number) for number in range(layout.planes)]

    @property
    def shape(self) -> tuple[int, int, int]:
        return self._layout.height, self._layout.width, self._layout.samples

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype = self._layout.dtype
        return np.dtype(np.uint16) if dtype is None else dtype.newbyteorder("=")

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        start = 0
        for rows in zip(*(pieces.bands() for pieces in self._planes), strict=True):
            planes = [_samples(plane, self._layout) for plane in rows]
            yield start, planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)
            start += len(rows[0])


def _samples(rows: npt.NDArray[np.uint8], layout: _Layout) -> npt.NDArray[Any]:
    """Rows of bytes of one plane as H×W×C, in the machine's byte order."""
    channels = layout.samples // layout.planes
    if layout.dtype is None:
        values = _split_bits(rows, layout.row_samples, layout.depth)
        return values.reshape(len(rows), layout.width, channels)

    # The predictor starts anew in each tile.
    tile = layout.bytes_of(layout.tile_width or layout.width)
    tiles = [
        _undo_predictor(rows[:, start : start + tile], layout, channels)
        for start in range(0, rows.shape[1], tile)
    ]
    values = tiles[0] if len(tiles) == 1 else np.concatenate(tiles, axis=1)
    return values[:, : layout.width]


def _undo_predictor(
    rows: npt.NDArray[np.uint8], layout: _Layout, channels: int
) -> npt.NDArray[Any]:
    """The samples of one tile, or of whole rows: H×W×C."""
    dtype = layout.dtype
    assert dtype is not None  # the caller knows
    height, size = len(rows), dtype.itemsize
    if layout.predictor == 3:
        # https://www.awaresystems.be/imaging/tiff/specification/TIFFPM6.pdf and Adobe's Technical
        # Note 3: bytes are differences, and lie sorted from the highest to the lowest.
        sums = np.cumsum(rows.reshape(height, -1, channels), axis=1, dtype=np.uint8)
        planes = sums.reshape(height, size, -1).transpose(0, 2, 1)
        values = np.ascontiguousarray(planes).view(dtype.newbyteorder(">"))[..., 0]
        return values.reshape(height, -1, channels).astype(dtype.newbyteorder("="))

    native = np.ascontiguousarray(rows).view(dtype).astype(dtype.newbyteorder("="), copy=False)
    values = native.reshape(height, -1, channels)
    if layout.predictor == 2:
        whole = np.dtype(f"u{size}")
        values = np.cumsum(values.view(whole), axis=1, dtype=whole).view(values.dtype)
    return values


def _split_bits(rows: npt.NDArray[np.uint8], count: int, bits: int) -> npt.NDArray[np.uint16]:
    """Samples of 9–15 bits, which follow each other without a gap."""
    starts = np.arange(count) * bits
    first, shift = starts // 8, starts % 8
    # Each lies within three bytes.
    padded = np.pad(rows, ((0, 0), (0, 3)))
    values = np.empty((len(rows), count), np.uint16)
    for row, wanted in zip(padded, values, strict=True):
        three = [row[first + offset].astype(np.uint32) for offset in range(3)]
        joined = (three[0] << 16) | (three[1] << 8) | three[2]
        wanted[:] = (joined >> (24 - shift - bits)) & (2**bits - 1)
    return values


@dataclass
class _Directory:
    """A classic TIFF directory that is being made, always little-endian."""

    entries: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def behind(self, content: bytes) -> bytes:
        """The file with this directory at its end, as its only one."""
        start = len(content) + len(content) % 2
        place = start + 2 + 12 * len(self.entries) + 4
        head, tail = struct.pack("<H", len(self.entries)), b""
        for number, values in sorted(self.entries.items()):
            packed = struct.pack(f"<{len(values)}I", *values)
            inline = packed
            if len(packed) > 4:
                inline, tail = struct.pack("<I", place + len(tail)), tail + packed
            head += struct.pack("<HHI", number, 4, len(values)) + inline
        padding = b"\0" * (start - len(content))
        begin = b"II*\0" + struct.pack("<I", start)
        return b"".join([begin, content[8:], padding, head, bytes(4), tail])


class _Pieces:
    """The strips or tiles of one plane.

    Args:
        content: the whole file.
        layout: of the page.
        number: which plane.
    """

    def __init__(self, content: bytes, layout: _Layout, number: int) -> None:
        page = layout.page
        self._content, self._layout = content, layout
        self._tiled = bool(layout.tile_width)
        names = (tag.TILES, tag.TILE_BYTES) if self._tiled else (tag.STRIPS, tag.STRIP_BYTES)
        self._offsets, self._sizes = (
            _of_plane(page.numbers(name), number, layout.planes) for name in names
        )
        if self._tiled:
            # All tiles are whole, and their bytes are needed to undo the predictor.
            self._across = math.ceil(layout.width / layout.tile_width)
            self._width = self._across * layout.bytes_of(layout.tile_width)
            self._rows = page.number(tag.TILE_HEIGHT)
        else:
            self._across = 1
            self._width = layout.bytes_of(layout.width)
            self._rows = min(page.number(tag.ROWS, layout.height) or layout.height, layout.height)
            self._cut_one_strip()

    def _cut_one_strip(self) -> None:
        """Make several strips of one that isn't compressed: its rows are where they are."""
        is_plain = self._layout.page.number(tag.COMPRESSION, 1) == 1
        if not (is_plain and len(self._offsets) == 1 and self._rows == self._layout.height):
            return
        self._rows = min(self._rows, max(1, _BAND_BYTES // max(1, self._width)))
        starts = range(0, self._layout.height, self._rows)
        left = [min(self._rows, self._layout.height - start) for start in starts]
        self._offsets = tuple(self._offsets[0] + start * self._width for start in starts)
        self._sizes = tuple(rows * self._width for rows in left)

    def bands(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Bytes of rows, from top to bottom."""
        height = at_once = self._layout.height
        # Without their sizes, or with sizes that are wrong, all pieces are read together.
        if len(self._sizes) == len(self._offsets) and self._rows > 0:
            at_once = self._rows * max(1, _BAND_BYTES // max(1, self._rows * self._width))
        for start in range(0, height, at_once):
            rows = min(at_once, height - start)
            yield from _parts(self._unpack(start, rows), _BAND_BYTES)

    def _unpack(self, start: int, rows: int) -> TiffImagePlugin.TiffImageFile:
        """Rows of bytes without their compression, as Pillow unpacks them."""
        page = self._layout.page
        entries: dict[int, tuple[int, ...]] = {
            tag.WIDTH: (self._width,),
            tag.HEIGHT: (rows,),
            tag.BITS: (8,),
            tag.COMPRESSION: (page.number(tag.COMPRESSION, 1),),
            tag.PHOTOMETRIC: (_BLACK_IS_ZERO,),
            tag.FILL_ORDER: (page.number(tag.FILL_ORDER, 1),),
            tag.SAMPLES: (1,),
            tag.PLANAR: (1,),
        }
        if self._tiled:
            entries[tag.TILE_WIDTH] = (self._layout.bytes_of(self._layout.tile_width),)
            entries[tag.TILE_HEIGHT] = (self._rows,)
            names = (tag.TILES, tag.TILE_BYTES)
        else:
            entries[tag.ROWS] = (min(self._rows, rows),)
            names = (tag.STRIPS, tag.STRIP_BYTES)
        content, entries[names[0]], sizes = self._pieces(start, rows)
        if sizes:
            entries[names[1]] = sizes
        return TiffImagePlugin.TiffImageFile(io.BytesIO(_Directory(entries).behind(content)))

    def _pieces(self, start: int, rows: int) -> tuple[bytes, tuple[int, ...], tuple[int, ...]]:
        """A file that has the pieces of some rows, their offsets in it and their sizes."""
        if rows == self._layout.height:
            return self._content, self._offsets, self._sizes
        first = start // self._rows * self._across
        last = math.ceil((start + rows) / self._rows) * self._across
        parts, offsets, end = [bytes(8)], [], 8
        for offset, size in zip(self._offsets[first:last], self._sizes[first:last], strict=True):
            parts.append(self._content[offset : offset + size])
            offsets.append(end)
            end += len(parts[-1])
        return b"".join(parts), tuple(offsets), self._sizes[first:last]


def _parts(file: TiffImagePlugin.TiffImageFile, size: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The rows of an image of bytes, about `size` bytes at a time."""
    with file:
        file.load()
        step = max(1, size // max(1, file.width))
        for start in range(0, file.height, step):
            stop = min(start + step, file.height)
            yield np.asarray(file.crop((0, start, file.width, stop)), np.uint8)


def _of_plane(offsets: tuple[int, ...], number: int, planes: int) -> tuple[int, ...]:
    each = len(offsets) // planes
    return offsets[number * each : (number + 1) * each]
