"""Masks, outlines and boxes of all instances, painted on an image in one pass each.

All instances are first written into a map of colour numbers, then the whole image is painted: that
takes a few milliseconds however many they are, where blending one after the other takes as long
again for each. The image is painted some rows at a time, which stay in the processor's cache, on
several threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from ..images import RGBArray
from ..prediction import MaskCrop
from ..style import RGB
from .outlines import disc, outline
from .parallel import Parallel
from .runs import Runs, outline_spans, paint_spans, runs_of

__all__ = ["Crop", "Ink", "Layer", "draw_box", "draw_lines", "draw_outlines", "fill_masks"]

Layer = npt.NDArray[Any]
"""H×W colour numbers, uint8 or uint16; 0 is no colour."""

# The halo is what keeps a line apart from an image of its own colour.
_HALO_OPACITY: Final = 0.6
_DARK: Final = 90
_LUMA: Final = (0.2126, 0.7152, 0.0722)

# The blur of a line's edges, a Gaussian's sigma in pixels.
_SOFTNESS: Final = 0.5

# What a line's pixel takes from the rows beside it: one for its halo, one for the blur.
_REACH: Final = 2

# Of outlines that wait until they are written together.
_WAITING_BYTES: Final = 1_000_000

# Rows that are painted at a time.
_ROWS: Final = 64


@dataclass(frozen=True)
class Crop:
    """A mask that is not empty, and whose it is."""

    index: int
    """The instance's."""

    mask: MaskCrop
    """The mask."""

    def inside(self) -> npt.NDArray[np.uint8]:
        """Its rectangle, 1 inside and 0 outside; unpacked anew, so that only a few are in
        memory."""
        return self.mask.to_array().view(np.uint8)


class Ink:
    """The colours of one image, numbered from 1.

    Two more numbers, the last ones, are a line's halo in black and in white.
    """

    def __init__(self, colors: list[RGB]) -> None:
        """Number the colours.

        Args:
            colors: one for each instance.
        """
        numbers = {color: number for number, color in enumerate(dict.fromkeys(colors), start=1)}
        self.number = [numbers[color] for color in colors]
        # 253 colours suffice for nearly every image, and OpenCV is fastest with bytes.
        self.type: type[np.uint8 | np.uint16] = np.uint8 if len(numbers) < 254 else np.uint16

        # Each number's colour, times its coverage.
        size = max(256, len(numbers) + 3)
        self.table = np.zeros((size, 3), np.uint8)
        self.table[1 : len(numbers) + 1] = list(numbers) or np.zeros((0, 3))
        self.table[-1] = round(255 * _HALO_OPACITY)

        # How much of the image each number covers, 0 to 255.
        self.coverage = np.full(size, 255, np.uint8)
        self.coverage[-2:] = round(255 * _HALO_OPACITY)
        self.coverage[0] = 0

        # Each number's halo: black for a bright colour, white for a dark one.
        self.halo = np.full(size, size - 2, self.type)
        self.halo[self.table @ np.array(_LUMA) < _DARK] = size - 1
        self.halo[0] = 0

    def layer(self, height: int, width: int) -> Layer:
        """A layer without any colour.

        Args:
            height: in pixels.
            width: in pixels.

        Returns:
            height×width zeros.
        """
        return np.zeros((height, width), self.type)


def fill_masks(
    canvas: RGBArray, layer: Layer, crops: list[Crop], ink: Ink, opacity: float, parallel: Parallel
) -> None:
    """Blend all masks with the image; where they overlap, the last one shows.

    Args:
        canvas: H×W×3 uint8 RGB, painted on.
        layer: without any colour before and after.
        crops: the masks, in the order of painting.
        ink: the colours.
        opacity: how much of the colour covers the image, 0 to 1.
        parallel: the threads.
    """
    for crop, inside in parallel.each(Crop.inside, crops):
        _write(layer, crop.mask.x, crop.mask.y, inside, ink.number[crop.index])

    def blend(rows: slice) -> None:
        numbers, image = layer[rows], canvas[rows]
        if numbers.any():
            blended = cv2.addWeighted(image, 1 - opacity, _look_up(numbers, ink.table), opacity, 0)
            cv2.copyTo(blended, _where(numbers), image)
            numbers.fill(0)

    parallel.do(blend, _bands(canvas.shape[0]))


