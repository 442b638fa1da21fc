"""A data set in memory: images, their labelled objects, and the entries that were skipped.

No image and no mask is decoded until it is asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..annotations import Problem, decode, summarize
from ..images import MAX_BYTES, MAX_PIXELS, MAX_SIDE, RGBArray, as_stored, load

__all__ = [
    "Dataset",
    "ImageLimits",
    "LabelledImage",
    "LabelledObject",
    "Problem",
]


@dataclass(frozen=True)
class ImageLimits:
    """How large an image of a data set may be.

    Attributes:
        max_pixels: width · height.
        max_bytes: of its file.
    """

    max_pixels: int = MAX_PIXELS
    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> RGBArray:
        """Return a file's image, upright, H×W×3 uint8 RGB.

        Args:
            path: the file.

        Raises:
            ImageError: it can't be read, or is over a limit.
        """
        # No side is longer than an image of one line, so that raising one limit is enough.
        max_side = max(MAX_SIDE, self.max_pixels) if self.max_pixels > MAX_PIXELS else MAX_SIDE
        return load(path, max_pixels=self.max_pixels, max_bytes=self.max_bytes, max_side=max_side)


@dataclass(frozen=True)
class LabelledObject:
    """One object of an image.

    Attributes:
        class_id: index into the data set's class names.
        segmentation: its mask as COCO's polygons or RLE.
        crowd: whether the mask covers many objects of the class, so that it is neither an example
            nor a miss.
        size: (height, width) of the image in pixels.
    """

    class_id: int
    segmentation: Any
    crowd: bool
    size: tuple[int, int]

    def mask(self) -> npt.NDArray[np.uint8]:
        """Return the mask, H×W uint8, 1 inside."""
        return decode(self.segmentation, *self.size)


@dataclass(frozen=True)
class LabelledImage:
    """An image and its objects.

    Attributes:
        path: its file.
        size: (height, width) in pixels.
        objects: what is labelled in it.
        upright: whether the outlines are those of the image as it is shown, or as its file has it
            before the camera's rotation is applied.
        name: what the JSON calls it; "": as its file is called.
        limits: how large it may be.
    """

    path: Path
    size: tuple[int, int]
    objects: tuple[LabelledObject, ...]
    upright: bool = True
    name: str = ""
    limits: ImageLimits = ImageLimits()

    @property
    def shown_name(self) -> str:
        """What messages call it."""
        return self.name or self.path.name

    def load(self) -> npt.NDArray[np.uint8]:
        """Return the image that the outlines fit, H×W×3 uint8 RGB."""
        pixels = self.limits.load(self.path)
        if self.upright:
            return pixels
        return as_stored(self.path, pixels)


@dataclass(frozen=True)
class Dataset:
    """Images that can be used, their classes, and what was skipped.

    Attributes:
        images: the images.
        class_names: the names in the order of the categories' ids.
        problems: entries that were skipped or mended.
        notes: what is right, but worth knowing: images without objects, merged categories.
    """

    images: tuple[LabelledImage, ...]
    class_names: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()

    @property
    def objects(self) -> int:
        """How many objects there are, crowds not counted."""
        return sum(self._class_counts().values())

    def counts(self) -> dict[str, int]:
        """Return the number of objects by class name, crowds not counted."""
        found = self._class_counts()
        return {name: found[index] for index, name in enumerate(self.class_names)}

    def _class_counts(self) -> Counter[int]:
        return Counter(
            item.class_id for image in self.images for item in image.objects if not item.crowd
        )

    def for_classes(self, class_names: tuple[str, ...]) -> Dataset:
        """Return the same images with another data set's classes, matched by name.

        Args:
            class_names: the other data set's; objects of classes that are not among them are
                skipped and listed.
        """
        new_ids = {
            index: class_names.index(name)
            for index, name in enumerate(self.class_names)
            if name in class_names
        }
        problems = list(self.problems)
        images = []
        for image in self.images:
            kept = [
                replace(item, class_id=new_ids[item.class_id])
                for item in image.objects
                if item.class_id in new_ids
            ]
            images.append(replace(image, objects=tuple(kept)))
            for index in {item.class_id for item in image.objects} - set(new_ids):
                reason = f"its class {self.class_names[index]!r} is none that is learned"
                problems.append(Problem(f"image {image.shown_name}", reason))
        return replace(
            self, images=tuple(images), class_names=class_names, problems=tuple(problems)
        )

    def summary(self, examples: int = 3) -> str:
        """Return the problems and notes in a few lines: each reason, its number, first entries.

        Args:
            examples: how many entries to name a reason.
        """
        return summarize((*self.problems, *self.notes), examples)
