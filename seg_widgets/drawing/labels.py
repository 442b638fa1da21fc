"""The labels of an image: what they say, where they go, and how they look."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .._text import PATH_LENGTH, printable
from ..images import RGBArray
from ..prediction import Prediction
from ..style import RGB, SMALLEST_FONT_PX, Style, text_color
from . import fonts

__all__ = [
    "Label",
    "Pill",
    "draw_labels",
    "join_pills",
    "joined_size",
    "make_pill",
    "paint_label",
    "place_labels",
]

# Smaller letters are tried before words are cut.
_SHRINK: Final = 0.75
_LONGEST_NAME: Final = 60

# A letter's size for an image: a 65th of its side, but readable on small and large images.
_IMAGE_SIDES_PER_LETTER: Final = 65
_FONT_PX: Final = (11.0, 72.0)

# About a label's width.
_SQUARE_PX: Final = 96

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class Pill:
    """A label's rounded background and its letters, each h×w uint8 coverage (255: all of the
    pixel)."""

    shape: npt.NDArray[np.uint8]
    """The background."""

    text: npt.NDArray[np.uint8]
    """The letters."""

    radius: int
    """Of its corners, in pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.shape.shape[1], self.shape.shape[0]


@dataclass(frozen=True)
class Label:
    """A label that has found its place."""

    index: int
    """The instance's."""

    text: str
    """What it says."""

    left: int
    """Its left pixel in the image."""

    top: int
    """Its top pixel in the image."""

    pill: Pill
    """How it looks."""


def draw_labels(
    canvas: RGBArray, prediction: Prediction, colors: list[RGB], style: Style
) -> list[Label]:
    """Write names and scores on the image.

    Args:
        canvas: H×W×3 uint8 RGB, painted on.
        prediction: what was found.
        colors: one for each instance.
        style: how to draw.

    Returns:
        The labels that were drawn.

    Raises:
        SettingError: the style's font can't be read.
    """
    labels = place_labels(prediction, style)
    for label in labels:
        paint_label(canvas, label, colors[label.index])
    return labels


def place_labels(prediction: Prediction, style: Style) -> list[Label]:
    """Find a place for each label: inside the image and off each other.

    The best-scored take the best places. One that finds none is tried in smaller letters, then
    shorter; if that doesn't help, it is left out.

    Args:
        prediction: what was found.
        style: how to draw.

    Returns:
        The labels in the order of their scores.

    Raises:
        SettingError: the style's font can't be read.
    """
    height, width = prediction.image_size
    places = _Places(height, width)
    usual = math.sqrt(height * width) / _IMAGE_SIDES_PER_LETTER
    font_size = style.font_size or min(max(usual, _FONT_PX[0]), _FONT_PX[1])
    labels = []
    for index in np.argsort(-prediction.scores, kind="stable").tolist():
        instance = prediction[index]
        name = instance.class_name if style.labels else ""
        score = f"{instance.score:.2f}" if style.scores else ""
        for text, size in _variants(name, score, font_size):
            place = places.take(instance.box, *_pill_size(text, size, style.font))
            if place is not None:
                labels.append(Label(index, text, *place, make_pill(text, size, style.font)))
                break
    return labels


def _variants(name: str, score: str, font_size: float) -> Iterator[tuple[str, float]]:
    """What to try to write and how large, the best first: in full, then smaller, then shorter."""
    name = printable(" ".join(name.split()), PATH_LENGTH)
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    text = f"{name} {score}".strip()
    small = max(font_size * _SHRINK, SMALLEST_FONT_PX)
    if not text:
        return
    yield text, font_size
    yield text, small
    if name and score:
        yield name, small
    if len(name) > 4:
        yield f"{name[: max(len(name) // 2, 3)]}…", max(small * _SHRINK, SMALLEST_FONT_PX)
    if name:
        yield f"{name[0]}…" if len(name) > 1 else name, SMALLEST_FONT_PX


