"""The colours of classes and instances, the same in Python and in the browser.

A colour depends on an index only, so a class has the same one in every image. The first seven are
those that Okabe and Ito chose for people with any kind of colour vision
(https://jfly.uni-koeln.de/color/). Each further one is, among all saturated colours of middle
lightness (an RGB grid of step 12; OKLab lightness 0.5 to 0.92, chroma over 0.09), the one that is
farthest from all before it. The distance is OKLab's (https://bottosson.github.io/posts/oklab/). The
smallest of three distances counts: in normal vision, with protanopia and with deuteranopia (the
latter two × 1.6), simulated after Machado, Oliveira and Fernandes 2009. Beyond the table, each hue
is the golden angle from the last.
"""

from __future__ import annotations

import colorsys
from typing import Final

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

RGB = tuple[int, int, int]

_TABLE = bytes.fromhex(
    """
    e69f00 56b4e9 009e73 f0e442 0072b2 d55e00 cc79a7 6018fc 30fce4 9c3c6c 8478fc 6ccc84
    cc0ca8 905418 fc486c 00fc90 fca8c0 84d8fc cc3048 e430e4 8424cc fc78cc c0cc54 785490
    4884d8 fc6c3c 3c7848 9c6084 849cfc 6cb490 a8f0c0 24a8c0 fc9060 48d8d8 fcd884 b47854
    9cd89c 9c48cc 9cc0fc b49000 f000a8 fcb400 90b460 7878c0 486cfc 6048e4 6cf0fc f084a8
    d890e4 b42484 6c8400 00d8b4 b4486c fccc18 b484e4 d86084 a8e460 d83cc0 0078e4 b4609c
    54a83c e46cc0 fc6c84 00c0a8 fca884 4854fc f0b4e4 a85454 e4303c fc6cfc 60f0a8 e43090
    9c00b4 c03018 a8fca8 c09048 00b478 78fc54 d81860 b460cc d8b448 d8cc84 84e4cc c00c3c
    0c7830 cc5460 cc6c6c a83c9c c018c0 b41860 9c24d8 84cc9c a8b424 48cc6c 3c906c fc48d8
    """
)

PALETTE: Final[tuple[RGB, ...]] = tuple(zip(_TABLE[0::3], _TABLE[1::3], _TABLE[2::3], strict=True))
"""96 colours as (red, green, blue), each 0 to 255."""

_GOLDEN_TURN = 0.6180339887498949
_VIRIDIS: Final[tuple[RGB, ...]] = (
    (68, 1, 84),
    (59, 82, 139),
    (33, 145, 140),
    (94, 201, 98),
    (253, 231, 37),
)


def class_color(index: int) -> RGB:
    """The colour of a class or of an instance; the same every time.

    Args:
        index: the class id, or the instance's index.

    Returns:
        (red, green, blue), each 0 to 255.
    """
    if 0 <= index < len(PALETTE):
        return PALETTE[index]
    # 96 hues would leave no room between them; lightness and saturation in turn keep neighbours
    # apart.
    lightness = (0.45, 0.6, 0.75)[index % 3]
    saturation = (0.95, 0.6)[index // 3 % 2]
    red, green, blue = colorsys.hls_to_rgb(index * _GOLDEN_TURN % 1.0, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def class_colors(count: int) -> tuple[RGB, ...]:
    """The colours of the first classes.

    Args:
        count: how many.

    Returns:
        The colours of the classes 0 to `count` - 1.
    """
    return tuple(class_color(index) for index in range(count))


def score_color(score: float) -> RGB:
    """The colour of a score: violet at 0, over teal, to yellow at 1.

    It is Matplotlib's viridis (https://bids.github.io/colormap/) at five points with straight lines
    between; viridis is even to all kinds of colour vision.

    Args:
        score: 0 to 1; what lies outside counts as 0 or 1.

    Returns:
        (red, green, blue), each 0 to 255.
    """
    at = min(max(score, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    start = min(int(at), len(_VIRIDIS) - 2)
    first, last = _VIRIDIS[start : start + 2]
    # As JavaScript rounds, so that the canvas has the very same colours.
    red, green, blue = (
        int(a + (b - a) * (at - start) + 0.5) for a, b in zip(first, last, strict=True)
    )
    return red, green, blue


def hex_color(color: RGB) -> str:
    """A colour as CSS writes it.

    Args:
        color: (red, green, blue), each 0 to 255.

    Returns:
        Such as "#e69f00".
    """
    red, green, blue = color
    return f"#{red:02x}{green:02x}{blue:02x}"


def text_color(background: RGB) -> RGB:
    """Black or white, whichever reads better on a colour.

    Args:
        background: (red, green, blue), each 0 to 255.

    Returns:
        The text's colour; its contrast is 4.5 : 1 or more (WCAG 2.2, level AA).
    """
    # Black and white have the same contrast, 4.58 : 1, to a relative luminance of 0.179.
    return (0, 0, 0) if luminance(background) > 0.179 else (255, 255, 255)


def luminance(color: RGB) -> float:
    """The relative luminance of an sRGB colour, after WCAG 2.2.

    Args:
        color: (red, green, blue), each 0 to 255.

    Returns:
        0 (black) to 1 (white).
    """
    red, green, blue = (_linear(value / 255) for value in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
