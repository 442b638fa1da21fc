"""A mask as polygons with holes that are exact and valid: no ring crosses or touches itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .masks import MaskCrop

__all__ = ["Polygon", "polygons"]

Ring = npt.NDArray[np.int64]
_Corner = tuple[int, int]

_MOST_OF_16_BITS: Final = 0xFFFF


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
    shells: list[Ring] = []
    holes: list[Ring] = []
    for ring, is_shell in _rings(inside, (crop.x, crop.y)):
        (shells if is_shell else holes).append(ring)
    if len(shells) == 1:
        # The usual case, in which there is nothing to compare.
        return [Polygon(shells[0], holes)]
    found = [Polygon(shell, []) for shell in sorted(shells, key=_area, reverse=True)]
    edges = [_upright_edges(piece.shell) for piece in found]
    for hole in holes:
        # Of the shells around it, the smallest is its own; if it is no other, it is the largest.
        place = _first(hole)
        own = next((at for at in range(len(found) - 1, 0, -1) if _holds(edges[at], place)), 0)
        found[own].holes.append(hole)
    return found


def _rings(inside: npt.NDArray[np.bool_], offset: _Corner) -> Iterator[tuple[Ring, bool]]:
    """The rings of a mask, and whether each is a shell.

    Args:
        inside: the mask with an empty pixel around it.
        offset: is added to the corners.
    """
    ys, xs, is_left, is_up, is_sorted = _corners(inside)
    if is_sorted:
        across = _partners(np.arange(len(xs)))
        down = _partners(np.argsort(xs.astype(np.uint16), kind="stable"))
        lines = _lines(across, down)
        # Each begins with its topmost corner, and so goes to the right: clockwise on a screen.
        starts = [line[0] for line in lines]
        are_shells = inside[ys[starts] + 1, xs[starts] + 1].tolist()
        lines = [
            line if is_shell else line[::-1]
            for line, is_shell in zip(lines, are_shells, strict=True)
        ]
    else:
        # Where two corners are at one place, the one whose edge comes from before is first.
        across = _partners(np.lexsort((~is_left, xs, ys)))
        down = _partners(np.lexsort((~is_up, ys, xs)))
        places: list[int] = (ys * inside.shape[1] + xs).tolist()
        parts = [part for line in _lines(across, down) for part in _cut(line, places)]
        firsts = [min(part, key=places.__getitem__) for part in parts]
        are_shells = inside[ys[firsts] + 1, xs[firsts] + 1].tolist()
        lines = []
        for part, first, is_shell in zip(parts, firsts, are_shells, strict=True):
            after = part[(part.index(first) + 1) % len(part)]
            is_clockwise = ys[after] == ys[first]
            lines.append(part if is_clockwise == is_shell else part[::-1])

    # One array for all of them: most are short.
    flat = np.fromiter(chain.from_iterable(lines), np.int64)
    points = np.stack((xs[flat] + offset[0], ys[flat] + offset[1]), axis=1)
    end = 0
    for line, is_shell in zip(lines, are_shells, strict=True):
        start, end = end, end + len(line)
        yield points[start:end], is_shell


def _lines(across: list[int], down: list[int]) -> list[list[int]]:
    """The closed lines between inside and outside, each as the indices of the corners at which it
    turns.

    A corner has one horizontal and one vertical edge. In each row of corners the first and the
    second, the third and the fourth … are the ends of an edge, and so in each column.

    Args:
        across: for each corner, the other end of its horizontal edge.
        down: for each corner, the other end of its vertical edge.
    """
    lines = []
    is_new = [True] * len(across)
    for start in range(len(across)):
        if not is_new[start]:
            continue
        line: list[int] = []
        corner = start
        while is_new[corner]:
            other = across[corner]
            is_new[corner] = is_new[other] = False
            line += (corner, other)
            corner = down[other]
        lines.append(line)
    return lines


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


def _cut(line: list[int], places: Sequence[int]) -> list[list[int]]:
    """A closed line as lines that pass each place once."""
    if len({places[corner] for corner in line}) == len(line):
        return [line]
    parts: list[list[int]] = []
    path: list[int] = []
    passed_at: dict[int, int] = {}
    for corner in line:
        at = passed_at.get(places[corner])
        if at is None:
            passed_at[places[corner]] = len(path)
            path.append(corner)
            continue
        parts.append(path[at:])
        for passed in path[at + 1 :]:
            del passed_at[places[passed]]
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


def _upright_edges(shell: Ring) -> Ring:
    """The vertical edges of a shell: 3×N, the x, the upper y and the lower y of each."""
    ends = np.concatenate((shell[1:], shell[:1]))
    is_upright = shell[:, 0] == ends[:, 0]
    ys, end_ys = shell[is_upright, 1], ends[is_upright, 1]
    return np.stack((shell[is_upright, 0], np.minimum(ys, end_ys), np.maximum(ys, end_ys)))


def _holds(edges: Ring, pixel: _Corner) -> bool:
    """Whether a pixel lies inside of a shell, by the shell's vertical edges to its right."""
    xs, low, high = edges
    x, y = pixel
    crossed = (xs > x) & (low <= y) & (y < high)
    return bool(np.count_nonzero(crossed) % 2)
