"""A mask as polygons with holes that are exact and valid: no ring crosses or touches itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .masks import MaskCrop

__all__ = ["Polygon", "closed_polygons", "polygons"]

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
    points, spans, pieces = _pieces(crop)
    rings = [points[start:end] for start, end in spans]
    return [Polygon(rings[shell], [rings[hole] for hole in holes]) for shell, *holes in pieces]


def closed_polygons(crop: MaskCrop) -> list[list[list[list[int]]]]:
    """A mask as polygons with holes, exactly, as lists: what `polygons` gives, for JSON.

    Args:
        crop: the mask.

    Returns:
        For each piece its rings, the outer one first, each as corners [x, y], the first again at
        the end.
    """
    points, spans, pieces = _pieces(crop)
    # At once: most rings are short, and asking each for its numbers takes longer than they do.
    corners: list[list[int]] = points.tolist()
    rings = [[*corners[start:end], corners[start]] for start, end in spans]
    return [[rings[ring] for ring in piece] for piece in pieces]


def _pieces(crop: MaskCrop) -> tuple[Ring, list[tuple[int, int]], list[list[int]]]:
    """The corners of all rings; where each ring begins and ends among them; and for each piece the
    numbers of its rings, the shell first."""
    if crop.width == 0:
        return np.empty((0, 2), np.int64), [], []
    inside = np.zeros((crop.height + 2, crop.width + 2), bool)
    inside[1:-1, 1:-1] = crop.to_array()
    points, ends, are_shells = _rings(inside, (crop.x, crop.y))
    spans = list(zip([0, *ends][:-1], ends, strict=True))
    shells = [number for number, is_shell in enumerate(are_shells) if is_shell]
    holes = [number for number, is_shell in enumerate(are_shells) if not is_shell]
    if len(shells) == 1:
        # The usual case, in which there is nothing to compare.
        return points, spans, [[*shells, *holes]]

    def ring(number: int) -> Ring:
        start, end = spans[number]
        return points[start:end]

    found = [[number] for number in sorted(shells, key=lambda each: -_area(ring(each)))]
    edges = [_upright_edges(ring(piece[0])) for piece in found]
    for number in holes:
        # Of the shells around it, the smallest is its own; if it is no other, it is the largest.
        place = _first(ring(number))
        own = next((at for at in range(len(found) - 1, 0, -1) if _holds(edges[at], place)), 0)
        found[own].append(number)
    return points, spans, found


def _rings(inside: npt.NDArray[np.bool_], offset: _Corner) -> tuple[Ring, list[int], list[bool]]:
    """The rings of a mask.

    Args:
        inside: the mask with an empty pixel around it.
        offset: is added to the corners.

    Returns:
        The corners of all of them, one ring behind the other; where each ends; and whether each is
        a shell.
    """
    ys, xs, is_left, is_up, doubles = _corners(inside)
    if doubles is None:
        across = _partners(np.arange(len(xs)))
        down = _partners(np.argsort(xs.astype(np.uint16), kind="stable"))
        lines = _lines(across, down)
    else:
        # Where two corners are at one place, the one whose edge comes from before is first.
        across = _partners(np.lexsort((~is_left, xs, ys)))
        down = _partners(np.lexsort((~is_up, ys, xs)))
        lines = _simple(_lines(across, down), ys * inside.shape[1] + xs, doubles)

    if not lines:
        return np.empty((0, 2), np.int64), [], []
    lengths = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(lengths)
    starts = ends - lengths
    flat = np.fromiter(chain.from_iterable(lines), np.int64, int(ends[-1]))
    # Its topmost corner, of several the leftmost: the pixel below right of it tells of the ring.
    if doubles is None:
        at = starts
    else:
        places = (ys * inside.shape[1] + xs)[flat]
        at = np.flatnonzero(places == np.repeat(np.minimum.reduceat(places, starts), lengths))
    first = flat[at]
    after = flat[np.where(at + 1 < ends, at + 1, starts)]
    is_shell = inside[ys[first] + 1, xs[first] + 1]
    # From there to the right is clockwise on a screen.
    is_backward = (ys[after] == ys[first]) != is_shell
    order = np.arange(len(flat))
    turned = np.repeat(is_backward, lengths)
    order[turned] = np.repeat(starts + ends - 1, lengths)[turned] - order[turned]
    flat = flat[order]
    points = np.stack((xs[flat] + offset[0], ys[flat] + offset[1]), axis=1)
    return points, ends.tolist(), is_shell.tolist()


def _simple(lines: list[list[int]], places: npt.NDArray[np.int64], doubles: int) -> list[list[int]]:
    """Closed lines as lines that pass each place once.

    Args:
        lines: as the indices of their corners.
        places: of each corner, the same for two at one place.
        doubles: from which corner on there are two at each place.
    """
    if not lines:
        return []
    starts = np.cumsum([0, *map(len, lines[:-1])])
    flat = np.fromiter(chain.from_iterable(lines), np.int64)
    # Most have no such corner, or one.
    many = (np.add.reduceat(flat >= doubles, starts, dtype=np.int64) > 1).tolist()
    known: list[int] = places.tolist()
    return [
        part
        for line, is_cut in zip(lines, many, strict=True)
        for part in (_cut(line, known) if is_cut else (line,))
    ]


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
) -> tuple[Ring, Ring, npt.NDArray[np.bool_], npt.NDArray[np.bool_], int | None]:
    """The corners: their y and x, whether their horizontal edge lies to the left, whether their
    vertical one lies above, and from which on there are two at each place.

    Where two pixels inside touch at a corner only, there are two, one of each pixel. None stands
    for corners in the order of rows, each at a place of its own.
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
        return ys, xs, is_left, is_up, None if width <= _MOST_OF_16_BITS else len(places)
    double_y, double_x = np.divmod(doubles, width)
    falls = above_left[double_y, double_x]
    return (
        np.concatenate((ys, double_y, double_y)),
        np.concatenate((xs, double_x, double_x)),
        # Of a pixel above left: its edges to the left and up; of one above right: right and up.
        np.concatenate((is_left, falls, ~falls)),
        np.concatenate((is_up, np.ones(len(falls), bool), np.zeros(len(falls), bool))),
        len(places),
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
