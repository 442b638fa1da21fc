"""Reading masks one at a time, whatever form a library gives them: planes, runs, polygons, labels.

None of these makes an N×H×W array. Each mask becomes a `MaskCrop` before the next one is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PredictionError
from ..masks import MaskCrop
from .arrays import Array, shape_of, to_array

__all__ = [
    "EMPTY",
    "crop_of_plane",
    "crop_of_polygons",
    "crop_of_rle",
    "crop_of_segmentation",
    "crops_of_labels",
    "crops_of_planes",
    "is_plane",
    "is_rle",
    "size_of_planes",
]

EMPTY = MaskCrop(0, 0, 0, 0, b"")

# A soft mask is inside above this, as torchvision, Ultralytics and Hugging Face say.
_HALF = 0.5

# A polygon's corner may lie outside the image, but not this many times its size: it is in other
# units then, and pycocotools would fill all of the memory.
_FAR = 10


# ── planes: H×W ───────────────────────────────────────────────────────────────────────────────────


def is_plane(value: Any) -> bool:
    """Whether a value is one H×W mask: an array, a tensor or a PIL image of one channel."""
    shape = shape_of(value)
    if shape is not None:
        return len(shape) == 2
    return getattr(value, "mode", None) in ("1", "L", "I", "F", "P")


def _inside_of(plane: Any) -> npt.NDArray[np.bool_]:
    """Which pixels of an H×W mask are inside.

    Args:
        plane: Booleans, whole numbers of which one means inside (0 and 1, 0 and 255), or floats
            from 0 to 1, which are inside above 0.5.

    Returns:
        H×W booleans.

    Raises:
        PredictionError: The numbers are neither.
    """
    array = to_array(plane)
    if array.dtype.kind == "b":
        return array
    if array.dtype.kind in "iu":
        return _inside_of_integers(array)

    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (low >= 0 and high <= 1):
        raise PredictionError(
            f"A soft mask's numbers lie in 0 to 1, but these go from {low:g} to {high:g}. Apply "
            "the sigmoid first if they are logits, or give booleans."
        )
    return array > _HALF


def _inside_of_integers(array: Array) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = array != 0
    values = array[inside]
    if values.size and values.min() != values.max():
        raise PredictionError(
            f"A mask of whole numbers has 0 outside and one value inside, but this one has values "
            f"from {values.min()} to {values.max()}. Give masks > threshold, or one H×W array if "
            "it is a label image."
        )
    return inside


def crop_of_plane(plane: Any, size: tuple[int, int] | None = None) -> MaskCrop:
    """One H×W mask; with `size` (height, width) it must have that size."""
    inside = _inside_of(plane)
    if inside.ndim != 2:
        raise PredictionError(f"A mask is an H×W array, but this one has the shape {inside.shape}.")
    if size is not None and inside.shape != size:
        raise PredictionError(_other_size(inside.shape[0], inside.shape[1], size))
    return MaskCrop.from_array(inside)


def crops_of_planes(planes: Any, size: tuple[int, int] | None = None) -> tuple[MaskCrop, ...]:
    """N masks, read one by one: an N×H×W or N×1×H×W array or tensor, or a list of H×W ones."""
    return tuple(crop_of_plane(_flat(planes[index]), size) for index in range(len(planes)))


def size_of_planes(planes: Any) -> tuple[int, int] | None:
    """(height, width) of N masks, or None where there are none in a list."""
    shape = shape_of(planes)
    if shape is not None and len(shape) >= 3:
        return shape[-2], shape[-1]
    if len(planes):
        first = to_array(planes[0]).shape
        return first[-2], first[-1]
    return None


def _flat(plane: Any) -> Any:
    """torchvision's mask has one channel."""
    shape = shape_of(plane)
    return plane[0] if shape is not None and len(shape) == 3 and shape[0] == 1 else plane


def _other_size(height: int, width: int, size: tuple[int, int]) -> str:
    return (
        f"The masks have {width}×{height} pixels, but the image has {size[1]}×{size[0]}. Scale the "
        "masks to the image first, or give the image that the model was given."
    )


# ── runs: COCO's RLE ──────────────────────────────────────────────────────────────────────────────


def is_rle(value: Any) -> bool:
    """Whether a value is COCO's RLE, compressed or not."""
    return isinstance(value, Mapping) and "counts" in value and "size" in value


