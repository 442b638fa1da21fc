"""What a panel shows, as a file."""

from __future__ import annotations

from ..errors import SegWidgetsError
from ..export import ExportedFile, Result, make
from ..session import SegmentationState
from .canvas import SegmentationCanvas

__all__ = ["export_shown"]


def export_shown(
    format_name: str, state: SegmentationState, canvas: SegmentationCanvas, model_name: str
) -> ExportedFile:
    """Make the file of an export.

    Args:
        format_name: The name of a format of the export registry.
        state: What is shown.
        canvas: How it is drawn.
        model_name: The name by which `load_predictor` makes the model; "" for one's own.

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
    )
    return make(format_name, result)