class _Places:
    """Which parts of an image its labels have taken."""

    def __init__(self, height: int, width: int) -> None:
        self._height = height
        self._width = width
        # By the squares that they touch: only a label's neighbours are in its way.
        self._taken: dict[tuple[int, int], list[Rectangle]] = {}

    def take(
        self, box: tuple[float, float, float, float], width: int, height: int
    ) -> tuple[int, int] | None:
        """Take the first free place beside or in a box.

        Args:
            box: XYXY in pixels.
            width: of the label in pixels.
            height: of the label in pixels.

        Returns:
            The place's left and top pixel; None where there is none.
        """
        if width > self._width or height > self._height:
            return None
        for wanted, top in _candidates(box, width, height):
            left = min(max(wanted, 0), self._width - width)
            place = left, top, left + width, top + height
            if 0 <= top <= self._height - height and self._is_free(place):
                for square in _squares(place):
                    self._taken.setdefault(square, []).append(place)
                return left, top
        return None

    def _is_free(self, place: Rectangle) -> bool:
        # A plain loop: it mostly ends early, and for so few rectangles it is faster than arrays.
        left, top, right, bottom = place
        for square in _squares(place):
            for x1, y1, x2, y2 in self._taken.get(square, ()):
                if left < x2 and x1 < right and top < y2 and y1 < bottom:
                    return False
        return True


