"""Training images from a data set: each image once a round, seen anew each time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from .augmentation import (
    Photo,
    PhotoObject,
    Sample,
    degrade,
    is_prominent,
    random_view,
    render,
    without_slivers,
)
from .config import TrainingConfig
from .dataset import LabelledImage

__all__ = ["PhotoSampler"]

_CLOSE_SHARE: Final = 0.3  # of the training images: a close view of one object
_KEPT_IN_MEMORY: Final = 600  # decoded images; of a larger data set the others are read again


class PhotoSampler:
    """Makes training images; each is a function of the seed and its index alone.

    It may be used by several threads, and sent to another process, which decodes for itself.
    """

    def __init__(
        self,
        images: Sequence[LabelledImage],
        seed: int,
        min_size: int,
        batch_size: int = TrainingConfig.batch_size,
    ) -> None:
        """Make a sampler.

        Args:
            images: what to train on.
            seed: of the order and the views.
            min_size: pixels of the shorter side of a training image, about.
            batch_size: so many images in a row have the same shape.
        """
        self.images, self.seed, self.batch_size = tuple(images), seed, batch_size
        side = max(min_size // 32 * 32, 64)
        long, middle = side * 4 // 3 // 32 * 32, side * 7 // 6 // 32 * 32
        self.shapes = ((side, long), (long, side), (middle, middle), (side, long))
        self._photos: dict[int, Photo] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        # Where processes are spawned (macOS, Windows) the sampler is pickled for each worker. A
        # lock can't be, and decoded images would be hundreds of megabytes.
        return {**self.__dict__, "_photos": {}, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def sample(self, index: int) -> Sample:
        """Return training image number `index`."""
        turn, position = divmod(index, len(self.images))
        order = np.random.default_rng((self.seed, turn)).permutation(len(self.images))
        photo = self._photo(int(order[position]))
        rng = np.random.default_rng((self.seed, 1, index))
        height, width = self.shapes[(index // self.batch_size) % len(self.shapes)]

        # All of the image, or close to one of its objects.
        near = [item for item in photo.objects if is_prominent(photo, item)]
        item = near[int(rng.integers(len(near)))] if near and rng.random() < _CLOSE_SHARE else None
        sample = render(photo, random_view(rng, photo, height, width, item), height, width)
        sample.image = degrade(rng, sample.image)
        return without_slivers(sample)

    def _photo(self, number: int) -> Photo:
        with self._lock:
            photo = self._photos.get(number)
        if photo is None:
            photo = _decode(self.images[number])
            if len(self._photos) < _KEPT_IN_MEMORY:
                with self._lock:
                    self._photos[number] = photo
        return photo


def _decode(image: LabelledImage) -> Photo:
    """An image in memory, with each mask inside its own rectangle."""
    objects = []
    for item in image.objects:
        mask = item.mask()
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y = int(columns[0]), int(rows[0])
        crop = np.ascontiguousarray(mask[y : rows[-1] + 1, x : columns[-1] + 1])
        objects.append(PhotoObject(item.class_id, x, y, crop, item.crowd))
    return Photo(image.path.name, image.load(), tuple(objects))
