"""What a panel shows, as a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import SegWidgetsError
from ..export import (
    FORMATS,
    ExportedFile,
    Result,
    each_formats,
    make,
    make_each,
    make_together,
    menu_formats,
    together_formats,
    unique_stems,
)
from ..modeling import EXACT
from ..prediction import Filter
from ..session import HistoryEntry, SegmentationState, filter_of, shown_in
from ..style import Style
from .canvas import SegmentationCanvas
from .canvas_traits import ALL_IMAGES
from .exporting import OnImage

__all__ = ["AllImages", "export_all", "export_names", "export_shown"]


def export_shown(
    format_name: str,
    state: SegmentationState,
    canvas: SegmentationCanvas,
    model_name: str,
    speed: str = EXACT,
) -> ExportedFile:
    """Make the file of an export.

    Args:
        format_name: The name of a format of the export registry.
        state: What is shown.
        canvas: How it is drawn.
        model_name: The name by which `load_predictor` makes the model; "" for one's own.
        speed: The speed that it was loaded for.

    Returns:
        The file's name, its media type and its content.

    Raises:
        SegWidgetsError: There is no image yet.
        SettingError: There is no such format.
    """
    image, prediction = state.image, state.prediction
    if prediction is None or image is None:
        raise SegWidgetsError("There is no image to save yet.")
    result = Result(
        image,
        prediction,
        name=state.source,
        filter=state.filter,
        style=canvas.style_shown,
        source=state.origin,
        model=model_name,
        speed="" if speed == EXACT else speed,
        truth=canvas.side_of("truth"),
        versus=canvas.side_of("versus"),
        iou_threshold=canvas.iou_threshold,
    )
    return make(format_name, result)


def export_names(history: Iterable[HistoryEntry]) -> list[str]:
    """What the menu of files offers.

    Args:
        history: The images of the session.

    Returns:
        The names of the formats; where several images are done, also those of all images.
    """
    names = [each.name for each in menu_formats()]
    if sum(entry.prediction is not None for entry in history) > 1:
        together = (*together_formats(), *each_formats())
        names += [f"{ALL_IMAGES}{each.name}" for each in together]
    return names


class AllImages(NamedTuple):
    """The images of a session and how they are shown, at one moment."""

    history: tuple[HistoryEntry, ...]
    """Those that are done."""

    filter: Filter
    """What is shown."""

    current: int | None
    """The number of the image on screen."""

    style: Style
    """How they are drawn."""

    @classmethod
    def of(cls, state: SegmentationState, canvas: SegmentationCanvas) -> AllImages:
        """Note what is shown now.

        Args:
            state: The session's state.
            canvas: How images are drawn.

        Raises:
            SegWidgetsError: There is no image yet.
        """
        done = tuple(entry for entry in state.history if entry.prediction is not None)
        if not done:
            raise SegWidgetsError("There is no image to save yet.")
        return cls(done, state.filter, state.current, canvas.style_shown)


def export_all(
    format_name: str, images: AllImages, on_image: OnImage = lambda number, count: None
) -> ExportedFile:
    """Make one file of all images of the history, with what the filter shows in each.

    A format that is for single images gives a ZIP with the files of each.

    Args:
        format_name: The name of a format of the export registry.
        images: The images.
        on_image: Is called before each of them. What it raises is raised.

    Returns:
        The file's name, its media type and its content.

    Raises:
        SettingError: There is no such format, or the results are of models with different classes.
        ImageError: The pixels of an image can't be had any more.
    """
    history = images.history
    names = _unique([entry.source or f"image-{entry.number}" for entry in history])
    chosen = FORMATS.get(format_name)
    if chosen is not None and chosen.make_together is None:
        return make_each(format_name, _each(images, names, on_image))
    predictions = []
    for number, (_, shown) in enumerate(shown_in(history, images.filter, images.current), 1):
        on_image(number, len(history))
        predictions.append(shown)
    return make_together(format_name, names, predictions)


def _each(images: AllImages, names: list[str], on_image: OnImage) -> Iterator[Result]:
    """What each image's own files are made of; its pixels are loaded when it is its turn."""
    stems = unique_stems(names)
    for number, (entry, (name, stem)) in enumerate(zip(images.history, stems, strict=True), 1):
        on_image(number, len(images.history))
        result = entry.result
        if result is not None:
            shown = filter_of(entry, images.filter, images.current)
            yield Result(result.image, result.prediction, name, shown, images.style, stem=stem)


def _unique(names: list[str]) -> list[str]:
    """Names that each occur once: another "photo.jpg" becomes "photo (2).jpg"."""
    taken: set[str] = set()
    found = []
    for name in names:
        number, unique = 1, name
        while unique in taken:
            number += 1
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            unique = f"{stem} ({number}){suffix}"
        taken.add(unique)
        found.append(unique)
    return found
