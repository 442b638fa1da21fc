"""Values of more than 8 bits as 0–255, so that a scientific image is never black."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import ImageFormatError
from .choices import Choices

__all__ = ["full_range", "to_8_bit"]

PERCENTILES: Final = (0.1, 99.9)
"""Which of the values become black and white."""

_DIM: Final = 1 / 16
"""Floats from 0 to 1 whose 99.9th percentile is lower than this would be all but black."""

_SAMPLED: Final = 4_000_000
_BLOCK: Final = 1_000_000

Values = npt.NDArray[Any]
Range = tuple[float, float]


def full_range(dtype: np.dtype[Any]) -> Range:
    """The range that a type of values has room for.

    Args:
        dtype: of integers or floats.

    Returns:
        Its lowest and its highest integer; 0 and 1 for floats.
    """
    if dtype.kind not in "iu":
        return 0.0, 1.0
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def to_8_bit(
    values: Values,
    name: str,
    choices: Choices,
    notes: list[str],
    *,
    full: Range | None = None,
    valid: npt.NDArray[np.bool_] | None = None,
    inverted: bool = False,
) -> npt.NDArray[np.uint8]:
    """Scale values to 8 bits; those of 8 bits stay as they are.

    Args:
        values: H×W×C, of bool, integers or floats.
        name: what messages call the image.
        choices: its `contrast` says how.
        notes: a sentence about what became black and white is added.
        full: the range for "full"; None: that of the dtype.
        valid: H×W×C; where it is False there is no data. None: everywhere there is.
        inverted: low values are white.

    Returns:
        H×W×C uint8; 0 where there is no data, also for NaN.

    Raises:
        ImageFormatError: the dtype is not that of an image, or there is no finite value.
    """
    if values.dtype == np.uint8:
        return np.uint8(255) - values if inverted else values
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind not in "iuf":
        raise ImageFormatError(
            f"{name} is of {values.dtype}, but integers, floats and bool are read."
        )

    good = _good(values, valid)
    if good is not None and not good.any():
        raise ImageFormatError(
            f"{name} has no finite value: all of it is NaN, infinite or no data."
        )
    low, high = _limits(values, good, choices, full or full_range(values.dtype), notes)
    scaled = _scale(values, low, high)
    if inverted:
        scaled = np.uint8(255) - scaled
    if good is not None:
        missing = int((~good).any(axis=2).sum())
        scaled[~good] = 0
        if missing:
            notes.append(f"{missing:,} pixels without a value (NaN, infinite, no data) are black.")
    return scaled


def _good(values: Values, valid: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    """Which values count; None: all of them."""
    if values.dtype.kind != "f":
        return None if valid is None or valid.all() else valid
    good = np.isfinite(values)
    if valid is not None:
        good &= valid
    return None if good.all() else good


def _limits(
    values: Values,
    good: npt.NDArray[np.bool_] | None,
    choices: Choices,
    full: Range,
    notes: list[str],
) -> Range:
    """Which values become black and white; the rule is noted where it was chosen here."""
    if choices.limits is not None:
        return choices.limits
    if choices.contrast == "full":
        return full
    if choices.contrast != "auto":
        return 0.0, 255.0

    known = values if good is None else values[good]
    lowest, highest = float(known.min()), float(known.max())
    low, high = _percentiles(known)
    is_unit = values.dtype.kind == "f" and lowest >= 0 and highest <= 1
    if is_unit and (high >= _DIM or highest == 0):
        return 0.0, 1.0

    how = f"the percentiles {PERCENTILES[0]} and {PERCENTILES[1]}"
    if not low < high:
        low, high, how = lowest, highest, "the lowest and the highest value"
    if low == high:
        low, high, how = min(low, 0.0), max(high, 0.0), "as all values are the same"
    if low == high:
        high = low + 1
    if (low, high) != full:
        notes.append(
            f"Contrast: of {values.dtype.name} values from {lowest:g} to {highest:g}, {low:g} is "
            f"black and {high:g} is white ({how}). contrast= chooses others."
        )
    return low, high


def _percentiles(known: Values) -> Range:
    flat = known.reshape(-1)
    # An even stride would meet the same channel, or the same column, again and again.
    step = max(1, flat.size // _SAMPLED) | 1
    low, high = np.percentile(flat[::step].astype(np.float64), PERCENTILES)
    return float(low), float(high)


def _scale(values: Values, low: float, high: float) -> npt.NDArray[np.uint8]:
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        table = _scale_block(np.arange(65536, dtype=np.float64), low, high)
        return table[values]
    flat = values.reshape(-1)
    scaled = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        scaled[part] = _scale_block(flat[part].astype(np.float64), low, high)
    return scaled.reshape(values.shape)


def _scale_block(values: npt.NDArray[np.float64], low: float, high: float) -> Values:
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (np.nan_to_num(values, nan=low) - low) * (255 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
