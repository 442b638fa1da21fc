"""The rows of a PIL image: as RGB on white, or at their full depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .rows import ArrayRows, band_height

__all__ = ["ArrayColours", "PillowColours", "PillowSamples"]

_PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


class PillowColours:
    """A PIL image of 8 bits or fewer as RGB; what is transparent becomes white.

    Args:
        image: Loaded, of any mode that Pillow converts to RGB.
        count: How many of the three channels.
    """

    def __init__(self, image: Image.Image, count: int) -> None:
        self._image, self._count = image, count
        self.is_clear = True
        """Whether all that was read is transparent."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self._image.height, self._image.width, self._count

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """The first row of each band, and its values as H×W×C."""
        for start, band in _bands(self._image):
            self.is_clear = self.is_clear and _is_clear(band)
            yield start, np.asarray(_rgb(band))[..., : self._count]


class ArrayColours:
    """What OpenCV has read as RGB; what is transparent becomes white.

    Args:
        values: H×W×3 BGR or H×W×4 BGRA, uint8.
    """

    def __init__(self, values: npt.NDArray[np.uint8]) -> None:
        self._rows = ArrayRows(values)
        self.is_clear = values.shape[2] == 4
        """Whether all that was read is transparent."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, _ = self._rows.shape
        return height, width, 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """The first row of each band, and its values as H×W×C."""
        for start, band in self._rows.bands():
            if band.shape[2] == 3:
                yield start, band[..., ::-1]
            else:
                self.is_clear = self.is_clear and not band[..., 3].any()
                order = np.ascontiguousarray(band[..., [2, 1, 0, 3]])
                yield start, np.asarray(_rgb(Image.fromarray(order)))


class PillowSamples:
    """The samples of a PIL image of more than 8 bits.

    Args:
        image: Loaded, of a mode with one channel of 16 or 32 bits.
        clear: The value that is transparent: a second channel says so. None: there is none.
    """

    def __init__(self, image: Image.Image, clear: int | None = None) -> None:
        self._image, self._clear = image, clear

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self._image.height, self._image.width, 1 if self._clear is None else 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint16, int32 or float32."""
        if "16" in self._image.mode:
            return np.dtype(np.uint16)
        return np.dtype(np.float32 if self._image.mode == "F" else np.int32)

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """The first row of each band, and its values as H×W×C."""
        for start, band in _bands(self._image):
            native = band.convert("I") if band.mode in ("I;16B", "I;16N", "I;16L") else band
            values = np.asarray(native)[..., None].astype(self.dtype, copy=False)
            if self._clear is not None:
                opaque = np.where(values == self._clear, 0, 65535).astype(self.dtype)
                values = np.concatenate([values, opaque], axis=2)
            yield start, values


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    step = band_height(image.width * 4)
    for start in range(0, image.height, step):
        yield start, image.crop((0, start, image.width, min(start + step, image.height)))


def _is_clear(image: Image.Image) -> bool:
    """Whether no pixel is opaque in part."""
    if image.mode not in _ALPHA_MODES and "transparency" not in image.info:
        return False
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    elif image.mode not in _PLAIN_MODES:
        return False
    return image.convert("RGBA").getchannel("A").getextrema()[1] == 0


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        image = _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    elif image.mode not in _PLAIN_MODES:
        return image.convert("RGB")
    transparent = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(transparent, mask=transparent.getchannel("A"))
    return white
