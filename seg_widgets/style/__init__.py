"""Colours: of classes, of instances, of scores."""

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

__all__ = [
    "PALETTE",
    "RGB",
    "class_color",
    "class_colors",
    "hex_color",
    "luminance",
    "score_color",
    "text_color",
]
