"""COCO's segmentations, polygons and RLE: brought to one form, what is wrong, and the mask."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .values import as_number, as_size

__all__ = ["REACHES_OVER", "decode", "encode_rle", "find_fault", "normalize", "run_total"]

REACHES_OVER: Final = "its polygon reaches over the image's edge, where it is cut"
"""The one fault with which a segmentation can be used."""

_FAR: Final = 16_000  # pixels; further outside pycocotools overflows
_LONGEST: Final = 2_000_000  # pixels; pycocotools keeps five points of each


def normalize(segmentation: Any, height: int, width: int) -> tuple[Any, int]:
    """Bring a segmentation to COCO's form, as far as its meaning is clear.

    A polygon without the outer list, as a list of points, or with numbers as texts becomes
    `[[x, y, …]]`; pieces of fewer than three points are dropped where others are left; an RLE has
    whole numbers, and counts as a text or a list.

    Args:
        segmentation: what stands in a JSON file, which can be anything.
        height: of the image, in pixels; the RLE's where it names none.
        width: of the image, in pixels.

    Returns:
        The segmentation, still unchecked, and how many pieces were dropped.
    """
    if isinstance(segmentation, str):
        try:
            segmentation = json.loads(segmentation)
        except (ValueError, RecursionError):
            return segmentation, 0
    if isinstance(segmentation, (list, tuple)) and len(segmentation) == 1:
        only = segmentation[0]
        segmentation = only if isinstance(only, dict) else segmentation
    if isinstance(segmentation, dict):
        return _normal_rle(segmentation, height, width), 0
    if not isinstance(segmentation, (list, tuple)) or not segmentation:
        return segmentation, 0

    pieces = [_normal_ring(ring) for ring in _pieces(list(segmentation))]
    whole = [ring for ring in pieces if not isinstance(ring, list) or len(ring) >= _MIN_NUMBERS]
    if not whole:
        return pieces, 0
    return whole, len(pieces) - len(whole)


_MIN_NUMBERS: Final = 6  # three points


def _pieces(values: list[Any]) -> list[Any]:
    """The pieces of a polygon: it may be one piece without the outer list, or one of points."""
    if all(as_number(value) is not None for value in values):
        return [values]
    if len(values) >= 3 and all(_is_point(value) for value in values):
        return [values]
    return values


def _normal_ring(ring: Any) -> Any:
    """The numbers of a piece, x and y in turn."""
    if not isinstance(ring, (list, tuple)):
        return ring
    values = list(ring)
    if values and all(_is_point(value) for value in values):
        values = [number for point in values for number in point]
    numbers = [as_number(value) for value in values]
    return values if None in numbers else numbers


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(as_number(number) is not None for number in value)
    )


def _normal_rle(segmentation: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    """An RLE with whole numbers; what can't be understood is left as it is."""
    size, counts = segmentation.get("size"), segmentation.get("counts")
    given = [as_size(side) for side in size] if isinstance(size, (list, tuple)) else []
    if isinstance(counts, bytes):
        counts = counts.decode("latin-1")
    if isinstance(counts, str):
        counts = _normal_counts(counts)
    if isinstance(counts, (list, tuple)):
        numbers = [as_number(count) for count in counts]
        is_whole = all(number is not None and number == int(number) for number in numbers)
        counts = [int(number or 0) for number in numbers] if is_whole else list(counts)
    return {"size": given if any(given) else [height, width], "counts": counts}


def _normal_counts(text: str) -> Any:
    """Compressed runs as they are, without Python's `b'…'`; numbers between spaces as a list."""
    text = text.strip()
    if re.fullmatch(r"b'.*'|b\".*\"", text):
        # What Python printed has each backslash twice.
        return text[2:-1].replace("\\\\", "\\")
    if re.fullmatch(r"\[?\s*\d+(?:[\s,]+\d+)+\s*\]?", text):
        return re.findall(r"\d+", text)
    return text


