"""Drawing a result on matplotlib axes, as `Prediction.plot` does: shapes that stay sharp in PDF
and SVG."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Unpack

import numpy as np
import numpy.typing as npt

from ..errors import DependencyError
from ..style import DEFAULT_STYLE, RGB, Style, StyleChanges, text_color
from .masks import MaskCrop, outlines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch
    from matplotlib.path import Path

    from .prediction import Prediction

__all__ = ["FONT_SIZE_PT", "LINE_WIDTH_PT", "plot"]

LINE_WIDTH_PT: Final = 1.2
"""The width of lines in a plot, in points."""

FONT_SIZE_PT: Final = 8.0
"""The size of labels in a plot, in points."""

# imshow puts the centre of the first pixel at (0, 0), where our boxes and masks have its corner.
_CORNER: Final = -0.5

_NO_ENTRY: Final = "_nolegend_"


def plot(
    prediction: Prediction,
    ax: Axes | None = None,
    image: npt.NDArray[np.uint8] | None = None,
    *,
    style: Style = DEFAULT_STYLE,
    line_width: float = LINE_WIDTH_PT,
    font_size: float = FONT_SIZE_PT,
    **changes: Unpack[StyleChanges],
) -> Axes:
    """Draw the instances on matplotlib axes, as shapes that stay sharp in PDF and SVG.

    The shapes have the names of their classes as labels (coloured by instance: also their indices),
    so that `ax.legend()` says which colour is which. Smaller instances are drawn over larger ones.
    A label that would leave the axes is moved into them. It is the method `Prediction.plot`.

    Args:
        prediction: what was found.
        ax: where to draw; None: the current axes of pyplot.
        image: H×W×3 uint8 RGB, shown below the instances; None leaves what is there, so that they
            can be drawn on an `imshow` of your own (a pixel's centre is at whole numbers).
        style: how to draw; its own `line_width` and `font_size`, in pixels, are not used here.
        line_width: of outlines and boxes, in points.
        font_size: of the labels, in points.
        **changes: settings of `Style` that differ from `style`: `color_by` ("class", "instance" or
            "score"), `masks`, `opacity` (0 to 1), `outlines`, `boxes`, `labels`, `scores`,
            `palette`.

    Returns:
        The axes.

    Raises:
        SettingError: a setting is out of its range, or the image is no such array.
        PredictionError: the image has another size.
        DependencyError: matplotlib is not installed.
    """
    if image is not None:
        prediction.check_image(image)
    style = replace(style, **changes)
    try:
        import matplotlib.patches  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"plot needs matplotlib, which can't be imported ({error}). "
            "Install it with: pip install matplotlib"
        ) from None
    axes = _current_axes() if ax is None else ax
    _show_image(axes, prediction, image)

    # Smaller instances lie on top. In a legend the first of a class stands for all of it.
    named: set[str] = set()
    for index in np.argsort(-prediction.areas, kind="stable").tolist():
        entry = _legend_entry(prediction, index, style)
        for patch in _patches(prediction, index, style):
            patch.set(linewidth=line_width, label=_NO_ENTRY if entry in named else entry)
            named.add(entry)
            axes.add_patch(patch)
        _write_label(axes, prediction, index, style, font_size)
    return axes


def _current_axes() -> Axes:
    from matplotlib import pyplot

    return pyplot.gca()


def _show_image(axes: Axes, prediction: Prediction, image: npt.NDArray[np.uint8] | None) -> None:
    """Show the image; without one, give empty axes its shape."""
    if image is not None:
        axes.imshow(image)
    elif not axes.has_data():
        height, width = prediction.image_size
        axes.set(xlim=(_CORNER, width + _CORNER), ylim=(height + _CORNER, _CORNER), aspect="equal")


def _legend_entry(prediction: Prediction, index: int, style: Style) -> str:
    name = prediction.class_names[int(prediction.class_ids[index])]
    if style.color_by == "score":
        return _NO_ENTRY
    return name if style.color_by == "class" else f"{index} {name}"


def _patches(prediction: Prediction, index: int, style: Style) -> list[Patch]:
    """The shapes of one instance: its mask and its box, as the style says."""
    from matplotlib.patches import PathPatch, Rectangle

    edge = _fractions(style.color_of(prediction, index))
    patches: list[Patch] = []
    if prediction.masks is not None and (style.masks or style.outlines):
        path = _path(prediction.masks[index])
        fill = (*edge, style.opacity if style.masks else 0)
        line = (*edge, 1 if style.outlines else 0)
        if path is not None:
            patches.append(PathPatch(path, fc=fill, ec=line))
    if prediction.masks is None or style.boxes:
        left, top, right, bottom = (prediction.boxes[index] + _CORNER).tolist()
        size = right - left, bottom - top
        patches.append(Rectangle((left, top), *size, fill=False, ec=edge))
    return patches


def _path(crop: MaskCrop) -> Path | None:
    """The mask's pieces with their holes as one shape; None for an empty mask."""
    from matplotlib.path import Path

    rings = outlines(crop, holes=True, cut_corners=True)
    if not rings:
        return None
    paths = [Path(np.vstack((ring, ring[:1])) + _CORNER, closed=True) for ring in rings]
    return Path.make_compound_path(*paths)


def _write_label(
    axes: Axes, prediction: Prediction, index: int, style: Style, font_size: float
) -> None:
    instance = prediction[index]
    words = [instance.class_name] * style.labels + [f"{instance.score:.2f}"] * style.scores
    text = " ".join(words)
    if not text:
        return
    from .plot_label import PADDING, PlotLabel

    color = style.color_of(prediction, index)
    label = PlotLabel(
        text,
        (instance.box[0] + _CORNER, instance.box[1] + _CORNER),
        fontsize=font_size,
        color=_fractions(text_color(color)),
        bbox={"boxstyle": f"round,pad={PADDING}", "fc": _fractions(color), "ec": "none"},
        clip_on=True,
        annotation_clip=True,
        # A class may be called "$".
        parse_math=False,
    )
    axes.add_artist(label)
    label.set_clip_path(axes.patch)


def _fractions(color: RGB) -> tuple[float, float, float]:
    """A colour as matplotlib takes it, each part 0 to 1."""
    red, green, blue = color
    return red / 255, green / 255, blue / 255
