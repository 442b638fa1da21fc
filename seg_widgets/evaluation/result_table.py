"""An evaluation as a table: text, HTML, CSV, and the columns of a data frame."""

from __future__ import annotations

import html as html_module
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._files import StrPath, write_bytes
from .._text import plural, printable
from ..prediction import Column, harmless
from .averages import FIGURES
from .curves import shown_threshold

if TYPE_CHECKING:
    from pathlib import Path

    from .evaluation import Evaluation
    from .scores import Scores

__all__ = ["FIGURE_COLUMNS", "class_rows", "columns_of", "html", "html_rows", "text", "write_csv"]

_ROWS: Final = 30  # classes of a table on the screen
_SHOWN: Final = ("AP", "AP50", "AP75", "AR100")

FIGURE_COLUMNS: Final = (
    Column("class_name", "string", "the class"),
    Column("objects", "int64", "how many there are in the truth, crowds not counted"),
    *(Column(name, "float32", f"COCO's {name}, 0 to 1; NaN: no such object") for name in FIGURES),
    Column("threshold", "float32", "the threshold with the best F1; NaN: nothing is right"),
    Column("precision", "float32", "the precision at it, 0 to 1"),
    Column("recall", "float32", "the recall at it, 0 to 1"),
    Column("F1", "float32", "the harmonic mean of both, 0 to 1"),
)
"""One row for each class."""

# In a row's values, its name left out.
_THRESHOLD: Final = [column.name for column in FIGURE_COLUMNS].index("threshold") - 1


def _rows(scores: Scores, with_all: bool) -> list[list[Any]]:
    """The values of `FIGURE_COLUMNS`, class by class; None: there is none."""
    names: list[str | None] = [None] * with_all + list(scores.pool.class_names)
    objects, rows = scores.objects(), []
    for name in names:
        number = None if name is None else scores.pool.class_names.index(name)
        figures = scores.figures if number is None else scores.averages.of_class(number)
        count = int(objects.sum() if number is None else objects[number])
        best = scores.best_threshold(name)
        price = [None] * 4
        if best is not None:
            price = [best.threshold, best.precision, best.recall, best.f1]  # type: ignore[list-item]
        rows.append([name, count, *figures.values(), *price])
    return rows


def columns_of(scores: Scores) -> dict[str, Any]:
    """The figures by class, for a data frame.

    Args:
        scores: of masks or boxes.

    Returns:
        The values of `FIGURE_COLUMNS`, K of each.
    """
    rows = _rows(scores, with_all=False)
    values: dict[str, Any] = {}
    for place, column in enumerate(FIGURE_COLUMNS):
        own = [row[place] for row in rows]
        if column.kind == "float32":
            values[column.name] = np.array(own, np.float32)
        elif column.kind == "int64":
            values[column.name] = np.array(own, np.int64)
        else:
            values[column.name] = own
    return values


def write_csv(scores: Scores, path: StrPath) -> Path:
    """Write the figures as CSV.

    Args:
        scores: of masks or boxes.
        path: where to.

    Returns:
        The file's path.

    Raises:
        ExportError: it can't be written.
    """
    import csv

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in FIGURE_COLUMNS])
    for name, *values in _rows(scores, with_all=True):
        cells = ["" if one is None else f"{one:.6g}" for one in values]
        if values[_THRESHOLD] is not None:
            cells[_THRESHOLD] = shown_threshold(values[_THRESHOLD])
        writer.writerow(["(all)" if name is None else harmless(name), *cells])
    return write_bytes(path, buffer.getvalue().encode())


def class_rows(scores: Scores, most: int | None = _ROWS) -> tuple[list[list[str]], int]:
    """The table that a person sees: a head, all classes together, then each.

    Args:
        scores: of masks or boxes.
        most: at most so many classes, those with the most objects; None: all.

    Returns:
        The rows as texts, and how many classes were left out.
    """
    names = [column.name for column in FIGURE_COLUMNS]
    wanted = [
        names.index(name) for name in ("objects", *_SHOWN, "threshold", "precision", "recall")
    ]
    head = ["class", "objects", *_SHOWN, "best threshold", "precision", "recall"]
    first, *rest = _rows(scores, with_all=True)
    rest.sort(key=lambda row: -row[1])
    left_out = 0 if most is None else max(len(rest) - most, 0)
    table = [head]
    for row in [first, *rest[: len(rest) - left_out]]:
        name = "all" if row[0] is None else printable(row[0])
        cells = [_cell(row[place]) for place in wanted]
        best = row[1 + _THRESHOLD]
        if best is not None:
            cells[head.index("best threshold") - 1] = shown_threshold(best)
        table.append([name, *cells])
    return table, left_out


def text(evaluation: Evaluation) -> str:
    """The evaluation as lines of text.

    Args:
        evaluation: what was measured.

    Returns:
        Figures, classes, the best threshold with its price, kinds of errors, and notes.
    """
    table, left_out = class_rows(evaluation.scores)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [f"Evaluation: {_title(evaluation)}"]
    for name, *cells in table:
        rest = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *rest]))
    return "\n".join([*lines, *_more(evaluation, left_out)])


def html(evaluation: Evaluation) -> str:
    """The evaluation as HTML; names are escaped.

    Args:
        evaluation: what was measured.

    Returns:
        A paragraph, a `<table>`, and paragraphs.
    """
    table, left_out = class_rows(evaluation.scores)
    more = "".join(f"<p>{html_module.escape(line)}</p>" for line in _more(evaluation, left_out))
    return f"<p>{html_module.escape(_title(evaluation))}</p>{html_rows(table)}{more}"


def html_rows(table: list[list[str]]) -> str:
    """A table as HTML.

    Args:
        table: its head and rows.

    Returns:
        A `<table>`.
    """
    head, *rows = [[html_module.escape(cell) for cell in row] for row in table]
    first = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"


def _title(evaluation: Evaluation) -> str:
    objects = int(evaluation.scores.objects().sum())
    images = len(evaluation.scenes)
    return (
        f"{evaluation.kind} of {objects:,} {plural(objects, 'object')} in {images:,} "
        f"{plural(images, 'image')}"
    )


def _more(evaluation: Evaluation, left_out: int) -> list[str]:
    lines = [f"… and {left_out} more {plural(left_out, 'class', 'classes')}"] if left_out else []
    sizes = [
        f"{name} {_cell(evaluation.figures[f'AP_{name}'])}" for name in ("small", "medium", "large")
    ]
    lines.append(f"AP by size: {', '.join(sizes)}")
    best = evaluation.best_threshold()
    if best is not None:
        lines.append(f"best F1 of all at {best}")
    kinds = evaluation.error_kinds
    found = [
        f"{name} {count:,} (AP50 +{kinds.gains[name]:.3f})"
        for name, count in kinds.counts.items()
        if count
    ]
    lines.append(f"errors: {', '.join(found) or 'none'}")
    return [*lines, *evaluation.notes]


def _cell(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
