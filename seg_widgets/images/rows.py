"""Images band by band, so that no step has a second copy of all pixels in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["ArrayRows", "Rows", "band_height", "empty_turned", "kept"]

_BAND_VALUES: Final = 2_000_000

Values = npt.NDArray[Any]


class Rows(Protocol):
    """The values of an image, read once or several times from top to bottom."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values, in the machine's byte order."""

    def bands(self) -> Iterator[tuple[int, Values]]:
        """The first row of each band, and its values as H×W×C."""


class ArrayRows:
    """The rows of an array.

    Args:
        values: H×W×C, in any byte order.
    """

    def __init__(self, values: Values) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self._values.shape
        return height, width, channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values, in the machine's byte order."""
        return self._values.dtype.newbyteorder("=")

    def bands(self) -> Iterator[tuple[int, Values]]:
        """The first row of each band, and its values as H×W×C."""
        height, width, channels = self.shape
        step = band_height(width * channels)
        for start in range(0, height, step):
            # NumPy's rules for looking values up in tables know only the machine's own byte order.
            yield start, self._values[start : start + step].astype(self.dtype, copy=False)


def kept(rows: Rows, most_bytes: int) -> Rows:
    """Rows that are read once only, if they may be in memory together.

    Args:
        rows: What reads them, which costs time.
        most_bytes: How much memory they may take.

    Returns:
        Their array, or the rows themselves.
    """
    if math.prod(rows.shape) * rows.dtype.itemsize > most_bytes:
        return rows
    values = np.empty(rows.shape, rows.dtype)
    for start, band in rows.bands():
        values[start : start + len(band)] = band
    return ArrayRows(values)


def band_height(row_values: int) -> int:
    """How many rows a band has.

    Args:
        row_values: Values in one row.

    Returns:
        1 or more.
    """
    return max(1, _BAND_VALUES // max(1, row_values))


def empty_turned(
    height: int, width: int, turn: Image.Transpose | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """An RGB image that is turned while it is written.

    Args:
        height: Rows of the image as it lies in the file.
        width: Its pixels in a row.
        turn: How it is turned; None: not at all.

    Returns:
        The turned image, whose values are not set yet, and a view of the same memory as H×W×3:
        what is written into it, as it lies in the file, lies turned in the image.
    """
    swaps = turn in _SWAPPING
    turned = np.empty((width, height, 3) if swaps else (height, width, 3), np.uint8)
    view = turned[:: -1 if turn in _UPWARDS else 1, :: -1 if turn in _LEFTWARDS else 1]
    return turned, view.transpose(1, 0, 2) if swaps else view


_SWAPPING: Final = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
)
_UPWARDS: Final = (
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_90,
    Image.Transpose.TRANSVERSE,
)
_LEFTWARDS: Final = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
)
