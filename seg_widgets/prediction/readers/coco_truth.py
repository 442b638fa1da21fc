"""The true objects of one image of a COCO data set, with its crowds and ignored regions."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..._text import printable
from ...annotations import (
    REACHES_OVER,
    AnnotationFile,
    Classes,
    Problem,
    as_flag,
    as_id,
    as_number,
    as_size,
    encode_rle,
    find_fault,
    normalize,
    read_categories,
    summarize,
)
from ...errors import PredictionError
from ..masks import MaskCrop

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = ["check_truth_size", "truth_from_coco"]

BoolArray = npt.NDArray[np.bool_]
_Box = tuple[float, float, float, float]
_SHOWN: Final = 5  # names in a message


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
            f"{size[1]}×{size[0]}. Give the truth of this image, or the image that was annotated."
        )


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
        DatasetError: the categories are damaged.
    """
    name = content.path.name
    entry = _image_entry(content, file_name)
    sides = as_size(entry.get("height")), as_size(entry.get("width"))
    if None not in sides:
        check_truth_size((sides[0] or 0, sides[1] or 0), size)
    size = (int(size[0]), int(size[1]))
    identity = as_id(entry.get("id"))
    own = [one for one in content.annotations if as_id(one.get("image_id")) == identity]
    used = [one.get("category_id") for one in content.annotations]
    classes = read_categories(name, content.categories, used)

    only_boxes = bool(own) and not any(one.get("segmentation") for one in own)
    reader = _Boxes(classes, size) if only_boxes else _Masks(classes, size)
    for index, one in enumerate(own):
        number = one.get("id")
        where = f"annotation {f'at index {index}' if number is None else number}"
        reason = reader.take(one)
        if reason:
            reader.problems.append(Problem(where, reason))
    if own and not reader.class_ids:
        raise PredictionError(
            f"{name} has nothing that can be used of this image:\n{summarize(reader.problems)}"
        )
    return reader.truth()


class _Reader:
    """Takes the annotations of one image."""

    def __init__(self, classes: Classes, size: tuple[int, int]) -> None:
        self.size = size
        self.problems: list[Problem] = []
        self.class_ids: list[int] = []
        self._classes = classes
        self._boxes: list[_Box] = []
        self._crowd: list[bool] = []

    def take(self, entry: Mapping[str, Any]) -> str:
        """Take one; returns what is wrong with it, "" where nothing is."""
        class_id = self._classes.index_of.find(entry.get("category_id"))
        if class_id is None:
            return "its category_id is no category's"
        box, fault = self._shape(entry)
        if box is not None:
            self._boxes.append(box)
            self.class_ids.append(class_id)
            self._crowd.append(as_flag(entry.get("iscrowd")) or as_flag(entry.get("ignore")))
        return fault

    def _shape(self, entry: Mapping[str, Any]) -> tuple[_Box | None, str]:
        raise NotImplementedError

    def _all_masks(self) -> tuple[MaskCrop, ...] | None:
        return None

    def truth(self) -> tuple[Prediction, BoolArray]:
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
        return prediction, np.array(self._crowd, bool)


class _Boxes(_Reader):
    """Takes the boxes of a data set without masks."""

    def _shape(self, entry: Mapping[str, Any]) -> tuple[_Box | None, str]:
        values = entry.get("bbox")
        numbers = [as_number(value) for value in values] if isinstance(values, list) else []
        if len(numbers) != 4 or None in numbers:
            return None, "its box is not four numbers"
        x, y, width, height = (number or 0.0 for number in numbers)
        right, bottom = min(x + width, self.size[1]), min(y + height, self.size[0])
        left, top = max(x, 0.0), max(y, 0.0)
        if right <= left or bottom <= top:
            return None, "its box is empty or lies outside the image"
        return (left, top, right, bottom), ""


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
            f"{content.path.name} has {len(images)} images. Say which one this is: "
            f'file_name="{printable(str(images[0].get("file_name")))}".'
        )
    wanted = _parts(file_name)
    matching = [
        one for one in images if _parts(str(one.get("file_name") or ""))[-1:] == wanted[-1:]
    ]
    if len(matching) > 1:
        shared = [_shared_end(_parts(_name(one)), wanted) for one in matching]
        best = max(shared)
        matching = [one for one, length in zip(matching, shared, strict=True) if length == best]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise PredictionError(
            f"{content.path.name} has {len(matching)} images called "
            f"{printable(wanted[-1])!r}. Give file_name with the folder that it has there."
        )
    raise PredictionError(_no_such_image(content, wanted[-1] if wanted else file_name, images))


def _no_such_image(
    content: AnnotationFile, wanted: str, images: Collection[Mapping[str, Any]]
) -> str:
    names = [str(one.get("file_name")) for one in images]
    by_end = {_parts(name)[-1]: name for name in reversed(names) if _parts(name)}
    close = difflib.get_close_matches(wanted, by_end, 1, 0.7)
    hint = f" Did you mean file_name={printable(by_end[close[0]])!r}?" if close else ""
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    more = f" … ({len(names)} in all)" if len(names) > _SHOWN else ""
    return (
        f"{content.path.name} has no image {printable(wanted)!r}; it has {shown}{more}.{hint} "
        "Give the truth of this image, or file_name= if it has another name there."
    )


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("file_name") or "")


def _parts(name: str) -> tuple[str, ...]:
    """The folders and the name of a path or address, lower case as file systems may have it."""
    path = name.split("?")[0].replace("\\", "/")
    return tuple(part.lower() for part in PurePosixPath(path).parts if part not in ("/", "."))


def _shared_end(first: Sequence[str], second: Sequence[str]) -> int:
    length = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        length += 1
    return length
