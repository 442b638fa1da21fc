"""All instances of an image side by side, each with its surroundings, its number and its score."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from .._text import printable
from ..images import RGBArray
from ..prediction import Chosen, Instance, MaskCrop, Prediction, check_image
from ..style import DEFAULT_STYLE, RGB, Style
from .labels import Label, join_pills, joined_size, paint_label
from .rendering import overlay, shrink_mask

__all__ = ["contact_sheet"]

_TILE_PX: Final = 160
_LEAST_TILE_PX: Final = 100
_GAP_PX: Final = 8
_FONT_PX: Final = 12
_MARGIN: Final = 0.15
_BACKGROUND: Final = 246
_MOST_COLUMNS: Final = 40
_LONGEST_NAME: Final = 24

_Region = tuple[int, int, int, int]
"""The left, top, right and bottom pixel of a part of the image, the last two not included."""


def contact_sheet(
    image: RGBArray,
    prediction: Prediction,
    style: Style = DEFAULT_STYLE,
    *,
    only: Chosen | None = None,
    tile_px: int = _TILE_PX,
) -> RGBArray:
    """One image of all instances, each in a tile with a caption such as "3 person 0.87".

    Args:
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        prediction: what was found in it.
        style: how masks and outlines are drawn.
        only: the instances to draw; None: all. Their numbers stay those among all of them.
        tile_px: the most pixels of a tile's sides; larger instances are made smaller. Where all are
            small, the tiles are, too.

    Returns:
        H×W×3 uint8 RGB, with about as many tiles in a row as in a column.

    Raises:
        SettingError: the image is no such array, or an index is not here.
        PredictionError: the prediction is for an image of another size.
    """
    check_image(prediction, image)
    chosen = np.arange(len(prediction)) if only is None else prediction.indices(only)
    columns = min(max(math.ceil(math.sqrt(len(chosen))), 1), _MOST_COLUMNS)
    rows = max(math.ceil(len(chosen) / columns), 1)
    regions = [_surroundings(prediction[index], prediction.image_size) for index in chosen.tolist()]
    tile_px = _tile_side(regions, tile_px)
    # A caption lies below its tile.
    step_x = tile_px + _GAP_PX
    step_y = tile_px + 2 * _FONT_PX + _GAP_PX
    shape = (rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3)
    sheet = np.full(shape, _BACKGROUND, np.uint8)
    # Drawing takes about as long for a whole row as for one tile.
    for row in range(0, len(chosen), columns):
        band = sheet[row // columns * step_y + _GAP_PX :][:step_y]
        tiles = []
        for place, index in enumerate(chosen[row : row + columns].tolist()):
            left = _GAP_PX + place * step_x
            region = regions[row + place]
            tiles.append(_tile(image, prediction[index], region, band, left, tile_px))
        colors = [style.color_of(prediction, tile.instance.index) for tile in tiles]
        _draw(band, tiles, colors, style)
        for place, (tile, color) in enumerate(zip(tiles, colors, strict=True)):
            left = _GAP_PX + place * step_x
            room = band[tile_px : tile_px + 2 * _FONT_PX, left : left + tile_px]
            _write(room, tile.instance, color, style)
    return sheet


def _tile_side(regions: list[_Region], most_px: int) -> int:
    """The side that all tiles have: of small instances smaller, but with room for a caption."""
    sides = [max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in regions]
    return min(most_px, max(max(sides, default=most_px), _LEAST_TILE_PX))


class _Tile(NamedTuple):
    """An instance at its place in a row of the sheet."""

    instance: Instance
    box: npt.NDArray[np.float32]
    mask: MaskCrop | None


def _tile(
    image: RGBArray, instance: Instance, region: _Region, band: RGBArray, left: int, tile_px: int
) -> _Tile:
    """Put an instance with its surroundings into the middle of its place in a row."""
    x1, y1, x2, y2 = region
    scale = min(tile_px / (x2 - x1), tile_px / (y2 - y1), 1)
    small = image[y1:y2, x1:x2]
    size = small.shape[1], small.shape[0]
    mask = instance.mask
    if mask is not None and mask.width:
        mask = replace(mask, x=mask.x - x1, y=mask.y - y1)
    if scale < 1:
        size = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        small = cast(RGBArray, cv2.resize(small, size, interpolation=cv2.INTER_AREA))
        mask = None if mask is None else shrink_mask(mask, scale, size)

    x, y = left + (tile_px - size[0]) // 2, (tile_px - size[1]) // 2
    band[y : y + size[1], x : x + size[0]] = small
    if mask is not None and mask.width:
        mask = replace(mask, x=mask.x + x, y=mask.y + y)
    box = (np.array(instance.box) - (x1, y1, x1, y1)) * scale + (x, y, x, y)
    return _Tile(instance, box.astype(np.float32), mask)


def _draw(band: RGBArray, tiles: list[_Tile], colors: list[RGB], style: Style) -> None:
    """Draw the masks, outlines and boxes of a row of tiles."""
    masks = [tile.mask for tile in tiles if tile.mask is not None]
    # Colours go by class and score, and by instance they are those of the whole image; so each
    # tile is a class of its own here.
    row = Prediction(
        (band.shape[0], band.shape[1]),
        np.stack([tile.box for tile in tiles]),
        np.array([tile.instance.score for tile in tiles], np.float32),
        np.arange(len(tiles)),
        tuple(str(place) for place in range(len(tiles))),
        tuple(masks) if masks else None,
    )
    drawn = replace(
        style,
        labels=False,
        scores=False,
        palette=tuple(colors),
        color_by="class",
        line_width=style.line_width or 1,
    )
    band[:] = overlay(band, row, drawn)


def _surroundings(instance: Instance, image_size: tuple[int, int]) -> _Region:
    """The part of the image that shows an instance: its box and mask, and a margin."""
    x1, y1, x2, y2 = instance.box
    crop = instance.mask
    if crop is not None and crop.width:
        x1, y1 = min(x1, crop.x), min(y1, crop.y)
        x2, y2 = max(x2, crop.x + crop.width), max(y2, crop.y + crop.height)
    margin = max(x2 - x1, y2 - y1) * _MARGIN + 2
    height, width = image_size
    left = min(max(math.floor(x1 - margin), 0), width - 1)
    top = min(max(math.floor(y1 - margin), 0), height - 1)
    right = min(max(math.ceil(x2 + margin), left + 1), width)
    bottom = min(max(math.ceil(y2 + margin), top + 1), height)
    return left, top, right, bottom


def _write(room: RGBArray, instance: Instance, color: tuple[int, int, int], style: Style) -> None:
    """Write a caption; a name that has no room is cut."""
    # No font has a glyph for a line break, and some fail at it.
    name = printable(" ".join(instance.class_name.split()))
    number = str(instance.index)
    for length in (len(name), *range(_LONGEST_NAME, -1, -1)):
        if length > _LONGEST_NAME + _LONGEST_NAME // 2:
            continue
        cut = f"{name[:length]}{'' if length >= len(name) else '…'}"
        # Of 10,000 numbers, these are a thousand parts.
        words = [[number[:-3], number[-3:]], [cut], [f"{instance.score:.2f}"]]
        words = [[part for part in word if part] for word in words if any(word)]
        # Most that are tried are too wide, and need not be drawn to know it.
        width, height = joined_size(words, _FONT_PX, style.font)
        if width <= room.shape[1] and height <= room.shape[0]:
            pill = join_pills(words, _FONT_PX, style.font)
            left = (room.shape[1] - width) // 2
            paint_label(room, Label(instance.index, cut, left, 0, pill), color)
            return
