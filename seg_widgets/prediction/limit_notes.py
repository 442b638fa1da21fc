"""Notes that a limit of instances was reached; they matter only where it may have cut something
that is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["kept_note", "notes_from", "reached_note"]

# By its words: notes travel as texts, in tables and from servers.
_OF_A_LIMIT: Final = re.compile(
    r"limit of \d+ instances was reached|\d+ instances were found, and the best \d+ of them"
)


def reached_note(limit: int) -> str:
    """What is said where a model gave as many instances as it can.

    Args:
        limit: how many these are.
    """
    return (
        f"The model's limit of {limit} instances was reached; there may be more with low scores. "
        "A larger max_instances (of load_predictor or wrap) raises the limit."
    )


def kept_note(found: int, kept: int) -> str:
    """What is said where instances were left out because there are many.

    Args:
        found: how many were found.
        kept: how many are left.
    """
    return (
        f"{found} instances were found, and the best {kept} of them are kept; a larger "
        "max_instances keeps more."
    )


def notes_from(
    prediction: Prediction, least: float, notes: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The notes that matter where instances are shown from a score on.

    What a limit cut scores no more than the lowest that is left. Where all shown score more, it
    would not be shown, either.

    Args:
        prediction: all that the limit left.
        least: the lowest score that is shown.
        notes: what is said of it; None: its own notes.

    Returns:
        The notes; without those of a limit, if that cut nothing which would be shown.
    """
    said = prediction.notes if notes is None else tuple(notes)
    if not len(prediction) or np.float32(least) <= prediction.scores.min():
        return said
    return tuple(note for note in said if not _OF_A_LIMIT.search(note))
