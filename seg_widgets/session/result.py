"""One finished result, with all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..prediction import Prediction

__all__ = ["Result"]


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
    """Its number in the history; None (default) when it was too large to be kept there. It stays
    when the entry is removed later."""

    model: str = ""
    """What the model is called (default "")."""

    took_s: float | None = None
    """Seconds that the model took, or None (default) where nobody measured."""
