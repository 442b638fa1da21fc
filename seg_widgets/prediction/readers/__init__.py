"""Files of other programs, and ours, as predictions: COCO, label images, YOLO, LabelMe.

They are methods of `Prediction`; `GroundTruth.of` reads its COCO files here, too.
"""

from __future__ import annotations

from .coco import from_coco
from .coco_truth import (
    TrueObjects,
    any_masks,
    check_truth_size,
    image_index,
    read_true_objects,
    swapped_sides,
    truth_from_coco,
)
from .label_image import from_label_image
from .labelme import from_labelme
from .yolo import from_yolo

__all__ = [
    "TrueObjects",
    "any_masks",
    "check_truth_size",
    "from_coco",
    "from_label_image",
    "from_labelme",
    "from_yolo",
    "image_index",
    "read_true_objects",
    "swapped_sides",
    "truth_from_coco",
]
