"""Drawing a result on its image: `overlay` for all of it, `cutout` for one instance. No input is
ever changed."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ..errors import SettingError
from ..images import RGBArray
from ..prediction import MaskCrop, Prediction
from ..style import RGB, class_color, score_color, text_color

__all__ = ["Style", "cutout", "overlay", "thumbnail"]

_SMALLEST_FONT_PX = 7
_SHRINK = 0.75
_LONGEST_NAME = 60
_HALO_OPACITY = 0.6
# The blur of a line's edges, a Gaussian's sigma in pixels.
_SOFTNESS = 0.5


@dataclass(frozen=True)
class Style:
    """How a result is drawn; it never changes, so make another with `dataclasses.replace`.

    Raises `SettingError` for a value out of its range.
    """

    color_by: Literal["class", "instance", "score"] = "class"
    """Whether the instances of a class share one colour, each has its own (by its place in the
    prediction), or a colour tells the score (violet: 0, yellow: 1)."""

    masks: bool = True
    """Fill each mask with its colour."""

    opacity: float = 0.45
    """How much of the colour covers the image inside a mask: 0 (none) to 1 (all)."""

    outlines: bool = True
    """Draw a line around each mask, holes included."""

    boxes: bool = False
    """Draw each box. A prediction without masks always gets its boxes."""

    labels: bool = True
    """Write each instance's class name."""

    scores: bool = True
    """Write each instance's score behind the name, or alone."""

    line_width: float | None = None
    """Width of outlines and boxes in pixels, over 0; None: fitted to the image's size."""

    font_size: float | None = None
    """Height of the labels' letters in pixels (em), 7 or more; None: fitted to the image's size."""

    palette: tuple[RGB, ...] | None = None
    """Colours (red, green, blue), each 0 to 255, used in turn; None: `class_color`, made for all
    colour vision."""

    font: str | Path | None = None
    """A TrueType or OpenType font file for the labels. None: DejaVu Sans, which has Latin, Greek,
    Cyrillic, Arabic and Hebrew letters and more; for letters that it lacks, such as Chinese,
    Japanese or Korean ones, a usual font of the system if there is one."""

    def __post_init__(self) -> None:
        if self.color_by not in ("class", "instance", "score"):
            raise SettingError(
                f'color_by is "class", "instance" or "score", not {self.color_by!r}.'
            )
        if not 0 <= self.opacity <= 1:
            raise SettingError(f"opacity lies between 0 and 1, but {self.opacity} was given.")
        if self.line_width is not None and not 0 < self.line_width <= 1000:
            raise SettingError(f"line_width is a number of pixels over 0, not {self.line_width}.")
        if self.font_size is not None and not _SMALLEST_FONT_PX <= self.font_size <= 1000:
            raise SettingError(
                f"font_size is {_SMALLEST_FONT_PX} pixels or more, not {self.font_size}."
            )
        if self.palette is not None:
            palette = tuple(tuple(int(part) for part in color) for color in self.palette)
            if not palette or any(
                len(color) != 3 or not 0 <= min(color) <= max(color) <= 255 for color in palette
            ):
                raise SettingError(
                    "A palette is one or more colours (red, green, blue), each part from 0 to 255."
                )
            object.__setattr__(self, "palette", palette)

    def color_of(self, prediction: Prediction, index: int) -> RGB:
        """The colour of one instance, as (red, green, blue), each 0 to 255."""
        if self.color_by == "score":
            return score_color(float(prediction.scores[index]))
        number = int(prediction.class_ids[index]) if self.color_by == "class" else index
        return self.palette[number % len(self.palette)] if self.palette else class_color(number)


_DEFAULT: Final = Style()


