"""NumPy arrays, and what offers itself as one, as RGB images."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..errors import ImageFormatError
from .limits import Limits

__all__ = ["RGBArray", "from_array", "scale_uint16", "stretch"]

RGBArray = npt.NDArray[np.uint8]


def from_array(source: object, name: str, limits: Limits) -> RGBArray:
    """Make an RGB image of an array.

    Args:
        source: H×W, H×W×1, H×W×3 (RGB) or H×W×4 (RGBA), of uint8, uint16 over its full range,
            bool, or floats from 0 to 1.
        name: what messages call the image.
        limits: how large it may be.

    Returns:
        An H×W×3 uint8 array of its own, C-contiguous; what is transparent lies on white.

    Raises:
        ImageFormatError: its shape, dtype or values are not those of an image.
        ImageTooLargeError: it is over a limit.
        ImageDamagedError: it has no pixels.
    """
    try:
        array = np.asarray(source)
    # A tensor on a GPU, or whatever else another library's __array__ refuses.
    except Exception as error:
        raise ImageFormatError(f"{name} can't be read as a NumPy array: {error}") from None

    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageFormatError(_shape_message(array, name))
    limits.check_size(array.shape[1], array.shape[0], name)

    values = _to_uint8(array, name).reshape(*array.shape[:2], channels)
    if channels == 4:
        values = _on_white(values)
    if channels == 1:
        values = np.repeat(values, 3, axis=2)
    return np.array(values, np.uint8, order="C")


def scale_uint16(values: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Scale 16 bits to 8.

    Args:
        values: of any shape, 0–65535.

    Returns:
        The nearest 8-bit values, in the same shape.
    """
    # 65535 = 257 · 255, so this rounds to the nearest.
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def stretch(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """Scale 32-bit integers or floats to 8 bits.

    Args:
        values: of any shape and range. The darkest becomes black and the brightest white, but
            values from 0 to 1 keep that range.
        name: what messages call the image.

    Returns:
        8-bit values, in the same shape.

    Raises:
        ImageFormatError: a value is NaN or infinite.
    """
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageFormatError(
            f"{name} holds NaN or infinite values. Replace them before, for example by 0."
        )
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low == high:
        low, high = min(low, 0.0), max(high, 0.0)
    scaled = np.rint((values - low) * (255 / (high - low)))
    return cast(npt.NDArray[np.uint8], scaled.astype(np.uint8))


def _on_white(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    alpha = rgba[..., 3:].astype(np.uint16)
    blended = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return blended.astype(np.uint8)


def _shape_message(array: npt.NDArray[Any], name: str) -> str:
    message = (
        f"{name} has the shape {array.shape}, but an image is H×W, H×W×3 (RGB) or H×W×4 (RGBA)."
    )
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return f"{message} If its channels come first, give array.transpose(1, 2, 0)."
    if array.ndim == 4:
        return f"{message} If it is a batch, give one image of it, such as array[0]."
    return message


# ── dtypes ────────────────────────────────────────────────────────────────────────────────────────


def _to_uint8(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    # Of any byte order, so not by comparing with np.uint16.
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return scale_uint16(array)
    if array.dtype.kind == "f":
        return _from_floats(array, name)
    if array.dtype.kind in "iu":
        raise ImageFormatError(_integer_message(array, name))
    raise ImageFormatError(
        f"{name} is of {array.dtype}, but uint8, uint16, bool or floats from 0 to 1 are read."
    )


def _from_floats(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    low, high = float(array.min()), float(array.max())
    if np.isnan(low) or np.isnan(high):
        raise ImageFormatError(
            f"{name} holds NaN. Replace it before, for example by numpy.nan_to_num."
        )
    if low < 0 or high > 1:
        is_byte_range = low >= 0 and high <= 255
        fix = "array.astype(numpy.uint8)" if is_byte_range else "(array - low) / (high - low)"
        raise ImageFormatError(
            f"{name} of floats has values from {low:g} to {high:g}, but 0 to 1 is read. Give {fix}."
        )
    return cast(npt.NDArray[np.uint8], np.rint(array * 255).astype(np.uint8))


def _integer_message(array: npt.NDArray[Any], name: str) -> str:
    low, high = int(array.min()), int(array.max())
    is_byte_range = low >= 0 and high <= 255
    fix = "numpy.uint8" if is_byte_range else "numpy.uint16 after scaling it to 0–65535"
    return (
        f"{name} is of {array.dtype}, whose full range says nothing about black and white; "
        f"its values go from {low} to {high}. Give it as {fix}."
    )
