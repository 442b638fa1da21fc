"""What `benchmarks.drawing` compares: each case in a process of its own, with the packages of the
Python that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor, make_picture

from .measuring import Case, serve

__all__ = ["CASES", "supervision_drawing", "visualizer_drawing"]

Image = npt.NDArray[np.uint8]
Drawing = Callable[[], Image]

_MASK_SIDE = 28


def _scene(width: int, height: int, instances: int) -> tuple[Image, Prediction]:
    return make_picture(width, height), StubPredictor(instances)(make_picture(width, height))


def ours(width: int, height: int, instances: int) -> Callable[[], None]:
    """`overlay` with masks, outlines, boxes and labels."""
    from seg_widgets import Style
    from seg_widgets.drawing import overlay

    image, prediction = _scene(width, height, instances)
    overlay(image[:32, :32], StubPredictor(2)(image[:32, :32]))  # imports, fonts, threads

    def draw() -> None:
        overlay(image, prediction, Style(boxes=True))

    return draw


def visualizer(width: int, height: int, instances: int) -> Drawing:
    """detectron2's Visualizer, at its own scale of 1."""
    return visualizer_drawing(*_scene(width, height, instances))


def visualizer_drawing(image: Image, prediction: Prediction) -> Drawing:
    """What detectron2's Visualizer makes of a prediction.

    Args:
        image: H×W×3 uint8 RGB.
        prediction: what was found in it.

    Returns:
        A function that draws it, and returns the image.
    """
    import torch
    from detectron2.data import Metadata
    from detectron2.structures import Boxes, Instances
    from detectron2.utils.visualizer import Visualizer

    found = Instances(image.shape[:2])
    found.pred_boxes = Boxes(torch.from_numpy(prediction.boxes.copy()))
    found.scores = torch.from_numpy(prediction.scores.copy())
    found.pred_classes = torch.from_numpy(prediction.class_ids.astype(np.int64))
    found.pred_masks = torch.from_numpy(prediction.masks_dense())
    metadata = Metadata(name="benchmark", thing_classes=list(prediction.class_names))

    def draw() -> Image:
        drawn = Visualizer(image, metadata).draw_instance_predictions(found)
        return np.asarray(drawn.get_image())

    return draw


def supervision(width: int, height: int, instances: int) -> Drawing:
    """supervision's annotators: masks, polygons, boxes, labels."""
    return supervision_drawing(*_scene(width, height, instances))


def supervision_drawing(image: Image, prediction: Prediction) -> Drawing:
    """What supervision's annotators make of a prediction, with their defaults.

    Args:
        image: H×W×3 uint8 RGB.
        prediction: what was found in it.

    Returns:
        A function that draws it, and returns the image.
    """
    import supervision as sv

    found = sv.Detections(
        xyxy=prediction.boxes.copy(),
        mask=prediction.masks_dense(),
        confidence=prediction.scores.copy(),
        class_id=prediction.class_ids.astype(int),
    )
    labels = [f"{each.class_name} {each.score:.2f}" for each in prediction]
    annotators = [sv.MaskAnnotator(), sv.PolygonAnnotator(), sv.BoxAnnotator()]
    label = sv.LabelAnnotator()

    def draw() -> Image:
        scene = image.copy()
        for annotator in annotators:
            scene = annotator.annotate(scene, found)
        return np.asarray(label.annotate(scene, found, labels))

    return draw


def _small_masks(instances: int, width: int, height: int) -> tuple[Any, Any]:
    """A network's 28×28 probabilities, blobs in noise, and their boxes."""
    import torch

    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:_MASK_SIDE, :_MASK_SIDE] / (_MASK_SIDE - 1) - 0.5
    blob = 1 / (1 + np.exp(30 * (np.hypot(rows, columns) - 0.4)))
    masks = np.clip(blob + random.normal(0, 0.05, (instances, _MASK_SIDE, _MASK_SIDE)), 0, 1)
    centers = random.uniform(0.15, 0.85, (instances, 2)) * (width, height)
    radii = random.uniform(0.04, 0.15, (instances, 2)) * (width, height)
    boxes = np.hstack([centers - radii, centers + radii])
    return torch.from_numpy(masks.astype(np.float32)), torch.from_numpy(boxes.astype(np.float32))


def paste_ours(width: int, height: int, instances: int) -> Callable[[], None]:
    """Masks pasted into the crops of their boxes."""
    from seg_widgets.modeling.mask_pasting import paste_mask

    masks, boxes = (tensor.numpy() for tensor in _small_masks(instances, width, height))

    def paste() -> None:
        for mask, box in zip(masks, boxes, strict=True):
            paste_mask(mask, box, (height, width))

    return paste


def paste_detectron2(width: int, height: int, instances: int) -> Callable[[], None]:
    """Masks pasted into whole images, as detectron2 does it."""
    from detectron2.layers import paste_masks_in_image
    from detectron2.structures import Boxes

    masks, boxes = _small_masks(instances, width, height)

    def paste() -> None:
        paste_masks_in_image(masks, Boxes(boxes), (height, width))

    return paste


def rle_ours(width: int, height: int, instances: int) -> Callable[[], None]:
    """COCO's RLE of each mask, from its crop."""
    _, prediction = _scene(width, height, instances)
    masks = prediction.masks or ()

    def encode() -> None:
        for mask in masks:
            mask.rle((height, width))

    return encode


def rle_pycocotools(width: int, height: int, instances: int) -> Callable[[], None]:
    """COCO's RLE of each mask, from the whole image, as detectron2's evaluator does it."""
    from pycocotools import mask as coco

    _, prediction = _scene(width, height, instances)
    dense = prediction.masks_dense()

    def encode() -> None:
        for mask in dense:
            coco.encode(np.array(mask[:, :, None], order="F", dtype="uint8"))

    return encode


CASES: dict[str, Case] = {
    "ours": ours,
    "visualizer": visualizer,
    "supervision": supervision,
    "paste ours": paste_ours,
    "paste detectron2": paste_detectron2,
    "rle ours": rle_ours,
    "rle pycocotools": rle_pycocotools,
}

if __name__ == "__main__":
    serve(CASES)