def overlay(
    image: RGBArray,
    prediction: Prediction,
    style: Style = _DEFAULT,
    *,
    only: Iterable[int] | npt.NDArray[Any] | None = None,
) -> RGBArray:
    """The image with the prediction's masks, outlines, boxes and labels drawn on it.

    `image`: H×W×3 uint8 RGB, of the size that the prediction is for; it stays as it is. Returns a
    new array like it. Smaller instances are drawn over larger ones. Labels stay inside the image
    and off each other: the best-scored take the best places, and one that finds none, also in
    smaller letters, is left out.

    `only`: the instances to draw (numbers, or N booleans); their colours stay those that they have
    among all of them.

    Raises `SettingError` for an image that is no such array or a font that can't be read,
    `PredictionError` when the prediction is for an image of another size.
    """
    prediction.check_image(image)
    canvas = np.array(image, np.uint8, order="C")
    colors = [style.color_of(prediction, index) for index in range(len(prediction))]
    if only is not None:
        chosen = prediction.indices(only)
        colors = [colors[index] for index in chosen]
        prediction = prediction.select(chosen)
    # Large ones first, so that what lies in front of them stays visible.
    order = np.argsort(-prediction.areas, kind="stable").tolist()
    line_width = max(
        1, round(style.line_width or math.sqrt(canvas.shape[0] * canvas.shape[1]) / 300)
    )
    ink = _Ink(colors)
    lines = ink.layer(canvas.shape[0], canvas.shape[1])
    if prediction.masks is not None:
        crops = [
            (index, crop, crop.to_array().view(np.uint8))
            for index in order
            if (crop := prediction.masks[index]).width
        ]
        if style.masks and style.opacity > 0:
            _fill(canvas, crops, ink, style.opacity)
        if style.outlines:
            _outline(lines, crops, ink, line_width)
    if style.boxes or prediction.masks is None:
        for index in order:
            _box(lines, prediction.boxes[index], ink.number[index], line_width)
    _draw_lines(canvas, lines, ink)
    if style.labels or style.scores:
        _Labels(canvas, style).draw(prediction, colors)
    return canvas


def cutout(image: RGBArray, prediction: Prediction, index: int) -> npt.NDArray[np.uint8]:
    """One instance cut out of the image: its mask's smallest rectangle, h×w×4 uint8 RGBA,
    transparent outside.

    An empty mask gives one transparent pixel; an instance without a mask gives its box. Raises as
    `overlay` does.
    """
    prediction.check_image(image)
    instance = prediction[index]
    if instance.mask is None:
        height, width = prediction.image_size
        x1, y1 = max(math.floor(instance.box[0]), 0), max(math.floor(instance.box[1]), 0)
        x2, y2 = min(math.ceil(instance.box[2]), width), min(math.ceil(instance.box[3]), height)
        alpha = np.full((max(y2 - y1, 0), max(x2 - x1, 0)), 255, np.uint8)
    else:
        x1, y1 = instance.mask.x, instance.mask.y
        alpha = instance.mask.to_array().astype(np.uint8) * np.uint8(255)
    if alpha.size == 0:
        return np.zeros((1, 1, 4), np.uint8)
    colors = image[y1 : y1 + alpha.shape[0], x1 : x1 + alpha.shape[1]] * (alpha > 0)[..., None]
    return np.dstack((colors, alpha)).astype(np.uint8)


