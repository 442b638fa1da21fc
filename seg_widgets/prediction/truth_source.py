"""The truth of one image after the other, from one source."""

from __future__ import annotations

import os
from typing import Any, Final

from .._files import expanded
from .prediction import Prediction
from .truth import LABEL_IMAGES, GroundTruth, truth_file
from .truth_classes import ClassMapping

__all__ = ["TruthSource"]


class TruthSource:
    """Finds the truth of each image by its name; a COCO file is read once.

    Args:
        source: What `GroundTruth.of` takes.
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
            The truth; a `GroundTruth` as it is.

        Raises:
            PredictionError: There is none of this image, or it doesn't fit.
        """
        if isinstance(self._source, GroundTruth):
            return GroundTruth.of(self._source, size=prediction.image_size)
        return GroundTruth.of(
            self._source,
            size=prediction.image_size,
            file_name=name or None,
            class_names=prediction.class_names,
            classes=self._classes,
        )