def _squares(place: Rectangle) -> Iterator[tuple[int, int]]:
    """Which squares of the image a rectangle touches, by column and row."""
    left, top, right, bottom = place
    rows = range(top // _SQUARE_PX, (bottom - 1) // _SQUARE_PX + 1)
    columns = range(left // _SQUARE_PX, (right - 1) // _SQUARE_PX + 1)
    return product(columns, rows)


def _candidates(
    box: tuple[float, float, float, float], width: int, height: int
) -> tuple[tuple[int, int], ...]:
    """The places (left, top) of a label of this size around a box, the best first."""
    x1, y1 = math.floor(box[0]), math.floor(box[1])
    x2, y2 = math.ceil(box[2]), math.ceil(box[3])
    right, middle = x2 - width, (x1 + x2 - width) // 2
    return (
        (x1, y1 - height),
        (x1, y1),
        (right, y1 - height),
        (right, y1),
        (x1, y2),
        (x1, y2 - height),
        (right, y2),
        (right, y2 - height),
        (middle, (y1 + y2 - height) // 2),
        (middle, y1 - height),
        (middle, y2),
        (x2, y1),
        (x1 - width, y1),
        (x2, y2 - height),
        (x1 - width, y2 - height),
    )


def paint_label(canvas: RGBArray, label: Label, color: RGB) -> None:
    """Draw a label at its place.

    Args:
        canvas: H×W×3 uint8 RGB, which is changed.
        label: the label, which lies inside of it.
        color: of its background.
    """
    pill = label.pill
    width, height = pill.size
    region = canvas[label.top : label.top + height, label.left : label.left + width]
    colored = cv2.applyColorMap(pill.text, _ramp(color, text_color(color)))
    # Only its round ends let the image through.
    ends = pill.radius
    region[:, ends:-ends] = colored[:, ends:-ends]
    for end in (slice(0, ends), slice(width - ends, width)):
        share = pill.shape[:, end, None].astype(np.uint16)
        region[:, end] = (region[:, end] * (255 - share) + colored[:, end] * share + 127) // 255


@lru_cache(maxsize=256)
def _ramp(first: RGB, last: RGB) -> npt.NDArray[np.uint8]:
    """256×1×3 colours, evenly from `first` to `last`."""
    return np.rint(np.linspace(first, last, 256)).astype(np.uint8)[:, None]


@lru_cache(maxsize=2048)
def make_pill(text: str, font_size: float, font_file: str | Path | None) -> Pill:
    """Draw one label.

    Args:
        text: what it says.
        font_size: height of its letters in pixels (em).
        font_file: see `Style.font`.

    Returns:
        The label.

    Raises:
        SettingError: the font can't be read.
    """
    font = fonts.font_of(font_size, font_file or fonts.fallback_for(text))
    padding, above = _margins(font_size)
    width, height = _pill_size(text, font_size, font_file)
    letters = Image.new("L", (width, height))
    left = font.getbbox(text)[0]
    ImageDraw.Draw(letters).text((padding - left, above), text, fill=255, font=font)
    return Pill(_rounded(width, height, padding), np.asarray(letters), padding)


@lru_cache(maxsize=8192)
def _pill_size(text: str, font_size: float, font_file: str | Path | None) -> tuple[int, int]:
    """How wide and high a label is, without drawing it: most that are tried find no place."""
    font = fonts.font_of(font_size, font_file or fonts.fallback_for(text))
    padding, above = _margins(font_size)
    left, _, right, _ = font.getbbox(text)
    # The height comes from the font, not from the letters, so that all labels of an image are
    # alike.
    ascent, descent = font.getmetrics()
    return math.ceil(right - left) + 2 * padding, ascent + descent + 2 * above


def _margins(font_size: float) -> tuple[int, int]:
    """Pixels beside a label's letters, and above them."""
    padding = max(2, round(font_size / 4))
    return padding, max(1, padding // 3)


def join_pills(texts: list[list[str]], font_size: float, font_file: str | Path | None) -> Pill:
    """Draw one label of parts that other labels have, too: each is drawn once for all of them.

    Args:
        texts: the words, each in parts.
        font_size: height of its letters in pixels (em).
        font_file: see `Style.font`.

    Returns:
        The label.

    Raises:
        SettingError: the font can't be read.
    """
    sizes = [[_pill_size(part, font_size, font_file) for part in word] for word in texts]
    if not _are_alike(sizes):
        return make_pill(" ".join(map("".join, texts)), font_size, font_file)
    padding, _ = _margins(font_size)
    blank = np.zeros((sizes[0][0][1], padding), np.uint8)
    parts = []
    for word in texts:
        pills = [make_pill(part, font_size, font_file) for part in word]
        parts += [blank, *(pill.text[:, padding:-padding] for pill in pills)]
    text = np.hstack([*parts, blank])
    return Pill(_rounded(text.shape[1], text.shape[0], padding), text, padding)


def joined_size(
    texts: list[list[str]], font_size: float, font_file: str | Path | None
) -> tuple[int, int]:
    """How wide and high the label of `join_pills` is, without drawing it.

    Args:
        texts: as for `join_pills`, as are the others.
        font_size: height of its letters in pixels (em).
        font_file: see `Style.font`.

    Returns:
        (width, height) in pixels.

    Raises:
        SettingError: the font can't be read.
    """
    sizes = [[_pill_size(part, font_size, font_file) for part in word] for word in texts]
    if not _are_alike(sizes):
        return _pill_size(" ".join(map("".join, texts)), font_size, font_file)
    padding, _ = _margins(font_size)
    letters = sum(width - 2 * padding for word in sizes for width, _ in word)
    return letters + (len(sizes) + 1) * padding, sizes[0][0][1]


def _are_alike(sizes: list[list[tuple[int, int]]]) -> bool:
    """Whether parts are as high as each other: if not, they are of several fonts, as no single one
    has all the letters."""
    return len({height for word in sizes for _, height in word}) == 1


@lru_cache(maxsize=512)
def _rounded(width: int, height: int, radius: int) -> npt.NDArray[np.uint8]:
    """A rectangle with round corners, drawn at four times its size and reduced: soft edges."""
    fine = Image.new("L", (width * 4, height * 4))
    corners = 0, 0, width * 4 - 1, height * 4 - 1
    ImageDraw.Draw(fine).rounded_rectangle(corners, radius=radius * 4, fill=255)
    return np.asarray(fine.reduce(4))