def thumbnail(image: RGBArray, prediction: Prediction, width: int, height: int) -> RGBArray:
    """The image with its masks, at most `width`×`height` pixels and never enlarged; a new h×w×3
    uint8 RGB array.

    Raises as `overlay` does.
    """
    prediction.check_image(image)
    rows, columns = prediction.image_size
    scale = min(width / columns, height / rows, 1)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    small = cast(RGBArray, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    crops = (
        None
        if prediction.masks is None
        else tuple(_shrink(crop, scale, size) for crop in prediction.masks)
    )
    shrunk = replace(
        prediction, image_size=(size[1], size[0]), boxes=prediction.boxes * scale, masks=crops
    )
    return overlay(small, shrunk, Style(labels=False, scores=False, line_width=1))


def _shrink(crop: MaskCrop, scale: float, picture: tuple[int, int]) -> MaskCrop:
    """A mask of an image that was scaled to `image` (width, height)."""
    if not crop.width:
        return crop
    x, y = min(int(crop.x * scale), picture[0] - 1), min(int(crop.y * scale), picture[1] - 1)
    width, height = max(1, round(crop.width * scale)), max(1, round(crop.height * scale))
    size = min(width, picture[0] - x), min(height, picture[1] - y)
    covered = cv2.resize(
        crop.to_array().view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA
    )
    return MaskCrop.from_array(covered >= 128, x, y)


# ── masks, outlines, boxes ────────────────────────────────────────────────────────────────────────
#
# All instances are first written into a map of colour numbers, then the whole image is painted in
# one pass: that takes a few milliseconds however many they are, where blending one after the other
# takes as long again for each.

# H×W colour numbers, uint8 or uint16.
_Layer = npt.NDArray[Any]
_Crops = list[tuple[int, MaskCrop, npt.NDArray[np.uint8]]]


class _Ink:
    """The colours of one image, numbered from 1; 0 is no colour. `number[i]` is that of instance
    `i`.

    The last two numbers are a line's halo, black or white: what keeps it apart from an image of its
    own colour.
    """

    def __init__(self, colors: list[RGB]) -> None:
        numbers = {color: number for number, color in enumerate(dict.fromkeys(colors), start=1)}
        self.number = [numbers[color] for color in colors]
        # 253 colours suffice for nearly every image, and OpenCV is fastest with bytes.
        self.type: type[np.uint8 | np.uint16] = np.uint8 if len(numbers) < 254 else np.uint16
        size = max(256, len(numbers) + 3)
        self.table = np.zeros((size, 3), np.uint8)
        self.table[1 : len(numbers) + 1] = list(numbers) or np.zeros((0, 3))
        self.table[-1] = round(255 * _HALO_OPACITY)
        self.coverage = np.full(size, 255, np.uint8)
        self.coverage[-2:] = round(255 * _HALO_OPACITY)
        self.coverage[0] = 0
        self.halo = np.full(size, size - 2, self.type)
        self.halo[self.table @ np.array([0.2126, 0.7152, 0.0722]) < 90] = size - 1
        self.halo[0] = 0

    def layer(self, height: int, width: int) -> _Layer:
        return np.zeros((height, width), self.type)


def _look_up(layer: _Layer, table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`table[layer]`, by the fastest way."""
    if layer.dtype != np.uint8:
        return table[layer]
    return cv2.LUT(layer, table) if table.ndim == 1 else cv2.applyColorMap(layer, table[:, None])


def _write(layer: _Layer, x: int, y: int, inside: npt.NDArray[Any], number: int) -> None:
    """Set `layer` to `number` where `inside`, whose corner lies at (x, y) and which may stick out,
    is not 0."""
    left, top = max(-x, 0), max(-y, 0)
    region = layer[max(y, 0) : y + inside.shape[0], max(x, 0) : x + inside.shape[1]]
    inside = inside[top : top + region.shape[0], left : left + region.shape[1]]
    cv2.copyTo(np.full(region.shape, number, layer.dtype), inside, region)


def _fill(canvas: RGBArray, crops: _Crops, ink: _Ink, opacity: float) -> None:
    """Blend all masks with the image; where they overlap, the last one shows."""
    layer = ink.layer(canvas.shape[0], canvas.shape[1])
    for index, crop, inside in crops:
        _write(layer, crop.x, crop.y, inside, ink.number[index])
    blended = cv2.addWeighted(canvas, 1 - opacity, _look_up(layer, ink.table), opacity, 0)
    cv2.copyTo(blended, (layer > 0).view(np.uint8), canvas)


def _outline(lines: _Layer, crops: _Crops, ink: _Ink, width: int) -> None:
    outside, inside = width // 2, (width + 1) // 2
    grow, shrink = _disc(outside), _disc(inside)
    margin = outside + 1
    for index, crop, mask in crops:
        padded = cv2.copyMakeBorder(
            mask, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0
        )
        grown = cv2.dilate(padded, grow) if outside else padded
        _write(
            lines,
            crop.x - margin,
            crop.y - margin,
            cv2.subtract(grown, cv2.erode(padded, shrink)),
            ink.number[index],
        )


@lru_cache(maxsize=32)
def _disc(radius: int) -> npt.NDArray[np.uint8]:
    side = 2 * radius + 1
    return cast(npt.NDArray[np.uint8], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))


def _box(lines: _Layer, box: npt.NDArray[np.float32], number: int, width: int) -> None:
    height_px, width_px = lines.shape
    x1, y1 = (int(value) for value in np.clip(np.floor(box[:2]), 0, (width_px, height_px)))
    x2, y2 = (int(value) for value in np.clip(np.ceil(box[2:]), 0, (width_px, height_px)))
    lines[y1 : min(y1 + width, y2), x1:x2] = number
    lines[max(y2 - width, y1) : y2, x1:x2] = number
    lines[y1:y2, x1 : min(x1 + width, x2)] = number
    lines[y1:y2, max(x2 - width, x1) : x2] = number


def _draw_lines(canvas: RGBArray, lines: _Layer, ink: _Ink) -> None:
    """Paint the lines with soft edges, on a thin halo."""
    if not lines.any():
        return
    painted = _look_up(cv2.dilate(lines, _disc(1)), ink.halo)
    cv2.copyTo(lines, (lines > 0).view(np.uint8), painted)
    # Blurring colours and coverage alike, both 0 outside, gives each edge pixel its share of both
    # sides.
    share = cv2.GaussianBlur(_look_up(painted, ink.coverage), (3, 3), _SOFTNESS)
    color = cv2.GaussianBlur(_look_up(painted, ink.table), (3, 3), _SOFTNESS)
    rest = cv2.cvtColor(cv2.bitwise_not(share), cv2.COLOR_GRAY2RGB)
    cv2.multiply(canvas, rest, canvas, scale=1 / 255)
    cv2.add(canvas, color, canvas)


# ── labels ────────────────────────────────────────────────────────────────────────────────────────


class _Labels:
    """Places and draws the labels of one image."""

    def __init__(self, canvas: RGBArray, style: Style) -> None:
        self.canvas = canvas
        self.style = style
        self.height, self.width = canvas.shape[:2]
        self.font_size = style.font_size or min(
            max(math.sqrt(self.height * self.width) / 65, 11.0), 72.0
        )
        self.taken: list[tuple[int, int, int, int]] = []

    def draw(self, prediction: Prediction, colors: list[RGB]) -> None:
        for index in np.argsort(-prediction.scores, kind="stable").tolist():
            instance = prediction[index]
            name = instance.class_name if self.style.labels else ""
            score = f"{instance.score:.2f}" if self.style.scores else ""
            for text, size in self._variants(name, score):
                pill = _pill(text, size, self.style.font)
                place = self._place(instance.box, *pill.size)
                if place is not None:
                    self._paint(pill, *place, colors[index])
                    break

    def _variants(self, name: str, score: str) -> Iterator[tuple[str, float]]:
        """What to try to write, the best first: in full, then smaller, then shorter."""
        name = " ".join(name.split())
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        text = f"{name} {score}".strip()
        small = max(self.font_size * _SHRINK, _SMALLEST_FONT_PX)
        if not text:
            return
        yield text, self.font_size
        yield text, small
        if name and score:
            yield name, small
        if len(name) > 4:
            yield f"{name[: max(len(name) // 2, 3)]}…", max(small * _SHRINK, _SMALLEST_FONT_PX)
        if name:
            yield f"{name[0]}…" if len(name) > 1 else name, _SMALLEST_FONT_PX

    def _place(
        self, box: tuple[float, float, float, float], width: int, height: int
    ) -> tuple[int, int] | None:
        """The left and top pixel of the first free place beside or in the box, or None."""
        if width > self.width or height > self.height:
            return None
        x1, y1 = math.floor(box[0]), math.floor(box[1])
        x2, y2 = math.ceil(box[2]), math.ceil(box[3])
        right, middle = x2 - width, (x1 + x2 - width) // 2
        candidates = (
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
        for left, top in candidates:
            left = min(max(left, 0), self.width - width)
            if 0 <= top <= self.height - height and self._is_free(
                left, top, left + width, top + height
            ):
                self.taken.append((left, top, left + width, top + height))
                return left, top
        return None

    def _is_free(self, left: int, top: int, right: int, bottom: int) -> bool:
        # A plain loop: it mostly ends early, and for so few rectangles it is faster than arrays.
        for x1, y1, x2, y2 in self.taken:
            if left < x2 and x1 < right and top < y2 and y1 < bottom:
                return False
        return True

    def _paint(self, pill: _Pill, left: int, top: int, color: RGB) -> None:
        width, height = pill.size
        region = self.canvas[top : top + height, left : left + width]
        label = _ramp(color, text_color(color))[pill.text]
        # Only its round ends let the image through.
        ends = pill.radius
        region[:, ends:-ends] = label[:, ends:-ends]
        for end in (slice(0, ends), slice(width - ends, width)):
            share = pill.shape[:, end, None].astype(np.uint16)
            region[:, end] = (region[:, end] * (255 - share) + label[:, end] * share + 127) // 255


@lru_cache(maxsize=256)
def _ramp(first: RGB, last: RGB) -> npt.NDArray[np.uint8]:
    """256×3 colours, evenly from `first` to `last`."""
    return np.rint(np.linspace(first, last, 256)).astype(np.uint8)


@dataclass(frozen=True)
class _Pill:
    """A label's rounded background and its letters, each h×w uint8 coverage (255: all of the
    pixel).

    `radius`: of its corners, in pixels.
    """

    shape: npt.NDArray[np.uint8]
    text: npt.NDArray[np.uint8]
    radius: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.shape.shape[1], self.shape.shape[0]


@lru_cache(maxsize=512)
def _pill(text: str, font_size: float, font_file: str | Path | None) -> _Pill:
    font = _font(font_size, font_file or _fallback_for(text))
    padding = max(2, round(font_size / 4))
    left, _, right, _ = font.getbbox(text)
    # The height comes from the font, not from the letters, so that all labels of an image are
    # alike.
    ascent, descent = font.getmetrics()
    above = max(1, padding // 3)
    width, height = math.ceil(right - left) + 2 * padding, ascent + descent + 2 * above
    letters = Image.new("L", (width, height))
    ImageDraw.Draw(letters).text((padding - left, above), text, fill=255, font=font)
    return _Pill(_rounded(width, height, padding), np.asarray(letters), padding)


@lru_cache(maxsize=512)
def _rounded(width: int, height: int, radius: int) -> npt.NDArray[np.uint8]:
    fine = Image.new("L", (width * 4, height * 4))
    ImageDraw.Draw(fine).rounded_rectangle(
        (0, 0, width * 4 - 1, height * 4 - 1), radius=radius * 4, fill=255
    )
    return np.asarray(fine.reduce(4))


@lru_cache(maxsize=64)
def _font(size: float, font_file: str | Path | None) -> ImageFont.FreeTypeFont:
    if font_file is not None:
        try:
            return ImageFont.truetype(str(font_file), size)
        except (OSError, ValueError) as error:
            raise SettingError(
                f"The font {str(font_file)!r} can't be read ({error}). Give a .ttf or .otf file."
            ) from None
    bundled = _bundled_font()
    if bundled is not None:
        return ImageFont.truetype(str(bundled), size)
    built_in = ImageFont.load_default(size)
    assert isinstance(built_in, ImageFont.FreeTypeFont)  # every Pillow wheel has FreeType
    return built_in


# Fonts with East Asian letters, as Linux, macOS and Windows bring them; Pillow knows the folders.
_EAST_ASIAN_FONTS: Final = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
)


@lru_cache(maxsize=512)
def _fallback_for(text: str) -> str | None:
    """A font that has what `text` is written in, when the usual one lacks some of it; None: the
    usual one."""
    if all(ord(letter) < 0x590 for letter in text):
        return None
    missing = _missing(text, None)
    for name in _installed_fonts() if missing else ():
        if _missing(text, name) < missing:
            return name
    return None


def _missing(text: str, font_file: str | None) -> int:
    """How many of the letters a font shows as its sign for a letter that it lacks."""
    font = _font(16, font_file)
    sign = bytes(font.getmask("\U0010fffd"))
    return sum(bytes(font.getmask(letter)) == sign for letter in set(text) if not letter.isspace())


@lru_cache(maxsize=1)
def _installed_fonts() -> tuple[str, ...]:
    found = []
    for name in _EAST_ASIAN_FONTS:
        with contextlib.suppress(OSError):
            ImageFont.truetype(name, 16)
            found.append(name)
    return tuple(found)


@lru_cache(maxsize=1)
def _bundled_font() -> Path | None:
    """Matplotlib's DejaVu Sans, found without importing matplotlib (which takes a while)."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.is_file() else None
