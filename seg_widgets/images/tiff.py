"""The samples of TIFFs that Pillow can't open, or would cut down to 8 bits.

Pillow still unpacks them: it is handed the same file with one directory more, which calls each row
a row of bytes. NumPy then makes samples of these bytes.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import TiffImagePlugin

from ..errors import ImageDamagedError, ImageFormatError, ImageTooLargeError
from . import tiff_tags as tag
from .limits import Limits
from .samples import Samples
from .tiff_tags import TiffPage

__all__ = ["compression_name", "is_ordinary", "read_samples"]

_UNSIGNED, _SIGNED, _FLOAT, _VOID = 1, 2, 3, 4
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATED = 0, 1, 2, 5
_ASSOCIATED, _UNASSOCIATED = 1, 2

_BYTES_PER_PIXEL: Final = 32
"""How much memory the samples of one pixel may take, on the average."""

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
        Pillow can decode.
    """
    layout = _Layout(page)
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
    planes = [_read_plane(content, layout, number) for number in range(layout.planes)]
    values = planes[0] if layout.planes == 1 else np.concatenate(planes, axis=2)
    return Samples(
        values,
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


def _read_plane(content: bytes, layout: _Layout, number: int) -> npt.NDArray[Any]:
    """One plane as H×W×C, in the machine's byte order."""
    rows = _unpack(content, layout, number)
    channels = layout.samples // layout.planes
    if layout.dtype is None:
        values = _split_bits(rows, layout.row_samples, layout.depth)
        return values.reshape(layout.height, layout.width, channels)

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


def _unpack(content: bytes, layout: _Layout, number: int) -> npt.NDArray[np.uint8]:
    """One plane of a page as rows of bytes, without its compression."""
    page = layout.page
    width = layout.bytes_of(layout.width)
    entries: dict[int, tuple[int, ...]] = {
        tag.HEIGHT: (layout.height,),
        tag.BITS: (8,),
        tag.COMPRESSION: (page.number(tag.COMPRESSION, 1),),
        tag.PHOTOMETRIC: (_BLACK_IS_ZERO,),
        tag.FILL_ORDER: (page.number(tag.FILL_ORDER, 1),),
        tag.SAMPLES: (1,),
        tag.PLANAR: (1,),
    }
    if layout.tile_width:
        # All tiles are whole, and their bytes are needed to undo the predictor.
        across = math.ceil(layout.width / layout.tile_width)
        width = across * layout.bytes_of(layout.tile_width)
        entries[tag.TILE_WIDTH] = (layout.bytes_of(layout.tile_width),)
        entries[tag.TILE_HEIGHT] = (page.number(tag.TILE_HEIGHT),)
        names = (tag.TILES, tag.TILE_BYTES)
    else:
        rows = min(page.number(tag.ROWS, layout.height) or layout.height, layout.height)
        entries[tag.ROWS] = (rows,)
        names = (tag.STRIPS, tag.STRIP_BYTES)
    entries[tag.WIDTH] = (width,)
    for which in names:
        entries[which] = _of_plane(page.numbers(which), number, layout.planes)
    if not entries[names[1]]:
        del entries[names[1]]

    file = TiffImagePlugin.TiffImageFile(io.BytesIO(_Directory(entries).behind(content)))
    with file:
        file.load()
        return np.asarray(file, np.uint8)


def _of_plane(offsets: tuple[int, ...], number: int, planes: int) -> tuple[int, ...]:
    each = len(offsets) // planes
    return offsets[number * each : (number + 1) * each]
