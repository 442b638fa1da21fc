"""The rows of a panel, the names that its style sheet uses, and the end of its widgets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import ipywidgets

__all__ = ["PANEL_CLASSES", "close_all", "labelled", "panel_rows"]

PANEL_CLASSES: Final = {
    "upload": "upload",
    "url": "url",
    "go": "go",
    "picker": "picker",
    "slider": "slider",
    "model_line": "model",
    "model_picker": "models",
    "clearer": "clear",
    "undo_button": "undo",
    "notes_line": "notes",
}
"""The panel's widgets by attribute, with the end of their CSS class."""

_OTHERS: Final = ("_link", "filmstrip", "canvas")


def labelled(panel: Any) -> None:
    """Give each control of a panel its CSS class."""
    for name, css in PANEL_CLASSES.items():
        getattr(panel, name).add_class(f"sgw-panel-{css}")


def panel_rows(
    panel: Any, has: Collection[str], samples: Collection[str], several_models: bool
) -> list[Any]:
    """The rows of a panel from top to bottom.

    Args:
        panel: Its widgets are made.
        has: The controls that it has.
        samples: The samples to pick from.
        several_models: Whether there are models to choose from.
    """

    def only(control: str, *widgets: Any) -> tuple[Any, ...]:
        return widgets if control in has else ()

    picker = [panel.picker] if samples else []
    models = [panel.model_picker] if several_models else []
    rows = [
        [
            *only("upload", panel.upload),
            *only("url", panel.url, panel.go),
            *picker,
            panel.clearer,
            panel.undo_button,
        ],
        [*only("threshold", panel.slider), *only("model", *models, panel.model_line)],
    ]
    boxes = [ipywidgets.HBox(row) for row in rows if row]
    for box in boxes:
        box.add_class("sgw-panel-row")
    return [*boxes, panel.notes_line, *only("history", panel.filmstrip), panel.canvas]


def close_all(panel: Any) -> None:
    """Close all widgets that a panel has made, on screen or not.

    Not all of them are there where an error ended the making.
    """
    made = [getattr(panel, name, None) for name in (*PANEL_CLASSES, *_OTHERS)]
    for control in (*made, *panel.children):
        # ipywidgets closes neither a control's layout nor its style with it.
        for part in (control, getattr(control, "layout", None), getattr(control, "style", None)):
            if part is not None:
                part.close()
    panel.layout.close()
