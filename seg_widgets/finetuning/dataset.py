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
from PIL import Image

from ..images import load
from .segmentation import decode

__all__ = ["Dataset", "LabelledImage", "LabelledObject", "Problem"]


@dataclass(frozen=True)
class Problem:
    """An entry of a data set that was skipped or mended.

    Attributes:
        where: the image or annotation.
        reason: what is wrong; the same words for the same fault.
    """

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


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
    """

    path: Path
    size: tuple[int, int]
    objects: tuple[LabelledObject, ...]
    upright: bool = True

    def load(self) -> npt.NDArray[np.uint8]:
        """Return the image that the outlines fit, H×W×3 uint8 RGB."""
        if self.upright:
            return load(self.path)
        with Image.open(self.path) as image:
            return np.asarray(image.convert("RGB"))


@dataclass(frozen=True)
class Dataset:
    """Images that can be used, their classes, and what was skipped.

    Attributes:
        images: the images.
        class_names: the names in the order of the categories' ids.
        problems: entries that were skipped or mended.
    """

    images: tuple[LabelledImage, ...]
    class_names: tuple[str, ...]
    problems: tuple[Problem, ...]

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
                problems.append(Problem(f"image {image.path.name}", reason))
        return Dataset(tuple(images), class_names, tuple(problems))

    def summary(self, examples: int = 3) -> str:
        """Return the problems in a few lines: each reason with its number and first entries.

        Args:
            examples: how many entries to name a reason.
        """
        by_reason: dict[str, list[str]] = {}
        for problem in self.problems:
            by_reason.setdefault(problem.reason, []).append(problem.where)
        lines = []
        for reason, entries in sorted(by_reason.items(), key=lambda entry: -len(entry[1])):
            more = f", and {len(entries) - examples} more" if len(entries) > examples else ""
            lines.append(f"{len(entries)} × {reason}: {', '.join(entries[:examples])}{more}")
        return "\n".join(lines)
