"""Ultralytics Results of networks with random weights, beside the library's own scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from ultralytics import YOLO
from ultralytics.utils import ops

from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction, predictor_of

Image = npt.NDArray[np.uint8]

# The letterbox's border is above and below, left and right, and nowhere.
SHAPES = [(100, 150), (150, 100), (333, 517), (96, 96)]


def make_model(config: str) -> Any:
    torch.manual_seed(0)
    model = YOLO(config)
    for module in model.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)

    # A new head believes in nothing.
    for name, weight in model.model.named_parameters():
        if "cv3" in name and name.endswith("2.bias"):
            torch.nn.init.uniform_(weight, -1, 1)
    return model


@pytest.fixture(scope="module", params=["yolo11n-seg.yaml", "yolo26n-seg.yaml"])
def model(request: pytest.FixtureRequest) -> Any:
    return make_model(request.param)


def ask(model: Any, image: Image, **settings: Any) -> Any:
    [result] = model(image, imgsz=160, conf=0.0, max_det=12, verbose=False, **settings)
    return result


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("retina", [False, True])
def test_segmentation(model: Any, shape: tuple[int, int], retina: bool) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    result = ask(model, image, retina_masks=retina)
    assert len(result) and result.masks is not None
    prediction = Prediction.of([result], image)

    # Ultralytics' own scaling: scale_masks, and what is above 0.5.
    dense = ops.scale_masks(result.masks.data[None].float(), shape)[0].gt(0.5).numpy()
    kept = dense_of(prediction, result)
    np.testing.assert_array_equal(prediction.masks_dense(), dense[kept])
    np.testing.assert_array_equal(prediction.boxes, result.boxes.xyxy.numpy()[kept])
    np.testing.assert_array_equal(prediction.scores, result.boxes.conf.numpy()[kept])
    assert prediction.class_ids.tolist() == result.boxes.cls.int()[kept].tolist()
    assert prediction.class_names == tuple(result.names.values())
    assert any(mask.area for mask in prediction.masks or ())


def dense_of(prediction: Prediction, result: Any) -> list[int]:
    """The indices of the instances that have a box or a mask: random weights make empty ones."""
    boxes = result.boxes.xyxy
    full = (boxes[:, 2:] > boxes[:, :2]).all(dim=1) | result.masks.data.any(dim=2).any(dim=1)
    kept: list[int] = full.nonzero().flatten().tolist()
    assert len(kept) == len(prediction)
    return kept


def test_detection_and_the_predictor() -> None:
    model = make_model("yolo11n.yaml")
    image = np.random.default_rng(1).integers(0, 256, (100, 150, 3)).astype(np.uint8)
    result = ask(model, image)
    prediction = Prediction.of(result)
    assert prediction.masks is None
    assert prediction.image_size == (100, 150)
    predictor = predictor_of(model)
    assert predictor.name == "YOLO"
    assert predictor.class_names == tuple(model.names.values())
    scores = predictor(image).scores
    assert (scores >= 0.05).all() and (np.diff(scores) <= 0).all()


def test_oriented_boxes_and_classifiers_are_refused() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    for config in ("yolo11n-obb.yaml", "yolo11n-cls.yaml"):
        [result] = YOLO(config)(image, imgsz=64, verbose=False)
        with pytest.raises(PredictionError, match="have no boxes"):
            Prediction.of(result)
