"""All images of a session as one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ..prediction import INSTANCE_COLUMNS, Column, Filter, Prediction, data_frame, instance_columns
from .history import HistoryEntry

__all__ = ["filter_of", "history_table", "shown_in"]

_MODEL = Column("model", "string", "what the model is called")


def shown_in(
    history: Iterable[HistoryEntry], chosen: Filter, current: int | None
) -> Iterator[tuple[HistoryEntry, Prediction]]:
    """What a filter shows in each image that is done.

    Args:
        history: The images.
        chosen: The filter. Its single hidden instances are those of the image on screen.
        current: The number of the image on screen, or None.

    Yields:
        Each image with its instances that are shown.
    """
    for entry, prediction, keep in _kept(history, chosen, current):
        yield entry, prediction.select(keep)


def history_table(
    history: Iterable[HistoryEntry],
    chosen: Filter | None,
    current: int | None,
    library: Literal["pandas", "polars"] | None = None,
) -> Any:
    """The instances of all images as one data frame.

    Args:
        history: The images.
        chosen: The filter; None: all instances.
        current: The number of the image on screen, or None.
        library: "pandas" or "polars"; None: the one that is there.

    Returns:
        A data frame with the columns `INSTANCE_COLUMNS` and `model`. `image_id` is the image's
        number in the history.

    Raises:
        SettingError: `library` is something else.
        DependencyError: The library is not installed.
    """
    columns = (*INSTANCE_COLUMNS, _MODEL)
    values: dict[str, list[Any]] = {each.name: [] for each in columns}
    for entry, prediction, keep in _kept(history, chosen, current):
        name = entry.origin or entry.source
        part = instance_columns(prediction, name, entry.number, only=keep)
        part["model"] = [entry.model] * len(part["rle"])
        for name, more in part.items():
            values[name] += more if isinstance(more, list) else more.tolist()
    return data_frame(columns, values, library)


def _kept(
    history: Iterable[HistoryEntry], chosen: Filter | None, current: int | None
) -> Iterator[tuple[HistoryEntry, Prediction, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Each image that is done, with its prediction as it is shown, and which instances are."""
    for entry in history:
        prediction = entry.prediction
        if prediction is None:
            continue
        if chosen is None:
            yield entry, prediction, np.ones(len(prediction), bool)
            continue
        keep = filter_of(entry, chosen, current).keep(prediction)
        yield entry, chosen.reshaped(prediction), keep


def filter_of(entry: HistoryEntry, chosen: Filter, current: int | None) -> Filter:
    """What a filter is for one of the images.

    Args:
        entry: The image.
        chosen: The filter. Its single hidden instances are those of the image on screen.
        current: The number of the image on screen, or None.
    """
    return chosen if entry.number == current else replace(chosen, hidden_instances=())
