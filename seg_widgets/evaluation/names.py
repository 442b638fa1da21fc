"""Which prediction belongs to which true image: by the ends of their paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .._text import printable
from ..annotations import name_fit, name_parts
from ..errors import PredictionError

__all__ = ["Pairing", "listed", "pair_names"]

_SHOWN: Final = 5  # names in a message


@dataclass(frozen=True)
class Pairing:
    """Which of N predictions belongs to which of M true images."""

    prediction_of: dict[int, int]
    """True image → its prediction."""

    unused: tuple[int, ...]
    """The predictions of images that the truth doesn't have."""


def pair_names(predictions: Sequence[str], truths: Sequence[str]) -> Pairing:
    """Pair names of predictions with names of true images.

    The last part of a path, without regard to case, decides; folders count where several images
    have the same name, and then capitals.

    Args:
        predictions: N paths, addresses or names.
        truths: M of them.

    Returns:
        The pairs.

    Raises:
        PredictionError: a name is there twice, two predictions fit one image equally well, or
            none fits.
    """
    for names, what in ((predictions, "predictions"), (truths, "images of the truth")):
        doubles = [name for name, number in Counter(names).items() if number > 1]
        if doubles:
            raise PredictionError(
                f"Among the {what} the same name is there more than once: {listed(doubles)}. "
                "Give each image a name of its own."
            )
    split = [name_parts(name) for name in truths]
    ends: dict[str, list[int]] = {}
    for number, own in enumerate(split):
        ends.setdefault(own.file, []).append(number)

    claims: dict[int, list[tuple[tuple[int, bool, int], int]]] = {}
    unused = []
    for number, name in enumerate(predictions):
        parts = name_parts(name)
        fits = {one: name_fit(parts, split[one]) for one in ends.get(parts.file, ())}
        if not fits:
            unused.append(number)
            continue
        best = max(fits.values())
        fitting = [one for one, fit in fits.items() if fit == best]
        if len(fitting) > 1:
            raise PredictionError(
                f"{printable(name)!r} may be any of {len(fitting)} images of the truth: "
                f"{listed(truths[one] for one in fitting)}. Name it with its folder."
            )
        claims.setdefault(fitting[0], []).append((best, number))
    pairs = {}
    for one, claimed in claims.items():
        best = max(fit for fit, _ in claimed)
        fitting = [number for fit, number in claimed if fit == best]
        if len(fitting) > 1:
            raise PredictionError(
                f"{len(fitting)} predictions may be of {printable(truths[one])!r}: "
                f"{listed(predictions[number] for number in fitting)}. Name them with folders."
            )
        pairs[one] = fitting[0]
        unused += [number for _, number in claimed if number != fitting[0]]
    if truths and predictions and not pairs:
        raise PredictionError(
            f"No prediction is of an image of the truth. The predictions are of "
            f"{listed(predictions)}; the truth has {listed(truths)}. Name both alike."
        )
    return Pairing(pairs, tuple(sorted(unused)))


def listed(names: Iterable[str]) -> str:
    """Names for a message: the first ones, and how many more there are.

    Args:
        names: of images or classes.

    Returns:
        Them on one line.
    """
    every = list(names)
    shown = ", ".join(map(printable, every[:_SHOWN]))
    return shown + (f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else "")
