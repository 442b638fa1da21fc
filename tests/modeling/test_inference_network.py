"""The network that stands in for a model gives the same, and follows the model's changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from seg_widgets import images, samples
from seg_widgets.modeling.detectron2_predictor import Detectron2Predictor
from seg_widgets.modeling.inference_network import InferenceNetwork, inference_network

from ..networks import built, lined_up, spread_scores, zoo_config

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"


@pytest.fixture(scope="module")
def model() -> Any:
    network = spread_scores(built(zoo_config(R50_FPN))).eval()
    # Boxes move as far as with trained weights; ten times as far, rounding is felt ten times.
    with torch.no_grad():
        network.roi_heads.box_predictor.bbox_pred.weight.div_(10)
    return network


def _layers(network: Any, name: str) -> int:
    return sum(type(module).__name__ == name for module in network.modules())


def test_same_instances_as_the_model(model: Any) -> None:
    photo = images.load(samples()["astronaut"])
    plain = Detectron2Predictor(model, ["thing"] * 80, min_size=240)(photo)
    predictor = Detectron2Predictor(model, ["thing"] * 80, min_size=240, optimize=True)
    fast = predictor(photo)

    # The same instances, up to 1e-3 pixels or of a score.
    assert len(fast) == len(plain) >= 50
    order = lined_up(fast, plain)
    np.testing.assert_allclose(fast.boxes[order], plain.boxes, atol=1e-3)
    np.testing.assert_allclose(fast.scores[order], plain.scores, atol=1e-3)
    ours, theirs = fast.masks_dense()[order], plain.masks_dense()
    union = (ours | theirs).sum((1, 2))
    assert (union > 0).sum() >= 50
    overlap = (ours & theirs).sum((1, 2))[union > 0] / union[union > 0]
    assert overlap.min() >= 0.995


def test_what_is_replaced(model: Any) -> None:
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    network = inference_network(model)
    assert _layers(network, "FrozenBatchNorm2d") == 0
    assert _layers(network, "ROIAlign") == 0
    assert _layers(network, "GatheringROIAlign") == 8
    # 10 of the ResNet, 4 of the pyramid, that of the proposals and 4 of the mask head.
    assert _layers(network, "WinogradConv2d") == 19
    assert _layers(model, "WinogradConv2d") == _layers(model, "GatheringROIAlign") == 0
    assert network.roi_heads.box_head is model.roi_heads.box_head  # type: ignore[union-attr]
    assert network.training is False

    after = model.state_dict()
    assert weights.keys() == after.keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in after.items())


def _stem(network: Any) -> Any:
    """The weights of the first convolution."""
    return network.backbone.bottom_up.stem.conv1.weight


def test_a_model_that_changes_gets_another_network() -> None:
    model: Any = built(zoo_config(R50_FPN))
    stand_in = InferenceNetwork(model)
    first = stand_in.get()
    model.train()
    model.eval()
    assert stand_in.get() is first

    with torch.no_grad():
        _stem(model).mul_(2)
    second = stand_in.get()
    torch.testing.assert_close(_stem(second), _stem(first) * 2)

    # So it is with what `load_state_dict` writes, and with a part or setting that is replaced.
    model.load_state_dict(model.state_dict())
    assert stand_in.get() is not second
    convolution = model.backbone.bottom_up.stem.conv1
    convolution.weight = torch.nn.Parameter(convolution.weight.detach() / 2)
    torch.testing.assert_close(_stem(stand_in.get()), _stem(first))
    model.backbone = built(zoo_config(R50_FPN)).backbone
    with torch.no_grad():
        _stem(model).zero_()
    assert not _stem(stand_in.get()).any()
    model.roi_heads.mask_on = False
    assert stand_in.get().roi_heads.mask_on is False  # type: ignore[union-attr]


def test_a_hook_that_comes_later_is_called(model: Any) -> None:
    stand_in = InferenceNetwork(model)
    before: Any = stand_in.get()
    for layer in (model.backbone.fpn_output2, model.roi_heads.box_pooler.level_poolers[0]):
        handle = layer.register_forward_hook(lambda *_: None)
        try:
            assert layer in set(stand_in.get().modules())
        finally:
            handle.remove()
        assert layer not in set(stand_in.get().modules())
    assert before.backbone.fpn_output2 is not model.backbone.fpn_output2


def test_layers_with_hooks_stay(model: Any) -> None:
    convolution = model.backbone.fpn_output2
    handle = convolution.register_forward_hook(lambda *_: None)
    try:
        network: Any = inference_network(model)
        assert network.backbone.fpn_output2 is convolution
    finally:
        handle.remove()
