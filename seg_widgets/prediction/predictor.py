"""The protocol that a model follows for the rest of seg_widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .filter import Filter
from .partial import PartialPrediction
from .prediction import Prediction

__all__ = [
    "SCORE_FLOOR",
    "BatchPredictor",
    "Keep",
    "Predictor",
    "QueuedPredictor",
    "SparingPredictor",
    "StepwisePredictor",
]

SCORE_FLOOR: Final = 0.05
"""The lowest score that a model answers with. It runs once per image at this floor; each threshold
that is chosen later only picks from its result."""


Keep = Callable[[Prediction], npt.NDArray[np.bool_]]
"""Says of a prediction without masks which instances are needed: N booleans."""


@runtime_checkable
class Predictor(Protocol):
    """Anything that turns an image into a `Prediction`.

    It answers with every instance that scores `SCORE_FLOOR` or more, best first. Where a limit cut
    them, the prediction's `notes` say so. It may be called from any thread, one call at a time.
    """

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in one image.

        Args:
            image: H×W×3 uint8 RGB; it must not be changed.

        Returns:
            What was found.
        """
        ...


@runtime_checkable
class BatchPredictor(Predictor, Protocol):
    """A `Predictor` that takes several images at once, which is faster on a GPU."""

    @property
    def max_batch(self) -> int:
        """How many images it should be given at once, 1 or more."""
        ...

    def predict_batch(self, images: Sequence[npt.NDArray[np.uint8]], /) -> list[Prediction]:
        """Find the instances in several images.

        Args:
            images: each H×W×3 uint8 RGB; they may differ in size, and must not be changed.

        Returns:
            What was found, for each image what the predictor finds in it alone.
        """
        ...


@runtime_checkable
class QueuedPredictor(Predictor, Protocol):
    """A `Predictor` that may have to wait for its turn, such as one on a server that others use.

    A session calls `predict_in_turn` instead of the predictor itself, shows how far it is, and says
    when the answer is no longer wanted.
    """

    def predict_in_turn(
        self,
        image: npt.NDArray[np.uint8],
        /,
        *,
        on_wait: Callable[[str], None],
        is_dropped: Callable[[], bool],
    ) -> Prediction:
        """Find the instances in one image.

        Args:
            image: H×W×3 uint8 RGB; it must not be changed.
            on_wait: is called with what a person should know while it waits, such as "3 ahead of
                you", and with "" when its turn has come.
            is_dropped: says whether nobody needs the answer any more. It is asked now and then; the
                predictor then stops and raises any error.

        Returns:
            What was found.
        """
        ...


@runtime_checkable
class StepwisePredictor(Predictor, Protocol):
    """A `Predictor` that can show what it has found before it has drawn all masks.

    A session calls `predict_in_steps` for the image that it shows.
    """

    def predict_in_steps(
        self,
        image: npt.NDArray[np.uint8],
        /,
        *,
        shown: Filter,
        on_first: Callable[[PartialPrediction], None],
    ) -> Prediction:
        """Find the instances in one image; those that are shown get their masks first.

        Args:
            image: H×W×3 uint8 RGB; it must not be changed.
            shown: what a person looks at.
            on_first: is called at most once, when all that is shown has its mask and enough others
                have none yet. What it raises ends the call.

        Returns:
            What was found, the same as the predictor's answer for the image.
        """
        ...


@runtime_checkable
class SparingPredictor(Predictor, Protocol):
    """A `Predictor` that can leave out masks that nobody needs, which is faster."""

    def predict_kept(self, image: npt.NDArray[np.uint8], /, keep: Keep) -> Prediction:
        """Find the instances in one image, with the masks of some.

        Args:
            image: H×W×3 uint8 RGB; it must not be changed.
            keep: says which instances are needed.

        Returns:
            The predictor's answer for the image; but of the instances that are not needed, some
            have an empty mask.
        """
        ...
