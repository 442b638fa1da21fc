"""The objects of a data set, from COCO's annotations: those that can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from ..annotations import (
    REACHES_OVER,
    Classes,
    Identity,
    IdIndex,
    Problem,
    as_flag,
    as_id,
    encode_rle,
    find_fault,
    normalize,
)
from .dataset import LabelledImage, LabelledObject

__all__ = ["ObjectReader"]

_MASK_MIN_PIXELS: Final = 4  # an object of fewer pixels is no example


class ObjectReader:
    """Reads objects; the numbers of their images are those of the file's entries.

    Attributes:
        known: the number of each image by its id; None: it was skipped.
        classes: the data set's.
        found: the objects that can be used, by their image's number.
        skipped: how many of an image's objects can't be used.
    """

    def __init__(
        self,
        known: IdIndex[int | None],
        images: Mapping[int, LabelledImage],
        classes: Classes,
        problems: list[Problem],
    ) -> None:
        """Prepare the reading.

        Args:
            known: the number of each image by its id; None: it was skipped.
            images: the images by number.
            classes: the data set's.
            problems: is given what is wrong.
        """
        self.known, self.classes = known, classes
        self.found: dict[int, list[LabelledObject]] = {}
        self.skipped: Counter[int] = Counter()
        self._images, self._problems = images, problems
        self._seen: set[tuple[int, int, bytes]] = set()

    def read(self, entries: list[dict[str, Any]]) -> None:
        """Read all annotations.

        Args:
            entries: as they stand in the file.
        """
        for index, entry in enumerate(entries):
            number_text = entry.get("id")
            where = f"annotation {f'at index {index}' if number_text is None else number_text}"
            identity = as_id(entry.get("image_id"))
            if identity is None or not self._is_known(identity):
                self._problems.append(Problem(where, "its image_id is no image's"))
                continue
            number = self.known.find(identity)
            if number is None:
                continue  # the image is in the list already
            item = self._object(where, number, entry)
            if item is None:
                self.skipped[number] += 1
            elif self._is_new(where, number, item):
                self.found.setdefault(number, []).append(item)

    def _is_known(self, identity: Identity) -> bool:
        return identity in self.known or self.known.find(identity) is not None

    def _object(self, where: str, number: int, entry: dict[str, Any]) -> LabelledObject | None:
        class_id = self.classes.index_of.find(entry.get("category_id"))
        if class_id is None:
            self._problems.append(Problem(where, "its category_id is no category's"))
            return None
        size = self._images[number].size
        segmentation, dropped = normalize(entry.get("segmentation"), *size)
        if dropped:
            reason = "pieces of its polygon have fewer than three points, and are dropped"
            self._problems.append(Problem(where, reason))
        fault = find_fault(segmentation, *size)
        if fault:
            self._problems.append(Problem(where, fault))
        if fault and fault != REACHES_OVER:
            return None
        return LabelledObject(class_id, segmentation, as_flag(entry.get("iscrowd")), size)

    def _is_new(self, where: str, number: int, item: LabelledObject) -> bool:
        """Whether it has a mask, and its image has no other object of the class with the same."""
        from pycocotools import mask as coco_mask

        rle = encode_rle(item.segmentation, *item.size)
        if int(coco_mask.area(rle)) < _MASK_MIN_PIXELS:
            self._problems.append(Problem(where, "its mask is empty"))
            self.skipped[number] += 1
            return False
        key = (number, item.class_id, bytes(rle["counts"]))
        if key in self._seen:
            self._problems.append(Problem(where, "its image has the same object twice"))
            return False
        self._seen.add(key)
        return True
