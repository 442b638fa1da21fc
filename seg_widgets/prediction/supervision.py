"""A prediction as `supervision.Detections`; supervision is imported when it is needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DependencyError

if TYPE_CHECKING:
    from .masks import MaskCrop
    from .prediction import Prediction

__all__ = ["to_supervision"]


def to_supervision(prediction: Prediction, *, compact: bool | None = None) -> Any:
    """The instances as `supervision.Detections`.

    It is the method `Prediction.to_supervision`.

    Args:
        prediction: what was found.
        compact: True: the masks are a `supervision.CompactMask`, which needs little more memory
            than the masks here. False: they are an N×H×W array (100 masks at 12 MP: 1.2 GB). None:
            compact, if the installed supervision has it (0.28 and later).

    Returns:
        The detections, with `data["class_name"]`. `mask` is None for a prediction that has boxes
        only, or no instances.

    Raises:
        DependencyError: the package supervision is not installed, or has no `CompactMask` although
            `compact` is True.
    """
    try:
        supervision = importlib.import_module("supervision")
    except ImportError:
        raise DependencyError(
            "The package supervision is not installed. Install it with: pip install supervision"
        ) from None
    compact_mask: Any = getattr(supervision, "CompactMask", None)
    if compact and compact_mask is None:
        raise DependencyError(
            f"supervision {getattr(supervision, '__version__', '')} has no CompactMask. Update it "
            "(pip install -U supervision), or leave compact out to get dense masks."
        )

    masks = None
    if prediction.masks and (compact is False or compact_mask is None):
        masks = prediction.masks_dense()
    elif prediction.masks:
        size = prediction.image_size
        masks = compact_mask.merge(
            [_compact(compact_mask, crop, size) for crop in prediction.masks]
        )
    names = [prediction.class_names[class_id] for class_id in prediction.class_ids]
    return supervision.Detections(
        xyxy=np.array(prediction.boxes, np.float32),
        mask=masks,
        confidence=np.array(prediction.scores, np.float32),
        class_id=np.array(prediction.class_ids, int),
        data={"class_name": np.array(names, str)},
    )


def _compact(compact_mask: Any, crop: MaskCrop, image_size: tuple[int, int]) -> Any:
    """One mask as a CompactMask of length 1: encoded as an image of its own, then moved."""
    # A CompactMask has no rectangle of no pixels.
    inside = crop.to_array() if crop.width else np.zeros((1, 1), bool)
    height, width = inside.shape
    # Its boxes include their last pixel.
    box = np.array([[0, 0, width - 1, height - 1]])
    alone = compact_mask.from_dense(inside[None], box, image_shape=(height, width))
    return alone.with_offset(crop.x, crop.y, new_image_shape=image_size)