def draw_outlines(
    lines: Layer, crops: list[Crop], ink: Ink, width: int, parallel: Parallel
) -> None:
    """Write the outlines of masks, holes included, into a layer of lines.

    Args:
        lines: written into.
        crops: the masks, in the order of painting.
        ink: the colours.
        width: of the lines in pixels, half of it outside of the mask.
        parallel: the threads.
    """
    outside, inward = width // 2, (width + 1) // 2
    margin = outside + 1

    def found(crop: Crop) -> Runs | npt.NDArray[np.uint8]:
        inside = crop.inside()
        runs = runs_of(inside, crop.mask.x, crop.mask.y)
        return outline(inside, outside, inward) if runs is None else runs

    def write(some: list[tuple[Crop, Runs | npt.NDArray[np.uint8]]]) -> None:
        simple = [line for _, line in some if isinstance(line, Runs)]
        numbers = [ink.number[crop.index] for crop, line in some if isinstance(line, Runs)]
        spans = outline_spans(simple, outside, inward) if simple else None
        first = 0
        for is_simple, group in groupby(some, lambda each: isinstance(each[1], Runs)):
            if is_simple and spans is not None:
                last = first + len(list(group))
                paint_spans(lines, spans.of(first, last), numbers)
                first = last
                continue
            for crop, line in group:
                if not isinstance(line, Runs):
                    x, y = crop.mask.x - margin, crop.mask.y - margin
                    _write(lines, x, y, line, ink.number[crop.index])

    waiting: list[tuple[Crop, Runs | npt.NDArray[np.uint8]]] = []
    size = 0
    for crop, line in parallel.each(found, crops):
        waiting.append((crop, line))
        size += line.nbytes
        if size > _WAITING_BYTES:
            write(waiting)
            waiting, size = [], 0
    write(waiting)


def draw_box(lines: Layer, box: npt.NDArray[np.float32], number: int, width: int) -> None:
    """Write one box into a layer of lines.

    Args:
        lines: written into.
        box: XYXY in pixels; it may leave the image.
        number: of its colour.
        width: of its lines in pixels, all inside of the box.
    """
    height_px, width_px = lines.shape
    left, top, right, bottom = box.tolist()
    x1, x2 = (min(max(value, 0), width_px) for value in (math.floor(left), math.ceil(right)))
    y1, y2 = (min(max(value, 0), height_px) for value in (math.floor(top), math.ceil(bottom)))
    lines[y1 : min(y1 + width, y2), x1:x2] = number
    lines[max(y2 - width, y1) : y2, x1:x2] = number
    lines[y1:y2, x1 : min(x1 + width, x2)] = number
    lines[y1:y2, max(x2 - width, x1) : x2] = number


def draw_lines(canvas: RGBArray, lines: Layer, ink: Ink, parallel: Parallel) -> None:
    """Paint a layer of lines on the image, with soft edges and a thin halo.

    Args:
        canvas: H×W×3 uint8 RGB, painted on.
        lines: the layer.
        ink: the colours.
        parallel: the threads.
    """

    def paint(rows: slice) -> None:
        above = min(rows.start, _REACH)
        numbers = lines[rows.start - above : rows.stop + _REACH]
        if numbers.any():
            inner = slice(above, above + rows.stop - rows.start)
            _paint_lines(canvas[rows], numbers, inner, ink)

    parallel.do(paint, _bands(canvas.shape[0]))


def _paint_lines(image: RGBArray, lines: Layer, inner: slice, ink: Ink) -> None:
    """Paint some rows of lines; the image has only the inner ones."""
    painted = _look_up(cv2.dilate(lines, disc(1)), ink.halo)
    cv2.copyTo(lines, _where(lines), painted)

    # Colours and coverage are blurred alike and are both 0 outside, which gives each pixel of an
    # edge its share of both sides.
    share = cv2.GaussianBlur(_look_up(painted, ink.coverage), (3, 3), _SOFTNESS)[inner]
    color = cv2.GaussianBlur(_look_up(painted, ink.table), (3, 3), _SOFTNESS)[inner]
    rest = cv2.cvtColor(cv2.bitwise_not(share), cv2.COLOR_GRAY2RGB)
    cv2.multiply(image, rest, image, scale=1 / 255)
    cv2.add(image, color, image)


def _bands(height: int) -> list[slice]:
    """All rows of an image, some at a time."""
    return [slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS)]


def _where(layer: Layer) -> npt.NDArray[np.uint8]:
    """Which pixels have a colour, as OpenCV takes it: not 0."""
    return layer if layer.dtype == np.uint8 else (layer > 0).view(np.uint8)


def _look_up(layer: Layer, table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`table[layer]`, by the fastest way."""
    if layer.dtype != np.uint8:
        return table[layer]
    return cv2.LUT(layer, table) if table.ndim == 1 else cv2.applyColorMap(layer, table[:, None])


def _write(layer: Layer, x: int, y: int, inside: npt.NDArray[Any], number: int) -> None:
    """Set `layer` to `number` where `inside`, whose corner lies at (x, y) and which may stick out,
    is not 0."""
    left, top = max(-x, 0), max(-y, 0)
    region = layer[max(y, 0) : y + inside.shape[0], max(x, 0) : x + inside.shape[1]]
    inside = inside[top : top + region.shape[0], left : left + region.shape[1]]
    cv2.copyTo(np.full(region.shape, number, layer.dtype), inside, region)
