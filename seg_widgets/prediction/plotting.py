"""Drawing a result on matplotlib axes, as `Prediction.plot` does: artists that stay sharp in PDF
and SVG.

This lies below `prediction`, which calls it, and so takes whatever has the parts of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import DependencyError, SettingError
from ..style import RGB, class_color, score_color, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch
    from matplotlib.path import Path

__all__ = ["ColorBy", "Plottable", "plot"]

ColorBy = Literal["class", "instance", "score"]

# imshow puts the centre of the first pixel at (0, 0), where our boxes and masks have its corner.
_CORNER: Final = -0.5

_NO_ENTRY: Final = "_nolegend_"


class _Crop(Protocol):
    """A mask: its rectangle's left, top, width and height in pixels, and what is inside."""

    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    def to_array(self) -> npt.NDArray[np.bool_]: ...


class Plottable(Protocol):
    """What `plot` reads of a prediction, as `Prediction` describes it."""

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""

    @property
    def boxes(self) -> npt.NDArray[np.float32]:
        """N×4, XYXY in pixels."""

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """N, 0 to 1."""

    @property
    def class_ids(self) -> npt.NDArray[np.int64]:
        """N indices into `class_names`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The model's whole vocabulary."""

    @property
    def masks(self) -> Sequence[_Crop] | None:
        """N, or None for boxes only."""

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """N, in pixels."""


def plot(
    prediction: Plottable,
    ax: Axes | None = None,
    image: npt.NDArray[np.uint8] | None = None,
    *,
    color_by: ColorBy = "class",
    masks: bool = True,
    opacity: float = 0.45,
    outlines: bool = True,
    boxes: bool = False,
    labels: bool = True,
    scores: bool = True,
    line_width: float = 1.2,
    font_size: float = 8,
) -> Axes:
    """Draw the instances on matplotlib axes, larger ones first; see `Prediction.plot`."""
    try:
        from matplotlib.patches import PathPatch, Rectangle
    except ImportError as error:
        raise DependencyError(
            f"plot needs matplotlib, which can't be imported ({error}). Install it with: pip install matplotlib"
        ) from None
    if color_by not in ("class", "instance", "score"):
        raise SettingError(f'color_by is "class", "instance" or "score", not {color_by!r}.')
    if not 0 <= opacity <= 1:
        raise SettingError(f"opacity lies between 0 and 1, but {opacity} was given.")
    axes = _current_axes() if ax is None else ax
    if image is not None:
        axes.imshow(image)
    elif not axes.has_data():
        height, width = prediction.image_size
        axes.set(xlim=(_CORNER, width + _CORNER), ylim=(height + _CORNER, _CORNER), aspect="equal")
    named: set[str] = set()
    for index in np.argsort(-prediction.areas, kind="stable").tolist():
        color = _color(prediction, index, color_by)
        edge = tuple(part / 255 for part in color)
        name = prediction.class_names[int(prediction.class_ids[index])]
        left, top, right, bottom = (prediction.boxes[index] + _CORNER).tolist()
        patches: list[Patch] = []
        if prediction.masks is not None and (masks or outlines):
            fill, line = (*edge, opacity if masks else 0), (*edge, 1 if outlines else 0)
            patches += [
                PathPatch(path, fc=fill, ec=line) for path in _outline(prediction.masks[index])
            ]
        if prediction.masks is None or boxes:
            patches.append(Rectangle((left, top), right - left, bottom - top, fill=False, ec=edge))
        # In a legend the first of a class stands for all of it.
        entry = {"class": name, "instance": f"{index} {name}", "score": _NO_ENTRY}[color_by]
        for patch in patches:
            patch.set(linewidth=line_width, label=_NO_ENTRY if entry in named else entry)
            named.add(entry)
            axes.add_patch(patch)
        text = " ".join([name] * labels + [f"{prediction.scores[index]:.2f}"] * scores)
        if text:
            _write(axes, text, (left, top), color, font_size)
    return axes


def _current_axes() -> Axes:
    from matplotlib import pyplot

    return pyplot.gca()


def _color(prediction: Plottable, index: int, color_by: ColorBy) -> RGB:
    if color_by == "score":
        return score_color(float(prediction.scores[index]))
    return class_color(int(prediction.class_ids[index]) if color_by == "class" else index)


def _outline(crop: _Crop) -> list[Path]:
    """The mask's pieces with their holes, halfway between the centres of pixels inside and outside;
    none if empty."""
    from contourpy import FillType, contour_generator
    from matplotlib.path import Path

    if not crop.width:
        return []
    inside = np.pad(crop.to_array(), 1).astype(np.float32)
    filled: Any = contour_generator(z=inside, fill_type=FillType.ChunkCombinedCode).filled(
        0.5, np.inf
    )
    [points], [codes] = filled
    return [Path(points + np.array((crop.x - 1, crop.y - 1)), codes)]


def _write(axes: Axes, text: str, place: tuple[float, float], color: RGB, font_size: float) -> None:
    axes.annotate(
        text,
        place,
        xytext=(1, 1),
        textcoords="offset points",
        fontsize=font_size,
        color=tuple(part / 255 for part in text_color(color)),
        bbox={
            "boxstyle": "round,pad=0.15",
            "fc": tuple(part / 255 for part in color),
            "ec": "none",
        },
        clip_on=True,
        annotation_clip=True,
        # A class may be called "$".
        parse_math=False,
    )
