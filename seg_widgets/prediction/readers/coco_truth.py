"""The true objects of one image of a COCO data set, with its crowds and ignored regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..._text import printable
from ...annotations import (
    MOST_PIXELS,
    REACHES_OVER,
    AnnotationFile,
    Classes,
    IdIndex,
    Problem,
    as_flag,
    as_id,
    as_number,
    as_size,
    encode_rle,
    find_fault,
    find_name,
    listed_names,
    normalize,
    read_categories,
    summarize,
)
from ...errors import DatasetError, PredictionError
from ..masks import MaskCrop

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = [
    "TrueObjects",
    "any_masks",
    "check_truth_size",
    "image_index",
    "read_true_objects",
    "swapped_sides",
    "truth_from_coco",
]

BoolArray = npt.NDArray[np.bool_]
_Box = tuple[float, float, float, float]


def check_truth_size(own: tuple[int, int], size: tuple[int, int]) -> None:
    """Check that a truth is of an image's size.

    Args:
        own: its (height, width) in pixels.
        size: the image's.

    Raises:
        PredictionError: they differ.
    """
    if own != (int(size[0]), int(size[1])):
        raise PredictionError(
            f"The truth belongs to an image of {own[1]}×{own[0]} pixels, but this one has "
            f"{size[1]}×{size[0]}. {swapped_sides(own, size)}Give the truth of this image, or the "
            "image that was annotated."
        )


def swapped_sides(own: tuple[int, int], size: tuple[int, int]) -> str:
    """What a message says where height and width of a truth have changed places.

    Args:
        own: the truth's (height, width) in pixels.
        size: the image's.

    Returns:
        A sentence and a space; "" where they haven't.
    """
    if own != (int(size[1]), int(size[0])) or own[0] == own[1]:
        return ""
    return (
        "Height and width have changed places: probably the pixels were annotated as the file has "
        "them, before the camera's rotation (EXIF) that a viewer applies. "
    )


@dataclass(frozen=True, eq=False)
class TrueObjects:
    """The objects of one image of a data set that can be used."""

    prediction: Prediction
    """The objects with score 1. What was skipped or mended is in its notes."""

    crowd: BoolArray
    """M booleans: it is a crowd or ignored."""

    taken: tuple[int, ...]
    """M indices of the annotations that they were made of."""

    problems: tuple[Problem, ...]
    """What was skipped or mended."""


def truth_from_coco(
    content: AnnotationFile, size: tuple[int, int], file_name: str | None
) -> tuple[Prediction, BoolArray]:
    """The objects of one image of a data set.

    Args:
        content: the data set.
        size: (height, width) of the image in pixels.
        file_name: the image's name, path or address; None: the only one.

    Returns:
        The objects with score 1, and M booleans: it is a crowd or ignored. What was skipped or
        mended is in the notes.

    Raises:
        PredictionError: it has no such image, several, or nothing of it that can be used.
        DatasetError: the categories are damaged, or another image has the same id.
    """
    name = content.path.name
    entry = _image_entry(content, file_name)
    sides = as_size(entry.get("height")), as_size(entry.get("width"))
    if None not in sides:
        check_truth_size((sides[0] or 0, sides[1] or 0), size)
    if size[0] * size[1] > MOST_PIXELS:
        raise PredictionError(f"No image is of {size[1]}×{size[0]} pixels; give its real size.")
    number = content.images.index(entry)  # type: ignore[arg-type]
    places = image_index(content)
    own = [one for one in content.annotations if places.find(one.get("image_id")) == number]
    used = [one.get("category_id") for one in content.annotations]
    classes = read_categories(name, content.categories, used)

    objects = read_true_objects(own, classes, size, only_boxes=bool(own) and not any_masks(own))
    if own and not len(objects.prediction):
        raise PredictionError(
            f"{name} has nothing that can be used of this image:\n{summarize(objects.problems)}"
        )
    return objects.prediction, objects.crowd


def image_index(content: AnnotationFile) -> IdIndex[int]:
    """Where each image of a data set stands, by its id; an entry that is there twice counts once.

    Args:
        content: the data set.

    Returns:
        The index into `content.images` of each id, found under any form of it.

    Raises:
        DatasetError: images of different names have the same id.
    """
    places: IdIndex[int] = IdIndex()
    for number, entry in enumerate(content.images):
        identity = as_id(entry.get("id"))
        if identity is None:
            continue
        if identity not in places:
            places.add(identity, number)
            continue
        first = _name(content.images[places.find(identity) or 0])
        if first != _name(entry):
            raise DatasetError(
                f"{content.path.name}: two images have the same id, {identity!r}, "
                f"{printable(first)} and {printable(_name(entry))}; so it is not known whose the "
                "objects are. Give each image an id of its own."
            )
    return places


def any_masks(annotations: Iterable[Mapping[str, Any]]) -> bool:
    """Whether objects have masks, or what may be one; else they have boxes only.

    Args:
        annotations: COCO's entries.
    """
    return any(one.get("segmentation") for one in annotations)


def read_true_objects(
    annotations: Sequence[Mapping[str, Any]],
    classes: Classes,
    size: tuple[int, int],
    *,
    only_boxes: bool,
) -> TrueObjects:
    """Read the annotations of one image.

    Args:
        annotations: COCO's entries.
        classes: the data set's classes.
        size: (height, width) of the image in pixels.
        only_boxes: take boxes in place of masks.

    Returns:
        What can be used of them.
    """
    reader = _Boxes(classes, size) if only_boxes else _Masks(classes, size)
    for index, one in enumerate(annotations):
        number = one.get("id")
        where = f"annotation {f'at index {index}' if number is None else number}"
        reason = reader.take(one, index)
        if reason:
            reader.problems.append(Problem(where, reason))
    return reader.objects()


class _Reader:
    """Takes the annotations of one image."""

    def __init__(self, classes: Classes, size: tuple[int, int]) -> None:
        self.size = size
        self.problems: list[Problem] = []
        self.class_ids: list[int] = []
        self._classes = classes
        self._boxes: list[_Box] = []
        self._crowd: list[bool] = []
        self._taken: list[int] = []

    def take(self, entry: Mapping[str, Any], index: int) -> str:
        """Take one; returns what is wrong with it, "" where nothing is."""
        class_id = self._classes.index_of.find(entry.get("category_id"))
        if class_id is None:
            return "its category_id is no category's"
        box, fault = self._shape(entry)
        if box is not None:
            self._boxes.append(box)
            self.class_ids.append(class_id)
            self._taken.append(index)
            self._crowd.append(as_flag(entry.get("iscrowd")) or as_flag(entry.get("ignore")))
        return fault

    def _shape(self, entry: Mapping[str, Any]) -> tuple[_Box | None, str]:
        raise NotImplementedError

    def _all_masks(self) -> tuple[MaskCrop, ...] | None:
        return None

    def objects(self) -> TrueObjects:
        """What was taken."""
        from ..prediction import Prediction

        notes = tuple(summarize(self.problems).splitlines())
        prediction = Prediction(
            self.size,
            np.array(self._boxes, np.float32).reshape(-1, 4),
            np.ones(len(self._boxes), np.float32),
            np.array(self.class_ids, np.int64),
            self._classes.names,
            self._all_masks(),
            notes,
        )
        crowd = np.array(self._crowd, bool)
        return TrueObjects(prediction, crowd, tuple(self._taken), tuple(self.problems))


class _Boxes(_Reader):
    """Takes the boxes of a data set without masks."""

    def _shape(self, entry: Mapping[str, Any]) -> tuple[_Box | None, str]:
        values = entry.get("bbox")
        numbers = [as_number(value) for value in values] if isinstance(values, list) else []
        if len(numbers) != 4 or None in numbers:
            return None, "its box is not four numbers"
        x, y, width, height = (number or 0.0 for number in numbers)
        right, bottom = x + width, y + height
        if min(right, self.size[1]) <= max(x, 0.0) or min(bottom, self.size[0]) <= max(y, 0.0):
            return None, "its box is empty or lies outside the image"
        # Not cut at the edge: COCO's IoU is of whole boxes.
        return (x, y, right, bottom), ""


class _Masks(_Reader):
    """Takes masks."""

    def __init__(self, classes: Classes, size: tuple[int, int]) -> None:
        super().__init__(classes, size)
        self._masks: list[MaskCrop] = []

    def _all_masks(self) -> tuple[MaskCrop, ...]:
        return tuple(self._masks)

    def _shape(self, entry: Mapping[str, Any]) -> tuple[_Box | None, str]:
        segmentation, _ = normalize(entry.get("segmentation"), *self.size)
        fault = find_fault(segmentation, *self.size)
        if fault and fault != REACHES_OVER:
            return None, fault
        rle = encode_rle(segmentation, *self.size)
        from ..adapters import crop_of_rle

        crop = crop_of_rle(rle, self.size)
        if crop.width == 0:
            return None, "its mask is empty"
        self._masks.append(crop)
        return (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height), fault


def _image_entry(content: AnnotationFile, file_name: str | None) -> Mapping[str, Any]:
    """The image's entry, by the end of its path on which both agree."""
    images = content.images
    if not images:
        raise PredictionError(f"{content.path.name} has no images.")
    if file_name is None:
        if len(images) == 1:
            return images[0]
        raise PredictionError(
            f"{content.path.name} has {len(images)} images. Say which one this is by its file "
            f"name, such as {printable(_name(images[0]))!r}."
        )
    matching = [images[place] for place in find_name([*map(_name, images)], file_name)]
    if len(matching) == 1 or (matching and all(one == matching[0] for one in matching)):
        return matching[0]
    if matching:
        raise PredictionError(
            f"{content.path.name} has {len(matching)} images called "
            f"{printable(_base(file_name))!r}: "
            f"{', '.join(printable(_name(one)) for one in matching[:5])}"
            f"{' …' if len(matching) > 5 else ''}. Name it with the folder that it has there."
        )
    listed = listed_names([str(one.get("file_name")) for one in images], file_name)
    raise PredictionError(
        f"{content.path.name} has no image {printable(_base(file_name))!r}; it has {listed} "
        "Give the truth of this image; if it has another name there, give it that name."
    )


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("file_name") or "")


def _base(name: str) -> str:
    """A name without its folders, as it was written."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name
