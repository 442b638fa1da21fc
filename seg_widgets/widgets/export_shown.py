"""What a panel shows, as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

from .. import export
from ..drawing import Style, overlay
from ..errors import SegWidgetsError, SettingError
from ..images import RGBArray
from ..prediction import Prediction
from ..session import SegmentationState
from ..viewer import to_html
from .canvas import SegmentationCanvas

__all__ = ["EXPORTS", "canvas_style", "export_shown"]


@dataclass(frozen=True, eq=False)
class _Shown:
    """A panel's state at the moment of an export."""

    state: SegmentationState
    canvas: SegmentationCanvas
    model_name: str
    image: RGBArray
    prediction: Prediction
    only: tuple[int, ...]
    stem: str


def export_shown(
    kind: str, state: SegmentationState, canvas: SegmentationCanvas, model_name: str
) -> tuple[str, str, bytes]:
    """Make the file of an export.

    Args:
        kind: One of `EXPORTS`.
        state: What is shown.
        canvas: How it is drawn.
        model_name: The name by which `load_predictor` makes the model; "" for one's own.

    Returns:
        The file's name, its media type and its content.

    Raises:
        SegWidgetsError: There is no image yet.
        SettingError: There is no such export.
    """
    if kind not in _FORMATS:
        raise SettingError(f"There is no export {kind!r}; there are {', '.join(_FORMATS)}.")
    image, prediction = state.image, state.prediction
    if prediction is None or image is None:
        raise SegWidgetsError("There is no image to save yet.")
    stem = export.file_stem(Path(state.source).stem)
    shown = _Shown(state, canvas, model_name, image, prediction, state.shown_indices, stem)
    suffix, media_type, make = _FORMATS[kind]
    return f"{stem}{suffix}", media_type, make(shown)


def canvas_style(canvas: SegmentationCanvas) -> Style:
    """How a canvas draws, as a style of `overlay`."""
    show = canvas.show
    return Style(
        color_by=cast(Literal["class", "instance", "score"], canvas.color_by),
        opacity=canvas.opacity,
        masks="masks" in show,
        outlines="outlines" in show,
        boxes="boxes" in show,
        labels="labels" in show,
        scores="labels" in show,
    )


def _png(shown: _Shown) -> bytes:
    style = canvas_style(shown.canvas)
    return export.png_bytes(overlay(shown.image, shown.prediction, style, only=shown.only))


def _cutouts(shown: _Shown) -> bytes:
    return export.cutouts_zip(shown.prediction, shown.image, shown.stem, only=shown.only)


def _coco(shown: _Shown) -> bytes:
    """The same bytes that `save` writes for what is shown."""
    _, make = export.MAKERS["coco"]
    selected = shown.prediction.select(shown.only)
    style = canvas_style(shown.canvas)
    return make(selected, shown.image, style, shown.state.source or shown.stem)


def _csv(shown: _Shown) -> bytes:
    return export.to_csv(shown.prediction, only=shown.only).encode()


def _page(shown: _Shown) -> bytes:
    state, canvas = shown.state, shown.canvas
    page = to_html(
        shown.prediction,
        shown.image,
        state.source,
        threshold=state.threshold,
        class_thresholds=state.class_thresholds,
        hidden_classes=state.hidden_classes,
        hidden_instances=state.hidden_instances,
        color_by=canvas.color_by,
        opacity=canvas.opacity,
        show=canvas.show,
    )
    return page.encode()


def _python(shown: _Shown) -> bytes:
    state = shown.state
    text = export.to_python(
        state.origin or state.source or "image",
        uploaded=not state.origin,
        model=shown.model_name,
        threshold=state.threshold,
        hidden_classes=state.hidden_classes,
        class_thresholds=state.class_thresholds,
        hidden_instances=state.hidden_instances,
        style=canvas_style(shown.canvas),
    )
    return text.encode()


# By kind: the file name's end, the media type, and what makes the content. The registry of the
# export folder replaces this table.
_FORMATS: Final[dict[str, tuple[str, str, Callable[[_Shown], bytes]]]] = {
    "png": ("-overlay.png", "image/png", _png),
    "cutouts": ("-cutouts.zip", "application/zip", _cutouts),
    "coco": ("-coco.json", "application/json", _coco),
    "csv": (".csv", "text/csv", _csv),
    "html": (".html", "text/html", _page),
    "python": (".py", "text/x-python", _python),
}

EXPORTS: Final = tuple(_FORMATS)
"""What a panel can export."""
