"""Dividing a data set into a training part and a validation part that share no image."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import DatasetError, SettingError
from .coco import find_parts, read_dataset
from .dataset import Dataset, LabelledImage, Problem

__all__ = [
    "VALIDATION_SHARE",
    "Split",
    "check_share",
    "prepare_data",
    "split_by_content",
    "with_validation",
]

VALIDATION_SHARE: Final = 0.2
"""The share of the images that becomes the validation part where none is given."""

_MIN_IMAGES: Final = 5  # of fewer none can be spared for validation


@dataclass(frozen=True)
class Split:
    """A data set in two parts.

    Attributes:
        dataset: what is trained on, with the problems of both parts.
        train: images to train on.
        validation: images to measure on, maybe none.
        digests: SHA-256 of each image's file.
    """

    dataset: Dataset
    train: tuple[LabelledImage, ...]
    validation: tuple[LabelledImage, ...]
    digests: Mapping[Path, bytes]


def prepare_data(
    data: str | Path | Dataset,
    validation: float | str | Path | Dataset | None = None,
    read: Callable[[str | Path], Dataset] = read_dataset,
) -> Split:
    """Read a data set and its validation part.

    Args:
        data: what `read_dataset` takes, or its result.
        validation: another data set, or a share of the images (0 to below 1). None: the data set's
            own validation part, or `VALIDATION_SHARE` of the images.
        read: reads a data set; `read_dataset` with settings.

    Raises:
        DatasetError: nothing can be used, or nothing is left for one of the parts.
        SettingError: the share is out of its range.
    """
    check_share(validation)
    if validation is None and not isinstance(data, Dataset):
        data, own = find_parts(data)
        if own is not None:
            return with_validation(read(data), _read_own_part(own, read))
    dataset = data if isinstance(data, Dataset) else read(data)
    if validation is None:
        return split_by_content(dataset, VALIDATION_SHARE)
    if isinstance(validation, (int, float)):
        return split_by_content(dataset, validation)
    other = validation if isinstance(validation, Dataset) else read(validation)
    return with_validation(dataset, other)


def _read_own_part(path: Path, read: Callable[[str | Path], Dataset]) -> Dataset:
    try:
        return read(path)
    except DatasetError as error:
        raise DatasetError(
            f"{error}\nIt is the data set's own validation part. To measure on a share of the "
            "training part instead, give validation=0.2 (--validation 0.2)."
        ) from error


def split_by_content(dataset: Dataset, share: float) -> Split:
    """Set a share of the images aside, chosen by their content, so that copies stay together.

    Both parts get objects of each class that is in two images or more, the rarest class first; a
    class of one image is trained on.

    Args:
        dataset: the data set; with fewer than five images none is set aside.
        share: of the images, 0 to below 1.

    Raises:
        DatasetError: no object is left to train on.
    """
    by_digest: dict[bytes, list[LabelledImage]] = {}
    digests = _digests(dataset.images)
    for image in dataset.images:
        by_digest.setdefault(digests[image.path], []).append(image)
    groups = [copies for _, copies in sorted(by_digest.items(), key=lambda item: item[0])]
    count = len(dataset.images)
    wanted = round(share * count) if count >= _MIN_IMAGES else 0
    chosen = _choose(groups, wanted, share)
    train = [image for i, copies in enumerate(groups) if i not in chosen for image in copies]
    validation = [image for i in sorted(chosen) for image in groups[i]]
    if not _has_objects(train):
        raise DatasetError(
            "Without the validation part there is no object left to learn from; give more images."
        )
    return Split(dataset, tuple(train), tuple(validation), digests)


def _choose(groups: list[list[LabelledImage]], wanted: int, share: float) -> set[int]:
    """The indices of the groups of copies that are set aside, `wanted` images at most."""
    classes = [_classes(copies) for copies in groups]
    left = Counter(class_id for found in classes for class_id in found)  # in the training part
    rarest = sorted(left, key=lambda class_id: (left[class_id], class_id))
    totals = dict(left)
    chosen: set[int] = set()
    room = wanted

    def take(index: int) -> None:
        nonlocal room
        chosen.add(index)
        room -= len(groups[index])
        left.subtract(classes[index])

    def fits(index: int) -> bool:
        is_last = any(left[class_id] < 2 for class_id in classes[index])
        return index not in chosen and len(groups[index]) <= room and not is_last

    # A fair number of each class; then whatever comes, images without objects among it.
    for class_id in rarest:
        fair = max(1, round(share * totals[class_id]))
        for index in range(len(groups)):
            if totals[class_id] - left[class_id] >= fair:
                break
            if class_id in classes[index] and fits(index):
                take(index)
    for index in range(len(groups)):
        if fits(index):
            take(index)
    return chosen


def _classes(copies: list[LabelledImage]) -> set[int]:
    return {item.class_id for image in copies for item in image.objects if not item.crowd}


def with_validation(dataset: Dataset, other: Dataset) -> Split:
    """Take another data set as the validation part, without the images that both have.

    Args:
        dataset: all of it is trained on.
        other: its classes are matched by name.

    Raises:
        DatasetError: the other one has no object of a class that is trained.
    """
    learned = _digests(dataset.images)
    own = set(learned.values())
    matched = other.for_classes(dataset.class_names)
    problems = [*dataset.problems, *matched.problems]
    validation = []
    measured = _digests(matched.images)
    for image in matched.images:
        if measured[image.path] in own:
            reason = "it is learned from, too, so it can't be measured on"
            problems.append(Problem(f"image {image.shown_name}", reason))
        else:
            validation.append(image)
    if not _has_objects(validation):
        raise DatasetError(
            "The validation data has no object of a class that is learned, in an image that is "
            "not learned from. Give other validation data, or a share: 0.2."
        )
    notes = (*dataset.notes, *matched.notes)
    whole = replace(dataset, problems=tuple(problems), notes=notes)
    return Split(whole, dataset.images, tuple(validation), {**learned, **measured})


def _has_objects(images: Iterable[LabelledImage]) -> bool:
    return any(not item.crowd for image in images for item in image.objects)


def _digests(images: Iterable[LabelledImage]) -> dict[Path, bytes]:
    return {image.path: hashlib.sha256(image.path.read_bytes()).digest() for image in images}


def check_share(validation: object) -> None:
    """Refuse a share of the images that is none; another data set is no share.

    Raises:
        SettingError: the share is out of its range.
    """
    if isinstance(validation, (int, float)) and not 0 <= validation < 1:
        raise SettingError(
            f"validation is a share of the images, from 0 to below 1, not {validation}."
        )
