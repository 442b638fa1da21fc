"""Many images with what was found in them and what is there, in the same words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .._files import expanded
from .._text import plural, printable
from ..errors import PredictionError, SettingError
from ..prediction import (
    IGNORE,
    SCORE_FLOOR,
    ClassMapping,
    GroundTruth,
    Prediction,
    are_ignored,
    called_by_model,
    check_by_name,
    lacking_note,
    swapped_sides,
)
from ..tables import Table, part_numbers
from .names import listed, pair_names
from .true_images import TrueImage, Truths, read_truths

__all__ = ["Gathered", "Predictions", "Scene", "gather", "is_table"]

Predictions: TypeAlias = (
    str | os.PathLike[str] | Table | Mapping[str, Prediction] | Sequence[Prediction]
)
"""A table (or its path), predictions by file name, or a list in the truth's order."""

# The starter's and detectron2's floor, and what is rounded to it.
_LOW: Final = 2 * SCORE_FLOOR


@dataclass(frozen=True, eq=False)
class Scene:
    """One image: what was found in it, and what is there."""

    name: str
    """Its name in the truth, or its number."""

    found: Prediction
    """What was found, of classes that the truth has."""

    truth: GroundTruth
    """What is there; its classes are those of `found`, and `IGNORE` behind them where regions of it
    are ignored for all of them."""

    areas: npt.NDArray[np.float64]
    """M: the area of each object in pixels, by which it is small, medium or large."""

    boxes: npt.NDArray[np.float64]
    """M×4 XYXY in pixels: the objects' boxes."""

    @classmethod
    def of(cls, name: str, found: Prediction, truth: Prediction) -> Scene:
        """One of two predictions with the same class names.

        Args:
            name: what to call the image.
            found: what was found.
            truth: what is there; no crowds.

        Returns:
            The image.
        """
        true = GroundTruth.of(truth, size=truth.image_size)
        return cls(name, found, true, truth.areas.astype(float), truth.boxes.astype(float))


@dataclass(frozen=True, eq=False)
class Gathered:
    """All images of an evaluation."""

    scenes: tuple[Scene, ...]
    """The images of the truth; those without a prediction have an empty one."""

    class_names: tuple[str, ...]
    """The classes that are judged."""

    has_masks: bool
    """Whether masks can be compared."""

    without_prediction: tuple[str, ...]
    """Images of the truth that nothing was predicted for; their objects are missed."""

    without_truth: tuple[str, ...]
    """Predictions of images that the truth doesn't have; they are left out."""

    notes: tuple[str, ...]
    """What a person should know of the figures, one sentence each."""


def gather(
    predictions: Predictions, truth: Truths, classes: ClassMapping | None = None
) -> Gathered:
    """Bring predictions and truth together.

    Args:
        predictions: see `Predictions`.
        truth: see `read_truths`.
        classes: what the model calls the truth's classes; see `GroundTruth.of`.

    Returns:
        The images of the truth.

    Raises:
        PredictionError: names or sizes don't fit, or the model lacks classes of the truth.
        DatasetError: the truth's file can't be used.
        SettingError: an argument is nothing that can be used.
    """
    check_by_name(classes)
    images, notes = read_truths(truth)
    named = _named(predictions)
    model_names = tuple(
        dict.fromkeys(name for _, one in named if one is not None for name in one.class_names)
    )
    called = _called(images, model_names, classes)
    judged = (name for name in called.values() if name not in (None, IGNORE))
    class_names = tuple(dict.fromkeys(judged))

    found_of, without_truth = _paired(named, images)
    scenes, missing, unjudged = [], [], Counter[str]()
    for number, image in enumerate(images):
        found = found_of.get(number)
        name = image.name or f"image {number + 1}"
        if found is None:
            missing.append(name)
            found = Prediction.empty(image.truth.prediction.image_size, class_names)
        _check_size(name, found, image)
        unjudged.update(_unjudged(found, class_names))
        scenes.append(_scene(name, found, image, class_names, called))
    objects = Counter[str]()
    for scene in scenes:
        counting = np.flatnonzero(~scene.truth.crowd)
        objects.update(scene.truth.prediction.select(counting).counts())
    notes += lacking_note(model_names, objects)
    if unjudged:
        many = unjudged.total()
        notes.append(
            f"{many:,} {plural(many, 'detection is', 'detections are')} of "
            f"{plural(len(unjudged), 'a class', 'classes')} that the truth doesn't have, and "
            f"{plural(many, 'is', 'are')} left out: {listed(unjudged)}."
        )
    if missing:
        none = "has no prediction; its objects count", "have no prediction; their objects count"
        notes.append(
            f"{len(missing):,} of {len(images):,} {plural(len(images), 'image')} "
            f"{plural(len(missing), *none)} as missed: {listed(missing)}."
        )
    if without_truth:
        many = len(without_truth)
        notes.append(
            f"{many:,} {plural(many, 'prediction is of an image', 'predictions are of images')} "
            f"that the truth doesn't have, and {plural(many, 'is', 'are')} left out: "
            f"{listed(without_truth)}."
        )
    notes += _floor_note([one for _, one in named if one is not None])
    of_boxes = _without_masks(scenes)
    notes += _kind_notes(scenes, of_boxes)
    return Gathered(
        tuple(scenes),
        class_names,
        not any(of_boxes.values()),
        tuple(missing),
        tuple(without_truth),
        tuple(notes),
    )


