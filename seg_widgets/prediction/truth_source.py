"""The truth of one image after the other, from one source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .._files import expanded
from .._text import printable
from ..annotations import find_name, listed_names
from ..errors import PredictionError
from .prediction import Prediction
from .truth import LABEL_IMAGES, GroundTruth, truth_file
from .truth_classes import ClassMapping

__all__ = ["TruthSource"]


class TruthSource:
    """Finds the truth of each image by its name; a COCO file is read once.

    Args:
        source: What `GroundTruth.of` takes, or a mapping from file names to that.
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
        return GroundTruth.of(
            source,
            size=prediction.image_size,
            file_name=name or None,
            class_names=prediction.class_names,
            classes=self._classes,
        )


def _is_by_file(source: Any) -> bool:
    """Whether a source is a mapping from file names; a model's result has words for keys."""
    return (
        isinstance(source, Mapping)
        and bool(source)
        and all(isinstance(key, (str, os.PathLike)) and Path(key).suffix for key in source)
    )


def _of_image(source: Mapping[Any, Any], name: str) -> Any:
    """What a mapping has for an image."""
    keys = [*source]
    names = [os.fspath(key) for key in keys]
    if not name and len(keys) == 1:
        return source[keys[0]]
    places = find_name(names, name) if name else []
    if len(places) == 1:
        return source[keys[places[0]]]
    if places:
        raise PredictionError(
            f"The truth has {len(places)} images that may be {printable(name)!r}: "
            f"{', '.join(printable(names[place]) for place in places)}. Name them with folders."
        )
    raise PredictionError(
        f"The truth has no image {printable(name)!r}; it has {listed_names(names, name)}"
    )