def find_fault(segmentation: Any, height: int, width: int) -> str:
    """Return what is wrong with a segmentation; "" where nothing is.

    Args:
        segmentation: what stands in a JSON file, which can be anything.
        height: of the image, in pixels.
        width: of the image, in pixels.
    """
    if not segmentation:
        return "it has no mask (only a box, or nothing)"
    if isinstance(segmentation, dict):
        return _rle_fault(segmentation, height, width)
    if not isinstance(segmentation, list):
        return "its segmentation is neither polygons nor RLE"

    outside = over = 0
    for ring in segmentation:
        if not _is_numbers(ring):
            return "its polygon holds something else than numbers"
        if len(ring) < 6 or len(ring) % 2:
            return "its polygon has fewer than three points, or half a point"
        x, y = np.array(ring[0::2]), np.array(ring[1::2])
        outside += bool(x.max() <= 0 or y.max() <= 0 or x.min() >= width or y.min() >= height)
        over += bool(x.min() < -1 or y.min() < -1 or x.max() > width + 1 or y.max() > height + 1)
    if outside == len(segmentation):
        return "its polygon lies outside the image"
    return REACHES_OVER if over else ""


def decode(segmentation: Any, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return the mask of a segmentation without fault (or `REACHES_OVER`), H×W uint8, 1 inside.

    Args:
        segmentation: COCO's polygons or RLE.
        height: of the image, in pixels.
        width: of the image, in pixels.
    """
    from pycocotools import mask as coco_mask

    mask: npt.NDArray[np.uint8] = coco_mask.decode(encode_rle(segmentation, height, width))
    return mask


def encode_rle(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    """Return a segmentation without fault (or `REACHES_OVER`) as COCO's compressed RLE.

    Args:
        segmentation: COCO's polygons or RLE.
        height: of the image, in pixels.
        width: of the image, in pixels.
    """
    from pycocotools import mask as coco_mask

    rle: dict[str, Any]
    if isinstance(segmentation, list):
        rings = [_within_reach(ring, height, width) for ring in segmentation]
        rle = coco_mask.merge(coco_mask.frPyObjects(rings, height, width))
        return rle
    if isinstance(segmentation["counts"], list):
        rle = coco_mask.frPyObjects(segmentation, height, width)
        return rle
    return {"size": [height, width], "counts": segmentation["counts"].encode("ascii")}


def _within_reach(ring: list[float], height: int, width: int) -> list[float]:
    """A polygon whose outline fits into memory, however far outside of the image it goes."""
    points = np.array(ring, float).reshape(-1, 2).clip(-_FAR, _FAR)
    if np.abs(np.diff(points, axis=0)).sum() > _LONGEST:
        points = points.clip([-width, -height], [2 * width, 2 * height])
    near: list[float] = points.ravel().tolist()
    return near


def run_total(counts: str) -> int:
    """Return the sum of the runs of COCO's compressed RLE; -1 where it is broken.

    Args:
        counts: the compressed runs, as `pycocotools` writes them.
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 30:
            return -1
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & 0x20:
            if code & 0x10:
                value -= 1 << shift
            if len(runs) > 2:  # from the fourth on it is the difference to the run two before
                value += runs[-2]
            if value < 0:
                return -1
            runs.append(value)
            value = shift = 0
    return sum(runs) if shift == 0 else -1


def _is_numbers(ring: Any) -> bool:
    return isinstance(ring, list) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        for value in ring
    )


def _rle_fault(segmentation: dict[str, Any], height: int, width: int) -> str:
    if list(segmentation.get("size", [])) != [height, width]:
        return "its RLE is of another size than the image"
    counts = segmentation.get("counts")
    if isinstance(counts, list):
        whole = all(isinstance(count, int) and count >= 0 for count in counts)
        total = sum(counts) if whole else -1
    elif isinstance(counts, str) and counts.isascii():
        # The C code of pycocotools trusts what it reads, so the runs are added up first.
        total = run_total(counts)
    else:
        return "its RLE has no counts"
    return "" if total == height * width else "its RLE doesn't cover the image"
