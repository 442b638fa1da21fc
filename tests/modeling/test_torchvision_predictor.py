"""torchvision's detection models, with random weights, as predictors."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seg_widgets import SegmentationSession, wrap
from seg_widgets.errors import ConfigError, InferenceError, SettingError
from seg_widgets.modeling import as_predictor
from seg_widgets.modeling.torchvision_predictor import TorchvisionPredictor, label_names
from seg_widgets.prediction import Predictor
from seg_widgets.testing import StubPredictor, make_picture

torch = pytest.importorskip("torch")
detection = pytest.importorskip("torchvision.models.detection")

IMAGE = make_picture(60, 40)
NAMES = ["__background__", "cell", "debris"]


def mask_rcnn(labels: int = 3, **settings: Any) -> Any:
    torch.manual_seed(0)
    model = detection.maskrcnn_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=labels,
        min_size=64,
        max_size=96,
        box_score_thresh=0.0,
        **settings,
    )
    torch.nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=0.1)
    torch.nn.init.normal_(model.roi_heads.mask_predictor.mask_fcn_logits.weight, std=2)
    return model


@pytest.fixture(scope="module")
def model() -> Any:
    return mask_rcnn(box_detections_per_img=6)


def test_it_finds_what_the_model_answers_and_leaves_it_as_it_is(model: Any) -> None:
    model.train()
    model.backbone.eval()
    modes = [module.training for module in model.modules()]
    predictor = wrap(model, NAMES, name="mine")
    assert isinstance(predictor, Predictor) and isinstance(predictor, TorchvisionPredictor)
    assert (predictor.name, predictor.class_names) == ("mine", ("cell", "debris"))
    assert (predictor.device, repr(predictor)) == ("cpu", "wrap(mine (2 classes))")
    found = predictor(IMAGE)
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(SettingError, match=r'Give seg_widgets\.load\("a\.jpg"\)'):
        predictor("a.jpg")  # type: ignore[arg-type]

    tensor = torch.from_numpy(IMAGE.transpose(2, 0, 1).astype(np.float32) / 255)
    with torch.no_grad():
        [answer] = model.eval()([tensor])
    kept = answer["scores"].numpy() >= 0.05
    assert kept.sum() >= 2
    np.testing.assert_array_equal(found.scores, answer["scores"].numpy()[kept])
    np.testing.assert_array_equal(found.boxes, answer["boxes"].numpy()[kept])
    np.testing.assert_array_equal(found.class_ids, answer["labels"].numpy()[kept] - 1)
    np.testing.assert_array_equal(found.masks_dense(), (answer["masks"][:, 0] > 0.5).numpy()[kept])
    assert len(found) == 6 and "limit of 6 instances" in found.notes[-1]
    fewer = wrap(model, NAMES, max_instances=2)(IMAGE)
    assert fewer == found[:2] and "limit of 2 instances" in fewer.notes[-1]
    assert model.roi_heads.detections_per_img == 6 and model.roi_heads.score_thresh == 0


def test_boxes_alone_and_the_names_of_coco() -> None:
    torch.manual_seed(0)
    boxes = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, box_score_thresh=0.0
    )
    predictor = wrap(boxes)
    assert len(predictor.class_names) == 80 and predictor.class_names[79] == "toothbrush"  # type: ignore[attr-defined]
    assert predictor(IMAGE).masks is None


def test_the_background_may_be_left_out_and_a_wrong_count_is_named() -> None:
    assert label_names(NAMES, 3) == label_names(NAMES[1:], 3) == {1: "cell", 2: "debris"}
    assert label_names(["background", "cell"], None) == {1: "cell"}
    with pytest.raises(SettingError, match=r"the first name is 'cell'. Give \[\"__background__\""):
        label_names(["cell", "debris", "dust"], 3)
    for wrong in (["background", "cell"], ["a", "b", "c", "d"]):
        with pytest.raises(ConfigError, match="has 3 labels with the background"):
            label_names(wrong, 3)
    with pytest.raises(SettingError, match="class names of this torchvision model are not known"):
        label_names(None, 3)


def test_what_fails_inside_says_what_failed(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = wrap(model, NAMES)
    monkeypatch.setattr(model.roi_heads, "forward", lambda *_: 1 / 0)
    with pytest.raises(InferenceError, match=r"MaskRCNN failed on this image: \w+: "):
        predictor(IMAGE)


def test_a_session_takes_it(model: Any) -> None:
    with pytest.raises(SettingError, match="class names of this torchvision model are not known"):
        SegmentationSession(model)
    session = SegmentationSession(wrap(model, NAMES))
    session.segment(IMAGE)
    found = session.wait(60)
    assert found is not None and len(found) == 6
    # A function that answers in another library's form, and models that need no class names.
    session.use(lambda image: np.ones(image.shape[:2], int))  # type: ignore[arg-type]
    found = session.wait(60)
    assert found is not None and [one.class_name for one in found] == ["object"]
    session.use(mask_rcnn(91))
    assert isinstance(session.predictor, TorchvisionPredictor)
    session.close()
    assert isinstance(as_predictor(mask_rcnn(91)), TorchvisionPredictor)
    # Any other network takes tensors, so an image would only fail in it later.
    with pytest.raises(SettingError, match=r"class names of this Identity are not known"):
        SegmentationSession(torch.nn.Identity())
    network = torch.nn.Identity()
    network.class_names = ("cell",)
    assert as_predictor(network) is network, "a Predictor that is a module, too"
    stub = StubPredictor()
    for other in (stub, stub.__call__, None, "starter", Path("x"), 3):
        assert as_predictor(other) is other


def test_a_function_is_taken_while_another_thread_imports_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.startswith(("torch.", "torchvision"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))  # with nothing in it yet
    stub = StubPredictor()
    several: list[Any] = [stub, stub.__call__, {}, "starter"]
    for given in several:
        assert as_predictor(given) is given
