"""Predictors that a server builds in the tests; the width of an image says what they do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seg_widgets.errors import ModelError
from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor

WAITS = 101
"""Waits until the file that GATE names is there."""
CRASHES = 102
"""Ends its process."""
CRASHES_ONCE = 103
"""Ends its process, unless the file that GATE names is there; makes it."""
FAILS = 104
"""Raises an error with a path in it."""
NEVER_ENDS = 105

GATE = "SEG_WIDGETS_TEST_GATE"


class Model:
    """A stub that does what the width of an image says."""

    name = "test model"
    description = "test model (4 classes)"
    device = "cpu"

    def __init__(self) -> None:
        self._stub = StubPredictor(5)
        self.class_names = self._stub.class_names

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        print("what a library prints must not meet the frames", flush=True)
        gate = Path(os.environ.get(GATE, "/nowhere"))
        width = image.shape[1]
        if width == CRASHES or (width == CRASHES_ONCE and not gate.exists()):
            gate.touch()
            os._exit(3)
        if width == FAILS:
            raise RuntimeError("/srv/secret/model.py is broken")
        while width == NEVER_ENDS or (width == WAITS and not gate.exists()):
            time.sleep(0.02)
        return self._stub(image)


class Batching(Model):
    """The same, with up to four images at once."""

    max_batch = 4

    def predict_batch(self, images: Sequence[npt.NDArray[np.uint8]], /) -> list[Prediction]:
        print(f"a batch of {len(images)}", file=sys.stderr, flush=True)
        return [self(image) for image in images]


def batching() -> Batching:
    return Batching()


def model() -> Model:
    return Model()


def broken() -> Model:
    raise ModelError("The weights /srv/secret.pth are damaged.")


def dies() -> Model:
    os._exit(4)
