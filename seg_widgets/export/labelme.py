"""LabelMe's files."""

from __future__ import annotations

import base64
from typing import Any, Final, Literal

import numpy as np

from ..errors import SettingError
from ..images import RGBArray
from ..prediction import Chosen, Instance, Prediction, outlines
from .chosen import chosen_instances
from .png import png_bytes

__all__ = ["LabelmeMasks", "to_labelme"]

LabelmeMasks = Literal["mask", "polygon"]
"""What masks become: LabelMe's own masks, which lose nothing, or polygons."""

# The version of LabelMe whose format this is; masks came with 5.2.
_LABELME: Final = "5.5.0"


def to_labelme(
    prediction: Prediction,
    file_name: str,
    image: RGBArray | None = None,
    *,
    masks: LabelmeMasks = "mask",
    only: Chosen | None = None,
) -> dict[str, Any]:
    """The instances as a LabelMe file's content.

    An instance without a mask is a rectangle. Scores are in the shapes' descriptions.

    Args:
        prediction: what was found.
        file_name: the image's name, as LabelMe looks for it beside the file.
        image: H×W×3 uint8 RGB, put into the file as a PNG; None: not in the file.
        masks: "mask" (lossless) or "polygon": each piece of a mask is one polygon in pixels
            without holes, and those of an instance share a `group_id`.
        only: the instances to take; None: all. A `group_id` is the index among all of them.

    Returns:
        The content, to be written with `json.dumps`.

    Raises:
        SettingError: `masks` is something else, or an index in `only` is not here.
    """
    if masks not in ("mask", "polygon"):
        raise SettingError(f'masks is "mask" or "polygon", not {masks!r}.')
    height, width = prediction.image_size
    chosen = chosen_instances(prediction, only)
    encoded = None if image is None else _base64(png_bytes(image))
    return {
        "version": _LABELME,
        "flags": {},
        "shapes": [shape for instance in chosen for shape in _shapes(instance, masks)],
        "imagePath": file_name,
        "imageData": encoded,
        "imageHeight": height,
        "imageWidth": width,
    }


def _shapes(instance: Instance, masks: LabelmeMasks) -> list[dict[str, Any]]:
    """LabelMe's shapes of one instance."""
    common: dict[str, Any] = {
        "label": instance.class_name,
        "group_id": instance.index,
        "description": f"score {instance.score:.4f}",
        "flags": {},
    }
    crop = instance.mask
    if crop is None:
        x1, y1, x2, y2 = instance.box
        return [{**common, "shape_type": "rectangle", "points": [[x1, y1], [x2, y2]]}]
    if masks == "polygon":
        rings = [ring.tolist() for ring in outlines(crop)]
        return [{**common, "shape_type": "polygon", "points": ring} for ring in rings]
    if crop.width == 0:
        return []
    # Its corners are pixels, the last one included.
    corners = [[crop.x, crop.y], [crop.x + crop.width - 1, crop.y + crop.height - 1]]
    plane = crop.to_array().astype(np.uint8) * np.uint8(255)
    mask = _base64(png_bytes(plane))
    return [{**common, "shape_type": "mask", "points": corners, "mask": mask}]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
