"""How much two predictions of one image differ."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["difference"]


def difference(expected: Any, found: Any) -> dict[str, float]:
    """How much a prediction differs from another.

    Args:
        expected: a `Prediction`.
        found: another one of the same image.

    Returns:
        The share of instances that have a partner of the same class with a box IoU of 0.9 or more;
        over those the largest difference of scores, and the mean IoU of masks.
    """
    pairs = []
    for i, box in enumerate(expected.boxes):
        same = np.flatnonzero(found.class_ids == expected.class_ids[i])
        overlaps = [_box_iou(box, found.boxes[j]) for j in same]
        if overlaps and max(overlaps) >= 0.9:
            pairs.append((i, int(same[int(np.argmax(overlaps))])))
    if not pairs:
        return {"same instances": 0.0}
    scores = [abs(float(expected.scores[i] - found.scores[j])) for i, j in pairs]
    result = {"same instances": len(pairs) / len(expected), "largest score": max(scores)}
    if expected.masks is not None and found.masks is not None:
        theirs, ours = expected.masks_dense(), found.masks_dense()
        ious = [_mask_iou(theirs[i], ours[j]) for i, j in pairs]
        result["mean mask IoU"] = float(np.mean(ious))
    return result


def _mask_iou(one: Any, other: Any) -> float:
    """Of two empty masks it is 1: they are the same."""
    together = int((one | other).sum())
    return float((one & other).sum() / together) if together else 1.0


def _box_iou(one: Any, other: Any) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(shared / (sum(areas) - shared))
