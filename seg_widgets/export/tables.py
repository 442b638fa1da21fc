"""CSV: a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from ..prediction import Chosen, Instance, Prediction
from .coco import short
from .files import StrPath, write_bytes

__all__ = ["CSV_COLUMNS", "to_csv"]

CSV_COLUMNS: Final = ("index", "class", "class_id", "score", "x1", "y1", "x2", "y2", "area_px")
"""The columns of `to_csv`; boxes are in pixels."""

# What a spreadsheet takes for the beginning of a formula
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def to_csv(
    prediction: Prediction, path: StrPath | None = None, *, only: Chosen | None = None
) -> str:
    """The instances as CSV text with the columns `CSV_COLUMNS`.

    A class name that a spreadsheet would take for a formula gets an apostrophe before it.

    Args:
        prediction: what was found.
        path: also write the text to this file, as UTF-8.
        only: the instances to write; None: all. Their index stays the one among all of them.

    Returns:
        The text.

    Raises:
        SettingError: an index in `only` is not here.
        ExportError: the file can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    chosen = range(len(prediction)) if only is None else prediction.indices(only).tolist()
    for index in chosen:
        writer.writerow(_row(prediction[index]))
    if path is not None:
        write_bytes(path, text.getvalue().encode("utf-8"))
    return text.getvalue()


def _row(instance: Instance) -> list[Any]:
    box = [short(value) for value in instance.box]
    name = _harmless(instance.class_name)
    score = short(instance.score, 6)
    return [instance.index, name, instance.class_id, score, *box, instance.area]


def _harmless(name: str) -> str:
    # Python's csv before 3.13 does not quote a lone carriage return, which would end the row.
    name = name.replace("\r", " ")
    return f"'{name}" if name.lstrip().startswith(_FORMULA) else name
