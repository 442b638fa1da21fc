"""CVAT: COCO's data set as CVAT imports it, with the labels to paste."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..prediction import Chosen, Prediction
from ..style import class_color, hex_color
from .coco import coco_dataset
from .files import as_json
from .png import zip_bytes

__all__ = ["cvat_labels", "cvat_zip"]


def cvat_labels(class_names: Sequence[str]) -> str:
    """The labels of a CVAT task, to be pasted into its constructor (Raw).

    Args:
        class_names: the model's whole vocabulary.

    Returns:
        JSON: each class with its colour, and the attribute `score`.
    """
    score = {"name": "score", "mutable": False, "input_type": "text", "values": [""]}
    labels: list[dict[str, Any]] = [
        {"name": name, "color": hex_color(class_color(index)), "attributes": [score]}
        for index, name in enumerate(class_names)
    ]
    return json.dumps(labels, ensure_ascii=False, indent=1)


def cvat_zip(
    predictions: Prediction | Sequence[Prediction],
    file_names: str | Sequence[str],
    *,
    image_ids: Sequence[int] | None = None,
    only: Chosen | None = None,
) -> bytes:
    """A ZIP that CVAT imports as "COCO 1.0": masks stay masks, and scores are attributes.

    Args:
        predictions: one, or one for each image, all of the same class names.
        file_names: the images' names in the CVAT task, one for each prediction.
        image_ids: the id of each image; None: 1, 2, 3 …
        only: the instances of a single prediction to take; None: all.

    Returns:
        The archive: annotations/instances_default.json, and labels.json to paste.

    Raises:
        SettingError: the counts don't match, the class names differ, two images have the same id,
            or an index in `only` is not here.
    """
    dataset = coco_dataset(predictions, file_names, image_ids=image_ids, only=only)
    class_names = [category["name"] for category in dataset["categories"]]
    for annotation in dataset["annotations"]:
        # CVAT keeps nothing else of an annotation.
        annotation["attributes"] = {"score": str(annotation["score"]), "occluded": False}
    files = [
        ("annotations/instances_default.json", as_json(dataset)),
        ("labels.json", cvat_labels(class_names).encode("utf-8", "replace")),
    ]
    return zip_bytes(files)