def crop_of_rle(rle: Mapping[str, Any], size: tuple[int, int] | None = None) -> MaskCrop:
    """One mask in COCO's RLE; only the columns that it touches are drawn.

    Args:
        rle: `size` [height, width], and `counts`: pycocotools' compressed text or bytes, or the
            list of runs, column by column, outside first.
        size: (height, width) that it must have; None: any.

    Returns:
        The mask.

    Raises:
        PredictionError: The runs are broken or of another size.
    """
    height, width = (int(side) for side in rle["size"])
    if size is not None and (height, width) != size:
        raise PredictionError(_other_size(height, width, size))
    counts = rle["counts"]
    runs = _read_counts(counts) if isinstance(counts, (str, bytes)) else to_array(counts)
    runs = runs.astype(np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise PredictionError(
            f"A mask's RLE is damaged: its runs have {int(runs.sum())} pixels, but its size is "
            f"{width}×{height}."
        )
    return _crop_of_runs(runs, height)


def _crop_of_runs(runs: npt.NDArray[np.int64], height: int) -> MaskCrop:
    ends = np.cumsum(runs)
    starts = ends - runs
    filled = np.arange(len(runs)) % 2 == 1
    filled &= runs > 0
    if not filled.any():
        return EMPTY

    # Draw the columns from the first to the last run, and nothing beside them.
    left = int(starts[filled][0]) // height
    right = (int(ends[filled][-1]) - 1) // height + 1
    begin, stop = left * height, right * height
    lengths = np.clip(ends, begin, stop) - np.clip(starts, begin, stop)
    column_by_column = np.repeat(np.arange(len(runs)) % 2 == 1, lengths)
    return MaskCrop.from_array(column_by_column.reshape(right - left, height).T, left)


def _read_counts(counts: str | bytes) -> npt.NDArray[np.int64]:
    """The runs in pycocotools' text: five bits a letter, lowest first; from the fourth on, each is
    the difference from the one two before it (`rleFrString` in its maskApi.c)."""
    raw = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
    letters = np.frombuffer(raw, np.uint8).astype(np.int64) - 48
    if letters.size == 0:
        return np.zeros(0, np.int64)
    last = (letters & 0x20) == 0
    ends = np.flatnonzero(last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if letters.min() < 0 or letters.max() > 63 or not last[-1] or lengths.max() > 10:
        raise PredictionError("A mask's RLE is damaged: its counts are not pycocotools' text.")

    place = np.arange(letters.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((letters & 0x1F) << (5 * place), starts)
    negative = (letters[ends] & 0x10) != 0
    values[negative] -= np.left_shift(1, 5 * lengths[negative])

    # Runs of the inside and of the outside each add up by themselves.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


# ── polygons ──────────────────────────────────────────────────────────────────────────────────────


def crop_of_polygons(polygons: Sequence[Any], size: tuple[int, int]) -> MaskCrop:
    """One mask in COCO's polygons, filled by pycocotools' own rule.

    Args:
        polygons: The parts, each x1, y1, x2, y2, … in pixels. A part of fewer than three points
            has no area and is passed over.
        size: (height, width) of the image.

    Returns:
        The parts' union.

    Raises:
        PredictionError: A coordinate is not finite, or far from the image.
    """
    height, width = size
    parts = [to_array(part).ravel().astype(np.float64) for part in _parts(polygons)]
    parts = [part[: part.size // 2 * 2] for part in parts if part.size >= 6]
    if not parts:
        return EMPTY
    for part in parts:
        if not np.isfinite(part).all() or np.abs(part).max() > _FAR * max(height, width):
            raise PredictionError(
                f"A polygon lies far outside the image of {width}×{height} pixels; its points are "
                "x1, y1, x2, y2, … in pixels."
            )

    from pycocotools import mask as coco_mask

    runs = coco_mask.frPyObjects([part.tolist() for part in parts], height, width)
    return crop_of_rle(coco_mask.merge(runs))


def _parts(polygons: Sequence[Any]) -> Sequence[Any]:
    """One flat list of numbers is one part."""
    return [polygons] if len(polygons) and np.isscalar(polygons[0]) else polygons


def crop_of_segmentation(segmentation: Any, size: tuple[int, int] | None) -> MaskCrop:
    """One mask in any form that a "segmentation" has: an H×W array, RLE, or polygons."""
    if is_rle(segmentation):
        return crop_of_rle(segmentation, size)
    if is_plane(segmentation):
        return crop_of_plane(segmentation, size)
    if size is None:
        raise PredictionError(
            "Polygons don't say how large the image is. Give it: Prediction.of(result, image)."
        )
    return crop_of_polygons(segmentation, size)


# ── label images ──────────────────────────────────────────────────────────────────────────────────


def crops_of_labels(labels: Array, wanted: Sequence[int] | None = None) -> dict[int, MaskCrop]:
    """The masks of a label image; all of a label's parts are one mask.

    Args:
        labels: H×W integers, 0 and below: background, unless `wanted` names it.
        wanted: The labels to cut out; None: all above 0.

    Returns:
        Label → mask, in ascending order, or in the order of `wanted`. One that is wanted and not
        there is empty.
    """
    chosen = labels > 0 if wanted is None else np.isin(labels, np.array(wanted, np.int64))
    extents = _extents(labels, chosen)
    crops = dict.fromkeys(extents if wanted is None else wanted, EMPTY)
    for label, (top, bottom, left, right) in extents.items():
        crops[label] = MaskCrop.from_array(labels[top:bottom, left:right] == label, left, top)
    return crops


def _extents(labels: Array, chosen: npt.NDArray[np.bool_]) -> dict[int, tuple[int, int, int, int]]:
    """Label → (top, bottom, left, right), from one sort of the chosen pixels."""
    rows, columns = np.nonzero(chosen)
    if rows.size == 0:
        return {}
    values = labels[rows, columns]
    order = np.argsort(values, kind="stable")
    values, rows, columns = values[order], rows[order], columns[order]
    starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
    sides = (
        np.minimum.reduceat(rows, starts),
        np.maximum.reduceat(rows, starts) + 1,
        np.minimum.reduceat(columns, starts),
        np.maximum.reduceat(columns, starts) + 1,
    )
    extents = np.stack(sides, axis=1).tolist()
    names = values[starts].tolist()
    return {int(name): tuple(extent) for name, extent in zip(names, extents, strict=True)}
