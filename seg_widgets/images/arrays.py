"""NumPy arrays, and what offers itself as one, as RGB images."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import ImageFormatError, SettingError
from .choices import Choices
from .contrast import full_range
from .limits import Limits
from .samples import Samples

__all__ = ["RGBArray", "from_array"]

RGBArray = npt.NDArray[np.uint8]

_MOST_CHANNELS: Final = 16
"""A last axis that is longer is no axis of channels, unless channels are chosen."""


def from_array(
    source: object, name: str, limits: Limits, choices: Choices, notes: list[str]
) -> RGBArray:
    """Make an RGB image of an array.

    Args:
        source: H×W or H×W×C, of bool, integers or floats. Four channels of uint8 are RGBA; of other
            types they are RGBA where the fourth is somewhere opaque.
        name: what messages call the image.
        limits: how large it may be.
        choices: which contrast, which channels.
        notes: a sentence for each choice that was made is added.

    Returns:
        An H×W×3 uint8 array of its own, C-contiguous; what is transparent lies on white.

    Raises:
        ImageFormatError: its shape, dtype or values are not those of an image.
        ImageTooLargeError: it is over a limit.
        ImageDamagedError: it has no pixels.
        SettingError: a chosen channel or page is not there.
    """
    try:
        array, no_data = _unmasked(source, notes)
    # A tensor on a GPU, or whatever else another library's __array__ refuses.
    except Exception as error:
        raise ImageFormatError(f"{name} can't be read as a NumPy array: {error}") from None

    if not _is_image(array, choices):
        raise ImageFormatError(_shape_message(array, name))
    if choices.page:
        raise SettingError(
            "page is for files with several images. Of an array give one, such as array[0]."
        )
    limits.check_size(array.shape[1], array.shape[0], name)

    values = array.reshape(*array.shape[:2], -1)
    samples = Samples(values, alpha=_has_alpha(values), no_data=no_data)
    return samples.to_rgb(name, choices, notes)


def _unmasked(source: Any, notes: list[str]) -> tuple[npt.NDArray[Any], float | None]:
    """An array, and the value that stands for no data in it; None: there is none."""
    array = np.asarray(source)
    if not isinstance(source, np.ma.MaskedArray) or not source.mask.any():
        return array, None
    notes.append("Masked values don't count, and are black.")
    if array.dtype.kind not in "iu":
        return np.asarray(source.filled(np.nan if array.dtype.kind in "fc" else 0)), None
    if array.dtype.itemsize == 1:  # its contrast is never changed
        return np.asarray(source.filled(0)), None
    present = source.compressed()
    limits = np.iinfo(array.dtype)
    for value in (limits.min, limits.max):
        if not (present == value).any():
            return np.asarray(source.filled(value)), float(value)
    floats = np.where(np.ma.getmaskarray(source), np.nan, array.astype(np.float64))
    return floats, None


def _is_image(array: npt.NDArray[Any], choices: Choices) -> bool:
    if array.ndim == 2:
        return True
    if array.ndim != 3:
        return False
    first, last = array.shape[0], array.shape[2]
    if last <= 4 or choices.indices is not None:
        return bool(last > 0)
    return bool(last <= _MOST_CHANNELS < first)


def _has_alpha(values: npt.NDArray[Any]) -> bool:
    if values.shape[2] != 4 or values.dtype.kind not in "iufb":
        return False
    opaque = 1.0 if values.dtype == bool else full_range(values.dtype)[1]
    return values.dtype == np.uint8 or bool(values[..., 3].max() == opaque)


def _shape_message(array: npt.NDArray[Any], name: str) -> str:
    message = (
        f"{name} has the shape {array.shape}, but an image is H×W, H×W×3 (RGB) or H×W×4 (RGBA)."
    )
    if array.ndim == 3 and array.shape[0] <= _MOST_CHANNELS:
        return (
            f"{message} If its channels come first, give array.transpose(1, 2, 0). "
            "If it is a stack of images, give one, such as array[0]."
        )
    if array.ndim == 3:
        return f"{message} To show three of its channels, give channels=(0, 1, 2)."
    if array.ndim == 4:
        return f"{message} If it is a batch, give one image of it, such as array[0]."
    return message
