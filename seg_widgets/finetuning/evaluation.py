"""COCO mask AP and AR of images and detections in memory, as `seg_widgets.evaluation` has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from .. import evaluation
from ..prediction import GroundTruth, Prediction, crop_of_rle

__all__ = ["FoundInstance", "Measured", "Truth", "encode", "evaluate", "prediction_of", "truth_of"]

Pixels = NDArray[Any]

_DETECTIONS: Final = 100  # an image, as COCO counts them
_SHOWN: Final = ("AP", "AP50", "AP75", "AP_large", "AR100", "AR_large")
_BY_CLASS: Final = ("AP", "AP50", "AP75", "AR100")


@dataclass(frozen=True)
class FoundInstance:
    """One instance, true or found.

    Attributes:
        class_id: index of its class.
        rle: its mask as COCO's RLE.
        score: 0 to 1; 1 for the truth.
        crowd: whether the mask covers many objects.
    """

    class_id: int
    rle: dict[str, Any]
    score: float = 1.0
    crowd: bool = False


@dataclass(frozen=True)
class Truth:
    """An image (H×W×3 uint8 RGB) and what is in it."""

    image: Pixels
    instances: list[FoundInstance]


@dataclass(frozen=True)
class Measured:
    """What a model found in some images (best first in each), and COCO's figures of it."""

    figures: dict[str, Any]
    found: list[list[FoundInstance]]


def encode(mask: Pixels) -> dict[str, Any]:
    """Return a mask (H×W) as COCO's RLE."""
    rle: dict[str, Any] = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return rle


def prediction_of(
    instances: Sequence[FoundInstance], size: tuple[int, int], class_names: Sequence[str]
) -> Prediction:
    """Return instances as a prediction, in their order.

    Args:
        instances: what was found, or is there.
        size: (height, width) of the image in pixels.
        class_names: the names in the order of the class ids.
    """
    crops = tuple(crop_of_rle(item.rle, size) for item in instances)
    corners = [(crop.x, crop.y, crop.x + crop.width, crop.y + crop.height) for crop in crops]
    return Prediction(
        size,
        np.array(corners, np.float32).reshape(-1, 4),
        np.array([item.score for item in instances], np.float32),
        np.array([item.class_id for item in instances], np.int64),
        tuple(class_names),
        crops,
    )


def truth_of(truth: Truth, class_names: Sequence[str]) -> GroundTruth:
    """Return what is in an image, with its crowds.

    Args:
        truth: the image.
        class_names: the names in the order of the class ids.
    """
    height, width = truth.image.shape[:2]
    crowd = np.array([item.crowd for item in truth.instances], bool)
    return GroundTruth(prediction_of(truth.instances, (height, width), class_names), crowd)


def evaluate(
    truths: Sequence[Truth],
    detections: Sequence[Sequence[FoundInstance]],
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Return COCO's mask figures: all classes together, class-agnostic, and per class.

    AP and AR are COCO's (https://cocodataset.org/#detection-eval), areas in the image's own pixels.

    Args:
        truths: images and what is in them.
        detections: what was found in each.
        class_names: the names in the order of the class ids.

    Returns:
        Figures from 0 to 1 by name; None where there is nothing to find.
    """
    true = [truth_of(truth, class_names) for truth in truths]
    found = [
        prediction_of(items, one.prediction.image_size, class_names)
        for one, items in zip(true, detections, strict=True)
    ]
    most = max([_DETECTIONS, *(len(truth.instances) for truth in truths)])
    scores = evaluation.evaluate(found, true, max_detections=(1, 10, most)).scores
    named, agnostic = scores.figures, scores.without_classes.figures
    by_class = scores.averages.by_class()
    return {
        **{name: named[name] for name in _SHOWN},
        **{f"agnostic_{name}": agnostic[name] for name in ("AP50", "AR100", "AR_large")},
        "max_detections": most,
        "per_class": {
            name: {
                "instances": int(count),
                **{figure: by_class[name][figure] for figure in _BY_CLASS},
            }
            for name, count in zip(class_names, scores.objects(), strict=True)
        },
        "images": len(truths),
        "instances": sum(len(truth.instances) for truth in truths),
    }
