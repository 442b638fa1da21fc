"""A mask as polygons with holes that are exact and valid: no ring crosses or touches itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .masks import MaskCrop

__all__ = ["Polygon", "polygons"]

Ring = npt.NDArray[np.int64]
_Corner = tuple[int, int]


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
    inside = np.pad(crop.to_array(), 1)
    shells: list[Ring] = []
    holes: list[Ring] = []
    for corners in _rings(inside):
        for part in _cut(corners):
            ring = np.array(part, np.int64)
            x, y = _first(ring)
            is_shell = bool(inside[y + 1, x + 1])
            moved = _turned(ring, is_shell) + np.array([crop.x, crop.y])
            (shells if is_shell else holes).append(moved)
    found = [Polygon(shell, []) for shell in sorted(shells, key=_area, reverse=True)]
    for hole in holes:
        # Of the shells around it, the smallest is its own.
        around = [piece for piece in found if len(found) == 1 or _holds(piece.shell, hole)]
        around[-1].holes.append(hole)
    return found


def _rings(inside: npt.NDArray[np.bool_]) -> Iterator[list[_Corner]]:
    """The closed lines between inside and outside, each as the corners at which it turns.

    A corner has one horizontal and one vertical edge. In each row of corners the first and the
    second, the third and the fourth … are the ends of an edge, and so in each column.

    Args:
        inside: the mask with an empty pixel around it.
    """
    ys, xs, is_left, is_up = _corners(inside)
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
) -> tuple[Ring, Ring, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The corners: their y and x, whether their horizontal edge lies to the left, and whether their
    vertical one lies above.

    Where two pixels inside touch at a corner only, there are two, one of each pixel.
    """
    above_left, above_right = inside[:-1, :-1], inside[:-1, 1:]
    below_left, below_right = inside[1:, :-1], inside[1:, 1:]
    left, right = above_left != below_left, above_right != below_right
    up = above_left != above_right
    ys, xs = np.nonzero(left != right)
    # left and right, up and down: all four edges.
    double_y, double_x = np.nonzero(left & right & up & (above_left == below_right))
    falls = above_left[double_y, double_x]
    is_left, is_up = left[ys, xs], up[ys, xs]
    return (
        np.concatenate((ys, double_y, double_y)),
        np.concatenate((xs, double_x, double_x)),
        # Of a pixel above left: its edges to the left and up; of one above right: right and up.
        np.concatenate((is_left, falls, ~falls)),
        np.concatenate((is_up, np.ones(len(falls), bool), np.zeros(len(falls), bool))),
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


def _turned(ring: Ring, clockwise: bool) -> Ring:
    return ring if (_area(ring) > 0) == clockwise else ring[::-1]


def _holds(shell: Ring, hole: Ring) -> bool:
    """Whether a hole lies inside of a shell (by the edges to the right of a pixel of it)."""
    x, y = _first(hole)
    ends = np.roll(shell, -1, axis=0)
    is_upright = shell[:, 0] == ends[:, 0]
    low, high = np.minimum(shell[:, 1], ends[:, 1]), np.maximum(shell[:, 1], ends[:, 1])
    crossed = is_upright & (shell[:, 0] > x) & (low <= y) & (y < high)
    return bool(np.count_nonzero(crossed) % 2)
