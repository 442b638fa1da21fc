"""Masks made simpler: without small pieces, without holes. Pixels that touch at a corner belong to
one piece, as in `outlines`."""

from __future__ import annotations

import numpy as np

from .masks import MaskCrop

__all__ = ["filled", "largest_piece"]


def largest_piece(crop: MaskCrop) -> MaskCrop:
    """The largest connected piece of a mask.

    Args:
        crop: the mask.

    Returns:
        The piece with the most pixels; of equal ones the one whose first pixel comes first, row by
        row. The same mask where it is one piece.
    """
    if crop.width == 0:
        return crop
    import cv2

    inside = crop.to_array()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        inside.view(np.uint8), connectivity=8
    )
    if count <= 2:  # the outside, and one piece
        return crop
    areas = stats[1:, cv2.CC_STAT_AREA]
    # OpenCV numbers the pieces in an order of its own.
    largest = np.isin(labels, 1 + np.flatnonzero(areas == areas.max()))
    chosen = labels.flat[int(largest.argmax())]
    return MaskCrop.from_array(labels == chosen, crop.x, crop.y)


def filled(crop: MaskCrop) -> MaskCrop:
    """A mask without holes.

    A hole is what is outside, and from where no way leads to the rectangle's edge over pixels that
    share an edge.

    Args:
        crop: the mask.

    Returns:
        The mask with its holes filled; the same one where it has none.
    """
    if crop.width == 0:
        return crop
    import cv2

    outside = np.pad(~crop.to_array(), 1, constant_values=True)
    count, labels = cv2.connectedComponents(outside.view(np.uint8), connectivity=4)
    if count <= 2:  # the mask, and what is around it
        return crop
    return MaskCrop.from_array(labels[1:-1, 1:-1] != labels[0, 0], crop.x, crop.y)