def is_table(path: Path) -> bool:
    """Whether there is a table, which `evaluate` takes as predictions.

    Args:
        path: a folder, or a Parquet file.
    """
    is_file = path.suffix.lower() == ".parquet" and path.is_file()
    return is_file or bool(part_numbers(path))


def _named(predictions: Predictions) -> list[tuple[str, Prediction | None]]:
    """Predictions with their names, "" in a list; None: there is no result."""
    if isinstance(predictions, (str, os.PathLike)):
        predictions = Table(expanded(predictions))
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(predictions, Table):
        pairs = ((record.file_name, found) for record, found in predictions.predictions())
    elif isinstance(predictions, Mapping):
        pairs = ((str(name), found) for name, found in predictions.items())
    elif isinstance(predictions, Iterable) and not isinstance(predictions, Prediction):
        pairs = (("", found) for found in predictions)
    else:
        raise SettingError(
            "The predictions are a table's folder, a mapping from file names, or a list; "
            f"{type(predictions).__name__} is none of them. That of one image goes into a list: "
            "evaluate([prediction], [truth])."
        )
    listed_pairs = list(pairs)
    if not listed_pairs:
        raise PredictionError("There are no predictions, so there is nothing to measure.")
    for name, found in listed_pairs:
        if found is not None and not isinstance(found, Prediction):
            where = f" of {printable(name)!r}" if name else ""
            raise PredictionError(
                f"What was predicted{where} is a {type(found).__name__}, and no Prediction; "
                "Prediction.of makes one of it."
            )
    return listed_pairs


def _called(
    images: Sequence[TrueImage], model_names: tuple[str, ...], classes: ClassMapping | None
) -> dict[str, str | None]:
    """What the model calls each class of the truth, in the truth's order."""
    own = tuple(dict.fromkeys(name for one in images for name in one.truth.prediction.class_names))
    occurring = {name for image in images for name in image.truth.prediction.counts()}
    return called_by_model(own, occurring, model_names or None, classes)


def _paired(
    named: Sequence[tuple[str, Prediction | None]], images: Sequence[TrueImage]
) -> tuple[dict[int, Prediction], list[str]]:
    """The prediction of each true image, and the names of those that belong to none."""
    are_listed = [not any(name for name, _ in named), not any(image.name for image in images)]
    if named and images and any(are_listed):
        if len(named) != len(images):
            raise PredictionError(
                f"A list is taken in its order, but there are {len(named)} predictions and "
                f"{len(images)} images of the truth. Give mappings from file names, or lists of "
                "the same length; None stands for no prediction."
            )
        order = sorted(range(len(images)), key=lambda number: images[number].place)
        pairs = zip(order, named, strict=True)
        return {number: one for number, (_, one) in pairs if one is not None}, []
    pairing = pair_names([name for name, _ in named], [image.name for image in images])
    found = {place: named[number][1] for place, number in pairing.prediction_of.items()}
    return (
        {place: one for place, one in found.items() if one is not None},
        [named[number][0] for number in pairing.unused],
    )


