"""A folded network gives the same, and leaves the model as it is."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seg_widgets.modeling.folding import (
    can_fold,
    folded_convolution,
    use_channels_last,
    with_parts,
)

from ..networks import built, spread_scores, zoo_config

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"


@pytest.fixture(scope="module", params=["FrozenBN", "BN", "GN"])
def model(request: pytest.FixtureRequest) -> Any:
    cfg = zoo_config(R50_FPN, MODEL__RESNETS__NORM=request.param, MODEL__FPN__NORM=request.param)
    network = spread_scores(built(cfg)).eval()
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    return network


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(1, 3, 96, 128)


def _folded(model: Any) -> Any:
    """The same network with each norm folded into the convolution before it."""
    to_fold = [module for module in model.modules() if can_fold(module)]
    return with_parts(model, {module: folded_convolution(module) for module in to_fold})


def _norms(model: Any) -> int:
    return sum("BatchNorm" in type(module).__name__ for module in model.modules())


def test_it_gives_the_same_without_the_norms(model: Any, image: torch.Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    network: Any = _folded(model)
    with torch.no_grad():
        expected, found = model.backbone(image), network.backbone(image)
    for name, features in expected.items():
        torch.testing.assert_close(found[name], features, rtol=1e-4, atol=1e-4)

    # The heads are the model's own; nothing of the model has changed.
    assert network.roi_heads is model.roi_heads
    assert _norms(network) == 0
    assert _norms(model) in (0, 61), "53 of the ResNet and 8 of the pyramid, or none with GN"
    assert (network is model) == (_norms(model) == 0), "without a norm to fold it is the model"
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())


def test_channels_last_changes_the_layout_alone(model: Any, image: torch.Tensor) -> None:
    network: Any = _folded(model)
    with torch.no_grad():
        expected = network.backbone(image)
        use_channels_last(network)
        found = network.backbone(image)
    assert found["p2"].is_contiguous(memory_format=torch.channels_last)
    for name, features in expected.items():
        torch.testing.assert_close(found[name], features, rtol=1e-4, atol=1e-4)
