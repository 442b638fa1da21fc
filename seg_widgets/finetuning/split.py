"""Dividing a data set into a training part and a validation part that share no image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import DatasetError, SettingError
from .coco import find_parts, read_dataset
from .dataset import Dataset, LabelledImage, Problem

__all__ = ["VALIDATION_SHARE", "Split", "prepare_data", "split_by_content", "with_validation"]

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
    """

    dataset: Dataset
    train: tuple[LabelledImage, ...]
    validation: tuple[LabelledImage, ...]


def prepare_data(
    data: str | Path | Dataset, validation: float | str | Path | Dataset | None = None
) -> Split:
    """Read a data set and its validation part.

    Args:
        data: what `read_dataset` takes, or its result.
        validation: another data set, or a share of the images (0 to below 1). None: the data set's
            own validation part, or `VALIDATION_SHARE` of the images.

    Raises:
        DatasetError: nothing can be used, or nothing is left for one of the parts.
        SettingError: the share is out of its range.
    """
    if isinstance(validation, (int, float)) and not 0 <= validation < 1:
        raise SettingError(
            f"validation is a share of the images, from 0 to below 1, not {validation}."
        )
    if validation is None and not isinstance(data, Dataset):
        data, validation = find_parts(data)
    dataset = data if isinstance(data, Dataset) else read_dataset(data)
    if validation is None:
        return split_by_content(dataset, VALIDATION_SHARE)
    if isinstance(validation, (int, float)):
        return split_by_content(dataset, validation)
    other = validation if isinstance(validation, Dataset) else read_dataset(validation)
    return with_validation(dataset, other)


def split_by_content(dataset: Dataset, share: float) -> Split:
    """Set a share of the images aside, chosen by their content, so that copies stay together.

    Args:
        dataset: the data set; with fewer than five images none is set aside.
        share: of the images, 0 to below 1.

    Raises:
        DatasetError: no object is left to train on.
    """
    groups: dict[bytes, list[LabelledImage]] = {}
    for image in dataset.images:
        groups.setdefault(_digest(image), []).append(image)
    count = len(dataset.images)
    wanted = round(share * count) if count >= _MIN_IMAGES else 0
    train: list[LabelledImage] = []
    validation: list[LabelledImage] = []
    for _, copies in sorted(groups.items()):
        part = validation if len(validation) + len(copies) <= wanted else train
        part.extend(copies)
    if not _has_objects(train):
        raise DatasetError(
            "Without the validation part there is no object left to learn from; give more images."
        )
    return Split(dataset, tuple(train), tuple(validation))


def with_validation(dataset: Dataset, other: Dataset) -> Split:
    """Take another data set as the validation part, without the images that both have.

    Args:
        dataset: all of it is trained on.
        other: its classes are matched by name.

    Raises:
        DatasetError: the other one has no object of a class that is trained.
    """
    own = {_digest(image) for image in dataset.images}
    matched = other.for_classes(dataset.class_names)
    problems = [*dataset.problems, *matched.problems]
    validation = []
    for image in matched.images:
        if _digest(image) in own:
            reason = "it is learned from, too, so it can't be measured on"
            problems.append(Problem(f"image {image.path.name}", reason))
        else:
            validation.append(image)
    if not _has_objects(validation):
        raise DatasetError(
            "The validation data has no object of a class that is learned, in an image that is "
            "not learned from."
        )
    whole = replace(dataset, problems=tuple(problems))
    return Split(whole, dataset.images, tuple(validation))


def _has_objects(images: Iterable[LabelledImage]) -> bool:
    return any(not item.crowd for image in images for item in image.objects)


def _digest(image: LabelledImage) -> bytes:
    return hashlib.sha256(image.path.read_bytes()).digest()
