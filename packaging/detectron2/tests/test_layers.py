"""Convolutions, deformable ones, norms, regions, masks that are pasted, non-maximum suppression."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from detectron2.layers import (
    ASPP,
    Conv2d,
    DeformConv,
    DepthwiseSeparableConv2d,
    FrozenBatchNorm2d,
    ModulatedDeformConv,
    ROIAlign,
    ROIAlignRotated,
    batched_nms,
    batched_nms_rotated,
    cat,
    ciou_loss,
    cross_entropy,
    diou_loss,
    get_norm,
    nonzero_tuple,
    paste_masks_in_image,
)
from detectron2.layers.mask_ops import paste_mask_in_image_old
from torch import nn

BOX = torch.tensor([[0.0, 1, 1, 3, 3]])


# ── Deformable convolutions ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("groups", [1, 2], ids=["one group", "two groups"])
@pytest.mark.parametrize("offset_groups", [1, 2], ids=["one offset", "two offsets"])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_deformable_convolution_is_torchvisions(
    groups: int, offset_groups: int, stride: int
) -> None:
    layer = DeformConv(
        4, 6, 3, stride=stride, padding=1, groups=groups, deformable_groups=offset_groups
    )
    image = torch.randn(2, 4, 9, 8)
    size = (-(-9 // stride), -(-8 // stride))
    offset = torch.randn(2, 18 * offset_groups, *size)
    expected = torchvision.ops.deform_conv2d(image, offset, layer.weight, stride=stride, padding=1)
    assert expected.shape == (2, 6, *size)
    torch.testing.assert_close(layer(image, offset), expected, rtol=0, atol=0)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_modulated_deformable_convolution_is_torchvisions(bias: bool) -> None:
    layer = ModulatedDeformConv(4, 6, 3, padding=1, deformable_groups=2, bias=bias)
    if bias:
        nn.init.normal_(layer.bias)
    image, offset = torch.randn(2, 4, 7, 8), torch.randn(2, 36, 7, 8)
    mask = torch.rand(2, 18, 7, 8)
    expected = torchvision.ops.deform_conv2d(
        image, offset, layer.weight, layer.bias, padding=1, mask=mask
    )
    torch.testing.assert_close(layer(image, offset, mask), expected, rtol=0, atol=0)


def test_without_offsets_they_are_plain_convolutions() -> None:
    image, zeros = torch.randn(1, 4, 7, 8), torch.zeros(1, 18, 7, 8)
    plain = DeformConv(4, 6, 3, padding=2, dilation=2)
    expected = nn.functional.conv2d(image, plain.weight, padding=2, dilation=2)
    torch.testing.assert_close(plain(image, zeros), expected, rtol=1e-4, atol=1e-5)
    modulated = ModulatedDeformConv(4, 6, 3, padding=1)
    halves = torch.full((1, 9, 7, 8), 0.5)
    expected = nn.functional.conv2d(image, modulated.weight, padding=1) / 2
    torch.testing.assert_close(modulated(image, zeros, halves), expected, rtol=1e-4, atol=1e-5)


def test_an_offset_moves_what_is_read_down_and_to_the_right() -> None:
    layer = DeformConv(1, 1, 1)
    nn.init.ones_(layer.weight)
    image = torch.arange(25.0).reshape(1, 1, 5, 5)
    offset = torch.stack([torch.ones(5, 5), torch.full((5, 5), 2.0)])[None]
    moved = layer(image, offset)[0, 0]
    torch.testing.assert_close(moved[:4, :3], image[0, 0, 1:, 2:])
    assert not moved[4:].any()
    assert not moved[:, 3:].any()


@pytest.mark.parametrize("modulated", [False, True])
def test_an_offset_that_is_nan_is_an_error_and_not_the_end_of_the_process(modulated: bool) -> None:
    layer: Any = (ModulatedDeformConv if modulated else DeformConv)(2, 2, 3, padding=1)
    offset = torch.full((1, 18, 5, 5), float("nan"))
    more = (torch.ones(1, 9, 5, 5),) if modulated else ()
    with pytest.raises(FloatingPointError, match="offset of a deformable convolution is NaN"):
        layer(torch.ones(1, 2, 5, 5), offset, *more)


def test_deformable_convolutions_can_be_trained() -> None:
    image, offset = torch.randn(1, 2, 5, 5), torch.randn(1, 18, 5, 5, requires_grad=True)
    mask = torch.rand(1, 9, 5, 5, requires_grad=True)
    plain, modulated = DeformConv(2, 2, 3, padding=1), ModulatedDeformConv(2, 2, 3, padding=1)
    (plain(image, offset).sum() + modulated(image, offset, mask).sum()).backward()
    wanted = [plain.weight, modulated.weight, modulated.bias, offset, mask]
    for tensor in wanted:
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0


def test_deformable_convolutions_take_empty_batches_and_refuse_other_shapes() -> None:
    plain, modulated = DeformConv(4, 6, 3, padding=1), ModulatedDeformConv(4, 6, 3, padding=1)
    empty, offset = torch.zeros(0, 4, 7, 8), torch.zeros(0, 18, 7, 8)
    assert plain(empty, offset).shape == (0, 6, 7, 8)
    assert modulated(empty, offset, torch.zeros(0, 9, 7, 8)).shape == (0, 6, 7, 8)
    with pytest.raises(ValueError, match="Expected 4D tensor as input, got 3D"):
        plain(torch.zeros(4, 7, 8), torch.zeros(18, 7, 8))
    with pytest.raises(RuntimeError, match="offset"):
        plain(torch.zeros(1, 4, 7, 8), torch.zeros(1, 17, 7, 8))
    assert "deformable_groups=1" in repr(plain)


# ── Convolutions and norms ────────────────────────────────────────────────────────────────────────


def test_a_convolution_has_a_norm_and_an_activation_and_takes_no_image() -> None:
    layer = Conv2d(3, 4, 3, padding=1, stride=2, norm=nn.BatchNorm2d(4), activation=torch.relu)
    assert layer(torch.zeros(0, 3, 8, 8)).shape == (0, 4, 4, 4)
    assert (layer(torch.randn(2, 3, 8, 8)) >= 0).all()


def test_a_frozen_norm_is_one_in_evaluation() -> None:
    moving = nn.BatchNorm2d(4)
    moving(torch.randn(8, 4, 5, 5) * 3 + 1)
    nn.init.normal_(moving.weight)
    moving.eval()
    frozen = FrozenBatchNorm2d.convert_frozen_batchnorm(nn.Sequential(moving))
    assert isinstance(frozen[0], FrozenBatchNorm2d)
    assert not list(frozen.parameters())
    image = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(frozen(image), moving(image), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["BN", "GN", "FrozenBN", "nnSyncBN", "naiveSyncBN", ""])
def test_norms_have_names(name: str) -> None:
    norm = get_norm(name, 32)
    assert (norm is None) == (name == "")


@pytest.mark.parametrize(
    "layer",
    [
        DepthwiseSeparableConv2d(4, 6, norm1="BN", norm2="BN"),
        ASPP(4, 6, [2, 3, 4], norm="BN", activation=torch.relu, pool_kernel_size=(8, 8)),
        ASPP(4, 6, [2, 3, 4], norm="", activation=torch.relu, use_depthwise_separable_conv=True),
    ],
    ids=["depthwise", "pyramid", "depthwise pyramid"],
)
def test_blocks_keep_the_size(layer: Any) -> None:
    assert layer(torch.randn(2, 4, 8, 8)).shape == (2, 6, 8, 8)


def test_small_helpers() -> None:
    assert cat([torch.ones(1, 2), torch.zeros(1, 2)], dim=1).tolist() == [[1, 1, 0, 0]]
    rows, columns = nonzero_tuple(torch.eye(2))
    assert rows.tolist() == columns.tolist() == [0, 1]
    empty = torch.zeros(0, 3, requires_grad=True)
    loss = cross_entropy(empty, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss == 0


@pytest.mark.parametrize("loss", [diou_loss, ciou_loss])
def test_losses_of_overlaps(loss: Any) -> None:
    first = torch.tensor([[0.0, 0, 2, 2]])
    assert loss(first, first, reduction="sum") == pytest.approx(0, abs=1e-5)
    moved = first + torch.tensor([1.0, 0, 1, 0])
    # An overlap of 1/3, centres 1 apart in a hull whose diagonal squared is 13; alike in shape.
    assert loss(first, moved, reduction="mean") == pytest.approx(2 / 3 + 1 / 13, abs=1e-5)
    assert loss(first[:0], first[:0], reduction="mean") == 0


# ── Regions ───────────────────────────────────────────────────────────────────────────────────────


def test_regions_of_a_ramp_have_the_ramps_values() -> None:
    ramp = torch.arange(25.0).reshape(1, 1, 5, 5)
    aligned = ROIAlign((4, 4), 1.0, 0, aligned=True)(ramp, BOX)[0, 0]
    # Bins of half a pixel: their centres lie at 0.75, 1.25, ... when pixels have centres at .5.
    at = torch.tensor([0.75, 1.25, 1.75, 2.25])
    torch.testing.assert_close(aligned, at[:, None] * 5 + at)
    shifted = ROIAlign((4, 4), 1.0, 0, aligned=False)(ramp, BOX)[0, 0]
    torch.testing.assert_close(shifted, aligned + 0.5 * 6)


def test_no_regions_and_gradients_of_regions() -> None:
    image = torch.randn(1, 2, 5, 5, requires_grad=True)
    pool = ROIAlign((2, 2), 0.5, 2)
    assert pool(image, BOX[:0]).shape == (0, 2, 2, 2)
    pool(image, BOX).sum().backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_rotated_regions() -> None:
    ramp = torch.arange(25.0).reshape(1, 1, 5, 5)
    turned = torch.tensor([[0.0, 2, 2, 2, 2, 0]])
    upright = ROIAlign((2, 2), 1.0, 0, aligned=True)(ramp, BOX)
    torch.testing.assert_close(ROIAlignRotated((2, 2), 1.0, 0)(ramp, turned), upright)


# ── Suppression ───────────────────────────────────────────────────────────────────────────────────


def test_suppression_is_within_a_class() -> None:
    same = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10], [50, 50, 60, 60]])
    scores = torch.tensor([0.8, 0.9, 0.7, 0.1])
    classes = torch.tensor([0, 0, 1, 0])
    assert batched_nms(same, scores, classes, 0.5).tolist() == [1, 2, 3]
    assert batched_nms(same, scores, torch.zeros(4), 0.5).tolist() == [1, 3]
    assert batched_nms(same[:0], scores[:0], classes[:0], 0.5).tolist() == []


def test_suppression_of_rotated_boxes() -> None:
    same = torch.tensor([[5.0, 5, 4, 4, 0], [5, 5, 4, 4, 90]])
    kept = batched_nms_rotated(same, torch.tensor([0.5, 0.9]), torch.zeros(2), 0.5)
    assert kept.tolist() == [1]


# ── Masks that are pasted ─────────────────────────────────────────────────────────────────────────


def test_a_mask_is_pasted_into_its_box() -> None:
    pasted = paste_masks_in_image(torch.ones(1, 28, 28), torch.tensor([[2.0, 3, 8, 9]]), (12, 12))
    assert pasted.dtype == torch.bool
    assert pasted[0, 3:9, 2:8].all()
    assert pasted.sum() == 36
    none = paste_masks_in_image(torch.zeros(0, 28, 28), torch.zeros(0, 4), (12, 12))
    assert none.shape == (0, 12, 12)


def test_probabilities_are_pasted_as_bytes_for_drawing() -> None:
    pasted = paste_masks_in_image(
        torch.full((1, 28, 28), 0.4), torch.tensor([[2.0, 2, 8, 8]]), (12, 12), threshold=-1
    )
    assert pasted.dtype == torch.uint8
    assert pasted[0, 5, 5] == 102


def test_the_old_way_of_pasting_agrees() -> None:
    ramp = torch.linspace(0, 1, 28)
    mask, box = ramp[:, None] * ramp + 0.2, torch.tensor([10.0, 8, 41, 33])
    new = paste_masks_in_image(mask[None], box[None], (60, 50))[0]
    old = paste_mask_in_image_old(mask, box, 60, 50, 0.5)
    overlap = (new & old.bool()).sum() / (new | old.bool()).sum()
    # The old one rounds the box to whole pixels first.
    assert overlap > 0.75
