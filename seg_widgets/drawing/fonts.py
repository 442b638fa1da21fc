"""The fonts of labels: one that is always here, and what to do about letters that it lacks."""

from __future__ import annotations

import contextlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

from ..errors import SettingError

__all__ = ["bundled_font", "fallback_for", "font_of", "installed_fonts"]

# Fonts with East Asian letters, as Linux, macOS and Windows bring them; Pillow knows the folders.
_EAST_ASIAN_FONTS: Final = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
)

# The Hebrew block of Unicode begins here. Our font has all letters of everyday use before it, and
# looking for missing ones takes longer than drawing the label.
_FIRST_TO_LOOK_FOR: Final = 0x590

# A code point that no font has a letter for.
_NO_LETTER: Final = "\U0010fffd"


@lru_cache(maxsize=64)
def font_of(size: float, font_file: str | Path | None) -> ImageFont.FreeTypeFont:
    """A font for labels.

    Args:
        size: height of the letters in pixels (em).
        font_file: a TrueType or OpenType file, or the name of one that the system has; None: DejaVu
            Sans, or Pillow's own font where matplotlib is not installed.

    Returns:
        The font.

    Raises:
        SettingError: the file can't be read.
    """
    if font_file is not None:
        try:
            return ImageFont.truetype(str(font_file), size)
        except (OSError, ValueError) as error:
            raise SettingError(
                f"The font {str(font_file)!r} can't be read ({error}). Give a .ttf or .otf file."
            ) from None
    bundled = bundled_font()
    if bundled is not None:
        return ImageFont.truetype(str(bundled), size)
    built_in = ImageFont.load_default(size)
    assert isinstance(built_in, ImageFont.FreeTypeFont)  # every Pillow wheel has FreeType
    return built_in


@lru_cache(maxsize=1)
def bundled_font() -> Path | None:
    """Matplotlib's DejaVu Sans, found without importing matplotlib (which takes a while).

    Returns:
        The font file; None where there is none.
    """
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.is_file() else None


@lru_cache(maxsize=512)
def fallback_for(text: str) -> str | None:
    """A font of the system for a text with letters that the usual one lacks.

    Args:
        text: what is to be written.

    Returns:
        The font's name for `font_of`; None: the usual font, which is as good as any.
    """
    if all(ord(letter) < _FIRST_TO_LOOK_FOR for letter in text):
        return None
    missing = _missing(text, None)
    for name in installed_fonts() if missing else ():
        if _missing(text, name) < missing:
            return name
    return None


def _missing(text: str, font_file: str | None) -> int:
    """How many of the letters a font shows as its sign for a letter that it lacks."""
    font = font_of(16, font_file)
    sign = bytes(font.getmask(_NO_LETTER))
    return sum(bytes(font.getmask(letter)) == sign for letter in set(text) if not letter.isspace())


@lru_cache(maxsize=1)
def installed_fonts() -> tuple[str, ...]:
    """The fonts with East Asian letters that this system has.

    Returns:
        Their names for `font_of`, the best first.
    """
    found = []
    for name in _EAST_ASIAN_FONTS:
        with contextlib.suppress(OSError):
            ImageFont.truetype(name, 16)
            found.append(name)
    return tuple(found)
