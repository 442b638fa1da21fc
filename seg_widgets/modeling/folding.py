"""The same network for inference: norms folded into their convolutions, and weights in the layout
that a CPU reads fastest.

A frozen BatchNorm multiplies and shifts each channel by constants, which a convolution can do with
other weights; the layer itself then costs nothing. The results are the same up to rounding.

Importing this module is cheap; torch is imported when a model is folded.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["can_fold", "folded_convolution", "use_channels_last", "with_parts"]


def with_parts(
    model: torch.nn.Module, parts: Mapping[torch.nn.Module, torch.nn.Module]
) -> torch.nn.Module:
    """Return the same network with other modules in some places.

    Args:
        model: the network; it is not changed.
        parts: what to replace, and by what.

    Returns:
        A network that shares with `model` all tensors, and all modules in which nothing is
        replaced; `model` itself if there is nothing to replace.
    """
    if not parts:
        return model
    # `deepcopy` keeps the lists in which detectron2 names its layers a second time. What it finds
    # in the memo is not copied.
    memo: dict[int, Any] = {
        id(module): module
        for module in model.modules()
        if not any(part in parts for part in module.modules())
    }
    memo |= {id(module): part for module, part in parts.items()}
    for tensor in (*model.parameters(), *model.buffers()):
        memo[id(tensor)] = tensor
    network: torch.nn.Module = copy.deepcopy(model, memo)
    return network


def use_channels_last(model: torch.nn.Module) -> None:
    """Lay a network's convolutions out as N×H×W×C in memory, in place; their values stay.

    Their outputs are then laid out so, too. On a CPU that spares reordering each layer's input.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)


def can_fold(module: Any) -> bool:
    """Whether it is one of detectron2's convolutions whose norm is constant at inference."""
    import torch

    norm = getattr(module, "norm", None)
    if not isinstance(module, torch.nn.Conv2d) or norm is None or norm._forward_hooks:
        return False
    # A subclass may use its weights in another way.
    if type(module).__module__ != "detectron2.layers.wrappers":
        return False
    if type(norm).__name__ == "FrozenBatchNorm2d":
        return True
    batch_norms = (torch.nn.BatchNorm2d, torch.nn.SyncBatchNorm)
    return isinstance(norm, batch_norms) and norm.running_mean is not None


def folded_convolution(convolution: Any) -> Any:
    """Return a convolution that does what this one and its norm do together.

    With y = γ·(W∗x + b − μ)/√(σ² + ε) + β, the weights become W·γ/√(σ² + ε) and the bias
    (b − μ)·γ/√(σ² + ε) + β.

    Args:
        convolution: one that `can_fold`; it is not changed.
    """
    import torch

    norm = convolution.norm
    with torch.no_grad():
        scale = (norm.running_var.double() + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight.double()
        bias = -norm.running_mean.double() * scale
        if convolution.bias is not None:
            bias = bias + convolution.bias.double() * scale
        if norm.bias is not None:
            bias = bias + norm.bias.double()
        dtype = convolution.weight.dtype
        weight = convolution.weight * scale.to(dtype)[:, None, None, None]

    result = copy.copy(convolution)
    # `copy.copy` shares the dictionaries that hold a module's parts.
    for name in ("_parameters", "_modules"):
        result.__dict__[name] = dict(result.__dict__[name])
    result.norm = None
    result.weight = torch.nn.Parameter(weight, requires_grad=False)
    result.bias = torch.nn.Parameter(bias.to(dtype), requires_grad=False)
    return result
