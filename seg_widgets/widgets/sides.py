"""What a canvas compares its prediction with: a truth that is read once, a second prediction, or a
second model that runs in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import SegWidgetsError
from ..prediction import ClassMapping, Prediction, TruthSource
from ..session import ModelChoice, Problems, SecondModel, is_model
from ..viewer import Compared

__all__ = ["Sides"]

RGBArray = npt.NDArray[np.uint8]


class Sides:
    """The truth and the second prediction or model of a canvas.

    Args:
        on_found: Called when the second model has looked at an image, or failed to, on its thread.
    """

    def __init__(self, on_found: Callable[[RGBArray], None]) -> None:
        self.name = ""
        """What to call whatever made the second prediction; "": by its kind."""
        self.problems = Problems()
        """What can't be compared."""
        self._on_found = on_found
        self._truth: Any = None
        self._classes: ClassMapping | None = None
        self._versus: Any = None
        # Reads a file once, and not for each image.
        self._truths: TruthSource | None = None
        self._second: SecondModel | None = None
        # The last image that the second model was given.
        self._asked: RGBArray | None = None
        # The last one that it has looked at, and what it found there, or why it failed.
        self._seen: tuple[RGBArray, Prediction | SegWidgetsError] | None = None
        self._lock = threading.RLock()

    def take(self, truth: Any, versus: Any, classes: ClassMapping | None) -> None:
        """Take other sides.

        Args:
            truth: What `GroundTruth.of` takes, or None.
            versus: What `Prediction.of` takes, a model (a name, a folder, a predictor), or None.
            classes: The model's names of the truth's classes, or None.
        """
        if truth is not self._truth or classes is not self._classes:
            self._truth, self._classes, self._truths = truth, classes, None
            with self.problems.taking("truth"):
                self._truths = None if truth is None else TruthSource(truth, classes)
        if versus is self._versus:
            return
        self.close()
        self._versus = versus
        with self.problems.taking("versus"):
            if is_model(versus):
                self._second = SecondModel(ModelChoice.of(versus), self._found, self._found)

    def of(self, image: RGBArray, prediction: Prediction, name: str) -> tuple[Compared, ...]:
        """What a prediction is compared with so far; a second model begins to look at the image.

        What doesn't fit is among the `problems`.

        Args:
            image: H×W×3 uint8 RGB.
            prediction: What was found in it.
            name: What the image is called.

        Returns:
            The truth and the second prediction, those of them that are there.
        """
        sides = []
        with self.problems.fitting("truth"):
            if self._truths is not None:
                sides.append(Compared.of(prediction, self._truths.of(prediction, name)))
        with self.problems.fitting("versus"):
            second = self._second_of(image)
            if second is not None:
                called = self.name if self._second is None else self._second.name
                sides.append(Compared.of(prediction, second, called))
        return tuple(sides)

    def changing(self) -> AbstractContextManager[Any]:
        """Guards what is shown while it is changed, where a second model may change it, too."""
        return nullcontext() if self._second is None else self._lock

    def close(self) -> None:
        """End the second model; what it still finds is dropped."""
        if self._second is not None:
            self._second.close()
        self._second = self._asked = self._seen = None

    def _second_of(self, image: RGBArray) -> Prediction | None:
        if self._second is None:
            is_nothing = self._versus is None or is_model(self._versus)
            return None if is_nothing else Prediction.of(self._versus, image.shape[:2])
        if self._seen is not None and self._seen[0] is image:
            found = self._seen[1]
            if isinstance(found, SegWidgetsError):
                raise found.with_traceback(None)
            return found
        if self._asked is not image:
            self._asked = image
            self._second.look_at(image)
        return None

    def _found(self, image: RGBArray, found: Prediction | SegWidgetsError) -> None:
        with self._lock:
            self._seen = image, found
            self._on_found(image)
