"""Convolutions with their activation: the same as one after the other, and only where it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seg_widgets.modeling import fused_convolution
from seg_widgets.modeling.fused_convolution import (
    Activation,
    is_possible,
    one_after_the_other,
    runner,
)

ACTIVATIONS: tuple[Activation, ...] = ("none", "relu6", "gelu")


@pytest.fixture
def convolution() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(12, 24, 3, padding=1, groups=3)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(1, 12, 15, 17, generator=torch.Generator().manual_seed(1)) * 4


@pytest.mark.skipif(not is_possible(), reason="this PyTorch has not the operators")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_gives_the_same(convolution: nn.Conv2d, x: Tensor, activation: Activation) -> None:
    with torch.no_grad():
        expected = one_after_the_other(convolution, x, activation)
        for given in (x, x.contiguous(memory_format=torch.channels_last)):
            run = runner(convolution, given)
            assert run is not one_after_the_other
            torch.testing.assert_close(run(convolution, given, activation), expected)
            # Each size of input has weights of its own; several inputs together have none.
            others = [given[:, :, :height, :9] for height in range(3, 9)]
            for other in (*others, torch.cat([given, 2 * given])):
                torch.testing.assert_close(
                    run(convolution, other, activation),
                    one_after_the_other(convolution, other, activation),
                )


@pytest.mark.skipif(not is_possible(), reason="this PyTorch has not the operators")
def test_weights_that_change_are_noticed(convolution: nn.Conv2d, x: Tensor) -> None:
    with torch.no_grad():
        run = runner(convolution, x)
        before = run(convolution, x, "none")
        convolution.weight.mul_(2)
        assert convolution.bias is not None
        convolution.bias.zero_()
        torch.testing.assert_close(run(convolution, x, "none"), convolution(x))
        assert not torch.allclose(before, convolution(x))
        convolution.weight = nn.Parameter(torch.ones_like(convolution.weight))
        torch.testing.assert_close(run(convolution, x, "none"), convolution(x))
        # A copy and what is saved have nothing of it.
        assert runner(copy.deepcopy(convolution), x) is not run
        assert set(convolution.state_dict()) == {"weight", "bias"}


def test_training_hooks_and_other_types_are_left_alone(convolution: nn.Conv2d, x: Tensor) -> None:
    network = nn.Sequential(convolution)
    assert runner(network, x) is one_after_the_other, "gradients are on"
    with torch.no_grad():
        for other in (x.double(), x.half(), x[:0], x.to("meta")):
            assert runner(network, other) is one_after_the_other
        with torch.autocast("cpu", torch.bfloat16):
            assert runner(network, x) is one_after_the_other
        handle = convolution.register_forward_hook(lambda *_: None)
        assert runner(network, x) is one_after_the_other
        handle.remove()
        assert (runner(network, x) is not one_after_the_other) == is_possible()


@pytest.mark.parametrize("fault", ["missing", "wrong"])
def test_a_pytorch_whose_operators_do_something_else_runs_as_ever(
    monkeypatch: pytest.MonkeyPatch, convolution: nn.Conv2d, x: Tensor, fault: str
) -> None:
    def call(self: Any, convolution: Any, x: Tensor, activation: Activation) -> Tensor:
        if fault == "missing":
            raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute")
        return one_after_the_other(convolution, x, "none")

    monkeypatch.setattr(fused_convolution.Fused, "__call__", call)
    is_possible.cache_clear()
    try:
        with torch.no_grad():
            assert runner(convolution, x) is one_after_the_other
    finally:
        is_possible.cache_clear()
