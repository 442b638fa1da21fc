"""A label on matplotlib axes that stays inside of them.

This module imports matplotlib at its top, so it is imported when something is plotted.
"""

from __future__ import annotations

from typing import Any, Final

from matplotlib.text import Annotation

__all__ = ["PADDING", "PlotLabel"]

PADDING: Final = 0.15
"""The room between a label's text and its edge, in heights of its letters."""

_OFFSET_PT: Final = (1.0, 1.0)


class PlotLabel(Annotation):
    """A label at the upper left corner of a box, moved into the axes where it would leave them.

    It is placed anew at each drawing, so that it fits a figure whose size has changed, too.
    """

    def __init__(self, text: str, xy: tuple[float, float], **settings: Any) -> None:
        """Make a label, which has yet to be added to axes.

        Args:
            text: what it says.
            xy: the corner, in the data's coordinates.
            **settings: as `matplotlib.text.Annotation` takes them.
        """
        super().__init__(text, xy, xytext=_OFFSET_PT, textcoords="offset points", **settings)

    def draw(self, renderer: Any) -> None:
        """Place it, and draw it."""
        self._place(renderer)
        super().draw(renderer)

    def get_tightbbox(self, renderer: Any = None) -> Any:
        """The rectangle that it takes, in pixels of the screen."""
        if renderer is not None:
            self._place(renderer)
        return super().get_tightbbox(renderer)

    def _place(self, renderer: Any) -> None:
        axes = self.axes
        if axes is None:
            return
        self.set_position(_OFFSET_PT)
        self.update_positions(renderer)
        text = self.get_window_extent(renderer)
        point = renderer.points_to_pixels(1.0)
        padding = PADDING * float(self.get_fontsize()) * point

        # The beginning of a label that is too long for the axes is the part that is seen.
        frame = axes.bbox
        right = min(frame.x1 - padding - text.x1, 0)
        right = max(right, frame.x0 + padding - text.x0)
        up = min(frame.y1 - padding - text.y1, 0)
        up = max(up, frame.y0 + padding - text.y0)
        x, y = _OFFSET_PT
        self.set_position((x + right / point, y + up / point))
