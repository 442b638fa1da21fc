"""What a panel shows, as a file; and which files it can make."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import SegWidgetsError
from ..export import (
    ExportedFile,
    Result,
    each_formats,
    make,
    menu_formats,
    together_formats,
)
from ..modeling import EXACT
from ..session import HistoryEntry, SegmentationState
from .canvas import SegmentationCanvas
from .canvas_traits import ALL_IMAGES

__all__ = ["export_names", "export_shown"]


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
