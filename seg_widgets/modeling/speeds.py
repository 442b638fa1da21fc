"""How fast a model is asked to be, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import SettingError
from .catalogue import STARTER

__all__ = ["EXACT", "PRICES", "SPEEDS", "Price", "check_speed", "set_augmentation", "sizes_at"]

EXACT: Final = "exact"
"""The model as its config has it; the default."""

SPEEDS: Final = {EXACT: 1.0, "balanced": 0.75, "fast": 0.6}
"""By name, how large the model sees the image, as a share of what its config says. `docs/models.md`
has the price in AP, and the gain."""


@dataclass(frozen=True)
class Price:
    """What a speed costs and gains."""

    ap: float
    """AP of masks on held-out data, in percent."""

    gain: float
    """How many times as fast as the exact model it is."""


PRICES: Final[Mapping[str, Mapping[str, Price]]] = {
    STARTER: {EXACT: Price(13.0, 1), "balanced": Price(12.4, 1.26), "fast": Price(11.6, 2.65)}
}
"""By model and speed, what was measured; `docs/models.md` says on what. Of other models nothing was
measured: their weights are not part of the package."""

_WITHOUT_AUGMENTATION: Final = "fast"


def check_speed(speed: str, min_size: int | None = None) -> None:
    """Check the name of a speed.

    Args:
        speed: one of `SPEEDS`.
        min_size: pixels of the shorter side that were given beside it, or None.

    Raises:
        SettingError: there is no such speed, or both say the image's size.
    """
    if speed not in SPEEDS:
        raise SettingError(f"speed is {' or '.join(map(repr, SPEEDS))}, but {speed!r} was given.")
    if speed != EXACT and min_size is not None:
        raise SettingError(
            f"min_size={min_size} and speed={speed!r} both say how large the model sees an image; "
            "give one of them."
        )


def sizes_at(speed: str, min_size: int, max_size: int) -> tuple[int, int]:
    """Return the pixels of the shorter and at most of the longer side, at a speed.

    Args:
        speed: one of `SPEEDS`.
        min_size: of the shorter side, as the config says.
        max_size: of the longer side at most, as the config says.
    """
    share = SPEEDS[speed]
    return max(round(min_size * share), 1), max(round(max_size * share), 1)


def set_augmentation(model: Any, speed: str) -> None:
    """Leave out the starter's second look at the image where that is what a speed is.

    Args:
        model: a network; one without test-time augmentation stays as it is.
        speed: one of `SPEEDS`.
    """
    if speed == _WITHOUT_AUGMENTATION and hasattr(model, "second_scale"):
        model.second_scale = None
