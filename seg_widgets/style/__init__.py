"""How results look: colours of classes, instances and scores, and `Style` with all defaults."""

from __future__ import annotations

from .colors import (
    PALETTE,
    RGB,
    class_color,
    class_colors,
    hex_color,
    luminance,
    score_color,
    text_color,
)
from .style import (
    COLOR_BY,
    DEFAULT_STYLE,
    SHOW_PARTS,
    SMALLEST_FONT_PX,
    ColorBy,
    Style,
    StyleChanges,
    check_color_by,
    check_opacity,
    check_show,
)

__all__ = [
    "COLOR_BY",
    "DEFAULT_STYLE",
    "PALETTE",
    "RGB",
    "SHOW_PARTS",
    "SMALLEST_FONT_PX",
    "ColorBy",
    "Style",
    "StyleChanges",
    "check_color_by",
    "check_opacity",
    "check_show",
    "class_color",
    "class_colors",
    "hex_color",
    "luminance",
    "score_color",
    "text_color",
]
