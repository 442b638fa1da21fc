"""All instances of an image side by side, each with its surroundings, its number and its score."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from ..images import RGBArray
from ..prediction import Chosen, Instance, MaskCrop, Prediction, check_image
from ..style import DEFAULT_STYLE, Style
from .labels import Label, make_pill, paint_label
from .rendering import overlay, shrink

__all__ = ["contact_sheet"]

_TILE_PX: Final = 160
_GAP_PX: Final = 8
_FONT_PX: Final = 12
_MARGIN: Final = 0.15
_BACKGROUND: Final = 246
_MOST_COLUMNS: Final = 40
_LONGEST_NAME: Final = 24


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
        tile_px: the most pixels of a tile's sides; larger instances are made smaller.

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
    # A caption lies below its tile.
    step_x = tile_px + _GAP_PX
    step_y = tile_px + 2 * _FONT_PX + _GAP_PX
    shape = (rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3)
    sheet = np.full(shape, _BACKGROUND, np.uint8)
    plain = replace(style, labels=False, scores=False)
    for place, index in enumerate(chosen.tolist()):
        row, column = divmod(place, columns)
        left, top = _GAP_PX + column * step_x, _GAP_PX + row * step_y
        tile = _tile(image, prediction, index, plain, tile_px)
        x = left + (tile_px - tile.shape[1]) // 2
        y = top + (tile_px - tile.shape[0]) // 2
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
        room = sheet[top + tile_px : top + tile_px + 2 * _FONT_PX, left : left + tile_px]
        _write(room, prediction[index], style.color_of(prediction, index), style)
    return sheet


def _tile(
    image: RGBArray, prediction: Prediction, index: int, style: Style, tile_px: int
) -> RGBArray:
    """One instance with its surroundings."""
    instance = prediction[index]
    x1, y1, x2, y2 = _surroundings(instance, prediction.image_size)
    mask = None
    if instance.mask is not None:
        crop = instance.mask
        is_empty = crop.width == 0
        mask = (
            crop
            if is_empty
            else MaskCrop(crop.x - x1, crop.y - y1, crop.width, crop.height, crop.bits)
        )
    # Colours go by class and score; by instance, they are those of the whole image.
    color = style.color_of(prediction, index)
    alone = Prediction(
        (y2 - y1, x2 - x1),
        prediction.boxes[index : index + 1] - np.array((x1, y1, x1, y1), np.float32),
        prediction.scores[index : index + 1],
        np.zeros(1, np.int64),
        (instance.class_name,),
        None if mask is None else (mask,),
    )
    region = np.ascontiguousarray(image[y1:y2, x1:x2])
    small, shrunk = shrink(region, alone, tile_px, tile_px)
    return overlay(small, shrunk, replace(style, palette=(color,), color_by="class"))


def _surroundings(instance: Instance, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
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
    for length in (len(instance.class_name), *range(_LONGEST_NAME, -1, -1)):
        cut = "" if length >= len(instance.class_name) else "…"
        text = f"{instance.index} {instance.class_name[:length]}{cut} {instance.score:.2f}"
        if len(text) > _LONGEST_NAME + 20:
            continue
        pill = make_pill(text, _FONT_PX, style.font)
        width, height = pill.size
        if width <= room.shape[1] and height <= room.shape[0]:
            left = (room.shape[1] - width) // 2
            paint_label(room, Label(instance.index, text, left, 0, pill), color)
            return
