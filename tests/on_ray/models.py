"""Predictors that workers build; a module of its own, so that they find it by its name."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor


class Stub(StubPredictor):
    """Takes a moment, so that both workers get something to do."""

    name = description = device = "stub"

    def __init__(self) -> None:
        super().__init__(4, delay_s=0.02)


class Killing(Stub):
    """Ends the process of the first worker that reaches its sixth image, once.

    Args:
        folder: where each worker leaves a file of its number, and the one that ended a mark.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = Path(folder)
        (self.folder / f"worker-{os.getpid()}").touch()

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        if self.calls == 5:
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(image)


class Dying(Stub):
    """Loses its GPU after nine images."""

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        if self.calls == 9:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return super().__call__(image)


class Weak(Stub):
    """Fails on the last image of the folder, and on it alone."""

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        if image.shape[1] == 64 + 39:
            raise RuntimeError("not enough memory")
        return super().__call__(image)
