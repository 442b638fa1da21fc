"""The overlaps of a comparison as bytes; `static/canvas/pairs.js` reads them.

Of masks the pixels that both have travel, not the IoU: they are smaller, and with both areas the
browser gets the very same IoU. In a scene of 1,000 masks that all overlap, that is a tenth of the
numbers as JSON.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..prediction import Overlaps

__all__ = ["length_of_pairs", "pack_pairs"]

FloatArray = npt.NDArray[np.float64]


def pack_pairs(
    pairs: Overlaps, areas: FloatArray, other_areas: FloatArray, crowd: npt.NDArray[np.bool_]
) -> tuple[dict[str, Any], bytes]:
    """The overlaps, to be read with the areas that travel beside them.

    Args:
        pairs: N×M overlaps.
        areas: N areas, as the browser gets them.
        other_areas: M areas of the other side, likewise.
        crowd: M booleans; the overlap with a crowd is a share of the detection.

    Returns:
        What the header says of them, and the bytes.
    """
    counts = np.bincount(pairs.detections, minlength=pairs.shape[0])
    steps = np.diff(pairs.truths, prepend=0)
    firsts = np.cumsum(counts)[:-1]
    firsts = np.concatenate([[0], firsts])[counts > 0] if len(counts) else firsts
    steps[firsts] = pairs.truths[firsts]
    one, other = areas[pairs.detections], other_areas[pairs.truths]
    in_crowd = crowd[pairs.truths]
    ious = pairs.ious
    shared = np.rint(np.where(in_crowd, ious * one, ious * (one + other) / (1 + ious)))
    with np.errstate(divide="ignore", invalid="ignore"):
        again = shared / np.where(in_crowd, one, one + other - shared)
    # Boxes share no whole pixels, and of a mask that is still to come the area is not known.
    exact = not np.array_equal(again, ious)
    values = ious.astype("<f8").tobytes() if exact else _planes(shared)
    header = {"count": len(pairs), "exact": exact}
    return header, _planes(counts) + _planes(steps) + values


def length_of_pairs(detections: int, header: Any) -> int:
    """The bytes of packed overlaps.

    Args:
        detections: how many there are.
        header: what the message's header says of the overlaps; of an earlier version, all of them.

    Returns:
        How many bytes `pack_pairs` made.
    """
    if isinstance(header, list):
        return 0
    return 4 * detections + int(header["count"]) * (12 if header["exact"] else 8)


def _planes(numbers: npt.NDArray[Any]) -> bytes:
    """Whole numbers below 2³²: the lowest bytes of all, then the next ones."""
    return numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()
