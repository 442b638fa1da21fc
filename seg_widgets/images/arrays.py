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
        array = np.asarray(source)
    # A tensor on a GPU, or whatever else another library's __array__ refuses.
    except Exception as error:
        raise ImageFormatError(f"{name} can't be read as a NumPy array: {error}") from None

    if not _is_image(array, choices):
        raise ImageFormatError(_shape_message(array, name))
    if choices.page:
        raise SettingError(f"page is for files. Give one image of {name}, such as array[0].")
    limits.check_size(array.shape[1], array.shape[0], name)

    values = array.reshape(*array.shape[:2], -1)
    return Samples(values, alpha=_has_alpha(values)).to_rgb(name, choices, notes)


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
