"""Convolutions with their activation in one step, for inference on a CPU.

oneDNN, which computes PyTorch's convolutions on a CPU, can apply an activation to each value while
it is still in a register, and can keep the weights in the order in which it reads them. PyTorch's
compiler uses both by these operators; called directly, they need no compiler. The results are those
of the convolution and the activation after each other, up to rounding.

Importing this module loads torch.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ACTIVATIONS", "Activation", "Run", "is_possible", "one_after_the_other", "runner"]

Activation = Literal["none", "relu6", "gelu"]
Run = Callable[[Any, Tensor, Activation], Tensor]
"""Runs a convolution (`torch.nn.Conv2d`, or one that has `margins`) and an activation."""

ACTIVATIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "none": lambda y: y,
    "relu6": functools.partial(functional.relu6, inplace=True),
    "gelu": functional.gelu,
}
# Which weights are kept: where they lie, their version, and the input's size.
_Key = tuple[int, int, torch.Size]
# oneDNN's words for an activation, its numbers, and which of its formulas.
_POST_OPS: Final[dict[str, tuple[str, list[float], str]]] = {
    "none": ("none", [], ""),
    "relu6": ("hardtanh", [0.0, 6.0], ""),
    "gelu": ("gelu", [], "none"),
}
# Sizes of an image for which weights are kept: photographs lie or stand, the starter looks twice.
_MOST_SIZES: Final = 4

log = logging.getLogger(__name__)


def runner(network: nn.Module, x: Tensor) -> Run:
    """Return what runs a network's convolutions on an input: fused where that gives the same.

    It is not for training, other devices and types than float32 on a CPU, what traces or compiles
    the network, and where hooks wait for the results of its convolutions.

    Args:
        network: with the convolutions.
        x: its input.
    """
    if not _can_fuse(network, x):
        return one_after_the_other
    fused = _fused.get(network)
    if fused is None:
        fused = _fused[network] = Fused()
    return fused


def one_after_the_other(convolution: Any, x: Tensor, activation: Activation) -> Tensor:
    """Run the convolution, then its activation, as in training."""
    return ACTIVATIONS[activation](convolution(x))


def _can_fuse(network: nn.Module, x: Tensor) -> bool:
    if torch.is_grad_enabled() or x.device.type != "cpu" or x.dtype != torch.float32:
        return False
    is_tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if torch.is_autocast_enabled("cpu") or is_tracing or torch.compiler.is_compiling():
        return False
    has_hooks = any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())
    return not has_hooks and x.numel() > 0 and is_possible()


class Fused:
    """Runs convolutions of one network with their activation.

    Weights in oneDNN's order are kept for each size of an image, until the weights change.
    """

    def __init__(self) -> None:
        self._ordered: WeakKeyDictionary[nn.Module, dict[_Key, Tensor]] = WeakKeyDictionary()

    def __call__(self, convolution: Any, x: Tensor, activation: Activation) -> Tensor:
        stride, dilation = list(convolution.stride), list(convolution.dilation)
        padding, grown = _padding(convolution, x.shape)
        weight = self._weight(convolution, grown, x, padding, stride, dilation)
        name, numbers, algorithm = _POST_OPS[activation]
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x,
            weight,
            convolution.bias,
            padding,
            stride,
            dilation,
            convolution.groups,
            name,
            numbers,
            algorithm,
        )
        return result

    def _weight(
        self, convolution: nn.Conv2d, grown: tuple[int, int], x: Tensor, *how: Any
    ) -> Tensor:
        weight: Tensor = convolution.weight
        if len(x) > 1:  # Regions, which come in other numbers each time.
            return _grown(weight, grown)
        kept = self._ordered.setdefault(convolution, {})
        key = (weight.data_ptr(), 0 if weight.is_inference() else weight._version, x.shape)
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST_SIZES or any(other[:2] != key[:2] for other in kept):
                kept.clear()
            found = torch.ops.mkldnn._reorder_convolution_weight(
                _grown(weight.detach(), grown), *how, convolution.groups, list(x.shape)
            )
            kept[key] = found
        return found


def _padding(convolution: Any, shape: torch.Size) -> tuple[list[int], tuple[int, int]]:
    """How much an input is padded on all sides, and by how many rows and columns the kernel grows.

    oneDNN pads both sides alike. One row more at the bottom is one on both sides and a kernel with
    a row of zeros on top: nothing is copied to pad it.
    """
    down, across = convolution.padding
    if not hasattr(convolution, "margins"):
        return [down, across], (0, 0)
    left, right, top, bottom = convolution.margins(shape)
    return [down + bottom, across + right], (bottom - top, right - left)


def _grown(weight: Tensor, by: tuple[int, int]) -> Tensor:
    """The kernel with so many rows and columns of zeros before its own."""
    return functional.pad(weight, (by[1], 0, by[0], 0)) if any(by) else weight


# Beside the networks, so that these can be copied and saved as ever.
_fused: WeakKeyDictionary[nn.Module, Fused] = WeakKeyDictionary()


@functools.cache
def is_possible() -> bool:
    """Whether this PyTorch has the operators, and they give what its convolution gives."""
    try:
        is_here: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return is_here and _is_right()
    except (AttributeError, RuntimeError, TypeError) as error:
        log.info("Convolutions are not fused with their activations: %s", error)
        return False


def _is_right() -> bool:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, 9, 11, generator=generator) * 3
    activations: tuple[Activation, ...] = ("none", "relu6", "gelu")
    fused = Fused()
    with torch.no_grad():
        for groups in (1, 8):
            convolution = nn.Conv2d(8, 16, 3, padding=1, groups=groups)
            for parameter in convolution.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            for activation in activations:
                expected = one_after_the_other(convolution, x, activation)
                if not torch.allclose(fused(convolution, x, activation), expected, atol=1e-4):
                    return False
    return True
