"""A prediction as a table: plain text for `repr`, HTML for a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from .._text import plural, printable

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["TABLE_ROWS", "html_table", "text_table"]

TABLE_ROWS: Final = 30
"""A table longer than a screen hides what comes after it; the rest is counted instead."""

_HEAD: Final = ("#", "class", "score", "area px", "box x1 y1 x2 y2")


def text_table(prediction: Prediction) -> str:
    """The instances as lines of text with aligned columns.

    Args:
        prediction: what was found.

    Returns:
        A title and, if there are instances, the table.
    """
    lines = [f"Prediction: {_title(prediction)}"]
    if len(prediction):
        table = [_HEAD, *_rows(prediction)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += [_line(row, widths) for row in table]
    return "\n".join([*lines, *_more(prediction)])


def html_table(prediction: Prediction) -> str:
    """The instances as an HTML table; names are escaped.

    Args:
        prediction: what was found.

    Returns:
        A paragraph and a `<table>`.
    """
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    body = "".join(_html_row(row) for row in _rows(prediction))
    more = "".join(f"<p>{html.escape(text)}</p>" for text in _more(prediction))
    return (
        f"<p>{_title(prediction)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
    )


def _title(prediction: Prediction) -> str:
    height, width = prediction.image_size
    return f"{len(prediction)} {plural(len(prediction), 'instance')} in {width}×{height} px"


def _rows(prediction: Prediction) -> list[tuple[str, ...]]:
    return [_row(prediction, index) for index in range(min(len(prediction), TABLE_ROWS))]


def _row(prediction: Prediction, index: int) -> tuple[str, ...]:
    instance = prediction[index]
    box = " ".join(f"{value:.0f}" for value in instance.box)
    return (
        str(index),
        printable(instance.class_name),
        f"{instance.score:.2f}",
        str(instance.area),
        box,
    )


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    number, name, score, area, box = row
    cells = [
        number.rjust(widths[0]),
        name.ljust(widths[1]),
        score.rjust(widths[2]),
        area.rjust(widths[3]),
        box,
    ]
    return "  ".join(cells).rstrip()


def _html_row(row: tuple[str, ...]) -> str:
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
    return f"<tr>{cells}</tr>"


def _more(prediction: Prediction) -> list[str]:
    left = len(prediction) - TABLE_ROWS
    counted = [f"… and {left} more"] if left > 0 else []
    return [*counted, *prediction.notes]
