"""Files of other programs, and ours, as predictions: COCO, label images, YOLO, LabelMe.

They are methods of `Prediction`.
"""

from __future__ import annotations

from .coco import from_coco
from .label_image import from_label_image
from .labelme import from_labelme
from .yolo import from_yolo

__all__ = ["from_coco", "from_label_image", "from_labelme", "from_yolo"]
