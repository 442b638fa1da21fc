"""RF-DETR, which answers with supervision's Detections and COCO's ids, of random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from rfdetr import RFDETRNano, RFDETRSegNano

from seg_widgets.prediction import Prediction, predictor_of


def make_model(kind: Any) -> Any:
    torch.manual_seed(0)
    return kind(pretrain_weights=None, device="cpu")


@pytest.mark.parametrize("kind", [RFDETRNano, RFDETRSegNano])
def test_rfdetr(kind: Any, image: npt.NDArray[np.uint8]) -> None:
    model = make_model(kind)
    detections = model.predict(image, threshold=0.0)
    assert len(detections)
    prediction = Prediction.of(detections, image, class_names=model.class_names)
    if detections.mask is None:
        assert prediction.masks is None
    else:
        np.testing.assert_array_equal(prediction.masks_dense(), np.asarray(detections.mask))
    height, width = image.shape[:2]
    clipped = detections.xyxy.clip(0, [width, height, width, height])
    np.testing.assert_array_equal(prediction.boxes, clipped)
    np.testing.assert_array_equal(prediction.scores, detections.confidence)
    names = [instance.class_name for instance in prediction]
    ids, own = detections.class_id.tolist(), detections.data["class_name"].tolist()
    assert names == [name or f"class {number}" for number, name in zip(ids, own, strict=True)]

    predictor = predictor_of(model)
    assert predictor.class_names == tuple(model.class_names)
    assert (predictor(image).scores >= 0.05).all()
