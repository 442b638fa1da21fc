"""CSV: the table of instances for spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any, Final

from .._files import StrPath, write_bytes
from .columns import INSTANCE_COLUMNS, instance_columns
from .selection import Chosen

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["CSV_COLUMNS", "harmless", "short", "to_csv"]

CSV_COLUMNS: Final = tuple(each.name for each in INSTANCE_COLUMNS if each.name != "rle")
"""The columns of `to_csv`: those of all tables (`INSTANCE_COLUMNS`), without the masks."""

_DIGITS: Final = {"score": 6, "x1": 3, "y1": 3, "x2": 3, "y2": 3}

# What a spreadsheet takes for the beginning of a formula
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def to_csv(
    prediction: Prediction,
    path: StrPath | None = None,
    *,
    only: Chosen | None = None,
    file_name: str = "",
    image_id: int = 1,
) -> str:
    """The instances as CSV text with the columns `CSV_COLUMNS`.

    A name that a spreadsheet would take for a formula gets an apostrophe before it. Boxes have
    three digits behind the point, scores six. It is the method `Prediction.to_csv`.

    Args:
        prediction: what was found.
        path: also write the text to this file, as UTF-8.
        only: the instances to write; None: all. Their number stays the one among all of them.
        file_name: the image's name, in each row.
        image_id: the image's number, in each row.

    Returns:
        The text.

    Raises:
        SettingError: an index in `only` is not here.
        ExportError: the file can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    values = instance_columns(prediction, file_name, image_id, only=only, masks=False)
    writer.writerows(zip(*(_cells(name, values[name]) for name in CSV_COLUMNS), strict=True))
    if path is not None:
        write_bytes(path, text.getvalue().encode("utf-8"))
    return text.getvalue()


def short(value: float, digits: int = 3) -> float:
    """A number for a file: millionths of a pixel would only make it longer.

    Args:
        value: any number.
        digits: how many to keep behind the point.

    Returns:
        It, rounded.
    """
    return round(value, digits) if math.isfinite(value) else value


def _cells(name: str, values: Any) -> list[Any]:
    if isinstance(values, list):
        return [harmless(value) for value in values]
    if name in _DIGITS:
        return [short(value, _DIGITS[name]) for value in values.tolist()]
    cells: list[Any] = values.tolist()
    return cells


def harmless(name: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula.

    Args:
        name: a name from elsewhere.

    Returns:
        It, with an apostrophe in front where it would be one.
    """
    # Python's csv before 3.13 does not quote a lone carriage return, which would end the row.
    name = name.replace("\r", " ")
    return f"'{name}" if name.lstrip().startswith(_FORMULA) else name
