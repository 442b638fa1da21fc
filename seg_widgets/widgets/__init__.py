"""What is shown in a notebook: the canvas, the filmstrip and the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .canvas import SegmentationCanvas
    from .filmstrip import Filmstrip
    from .panel import SegmentationPanel

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "canvas": ["SegmentationCanvas"],
        "filmstrip": ["Filmstrip"],
        "panel": ["SegmentationPanel"],
    },
)

__all__ = ["Filmstrip", "SegmentationCanvas", "SegmentationPanel"]
