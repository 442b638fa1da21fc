"""A second model that looks at the same images, in the background."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .._text import printable
from ..errors import InferenceError, SegWidgetsError, SettingError
from ..prediction import Prediction, Predictor
from .failures import presentable
from .model_slot import ModelChoice

__all__ = ["SecondModel", "is_model"]

RGBArray = npt.NDArray[np.uint8]


def is_model(versus: Any) -> bool:
    """Whether something to compare with is a model, and not what one has found.

    Args:
        versus: What was given.
    """
    return isinstance(versus, (str, os.PathLike)) or (
        callable(versus) and not isinstance(versus, Prediction)
    )


class SecondModel:
    """A model that looks at the images that another one has looked at, in the background.

    It is built when its first image comes. Of several images the newest waits, and the others are
    dropped. While an image is in memory, it doesn't look at it again.

    Args:
        choice: The model.
        on_found: Called on the model's thread with the image and what was found in it.
        on_failed: Called there with the image and what went wrong.
    """

    def __init__(
        self,
        choice: ModelChoice,
        on_found: Callable[[RGBArray, Prediction], None],
        on_failed: Callable[[RGBArray, SegWidgetsError], None],
    ) -> None:
        self.name = choice.name or getattr(choice.predictor, "name", "") or "second model"
        self._choice = choice
        self._on_found, self._on_failed = on_found, on_failed
        self._lock = threading.Lock()
        self._next: RGBArray | None = None
        self._current: RGBArray | None = None
        self._running = False
        self._closed = False
        self._predictor: Predictor | None = choice.predictor
        # Arrays are compared by identity and have no hash, so this is no WeakKeyDictionary.
        self._found: list[tuple[weakref.ref[RGBArray], Prediction]] = []

    def found_in(self, image: RGBArray) -> Prediction | None:
        """What was found in an image before; None where nothing was.

        Args:
            image: H×W×3 uint8 RGB, the same array as then.
        """
        with self._lock:
            return next((found for seen, found in self._found if seen() is image), None)

    def look_at(self, image: RGBArray) -> None:
        """Run the model on an image, unless a newer one comes first.

        Args:
            image: H×W×3 uint8 RGB.
        """
        with self._lock:
            # It is at this image already: what it finds will be told.
            self._next = None if image is self._current else image
            if self._running or self._closed:
                return
            self._running = True
        threading.Thread(target=self._run, name="seg_widgets second model", daemon=True).start()

    def close(self) -> None:
        """Take no more images; what is still found is dropped."""
        with self._lock:
            self._closed = True
            self._next = None
            self._found = []

    def _take(self) -> RGBArray | None:
        with self._lock:
            image, self._next = self._next, None
            self._current = image
            self._running = image is not None and not self._closed
            return image if self._running else None

    def _run(self) -> None:
        while (image := self._take()) is not None:
            try:
                found = self._built()(image)
                if not isinstance(found, Prediction):
                    found = Prediction.of(found, image)
                found.check_image(image)
            # A predictor can raise anything, SystemExit included.
            except BaseException as error:
                what = f"compare with {printable(self.name)}"
                with self._lock:
                    self._current = None
                if not self._closed:
                    self._on_failed(image, presentable(error, what, InferenceError))
            else:
                self._keep(image, found)
                if not self._closed:
                    self._on_found(image, found)

    def _keep(self, image: RGBArray, found: Prediction) -> None:
        with self._lock:
            if not self._closed:
                kept = [one for one in self._found if one[0]() is not None]
                self._found = [*kept, (weakref.ref(image), found)]

    def _built(self) -> Predictor:
        if self._predictor is None:
            missing = self._choice.missing
            if missing is not None:
                raise SettingError(
                    f"The weights of {self.name!r} are not here. Fetch them first: "
                    f"python -m seg_widgets weights {self.name}"
                )
            assert self._choice.build is not None
            self._predictor = self._choice.build()
        return self._predictor
