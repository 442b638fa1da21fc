"""The sample images of the package, so that the first try needs no image of your own."""

from __future__ import annotations

from pathlib import Path

__all__ = ["samples"]

_PACKAGE = Path(__file__).resolve().parent


def samples() -> dict[str, Path]:
    """Find the sample images.

    Returns:
        Their paths by name, in alphabetical order: those of the checkout, else those inside the
        package.
    """
    for folder in (_PACKAGE.parent / "notebooks" / "images", _PACKAGE / "samples"):
        found = sorted(folder.glob("*.jpg"))
        if found:
            return {path.stem: path for path in found}
    return {}
