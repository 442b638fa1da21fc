"""An evaluation drawn with matplotlib: curves, the confusion matrix, the kinds of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from .._text import printable
from ..style import class_color, hex_color
from .curves import shown_threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .scores import Scores

__all__ = ["overview"]

_CURVES: Final = 8  # more lines than these can't be told apart
_CELLS: Final = 12  # more numbers than these a side can't be read
_INK: Final = "#444444"


def overview(scores: Scores, threshold: float | Mapping[str, float] | None = None) -> Figure:
    """Draw precision and recall, F1 over the threshold, confusion, and errors.

    Args:
        scores: of masks or boxes.
        threshold: of the confusion matrix; None: the one with the best F1.

    Returns:
        The figure; a notebook shows it where it is a cell's result.
    """
    # Imported here since it loads matplotlib.
    from .notebook_figure import NotebookFigure

    figure = NotebookFigure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    _draw_precision(axes[0, 0], scores)
    _draw_f1(axes[0, 1], scores)
    _draw_confusion(axes[1, 0], scores, threshold)
    _draw_errors(axes[1, 1], scores)
    return figure


def _shown_classes(scores: Scores) -> list[str]:
    """The classes with the most objects."""
    objects = scores.objects()
    order = np.argsort(-objects, kind="stable")[:_CURVES]
    return [scores.pool.class_names[number] for number in order if objects[number]]


def _draw_precision(axes: Axes, scores: Scores) -> None:
    for name in _shown_classes(scores):
        curve, color = scores.curve(name), _color(scores, name)
        axes.plot(curve.recall, curve.precision, color=color, label=_plain(name), lw=1.2)
    every = scores.curve()
    axes.plot(every.recall, every.precision, color=_INK, label="all", lw=2)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title("Precision and recall at IoU 0.5", fontsize=10)
    axes.legend(fontsize=7, loc="lower left")


def _draw_f1(axes: Axes, scores: Scores) -> None:
    for name in _shown_classes(scores):
        curve = scores.curve(name)
        axes.step(curve.scores, curve.f1, color=_color(scores, name), lw=1.2, where="pre")
    every, best = scores.curve(), scores.best_threshold()
    axes.step(every.scores, every.f1, color=_INK, lw=2, where="pre")
    if best is not None:
        axes.axvline(best.threshold, color=_INK, ls=":", lw=1)
        axes.annotate(f"best {shown_threshold(best.threshold)}", (best.threshold, 0.02), fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold", ylabel="F1")
    axes.set_title("F1 over the threshold", fontsize=10)


def _draw_confusion(
    axes: Axes, scores: Scores, threshold: float | Mapping[str, float] | None
) -> None:
    confusion = scores.confusion(threshold)
    matrix = confusion.matrix
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    rows, columns = (
        [_plain(name) for name in names] for names in (confusion.rows, confusion.columns)
    )
    if len(rows) <= _CELLS:
        for (row, column), count in np.ndenumerate(matrix):
            ink = "white" if shares[row, column] > 0.5 else _INK
            if count:
                axes.text(column, row, f"{count}", ha="center", va="center", color=ink, fontsize=7)
    size = 8 if len(rows) <= _CELLS else 4
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=size)
    axes.set_yticks(range(len(rows)), rows, fontsize=size)
    axes.set(xlabel="found", ylabel="true")
    at = confusion.threshold
    where = "class thresholds" if isinstance(at, Mapping) else f"threshold {shown_threshold(at)}"
    axes.set_title(f"Confusion of {scores.kind} at {where}", fontsize=10)


def _draw_errors(axes: Axes, scores: Scores) -> None:
    kinds = scores.error_kinds
    names = list(kinds.gains)[::-1]
    gains = [kinds.gains[name] for name in names]
    axes.barh(names, gains, color="#4477aa")
    for place, name in enumerate(names):
        axes.annotate(f" {kinds.counts[name]:,}", (gains[place], place), va="center", fontsize=8)
    axes.set(xlim=(0, max(*gains, 0.01) * 1.2), xlabel="what AP50 would gain without them")
    axes.set_title("Kinds of errors (TIDE), with their number", fontsize=10)


def _color(scores: Scores, name: str) -> str:
    return hex_color(class_color(scores.pool.class_names.index(name)))


def _plain(name: str) -> str:
    """A name that matplotlib doesn't read as a formula, nor hides."""
    return printable(name, 24).replace("$", "\\$").removeprefix("_") or "_"
