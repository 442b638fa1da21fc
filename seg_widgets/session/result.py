"""One finished result, with all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..prediction import PartialPrediction, Prediction

__all__ = ["Result", "Upcoming", "all_notes"]


@dataclass(frozen=True, eq=False)
class Result:
    """An image with what was found in it.

    Two results are equal only if they are the same object: a predictor may answer two images with
    one `Prediction`, and these are still two results.
    """

    image: npt.NDArray[np.uint8] = field(repr=False)
    """The image, H×W×3 uint8 RGB."""

    prediction: Prediction = field(repr=False)
    """What was found in it, all of it down to the predictor's score floor."""

    name: str = ""
    """What the image is called, such as "photo.jpg"; "" (default) when it has no name."""

    uri: str = ""
    """The path or address of the image; "" (default) for bytes and arrays."""

    number: int | None = None
    """Its number in the history; None (default) when it is not there. It stays when the entry is
    removed later."""

    model: str = ""
    """What the model is called (default "")."""

    took_s: float | None = None
    """Seconds that the model took, or None (default) where nobody measured."""

    image_notes: tuple[str, ...] = ()
    """What the reading of the image changed or left out, a sentence each; default none."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a limit cut, or what was changed to read or convert it, a sentence each."""
        return all_notes(self.image_notes, self.prediction)


@dataclass(frozen=True, eq=False)
class Upcoming:
    """An image that is open, and whose result comes next."""

    image: npt.NDArray[np.uint8] = field(repr=False)
    """The image, H×W×3 uint8 RGB."""

    name: str = ""
    """What the image is called; "" (default) when it has no name."""

    found: PartialPrediction | None = field(default=None, repr=False)
    """What was found so far, once all that is shown has its mask; None (default) before. The result
    has the same instances, and all masks."""


def all_notes(image_notes: tuple[str, ...], prediction: Prediction | None) -> tuple[str, ...]:
    """The notes of an image and of its prediction, each once.

    Args:
        image_notes: What the reading of the image changed or left out.
        prediction: What was found in it, or None.
    """
    notes = () if prediction is None else prediction.notes
    return tuple(dict.fromkeys((*image_notes, *notes)))
