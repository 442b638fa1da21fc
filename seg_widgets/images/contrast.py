"""Values of more than 8 bits as 0–255, so that a scientific image is never black."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import ImageFormatError
from .choices import Choices

__all__ = ["Bands", "Scaling", "find_scaling", "full_range"]

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


class Scaling:
    """How values become 8 bits; those of 8 bits stay as they are.

    Args:
        low: what becomes black.
        high: what becomes white.
        inverted: low values are white.
    """

    def __init__(self, low: float, high: float, *, inverted: bool = False) -> None:
        self._low, self._high, self._inverted = low, high, inverted
        self._table: Values | None = None

    def to_8_bit(
        self, values: Values, valid: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Scale values.

        Args:
            values: H×W×C, of bool, integers or floats.
            valid: H×W×C; where it is False there is no data. None: everywhere there is.

        Returns:
            H×W×C uint8; 0 where there is no data, also for NaN.
        """
        if values.dtype == np.uint8:
            return np.uint8(255) - values if self._inverted else values
        if values.dtype == bool:
            return values.astype(np.uint8) * np.uint8(255)
        scaled = self._scale(values)
        if self._inverted:
            scaled = np.uint8(255) - scaled
        good = _good(values, valid)
        if good is not None:
            scaled[~good] = 0
        return scaled

    def _scale(self, values: Values) -> npt.NDArray[np.uint8]:
        if values.dtype.kind == "u" and values.dtype.itemsize == 2:
            if self._table is None:
                every = np.arange(65536, dtype=np.float64)
                self._table = _scale_block(every, self._low, self._high)
            return self._table[values]
        flat = values.reshape(-1)
        scaled = np.empty(flat.size, np.uint8)
        for start in range(0, flat.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            scaled[part] = _scale_block(flat[part].astype(np.float64), self._low, self._high)
        return scaled.reshape(values.shape)


Bands = Callable[[], Iterator[tuple[Values, npt.NDArray[np.bool_] | None]]]
"""Goes over an image from top to bottom: the values of each band, H×W×C, and where they are data
(None: everywhere)."""


def find_scaling(
    bands: Bands,
    count: int,
    dtype: np.dtype[Any],
    name: str,
    choices: Choices,
    notes: list[str],
    *,
    full: Range | None = None,
    has_no_data: bool = False,
    inverted: bool = False,
) -> Scaling:
    """Decide how the values of an image become 8 bits.

    Args:
        bands: goes over the image.
        count: all its values.
        dtype: their type.
        name: what messages call the image.
        choices: its `contrast` says how.
        notes: a sentence about what became black and white is added.
        full: the range for "full"; None: that of the dtype.
        has_no_data: whether some values may be no data.
        inverted: low values are white.

    Returns:
        What scales each band.

    Raises:
        ImageFormatError: the dtype is not that of an image, or there is no finite value.
    """
    if dtype in (np.uint8, np.bool_):
        return Scaling(0, 255, inverted=inverted)
    if dtype.kind not in "iuf":
        raise ImageFormatError(f"{name} is of {dtype}, but integers, floats and bool are read.")
    is_auto = choices.limits is None and choices.contrast == "auto"
    found = _Statistics(count)
    if is_auto or has_no_data or dtype.kind == "f":
        for values, valid in bands():
            found.add(values, valid)
        if not found.count:
            raise ImageFormatError(
                f"{name} has no finite value: all of it is NaN, infinite or no data."
            )
    low, high = _limits(found, dtype, choices, full or full_range(dtype), notes)
    if found.missing:
        notes.append(
            f"{found.missing:,} pixels without a value (NaN, infinite, no data) are black."
        )
    return Scaling(low, high, inverted=inverted)


class _Statistics:
    """What is known of the values of an image, band by band.

    Args:
        total: how many values there are.
    """

    def __init__(self, total: int) -> None:
        self.count = self.missing = 0
        self.lowest, self.highest = math.inf, -math.inf
        # An even stride would meet the same channel, or the same column, again and again.
        self._step = max(1, total // _SAMPLED) | 1
        self._next = 0
        self._samples: list[Values] = []

    def add(self, values: Values, valid: npt.NDArray[np.bool_] | None) -> None:
        """Take in one band."""
        good = _good(values, valid)
        if good is not None:
            self.missing += int((~good).any(axis=2).sum())
        known = values.reshape(-1) if good is None else values[good]
        if not known.size:
            return
        self.count += known.size
        self.lowest = min(self.lowest, float(known.min()))
        self.highest = max(self.highest, float(known.max()))
        self._samples.append(known[self._next :: self._step].copy())
        self._next = (self._next - known.size) % self._step

    def percentiles(self) -> Range:
        """The values of `PERCENTILES`."""
        samples = np.concatenate(self._samples).astype(np.float64)
        low, high = np.percentile(samples, PERCENTILES)
        return float(low), float(high)


def _good(values: Values, valid: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    """Which values count; None: all of them."""
    if values.dtype.kind != "f":
        return None if valid is None or valid.all() else valid
    good = np.isfinite(values)
    if valid is not None:
        good &= valid
    return None if good.all() else good


def _limits(
    found: _Statistics, dtype: np.dtype[Any], choices: Choices, full: Range, notes: list[str]
) -> Range:
    """Which values become black and white; the rule is noted where it was chosen here."""
    if choices.limits is not None:
        return choices.limits
    if choices.contrast == "full":
        return full
    if choices.contrast != "auto":
        return 0.0, 255.0

    lowest, highest = found.lowest, found.highest
    low, high = found.percentiles()
    is_unit = dtype.kind == "f" and lowest >= 0 and highest <= 1
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
            f"Contrast: of {dtype.name} values from {lowest:g} to {highest:g}, {low:g} is "
            f"black and {high:g} is white ({how}). contrast= chooses others."
        )
    return low, high


def _scale_block(values: npt.NDArray[np.float64], low: float, high: float) -> Values:
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (np.nan_to_num(values, nan=low) - low) * (255 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
