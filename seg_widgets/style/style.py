"""How a result is drawn: one value object for drawing, plots, pages and the canvas, with every
default in this one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypedDict, get_args

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from .colors import RGB, class_color, score_color

__all__ = [
    "COLOR_BY",
    "DEFAULT_STYLE",
    "SHOW_PARTS",
    "SMALLEST_FONT_PX",
    "ColorBy",
    "Style",
    "StyleChanges",
    "check_color_by",
    "check_opacity",
    "check_show",
]

ColorBy = Literal["class", "instance", "score"]
"""What a colour stands for."""

COLOR_BY: Final[tuple[ColorBy, ...]] = get_args(ColorBy)
"""All values of `ColorBy`."""

SHOW_PARTS: Final = ("masks", "outlines", "boxes", "labels")
"""The parts that the canvas can draw, by the names of the settings of `Style`."""

SMALLEST_FONT_PX: Final = 7
"""The smallest size of a label's letters, in pixels: below it nobody can read them."""

_LARGEST_PX: Final = 1000


class Colored(Protocol):
    """What a colour is chosen by: `Prediction` has it."""

    @property
    def class_ids(self) -> npt.NDArray[np.int64]:
        """N class ids."""

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """N scores, 0 to 1."""


class StyleChanges(TypedDict, total=False):
    """The settings of `Style` that can be given one by one as keywords, in place of a `Style`."""

    color_by: ColorBy
    masks: bool
    opacity: float
    outlines: bool
    boxes: bool
    labels: bool
    scores: bool
    palette: tuple[RGB, ...] | None


@dataclass(frozen=True)
class Style:
    """How a result is drawn; it never changes, so make another with `dataclasses.replace`.

    Raises:
        SettingError: a value is out of its range.
    """

    color_by: ColorBy = "class"
    """Whether the instances of a class share one colour ("class"), each has its own by its index
    ("instance"), or a colour stands for the score ("score"; violet: 0, yellow: 1)."""

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
        check_color_by(self.color_by)
        # The dataclass is frozen; NumPy's numbers and a list of lists become what the fields say.
        put = object.__setattr__
        put(self, "opacity", check_opacity(self.opacity))
        if self.line_width is not None and not 0 < (_number(self.line_width) or 0) <= _LARGEST_PX:
            raise SettingError(
                f"line_width is a number of pixels over 0, not {self.line_width!r:.80}."
            )
        size = self.font_size
        if size is not None and not SMALLEST_FONT_PX <= (_number(size) or 0) <= _LARGEST_PX:
            raise SettingError(f"font_size is {SMALLEST_FONT_PX} pixels or more, not {size!r:.80}.")
        if self.palette is not None:
            put(self, "palette", _check_palette(self.palette))

    @classmethod
    def from_traits(cls, color_by: str, opacity: float, show: Iterable[str]) -> Style:
        """The style that draws as a `SegmentationCanvas` with these traits does.

        Args:
            color_by: "class", "instance" or "score".
            opacity: of the masks, 0 to 1.
            show: some of `SHOW_PARTS`. "labels" stands for the name and the score.

        Returns:
            The style; what the traits don't say has its default.

        Raises:
            SettingError: a value is out of its range.
        """
        parts = check_show(show)
        return cls(
            color_by=check_color_by(color_by),
            opacity=check_opacity(opacity),
            masks="masks" in parts,
            outlines="outlines" in parts,
            boxes="boxes" in parts,
            labels="labels" in parts,
            scores="labels" in parts,
        )

    def to_traits(self) -> dict[str, Any]:
        """What a `SegmentationCanvas` has of this style, as JSON takes it.

        Returns:
            The traits `color_by`, `opacity` and `show` (a list). The canvas has no other part of a
            style, and its labels always have both the name and the score.
        """
        show = [part for part in SHOW_PARTS if getattr(self, part)]
        return {"color_by": self.color_by, "opacity": self.opacity, "show": show}

    def color_of(self, prediction: Colored, index: int) -> RGB:
        """The colour of one instance.

        Args:
            prediction: the `Prediction` that it belongs to.
            index: which one it is, 0 for the first.

        Returns:
            (red, green, blue), each 0 to 255.
        """
        if self.color_by == "score":
            return score_color(float(prediction.scores[index]))
        number = int(prediction.class_ids[index]) if self.color_by == "class" else index
        return self.palette[number % len(self.palette)] if self.palette else class_color(number)


def check_color_by(value: object) -> ColorBy:
    """Check what a colour stands for.

    Args:
        value: what was given.

    Returns:
        The same value.

    Raises:
        SettingError: it is not one of `COLOR_BY`.
    """
    if value not in COLOR_BY:
        raise SettingError(f'color_by is "class", "instance" or "score", not {value!r}.')
    return value


def check_opacity(value: object) -> float:
    """Check an opacity.

    Args:
        value: what was given.

    Returns:
        It as a float.

    Raises:
        SettingError: it is not a number from 0 to 1 (NaN is not).
    """
    number = _number(value)
    if number is None:
        raise SettingError(f"opacity is a number from 0 to 1, not {value!r:.80}.")
    if not 0 <= number <= 1:
        raise SettingError(f"opacity lies between 0 and 1, but {number:g} was given.")
    return number


def _number(value: object) -> float | None:
    """A number as a float; None for what is none, a truth value among it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        return None
    return float(value)


def check_show(value: str | Iterable[str]) -> tuple[str, ...]:
    """Check which parts are drawn.

    Args:
        value: one of `SHOW_PARTS`, or several.

    Returns:
        Them in the order of `SHOW_PARTS`, each once.

    Raises:
        SettingError: one is not known.
    """
    chosen = (value,) if isinstance(value, str) else tuple(value)
    for part in chosen:
        if part not in SHOW_PARTS:
            raise SettingError(f"show takes {', '.join(map(repr, SHOW_PARTS))}, not {part!r}.")
    return tuple(part for part in SHOW_PARTS if part in chosen)


def _check_palette(palette: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """The colours as tuples of whole numbers; raises `SettingError` unless each is one."""
    colors = tuple(tuple(int(part) for part in color) for color in palette)
    if not colors or not all(_is_color(color) for color in colors):
        raise SettingError(
            "A palette is one or more colours (red, green, blue), each part from 0 to 255."
        )
    return colors


def _is_color(color: tuple[int, ...]) -> bool:
    return len(color) == 3 and 0 <= min(color) <= max(color) <= 255


DEFAULT_STYLE: Final = Style()
"""How a result is drawn where nothing else is said."""