def _check_size(name: str, found: Prediction, image: TrueImage) -> None:
    (height, width), (tall, wide) = found.image_size, image.truth.prediction.image_size
    if (height, width) != (tall, wide):
        raise PredictionError(
            f"{printable(name)}: the prediction is for {width}×{height} pixels, but the truth for "
            f"{wide}×{tall}. {swapped_sides((tall, wide), (height, width))}Predict the images that "
            "were annotated."
        )


def _unjudged(found: Prediction, class_names: tuple[str, ...]) -> dict[str, int]:
    return {name: count for name, count in found.counts().items() if name not in class_names}


def _scene(
    name: str,
    found: Prediction,
    image: TrueImage,
    class_names: tuple[str, ...],
    called: Mapping[str, str | None],
) -> Scene:
    identical = {one: one for one in found.class_names}
    found, _ = _in_words(found, class_names, identical)
    words = (*class_names, IGNORE) if IGNORE in called.values() else class_names
    true, kept = _in_words(image.truth.prediction, words, called)
    truth = GroundTruth(true, image.truth.crowd[kept] | are_ignored(words, true.class_ids))
    return Scene(name, found, truth, image.areas[kept], image.boxes[kept])


def _in_words(
    one: Prediction, class_names: tuple[str, ...], called: Mapping[str, str | None]
) -> tuple[Prediction, npt.NDArray[np.int64]]:
    """A prediction with other class names, and which of its instances are left."""
    places = {name: place for place, name in enumerate(class_names)}
    wanted = [places.get(called[name] or "", -1) for name in one.class_names]
    new_ids = np.array(wanted, np.int64)[one.class_ids]
    kept = np.flatnonzero(new_ids >= 0)
    if one.class_names == class_names and len(kept) == len(one):
        return one, kept
    some = one if len(kept) == len(one) else one.select(kept)
    changed = replace(some, class_ids=new_ids[kept], class_names=class_names, category_ids=())
    return changed, kept


def _without_masks(scenes: Sequence[Scene]) -> dict[str, list[str]]:
    """The images whose detections, or whose objects, have boxes only."""
    sides = {
        "predictions": [(scene.name, scene.found) for scene in scenes],
        "truth": [(scene.name, scene.truth.prediction) for scene in scenes],
    }
    return {
        side: [name for name, one in each if len(one) and one.masks is None]
        for side, each in sides.items()
    }


def _kind_notes(scenes: Sequence[Scene], of_boxes: Mapping[str, list[str]]) -> list[str]:
    """Sentences where some masks are there, but not all; and where nothing can be found."""
    notes = []
    sides = [one for scene in scenes for one in (scene.found, scene.truth.prediction) if len(one)]
    has_some = any(one.masks is not None for one in sides)
    for side, names in of_boxes.items():
        if names and has_some:
            notes.append(
                f"Boxes are judged, and no masks: the {side} of {len(names):,} "
                f"{plural(len(names), 'image')} "
                f"{'have' if side == 'predictions' else 'has'} boxes only: {listed(names)}."
            )
    if all(scene.truth.crowd.all() for scene in scenes):
        notes.append("The truth has no object that counts, so there is no AP and no recall.")
    return notes


def _floor_note(predictions: Sequence[Prediction]) -> list[str]:
    """A sentence where low scores are missing: AP asks for them."""
    lowest = min((float(one.scores.min()) for one in predictions if len(one)), default=0.0)
    if lowest <= _LOW:
        return []
    return [
        f"No detection scores less than {lowest:.2f}. If the predictions were cut at a threshold, "
        f"this AP is not the model's: it asks for all down to {SCORE_FLOOR} (batch "
        "--threshold 0)."
    ]
