"""Stand-ins for tests: a predictor without a model, and images made on the spot.

They are shipped so that notebooks built on seg_widgets can be tested without a model and without a
network.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from .prediction import MaskCrop, Prediction, check_rgb

__all__ = ["StubPredictor", "make_jpeg", "make_picture"]


class StubPredictor:
    """A `Predictor` that finds the same ellipses in every image of the same size.

    Scores fall evenly from 0.99 to 0.10.

    Args:
        instances: how many it finds.
        class_names: the vocabulary, used in turn.
        delay_s: seconds that each call takes.
        error: raised by each call instead of an answer.
        seed: of the ellipses' places and sizes.
    """

    calls: int
    """How often it was called."""

    def __init__(
        self,
        instances: int = 12,
        class_names: Sequence[str] = ("person", "animal", "vehicle", "food"),
        delay_s: float = 0.0,
        error: Exception | None = None,
        seed: int = 0,
    ) -> None:
        self.instances = instances
        self.class_names = tuple(class_names)
        self.delay_s = delay_s
        self.error = error
        self.seed = seed
        self.calls = 0

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the ellipses.

        Args:
            image: H×W×3 uint8 RGB. Only its size counts.

        Returns:
            The prediction.

        Raises:
            SettingError: the image is something else, such as a path.
        """
        check_rgb(image)
        self.calls += 1
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        height, width = image.shape[:2]
        random = np.random.default_rng(self.seed)
        masks = []
        for _ in range(self.instances):
            center = random.uniform(0.15, 0.85, 2) * (width, height)
            radius = np.maximum(random.uniform(0.04, 0.15, 2) * (width, height), 1)
            masks.append(_ellipse(center, radius, width, height))
        boxes = [(mask.x, mask.y, mask.x + mask.width, mask.y + mask.height) for mask in masks]
        return Prediction(
            (height, width),
            np.array(boxes, np.float32).reshape(-1, 4),
            np.linspace(0.99, 0.10, self.instances, dtype=np.float32),
            np.arange(self.instances) % len(self.class_names),
            self.class_names,
            tuple(masks),
        )


def _ellipse(
    center: npt.NDArray[np.float64], radius: npt.NDArray[np.float64], width: int, height: int
) -> MaskCrop:
    """The pixels of an image inside an ellipse; its center and radius are (x, y)."""
    (center_x, center_y), (radius_x, radius_y) = center.tolist(), radius.tolist()
    left, right = max(int(center_x - radius_x), 0), min(int(center_x + radius_x) + 2, width)
    top, bottom = max(int(center_y - radius_y), 0), min(int(center_y + radius_y) + 2, height)
    across = (np.arange(left, right) - center_x) / radius_x
    down = (np.arange(top, bottom)[:, None] - center_y) / radius_y
    return MaskCrop.from_array(across**2 + down**2 <= 1, left, top)


def make_picture(width: int = 320, height: int = 240, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Make an image of smooth colours with a little grain.

    Args:
        width: pixels.
        height: pixels.
        seed: of the colours and the grain.

    Returns:
        H×W×3 uint8 RGB; the same for the same arguments.
    """
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 216, (4, 4, 3), np.uint8)
    smooth = np.asarray(
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16
    )
    grain = random.integers(-8, 9, (height, width, 1), np.int16)
    image: npt.NDArray[np.uint8] = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return image


def make_jpeg(width: int = 320, height: int = 240, seed: int = 0, quality: int = 90) -> bytes:
    """Make the image of `make_picture` as a JPEG file.

    Args:
        width: pixels.
        height: pixels.
        seed: of the colours and the grain.
        quality: JPEG's, 1 to 95.

    Returns:
        The bytes of the file.
    """
    buffer = io.BytesIO()
    Image.fromarray(make_picture(width, height, seed)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
