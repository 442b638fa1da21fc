"""The truth of one image after the other, from one source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from .._files import expanded
from .._text import printable
from ..annotations import find_name, listed_names, stem
from ..errors import PredictionError
from .adapters import is_result
from .prediction import Prediction
from .truth import LABEL_IMAGES, GroundTruth, is_coco, truth_file
from .truth_classes import ClassMapping

__all__ = ["TruthSource"]

_WORDS: Final = frozenset(
    {"annotations", "boxes", "categories", "images", "instances", "labels", "masks"}
    | {"panoptic_seg", "scores", "segmentation", "segments_info", "sem_seg"}
)
"""Keys of models' answers and of COCO's JSON: with one of them, a mapping is of one image."""


class TruthSource:
    """Finds the truth of each image by its name; a COCO file is read once.

    Args:
        source: What `GroundTruth.of` takes, or a mapping from file names to that. A name without
            its ending is found, too, where only one image has it.
        classes: The model's names of the truth's classes, as there.

    Raises:
        DatasetError: It is no COCO file.
    """

    def __init__(self, source: Any, classes: ClassMapping | None = None) -> None:
        self._classes: Final = classes
        self._source: Any = source
        if isinstance(source, (str, os.PathLike)):
            path = expanded(source)
            if path.suffix.lower() not in LABEL_IMAGES:
                self._source = truth_file(path)

    def of(self, prediction: Prediction, name: str = "") -> GroundTruth:
        """The truth of the image that a prediction is for.

        Args:
            prediction: What was found in it; its class names are the model's.
            name: The image's file name, path or address; "": the file's only image.

        Returns:
            The truth, in the model's words.

        Raises:
            PredictionError: There is none of this image, or it doesn't fit.
        """
        source = _of_image(self._source, name) if _is_by_file(self._source) else self._source
        own, names = self._classes, prediction.class_names
        if isinstance(source, GroundTruth) and not own:
            # One that is in the model's words may have classes behind them that were to be kept.
            kept = source.prediction.class_names
            if kept[: len(names)] == names:
                return GroundTruth.of(source, size=prediction.image_size)
        return GroundTruth.of(
            source,
            size=prediction.image_size,
            file_name=name or None,
            class_names=names,
            classes=own,
        )


def _is_by_file(source: Any) -> bool:
    """Whether a source is a mapping from file names; a model's result has words for keys."""
    if not isinstance(source, Mapping) or not source:
        return False
    if not all(isinstance(key, (str, os.PathLike)) for key in source):
        return False
    if is_result(source) or not _WORDS.isdisjoint(map(os.fspath, source)):
        return False
    return any(stem(os.fspath(key)) != os.fspath(key) for key in source) or all(
        isinstance(one, (str, os.PathLike, GroundTruth)) or is_coco(one) or is_result(one)
        for one in source.values()
    )


def _of_image(source: Mapping[Any, Any], name: str) -> Any:
    """What a mapping has for an image."""
    keys = [*source]
    names = [os.fspath(key) for key in keys]
    if not name and len(keys) == 1:
        return source[keys[0]]
    places = _places(names, name)
    if len(places) == 1:
        return source[keys[places[0]]]
    if places:
        raise PredictionError(
            f"The truth has {len(places)} images that may be {printable(name)!r}: "
            f"{', '.join(printable(names[place]) for place in places)}. Name them with folders."
        )
    which = f"no image {printable(name)!r}" if name else "several, and this image has no name"
    raise PredictionError(f"The truth has {which}; it has {listed_names(names, name)}")


def _places(names: list[str], name: str) -> list[int]:
    """Which of the names are an image's: the file's, else one of the two without its ending."""
    if not name:
        return []
    places = find_name(names, name) or find_name(names, stem(name))
    if not places and stem(name) == name:
        places = find_name([stem(each) for each in names], name)
    return places
