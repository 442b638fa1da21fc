"""Drawing a result on its image: all of it, one instance, or small. No input is ever changed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from ..images import RGBArray
from ..prediction import Chosen, Instance, MaskCrop, Prediction, check_image
from ..style import DEFAULT_STYLE, Style
from .labels import draw_labels
from .layers import Crop, Ink, draw_box, draw_lines, draw_outlines, fill_masks
from .parallel import Parallel

__all__ = [
    "THUMBNAIL_STYLE",
    "cutout",
    "overlay",
    "shrink",
    "shrink_mask",
    "shrink_prediction",
    "thumbnail",
]

# A line's width for an image: a 300th of its side.
_IMAGE_SIDES_PER_LINE: Final = 300

THUMBNAIL_STYLE: Final = Style(labels=False, scores=False, line_width=1)
"""How a small image is drawn: thin outlines, and no labels."""


def overlay(
    image: RGBArray,
    prediction: Prediction,
    style: Style = DEFAULT_STYLE,
    *,
    only: Chosen | None = None,
) -> RGBArray:
    """The image with the prediction's masks, outlines, boxes and labels drawn on it.

    Smaller instances are drawn over larger ones. Labels stay inside the image and off each other:
    the best-scored take the best places, and one that finds none, also in smaller letters, is left
    out.

    Args:
        image: H×W×3 uint8 RGB, of the size that the prediction is for; it stays as it is.
        prediction: what was found in it.
        style: how to draw.
        only: the instances to draw (indices, or N booleans); None: all. Their colours stay those
            that they have among all of them.

    Returns:
        A new array like the image.

    Raises:
        SettingError: the image is no such array, an index is not here, or the font can't be read.
        PredictionError: the prediction is for an image of another size.
    """
    check_image(prediction, image)
    canvas = np.array(image, np.uint8, order="C")
    colors = [style.color_of(prediction, index) for index in range(len(prediction))]
    if only is not None:
        chosen = prediction.indices(only)
        colors = [colors[index] for index in chosen]
        prediction = prediction.select(chosen)

    # Large ones first, so that what lies in front of them stays visible.
    order = np.argsort(-prediction.areas, kind="stable").tolist()
    ink = Ink(colors)
    layer = ink.layer(canvas.shape[0], canvas.shape[1])
    line_width = _line_width(canvas, style)
    with Parallel(canvas.shape[0] * canvas.shape[1]) as parallel:
        if prediction.masks is not None:
            crops = [Crop(i, prediction.masks[i]) for i in order if prediction.masks[i].width]
            if style.masks and style.opacity > 0:
                fill_masks(canvas, layer, crops, ink, style.opacity, parallel)
            if style.outlines:
                draw_outlines(layer, crops, ink, line_width, parallel)
        if style.boxes or prediction.masks is None:
            for index in order:
                draw_box(layer, prediction.boxes[index], ink.number[index], line_width)
        draw_lines(canvas, layer, ink, parallel)
    if style.labels or style.scores:
        draw_labels(canvas, prediction, colors, style)
    return canvas


def _line_width(canvas: RGBArray, style: Style) -> int:
    usual = math.sqrt(canvas.shape[0] * canvas.shape[1]) / _IMAGE_SIDES_PER_LINE
    return max(1, round(style.line_width or usual))


def cutout(image: RGBArray, prediction: Prediction, index: int) -> npt.NDArray[np.uint8]:
    """One instance cut out of the image, transparent around it.

    Args:
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        prediction: what was found in it.
        index: which instance.

    Returns:
        Its mask's smallest rectangle, h×w×4 uint8 RGBA. An empty mask gives one transparent pixel;
        an instance without a mask gives its box.

    Raises:
        SettingError: the image is no such array.
        PredictionError: the prediction is for an image of another size.
    """
    check_image(prediction, image)
    x, y, alpha = _alpha(prediction[index], prediction.image_size)
    if alpha.size == 0:
        return np.zeros((1, 1, 4), np.uint8)
    region = image[y : y + alpha.shape[0], x : x + alpha.shape[1]]
    cut = cv2.cvtColor(cv2.bitwise_and(region, region, mask=alpha), cv2.COLOR_RGB2RGBA)
    cut[..., 3] = alpha
    return cast(npt.NDArray[np.uint8], cut)


def _alpha(
    instance: Instance, image_size: tuple[int, int]
) -> tuple[int, int, npt.NDArray[np.uint8]]:
    """The left and top pixel of an instance, and which pixels from there on are its own (255)."""
    if instance.mask is not None:
        alpha = instance.mask.to_array().astype(np.uint8) * np.uint8(255)
        return instance.mask.x, instance.mask.y, alpha
    height, width = image_size
    x1, y1 = max(math.floor(instance.box[0]), 0), max(math.floor(instance.box[1]), 0)
    x2, y2 = min(math.ceil(instance.box[2]), width), min(math.ceil(instance.box[3]), height)
    return x1, y1, np.full((max(y2 - y1, 0), max(x2 - x1, 0)), 255, np.uint8)


def thumbnail(image: RGBArray, prediction: Prediction, width: int, height: int) -> RGBArray:
    """The image with its masks, made small.

    Args:
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        prediction: what was found in it.
        width: the most pixels of a row.
        height: the most rows.

    Returns:
        A new h×w×3 uint8 RGB array with the image's sides, never larger than the image.

    Raises:
        SettingError: the image is no such array.
        PredictionError: the prediction is for an image of another size.
    """
    small, shrunk = shrink(image, prediction, width, height)
    return overlay(small, shrunk, THUMBNAIL_STYLE)


def shrink(
    image: RGBArray, prediction: Prediction, width: int, height: int
) -> tuple[RGBArray, Prediction]:
    """The image and what was found in it, made small.

    Args:
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        prediction: what was found in it.
        width: the most pixels of a row.
        height: the most rows.

    Returns:
        A new h×w×3 uint8 RGB array with the image's sides, never larger than the image, and the
        prediction for it, with the same instances in the same order.

    Raises:
        SettingError: the image is no such array.
        PredictionError: the prediction is for an image of another size.
    """
    check_image(prediction, image)
    shrunk = shrink_prediction(prediction, width, height)
    rows, columns = shrunk.image_size
    small = cast(RGBArray, cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA))
    return small, shrunk


def shrink_prediction(prediction: Prediction, width: int, height: int) -> Prediction:
    """What was found in an image, for the image made small.

    Args:
        prediction: what was found.
        width: the most pixels of a row.
        height: the most rows.

    Returns:
        The same instances in the same order, as `shrink` has them.
    """
    rows, columns = prediction.image_size
    scale = min(width / columns, height / rows, 1)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    masks = prediction.masks
    if masks is not None:
        masks = tuple(shrink_mask(crop, scale, size) for crop in masks)
    boxes = prediction.boxes * scale
    return replace(prediction, image_size=(size[1], size[0]), boxes=boxes, masks=masks)


def shrink_mask(crop: MaskCrop, scale: float, image_size: tuple[int, int]) -> MaskCrop:
    """A mask, made small with its image.

    Args:
        crop: the mask.
        scale: what the image's sides were multiplied by.
        image_size: (width, height) that the image has now, in pixels.

    Returns:
        The mask in the small image's pixels.
    """
    if not crop.width:
        return crop
    x, y = min(int(crop.x * scale), image_size[0] - 1), min(int(crop.y * scale), image_size[1] - 1)
    width, height = max(1, round(crop.width * scale)), max(1, round(crop.height * scale))
    size = min(width, image_size[0] - x), min(height, image_size[1] - y)
    opaque = crop.to_array().view(np.uint8) * np.uint8(255)
    covered = cv2.resize(opaque, size, interpolation=cv2.INTER_AREA)
    return MaskCrop.from_array(covered >= 128, x, y)
