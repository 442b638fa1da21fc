"""torchvision's detection models with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    maskrcnn_resnet50_fpn,
)

from seg_widgets.prediction import Prediction

CATEGORIES = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
NAMED = [name for name in CATEGORIES if name not in ("__background__", "N/A")]


@pytest.fixture(scope="module")
def answer() -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(3)
    model = maskrcnn_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        box_score_thresh=0.0,
        box_detections_per_img=20,
        min_size=160,
    ).eval()
    torch.nn.init.normal_(model.roi_heads.mask_predictor.mask_fcn_logits.weight, std=2)
    with torch.no_grad():
        found: list[dict[str, torch.Tensor]] = model([torch.rand(3, 90, 140)])
    return found


def test_mask_rcnn(answer: list[dict[str, torch.Tensor]]) -> None:
    [parts] = answer
    assert len(parts["scores"]) == 20
    prediction = Prediction.of(answer, (90, 140), class_names=CATEGORIES)
    dense = (parts["masks"][:, 0] > 0.5).numpy()
    assert dense.any() and not dense.all()
    np.testing.assert_array_equal(prediction.masks_dense(), dense)
    np.testing.assert_array_equal(prediction.boxes, parts["boxes"].numpy())
    np.testing.assert_array_equal(prediction.scores, parts["scores"].numpy())

    # COCO's 80 names, without the background and the gaps.
    names = [prediction.class_names[index] for index in prediction.class_ids]
    wanted = [CATEGORIES[label] for label in parts["labels"].tolist()]
    unnamed = [f"class {label}" for label in parts["labels"].tolist()]
    assert all(
        name == (other if wish == "N/A" else wish)
        for name, wish, other in zip(names, wanted, unnamed, strict=True)
    )
    assert prediction.class_names[:80] == tuple(NAMED)


def test_half_precision_and_gradients(answer: list[dict[str, torch.Tensor]]) -> None:
    parts = dict(answer[0])
    whole = Prediction.of(parts)
    parts["boxes"] = parts["boxes"].double().requires_grad_()
    parts["scores"] = parts["scores"].bfloat16()
    np.testing.assert_array_equal(Prediction.of(parts).boxes, whole.boxes)
    np.testing.assert_allclose(Prediction.of(parts).scores, whole.scores, atol=0.01)


def test_boxes_alone() -> None:
    torch.manual_seed(0)
    model = fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, box_score_thresh=0.0, box_detections_per_img=5
    ).eval()
    with torch.no_grad():
        [parts] = model([torch.rand(3, 90, 140)])
    prediction = Prediction.of(parts, (90, 140), class_names=CATEGORIES)
    np.testing.assert_array_equal(prediction.boxes, parts["boxes"].numpy())
    assert prediction.masks is None


def test_nothing() -> None:
    empty = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "scores": torch.zeros(0),
        "masks": torch.zeros(0, 1, 90, 140),
    }
    assert len(Prediction.of(empty, class_names=CATEGORIES)) == 0
