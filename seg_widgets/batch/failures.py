"""What failed in a run, and the file that lists it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final, NamedTuple

from .._text import printable_message, well_formed
from ..errors import SegWidgetsError
from ..export import harmless

__all__ = ["FAILURE_COLUMNS", "Failure", "failure_of", "failures_csv"]

FAILURE_COLUMNS: Final = ("file", "name", "error", "reason")
"""The columns of `failures.csv`."""


class Failure(NamedTuple):
    """An image of a run that has no result."""

    source: str
    """Its path or address, or what was given and gave no image."""

    name: str
    """What the results would call it."""

    kind: str
    """The error's class, such as "ImageDamagedError"."""

    reason: str
    """The error's message: what was wrong, and what to do about it."""


def failure_of(error: Exception | None) -> tuple[str, str]:
    """The kind and the reason of a failure.

    Args:
        error: what was raised.
    """
    kind = type(error).__name__
    text = " ".join(str(error).split())
    if not isinstance(error, SegWidgetsError):
        text = printable_message(f"{kind}: {text}" if text else kind)
    return kind, text


def failures_csv(failures: Iterable[Failure]) -> bytes:
    """The content of `failures.csv`.

    Args:
        failures: what failed, in the order of the images.

    Returns:
        UTF-8, with the columns `FAILURE_COLUMNS`. A text that a spreadsheet would take for a
        formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FAILURE_COLUMNS)
    for failure in failures:
        writer.writerow([harmless(well_formed(value)) for value in failure])
    return text.getvalue().encode("utf-8")
