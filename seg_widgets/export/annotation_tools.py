"""What annotation tools read: LabelMe, Label Studio, `supervision.Detections`."""

from __future__ import annotations

import base64
import math
from typing import Any, Final

import numpy as np

from ..images import RGBArray
from ..prediction import Chosen, Instance, Prediction, outlines, to_supervision
from .chosen import chosen_instances
from .coco import short
from .png import png_bytes

__all__ = ["to_label_studio", "to_labelme", "to_supervision"]

# The version of LabelMe whose format this is.
_LABELME: Final = "5.5.0"


def to_labelme(
    prediction: Prediction,
    file_name: str,
    image: RGBArray | None = None,
    *,
    only: Chosen | None = None,
) -> dict[str, Any]:
    """The instances as a LabelMe file's content, with polygons in pixels.

    Each piece of a mask is one polygon (those of an instance share a `group_id`), and polygons
    can't have holes: COCO's RLE is the lossless way. An instance without a mask is a rectangle.

    Args:
        prediction: what was found.
        file_name: the image's name, as LabelMe looks for it beside the file.
        image: H×W×3 uint8 RGB, put into the file as a PNG; None: not in the file.
        only: the instances to take; None: all. A `group_id` is the index among all of them.

    Returns:
        The content, to be written with `json.dumps`.
    """
    height, width = prediction.image_size
    chosen = chosen_instances(prediction, only)
    encoded = None if image is None else base64.b64encode(png_bytes(image)).decode("ascii")
    return {
        "version": _LABELME,
        "flags": {},
        "shapes": [shape for instance in chosen for shape in _shapes(instance)],
        "imagePath": file_name,
        "imageData": encoded,
        "imageHeight": height,
        "imageWidth": width,
    }


def _shapes(instance: Instance) -> list[dict[str, Any]]:
    """LabelMe's shapes of one instance."""
    x1, y1, x2, y2 = instance.box
    if instance.mask is None:
        shape_type, places = "rectangle", [[[x1, y1], [x2, y2]]]
    else:
        shape_type, places = "polygon", [ring.tolist() for ring in outlines(instance.mask)]
    common = {
        "label": instance.class_name,
        "group_id": instance.index,
        "description": f"score {instance.score:.4f}",
        "shape_type": shape_type,
        "flags": {},
    }
    return [{**common, "points": points} for points in places]


def to_label_studio(
    prediction: Prediction,
    image_url: str,
    *,
    from_name: str = "label",
    to_name: str = "image",
    model_version: str = "seg_widgets",
    only: Chosen | None = None,
) -> dict[str, Any]:
    """The instances as one Label Studio task with predictions; import a JSON list of such tasks.

    Each piece of a mask is one polygon, without holes.

    Args:
        prediction: what was found.
        image_url: what the task's `$image` is.
        from_name: the name of the labels in your labeling configuration: PolygonLabels, or
            RectangleLabels for a prediction without masks.
        to_name: the name of the image in your labeling configuration.
        model_version: shown beside the predictions.
        only: the instances to take; None: all. A region's id begins with the index among all of
            them, such as "i3-0".

    Returns:
        The task, to be written with `json.dumps`. Points are in per cent of the image's width and
        height, as Label Studio wants them.
    """
    regions: list[dict[str, Any]] = []
    scores: list[float] = []
    for instance in chosen_instances(prediction, only):
        scores.append(instance.score)
        height, width = prediction.image_size
        common = {
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "score": short(instance.score, 6),
        }
        regions += [{**region, **common} for region in _regions(instance, width, height)]
    score = math.fsum(scores) / len(scores) if scores else 0.0
    predicted = {"model_version": model_version, "score": short(score, 6), "result": regions}
    return {"data": {"image": image_url}, "predictions": [predicted]}


def _regions(instance: Instance, width: int, height: int) -> list[dict[str, Any]]:
    """Label Studio's regions of one instance of a width×height image."""
    percent = np.array([100 / width, 100 / height])
    if instance.mask is None:
        x1, y1, x2, y2 = instance.box
        box: dict[str, Any] = {
            "x": 100 * x1 / width,
            "y": 100 * y1 / height,
            "width": 100 * (x2 - x1) / width,
            "height": 100 * (y2 - y1) / height,
            "rotation": 0,
        }
        value = {**box, "rectanglelabels": [instance.class_name]}
        return [{"id": f"i{instance.index}", "type": "rectanglelabels", "value": value}]

    regions = []
    for piece, ring in enumerate(outlines(instance.mask)):
        points = (ring * percent).tolist()
        value = {"points": points, "closed": True, "polygonlabels": [instance.class_name]}
        region_id = f"i{instance.index}-{piece}"
        regions.append({"id": region_id, "type": "polygonlabels", "value": value})
    return regions
