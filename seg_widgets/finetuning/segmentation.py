"""COCO's segmentations, polygons and RLE: what is wrong with one, and its mask."""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["REACHES_OVER", "decode", "find_fault", "run_total"]

REACHES_OVER: Final = "its polygon reaches over the image's edge, where it is cut"
"""The one fault with which a segmentation can be used."""

_FAR: Final = 16_000  # pixels; OpenCV's drawing overflows far outside


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

    mask: npt.NDArray[np.uint8] = coco_mask.decode(_as_rle(segmentation, height, width))
    return mask


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


def _as_rle(segmentation: Any, height: int, width: int) -> Any:
    from pycocotools import mask as coco_mask

    if isinstance(segmentation, list):
        if find_fault(segmentation, height, width) != REACHES_OVER:
            return coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
        # pycocotools draws along the edge what lies over it; OpenCV cuts it.
        canvas = np.zeros((height, width), np.uint8)
        for ring in segmentation:
            points = np.array(ring, float).reshape(-1, 2).clip(-_FAR, _FAR)
            cv2.fillPoly(canvas, [np.round(points - 0.5).astype(np.int32)], 1)
        return coco_mask.encode(np.asfortranarray(canvas))
    if isinstance(segmentation["counts"], list):
        return coco_mask.frPyObjects(segmentation, height, width)
    return segmentation
