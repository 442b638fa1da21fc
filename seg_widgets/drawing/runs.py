"""Outlines of simple masks, from where their rows begin and end.

Most masks have one run of pixels in each row, which touches the next row's. Their outlines follow
from two numbers for each row, of all masks at once, and have the same pixels as those that
`outlines` makes of any mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from .outlines import row_halves

__all__ = ["Runs", "Spans", "outline_spans", "paint_spans", "runs_of"]

Numbers = npt.NDArray[np.int64]

# A column that no image has: rows without a run begin there, and end at its negative.
_FAR: Final = 1 << 40

# Pixels that are painted at once: few megabytes of indices.
_PIXELS: Final = 200_000


@dataclass(frozen=True)
class Runs:
    """A simple mask: its pixels from `starts` up to `ends` in each row, in pixels of the image."""

    top: int
    starts: Numbers
    ends: Numbers

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return self.starts.nbytes + self.ends.nbytes


@dataclass(frozen=True)
class Spans:
    """Pieces of rows: `starts` up to `ends` in row `rows`, in the order of painting."""

    rows: Numbers
    starts: Numbers
    ends: Numbers
    owners: npt.NDArray[np.intp]
    """Which mask each is of, rising."""

    def of(self, first: int, last: int) -> Spans:
        """Those of some masks.

        Args:
            first: the first mask.
            last: the one behind the last.

        Returns:
            A part of the arrays.
        """
        some = slice(*np.searchsorted(self.owners, (first, last)).tolist())
        return Spans(self.rows[some], self.starts[some], self.ends[some], self.owners[some])


def runs_of(inside: npt.NDArray[np.uint8], x: int, y: int) -> Runs | None:
    """The runs of a mask.

    Args:
        inside: h×w, 1 inside the mask and 0 outside; h and w are 1 or more.
        x: its left pixel in the image.
        y: its top pixel in the image.

    Returns:
        The runs; None: the mask has a row with none or several, or two rows that do not touch.
    """
    if _run_count(inside) != len(inside):
        return None
    starts = inside.view(bool).argmax(axis=1)
    ends = starts + cv2.reduce(inside, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    if not (starts < ends).all():
        return None
    if (starts[1:] > ends[:-1]).any() or (starts[:-1] > ends[1:]).any():
        return None
    return Runs(y, starts + x, ends + x)


def _run_count(inside: npt.NDArray[np.uint8]) -> int:
    """How many runs all rows have together."""
    flat = inside.reshape(-1)
    changes = int(np.count_nonzero(flat[1:] != flat[:-1])) + int(flat[0]) + int(flat[-1])
    # A run at a row's end and one at the next row's beginning are two.
    return changes // 2 + int(np.count_nonzero(inside[:-1, -1] & inside[1:, 0]))


def outline_spans(masks: Sequence[Runs], outside: int, inward: int) -> Spans:
    """The pixels within a distance of simple masks' edges.

    Grown by a disc, a row's run begins where the first of its neighbours, each moved by the disc's
    width there, does. The mask's surroundings grow into it in the same way, from both sides.

    Args:
        masks: at least one.
        outside: how far the line reaches out of the mask, in pixels; 0 or more.
        inward: how far it reaches in, in pixels; 1 or more.

    Returns:
        At most two spans for each row.
    """
    # Empty rows between the masks keep them apart.
    reach = max(outside, inward)
    heights = np.array([len(mask.starts) for mask in masks]) + 2 * reach
    first = np.cumsum(heights) - heights
    size = int(heights.sum()) + 2 * reach
    starts, ends = np.full(size, _FAR), np.full(size, -_FAR)
    for at, mask in zip((first + 2 * reach).tolist(), masks, strict=True):
        starts[at : at + len(mask.starts)] = mask.starts
        ends[at : at + len(mask.ends)] = mask.ends

    grown_from = _swept(starts, outside, -1, reach, np.minimum)
    grown_to = _swept(ends, outside, 1, reach, np.maximum)
    inner_from = _swept(starts, inward, 1, reach, np.maximum)
    inner_to = _swept(ends, inward, -1, reach, np.minimum)
    left_to = np.minimum(inner_from, grown_to)
    right_from = np.maximum(np.maximum(inner_to, left_to), grown_from)

    owners = np.repeat(np.arange(len(masks)), heights)
    tops = np.array([mask.top for mask in masks]) - reach - first
    rows = np.arange(len(owners)) + tops[owners]
    both = np.concatenate((owners, owners))
    order = np.argsort(both, kind="stable")
    return Spans(
        np.concatenate((rows, rows))[order],
        np.concatenate((grown_from, right_from))[order],
        np.concatenate((left_to, grown_to))[order],
        both[order],
    )


def _swept(values: Numbers, radius: int, sign: int, reach: int, combine: Any) -> Numbers:
    """Of each row and those around it within a disc, the first or last column that it reaches.

    Args:
        values: a column of each row, with `reach` more rows at both ends.
        radius: of the disc.
        sign: 1 where the disc's width is added, -1 where it is taken away.
        reach: `radius` or more.
        combine: `np.minimum` or `np.maximum`.

    Returns:
        One column for each row but those at the ends.
    """
    size = len(values) - 2 * reach
    result: Numbers | None = None
    for down, half in enumerate(row_halves(radius), start=reach - radius):
        moved = values[down : down + size] + sign * half
        result = moved if result is None else combine(result, moved, out=result)
    assert result is not None, "a disc has a row"
    return result


def paint_spans(layer: npt.NDArray[Any], spans: Spans, numbers: Sequence[int]) -> None:
    """Write spans into a layer of numbers; what leaves it is left out, and the last one shows.

    Args:
        layer: H×W, contiguous.
        spans: what is painted.
        numbers: of each mask.
    """
    height, width = layer.shape
    starts, ends = np.clip(spans.starts, 0, width), np.clip(spans.ends, 0, width)
    seen = np.flatnonzero((starts < ends) & (spans.rows >= 0) & (spans.rows < height))
    starts, lengths = starts[seen], (ends - starts)[seen]
    places = spans.rows[seen] * width + starts
    values = np.array(numbers, layer.dtype)[spans.owners[seen]]

    flat, behind = layer.reshape(-1), np.cumsum(lengths)
    first = 0
    while first < len(seen):
        done = int(behind[first - 1]) if first else 0
        last = max(int(np.searchsorted(behind, done + _PIXELS)), first + 1)
        some = slice(first, last)
        # The first pixel of each span less those that lie before it, plus 0, 1, 2 …
        begin = places[some] - (behind[some] - lengths[some] - done)
        at = np.repeat(begin, lengths[some])
        at += np.arange(len(at))
        flat[at] = np.repeat(values[some], lengths[some])
        first = last
