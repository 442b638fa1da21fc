"""The controls of a panel that belong to no part of their own: threshold, Clear, Undo, notes."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable

import ipywidgets

__all__ = ["Controls"]


class Controls:
    """The slider, the buttons and the line of notes.

    Args:
        threshold: What the slider begins with, 0 to 1.
        on_clear: Called when a person presses Clear.
        on_undo: Called when a person presses Undo.
    """

    def __init__(
        self, threshold: float, *, on_clear: Callable[[], None], on_undo: Callable[[], None]
    ) -> None:
        self.slider = ipywidgets.FloatSlider(
            value=threshold,
            min=0,
            max=1,
            step=0.01,
            readout_format=".2f",
            description="Threshold",
            continuous_update=True,
            layout={"width": "auto", "flex": "1 1 260px"},
        )
        """The threshold, an `ipywidgets.FloatSlider`."""
        self.clearer = ipywidgets.Button(
            description="Clear",
            tooltip="Forget the image, its result and the history",
            layout={"width": "auto"},
        )
        """Clears the panel, an `ipywidgets.Button`."""
        self.undo_button = ipywidgets.Button(
            description="Undo",
            tooltip="Bring back what Clear has removed",
            layout={"width": "auto", "display": "none"},
        )
        """Undoes that, an `ipywidgets.Button` that is there only while it can."""
        self.notes_line = ipywidgets.HTML(layout={"display": "none"})
        """What a limit cut or what was changed, an `ipywidgets.HTML`."""
        self.clearer.on_click(lambda _: on_clear())
        self.undo_button.on_click(lambda _: on_undo())

    def show(self, notes: Iterable[str], can_undo: bool) -> None:
        """Show what belongs to the result on screen.

        Args:
            notes: Sentences about it.
            can_undo: Whether Clear can be undone.
        """
        lines = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
        self.notes_line.value = f'<div role="status">{lines}</div>' if lines else ""
        self.notes_line.layout.display = None if lines else "none"
        self.undo_button.layout.display = None if can_undo else "none"
