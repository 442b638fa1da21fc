"""The small masks of probabilities that a mask head gives, and masks of them at any threshold. The
browser draws them alike in `canvas/soft.js`; one generated table holds both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError
from .checks import as_fraction, read_only
from .masks import MaskCrop

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = [
    "MASK_THRESHOLD",
    "at_mask_threshold",
    "between_cells",
    "check_soft_masks",
    "quantized",
]

MASK_THRESHOLD: Final = 0.5
"""The probability from which on a pixel belongs to a mask, where nothing else is said."""

# One byte's highest value is the probability 1.
_HIGHEST: Final = 255

_FloatArray = npt.NDArray[np.float64]


def quantized(masks: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Probabilities as they are kept.

    Args:
        masks: of any shape, 0 to 1.

    Returns:
        The same shape: 255 is 1.
    """
    scaled: npt.NDArray[np.float32] = np.clip(masks, 0, 1) * np.float32(_HIGHEST)
    return np.rint(scaled).astype(np.uint8)


def check_soft_masks(soft_masks: object, count: int) -> npt.NDArray[np.uint8]:
    """A read-only copy of soft masks.

    Args:
        soft_masks: N×M×M uint8.
        count: N.

    Raises:
        PredictionError: They are something else.
    """
    try:
        array = np.array(soft_masks)
    except ValueError:  # rows of different lengths
        array = np.array(soft_masks, object)
    square = array.ndim == 3 and array.shape[0] == count and array.shape[1] == array.shape[2]
    if not square or array.dtype != np.uint8 or (count and array.shape[1] < 1):
        raise PredictionError(
            f"The soft masks are an N×M×M uint8 array with one for each of the {count} instances, "
            f"but these are {array.dtype} of shape {array.shape}."
        )
    return read_only(array)


def at_mask_threshold(prediction: Prediction, threshold: float) -> Prediction:
    """The same instances with masks of all pixels that are probable enough.

    At 0.5 these are the masks that the prediction has, bit by bit. At other thresholds they are
    drawn from `soft_masks`, whose steps of 1/255 move single pixels of an outline.

    Args:
        prediction: what was found.
        threshold: the probability from which on a pixel belongs to a mask, 0 to 1.

    Returns:
        The prediction; it has no soft masks, because its masks are final: other thresholds are
        asked of the one that has them.

    Raises:
        PredictionError: it has no soft masks, or none any more.
        SettingError: the threshold is out of range.
    """
    threshold = as_fraction("A mask threshold", threshold)
    soft = prediction.soft_masks
    if soft is None:
        raise PredictionError(
            "This prediction has no soft masks: they come from a model with a mask head; files, "
            "tables and servers don't keep them, nor does what at_mask_threshold gives. For "
            "another threshold, ask the model's own prediction again."
        )
    if threshold == MASK_THRESHOLD:
        return replace(prediction, soft_masks=None)
    boxes = prediction.boxes.astype(np.float64)
    pairs = zip(soft, boxes, strict=True)
    masks = tuple(_pasted(mask, box, prediction.image_size, threshold) for mask, box in pairs)
    return replace(prediction, masks=masks, soft_masks=None)


def _pasted(
    mask: npt.NDArray[np.uint8], box: _FloatArray, image_size: tuple[int, int], threshold: float
) -> MaskCrop:
    """A mask in its box, sampled as `paste_masks_in_image` of detectron2 does it.

    In float64, which gives the same bits in the browser.
    """
    height, width = image_size
    x1, y1, x2, y2 = box.tolist()
    left, right = max(int(np.floor(x1)) - 1, 0), min(int(np.ceil(x2)) + 1, width)
    top, bottom = max(int(np.floor(y1)) - 1, 0), min(int(np.ceil(y2)) + 1, height)
    if right <= left or bottom <= top or x2 <= x1 or y2 <= y1:
        return MaskCrop(0, 0, 0, 0, b"")
    around = np.pad(mask.astype(np.float64), 1)
    at, share = between_cells(left, right, x1, x2, len(mask))
    lines = around[:, at] + share * (around[:, at + 1] - around[:, at])
    at, share = between_cells(top, bottom, y1, y2, len(mask))
    sampled = lines[at] + share[:, None] * (lines[at + 1] - lines[at])
    return MaskCrop.from_array(sampled >= threshold * _HIGHEST, left, top)


def between_cells(
    start: int, stop: int, low: float, high: float, size: int, dtype: npt.DTypeLike = np.float64
) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Between which cells pixels lie, of `size` cells that are spread over low…high.

    Args:
        start: the first pixel.
        stop: the pixel behind the last.
        low: where the first cell begins, in pixels.
        high: where the last cell ends.
        size: how many cells there are; one of zeros lies before them, and one behind.
        dtype: in which to count, float32 or float64.

    Returns:
        For each pixel the cell before it, counted with that of zeros, and how far it is from there
        to the next one, 0 to 1.
    """
    centers = (np.arange(start, stop, dtype=dtype) + 0.5 - low) / (high - low) * size + 0.5
    centers = np.clip(centers, 0, size + 1)
    at = np.minimum(centers.astype(np.intp), size)
    return at, (centers - at).astype(dtype)
