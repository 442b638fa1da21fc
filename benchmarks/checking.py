"""`make bench-check`: measure anew, and compare the ratios with the kept ones.

Ratios of one run hold from machine to machine, where times do not; the margin is for what moves
them, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .figures import Curve, Figure, Results

__all__ = ["MARGIN", "compare"]

MARGIN: Final = 1.5
"""How many times smaller than the kept one a ratio may be."""

_STEEPER: Final = 0.35
"""How much steeper a curve may become, as an exponent."""


def compare(kept: Results, new: Results, margin: float = MARGIN) -> list[str]:
    """What became worse.

    Args:
        kept: the last results that were committed.
        new: what was measured now.
        margin: how many times smaller a ratio may be.

    Returns:
        A sentence for each figure that is worse; figures that only one of them has are left out.
    """
    figures = {figure.name: figure for figure in new.figures}
    curves = {curve.name: curve for curve in new.curves}
    worse: list[str] = []
    for figure in kept.figures:
        if figure.compared and figure.name in figures:
            worse += _smaller(figure, figures[figure.name], margin)
    for curve in kept.curves:
        if curve.name in curves:
            worse += _steeper(curve, curves[curve.name])
    return [f"{new.part}: {sentence}" for sentence in worse]


def _smaller(kept: Figure, new: Figure, margin: float) -> Iterator[str]:
    for peer, before in kept.ratios.items():
        now = new.ratios.get(peer)
        if now is not None and now * margin < before:
            yield (
                f"{kept.name}: {now:.2f} times better than {peer}; it was {before:.2f} times "
                f"(margin {margin:g})."
            )


def _steeper(kept: Curve, new: Curve) -> Iterator[str]:
    before = kept.exponents()
    for name, now in new.exponents().items():
        if name in before and now > max(before[name], 0.0) + _STEEPER:
            yield (
                f"{kept.name}, {name}: grows with exponent {now:.2f}; it was {before[name]:.2f} "
                f"(margin {_STEEPER:g})."
            )
