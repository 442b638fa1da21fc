"""A mask as polygons with holes that are exact and valid: no ring crosses or touches itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .masks import MaskCrop

__all__ = ["Polygon", "polygons"]

Ring = npt.NDArray[np.int64]
_Corner = tuple[int, int]

_MOST_OF_16_BITS: Final = 0xFFFF

_READING_ORDER: Final = itemgetter(1, 0)
"""Of a corner (x, y): from the top, and in a row from the left."""


class Polygon(NamedTuple):
    """One piece of a mask; its rings run along the edges of pixels."""

    shell: Ring
    """The line around it: N×2 int64 corners (x, y) of pixels, the first not repeated; clockwise on
    a screen."""

    holes: list[Ring]
    """The lines around its holes, counterclockwise."""


def polygons(crop: MaskCrop) -> list[Polygon]:
    """A mask as polygons with holes, exactly.

    Pixels that touch at a corner only are of different pieces, unless they are connected elsewhere:
    a ring that touches itself is refused by programs for geometry (OGC Simple Features, 6.1.11), so
    it is cut there.

    Args:
        crop: the mask.

    Returns:
        The pieces, the largest first; none for an empty mask.
    """
    if crop.width == 0:
        return []
    inside = np.zeros((crop.height + 2, crop.width + 2), bool)
    inside[1:-1, 1:-1] = crop.to_array()
    offset = np.array([crop.x, crop.y])
    shells: list[Ring] = []
    holes: list[Ring] = []
    for corners in _rings(inside):
        for part in _cut(corners):
            first = min(part, key=_READING_ORDER)
            is_shell = bool(inside[first[1] + 1, first[0] + 1])
            # Clockwise on a screen: from its topmost corner to the right.
            is_clockwise = part[(part.index(first) + 1) % len(part)][1] == first[1]
            turned = part if is_clockwise == is_shell else part[::-1]
            # Three times as fast as from a list of pairs.
            flat = np.fromiter(chain.from_iterable(turned), np.int64, 2 * len(turned))
            ring = flat.reshape(-1, 2) + offset
            (shells if is_shell else holes).append(ring)
    if len(shells) == 1:
        # The usual case, in which there is nothing to compare.
        return [Polygon(shells[0], holes)]
    found = [Polygon(shell, []) for shell in sorted(shells, key=_area, reverse=True)]
    for hole in holes:
        # Of the shells around it, the smallest is its own.
        around = [piece for piece in found if _holds(piece.shell, hole)]
        around[-1].holes.append(hole)
    return found


def _rings(inside: npt.NDArray[np.bool_]) -> Iterator[list[_Corner]]:
    """The closed lines between inside and outside, each as the corners at which it turns.

    A corner has one horizontal and one vertical edge. In each row of corners the first and the
    second, the third and the fourth … are the ends of an edge, and so in each column.

    Args:
        inside: the mask with an empty pixel around it.
    """
    ys, xs, is_left, is_up, is_sorted = _corners(inside)
    if is_sorted:
        across = _partners(np.arange(len(xs)))
        down = _partners(np.argsort(xs.astype(np.uint16), kind="stable"))
    else:
        # Where two corners are at one place, the one whose edge comes from before is first.
        across = _partners(np.lexsort((~is_left, xs, ys)))
        down = _partners(np.lexsort((~is_up, ys, xs)))
    places = list(zip(xs.tolist(), ys.tolist(), strict=True))
    is_new = [True] * len(places)
    for start in range(len(places)):
        if not is_new[start]:
            continue
        ring: list[_Corner] = []
        corner = start
        while is_new[corner]:
            other = across[corner]
            is_new[corner] = is_new[other] = False
            ring += (places[corner], places[other])
            corner = down[other]
        yield ring


def _corners(
    inside: npt.NDArray[np.bool_],
) -> tuple[Ring, Ring, npt.NDArray[np.bool_], npt.NDArray[np.bool_], bool]:
    """The corners: their y and x, whether their horizontal edge lies to the left, whether their
    vertical one lies above, and whether they are in the order of rows, each at a place of its own.

    Where two pixels inside touch at a corner only, there are two, one of each pixel.
    """
    above_left, above_right = inside[:-1, :-1], inside[:-1, 1:]
    below_left, below_right = inside[1:, :-1], inside[1:, 1:]
    left, right = above_left != below_left, above_right != below_right
    up = above_left != above_right
    # Of flat arrays: finding places in two dimensions takes several times as long.
    width = left.shape[1]
    places = np.flatnonzero(left != right)
    ys, xs = np.divmod(places, width)
    # left and right, up and down: all four edges.
    doubles = np.flatnonzero(left & right & up & (above_left == below_right))
    is_left, is_up = left.ravel()[places], up.ravel()[places]
    if not doubles.size:
        return ys, xs, is_left, is_up, width <= _MOST_OF_16_BITS
    double_y, double_x = np.divmod(doubles, width)
    falls = above_left[double_y, double_x]
    return (
        np.concatenate((ys, double_y, double_y)),
        np.concatenate((xs, double_x, double_x)),
        # Of a pixel above left: its edges to the left and up; of one above right: right and up.
        np.concatenate((is_left, falls, ~falls)),
        np.concatenate((is_up, np.ones(len(falls), bool), np.zeros(len(falls), bool))),
        False,
    )


def _partners(order: npt.NDArray[np.intp]) -> list[int]:
    partners = np.empty(len(order), np.int64)
    partners[order[::2]], partners[order[1::2]] = order[1::2], order[::2]
    found: list[int] = partners.tolist()
    return found


def _cut(ring: list[_Corner]) -> list[list[_Corner]]:
    """A closed line as lines that pass each corner once."""
    if len(set(ring)) == len(ring):
        return [ring]
    parts: list[list[_Corner]] = []
    path: list[_Corner] = []
    places: dict[_Corner, int] = {}
    for corner in ring:
        at = places.get(corner)
        if at is None:
            places[corner] = len(path)
            path.append(corner)
            continue
        parts.append(path[at:])
        for passed in path[at + 1 :]:
            del places[passed]
        del path[at + 1 :]
    return [*parts, path]


def _first(ring: Ring) -> _Corner:
    """Its topmost corner, of several the leftmost: the pixel below right of it is inside of it."""
    x, y = ring[np.lexsort((ring[:, 0], ring[:, 1]))[0]].tolist()
    return x, y


def _area(ring: Ring) -> float:
    """Its area in pixels, negative if it runs counterclockwise on a screen."""
    x, y = ring[:, 0], ring[:, 1]
    across = np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])
    return float(across + x[-1] * y[0] - x[0] * y[-1]) / 2


def _holds(shell: Ring, hole: Ring) -> bool:
    """Whether a hole lies inside of a shell (by the edges to the right of a pixel of it)."""
    x, y = _first(hole)
    ends = np.roll(shell, -1, axis=0)
    is_upright = shell[:, 0] == ends[:, 0]
    low, high = np.minimum(shell[:, 1], ends[:, 1]), np.maximum(shell[:, 1], ends[:, 1])
    crossed = is_upright & (shell[:, 0] > x) & (low <= y) & (y < high)
    return bool(np.count_nonzero(crossed) % 2)
