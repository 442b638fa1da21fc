"""CSV: a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from ..prediction import Chosen, Instance, Prediction, category_ids
from .chosen import chosen_instances
from .coco import short
from .files import StrPath, as_text, write_bytes

__all__ = ["CSV_COLUMNS", "harmless", "to_csv"]

CSV_COLUMNS: Final = (
    *("index", "class", "class_id", "score", "x1", "y1", "x2", "y2", "area_px"),
    *("category_id", "file_name"),
)
"""The columns of `to_csv`. Boxes are in pixels. `class_id` is an index into the class names;
`category_id` is the id of the same class in COCO's files."""

# What a spreadsheet takes for the beginning of a formula
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def to_csv(
    prediction: Prediction,
    path: StrPath | None = None,
    *,
    only: Chosen | None = None,
    file_name: str = "",
) -> str:
    """The instances as CSV text with the columns `CSV_COLUMNS`.

    A name that a spreadsheet would take for a formula gets an apostrophe before it.

    Args:
        prediction: what was found.
        path: also write the text to this file, as UTF-8.
        only: the instances to write; None: all. Their index stays the one among all of them.
        file_name: the image's name, in each row.

    Returns:
        The text.

    Raises:
        SettingError: an index in `only` is not here.
        ExportError: the file can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    ids = category_ids(prediction)
    name = harmless(as_text(file_name))
    for instance in chosen_instances(prediction, only):
        writer.writerow([*_row(instance), ids[instance.class_id], name])
    if path is not None:
        write_bytes(path, text.getvalue().encode("utf-8"))
    return text.getvalue()


def _row(instance: Instance) -> list[Any]:
    box = [short(value) for value in instance.box]
    name = harmless(instance.class_name)
    score = short(instance.score, 6)
    return [instance.index, name, instance.class_id, score, *box, instance.area]


def harmless(name: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula.

    Args:
        name: a name from elsewhere.

    Returns:
        It on one line, with an apostrophe before it where it begins like a formula.
    """
    # Python's csv before 3.13 does not quote a lone carriage return, which would end the row.
    name = name.replace("\r", " ")
    return f"'{name}" if name.lstrip().startswith(_FORMULA) else name
