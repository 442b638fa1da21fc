"""A convolution by minimal filtering gives what PyTorch's own gives, as exactly."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from seg_widgets.modeling.winograd import WinogradConv2d, suits


def _convolution(channels_in: int = 128, channels_out: int = 160, **changes: Any) -> nn.Conv2d:
    torch.manual_seed(5)
    return nn.Conv2d(channels_in, channels_out, 3, **{"padding": 1, **changes})


# 1×1, sides that 4 divides and does not, several images, and so many that a step takes some of
# their rows, or some of them.
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 4, 8), (2, 5, 7), (1, 14, 31), (1, 97, 120), (70, 14, 14), (0, 14, 14)]
)
@pytest.mark.parametrize("bias", [True, False])
def test_same_as_a_direct_convolution(shape: tuple[int, int, int], bias: bool) -> None:
    convolution = _convolution(bias=bias)
    count, height, width = shape
    x = torch.randn(count, 128, height, width).relu()
    with torch.no_grad():
        exact = convolution.double()(x.double())
        convolution.float()
        found = WinogradConv2d(convolution)(x)
        again = WinogradConv2d(convolution)(x.contiguous(memory_format=torch.channels_last))
    assert found.shape == exact.shape
    assert found.is_contiguous(memory_format=torch.channels_last) or not count
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=1e-5)
    torch.testing.assert_close(again, found)


def test_norm_and_activation_follow() -> None:
    convolution: Any = _convolution()
    convolution.norm, convolution.activation = nn.GroupNorm(4, 160), nn.ReLU()
    x = torch.randn(1, 128, 9, 9)
    with torch.no_grad():
        expected = convolution(x)
        found = WinogradConv2d(convolution)(x)
        torch.testing.assert_close(found, convolution.norm(expected).relu(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("convolution", "expected"),
    [
        (_convolution(), True),
        (_convolution(stride=2), False),
        (_convolution(dilation=2, padding=2), False),
        (_convolution(padding=0), False),
        (_convolution(padding_mode="reflect"), False),
        (_convolution(groups=2), False),
        (_convolution(64, 64), False),
        (_convolution(128, 512), False),
        (_convolution(dtype=torch.float64), False),
        (nn.Conv2d(128, 128, 1), False),
    ],
)
def test_which_convolutions_are_computed_so(convolution: nn.Conv2d, expected: bool) -> None:
    assert suits(convolution) == expected
