"""The same network for inference: norms folded into their convolutions, and weights in the layout
that a CPU reads fastest.

A frozen BatchNorm multiplies and shifts each channel by constants, which a convolution can do with
other weights; the layer itself then costs nothing. The results are the same up to rounding.

Importing this module is cheap; torch is imported when a model is folded.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["FoldedModel", "folded", "use_channels_last"]


class FoldedModel:
    """A model, and the folded network that stands in for it at inference.

    The model keeps its own weights, so that it can be saved or trained further. Whatever is not
    folded is the model's own part in the network, too: settings and hooks of the heads hold in
    both. When weights that were folded have changed since, or a part was replaced, the network is
    made anew.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        """Fold `model`.

        Args:
            model: the network; it is left as it is.
        """
        self._model = model
        self._sources = tuple(_sources(model))
        self._network, self._state = folded(model), self._now()

    @property
    def is_folded(self) -> bool:
        """Whether anything was folded; otherwise the network is the model."""
        return self._network is not self._model

    @property
    def network(self) -> torch.nn.Module:
        """The network to run, in evaluation mode as far as it was folded."""
        if self._now() != self._state:
            self.__init__(self._model)  # type: ignore[misc]
        return self._network

    def _now(self) -> tuple[int, ...]:
        # What writes into a tensor raises its version: an optimizer's step, `load_state_dict`, …
        tensors = (getattr(module, name) for module, name in self._sources)
        states = ((id(one), _version(one)) for one in tensors if one is not None)
        return (*map(id, self._model.modules()), *(number for state in states for number in state))


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def folded(model: torch.nn.Module) -> torch.nn.Module:
    """Return the same network with each BatchNorm folded into the convolution before it.

    Folded are detectron2's convolutions whose `norm` is a frozen BatchNorm, or a BatchNorm with
    running statistics, which evaluation mode uses. With y = γ·(W∗x + b − μ)/√(σ² + ε) + β, the
    weights become W·γ/√(σ² + ε) and the bias (b − μ)·γ/√(σ² + ε) + β.

    Args:
        model: the network; it is not changed.

    Returns:
        A network that shares all other parts with `model`; `model` itself if there is nothing to
        fold.
    """
    to_fold = [module for module in model.modules() if _can_fold(module)]
    if not to_fold:
        return model
    # What holds nothing to fold is shared; copies then keep the lists in which detectron2 names its
    # layers a second time.
    folding = {id(module) for module in to_fold}
    memo: dict[int, Any] = {
        id(module): module
        for module in model.modules()
        if not any(id(part) in folding for part in module.modules())
    }
    memo |= {id(module): _folded_convolution(module) for module in to_fold}
    # Parameters that a copied module holds itself are shared, too.
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


def _can_fold(module: Any) -> bool:
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


def _folded_convolution(convolution: Any) -> Any:
    """A convolution that does what this one and its norm do together."""
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
        weight = convolution.weight.double() * scale[:, None, None, None]

    result = copy.copy(convolution)
    # `copy.copy` shares the dictionaries that hold a module's parts.
    result.__dict__ = {
        name: dict(value) if name in ("_parameters", "_modules") else value
        for name, value in convolution.__dict__.items()
    }
    dtype = convolution.weight.dtype
    result.norm = None
    result.weight = torch.nn.Parameter(weight.to(dtype), requires_grad=False)
    result.bias = torch.nn.Parameter(bias.to(dtype), requires_grad=False)
    return result


def _sources(model: torch.nn.Module) -> Iterator[tuple[Any, str]]:
    """The tensors that are folded, each as its module and its name there."""
    for module in model.modules():
        if _can_fold(module):
            convolution: Any = module
            yield from ((convolution, name) for name in ("weight", "bias"))
            names = ("weight", "bias", "running_mean", "running_var")
            yield from ((convolution.norm, name) for name in names)
