"""What runs in place of a model when it only has to answer: the same, in less time on a CPU.

Importing this module is cheap; torch is imported when a network is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .folding import can_fold, folded_convolution, use_channels_last, with_parts

if TYPE_CHECKING:
    import torch

__all__ = ["InferenceNetwork", "inference_network"]


class InferenceNetwork:
    """A model, and the network that stands in for it at inference.

    The model keeps its own weights, so that it can be saved or trained further. Whatever is not
    replaced is the model's own part in the network, too: settings and hooks hold in both. When the
    model has changed since, the network is made anew.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        """Prepare a network, which is made when it is first needed.

        Args:
            model: on a CPU; it is left as it is, but for the layout of its weights in memory.
        """
        self._model = model
        self._network: torch.nn.Module | None = None
        self._state: list[Any] = []

    def get(self) -> torch.nn.Module:
        """Return the network."""
        state = _state(self._model)
        if self._network is None or state != self._state:
            self._network = inference_network(self._model)
            self._state = _state(self._model)
        return self._network


def inference_network(model: torch.nn.Module) -> torch.nn.Module:
    """Return a network that gives what a model gives in evaluation mode, up to rounding.

    Norms are folded into convolutions, convolutions of 3×3 are computed by `winograd`, and regions
    of interest are cut out by `roi_align`; the layout in memory is N×H×W×C.

    Args:
        model: one of detectron2's, on a CPU; only the layout of its weights is changed.
    """
    from torch import nn

    from .roi_align import GatheringROIAlign
    from .winograd import WinogradConv2d, suits

    use_channels_last(model)
    parts: dict[nn.Module, nn.Module] = {}
    for module in model.modules():
        if _has_hooks(module):
            continue  # Whoever waits for its results gets them from it.
        if _is_detectron2s(module, "ROIAlign"):
            parts[module] = GatheringROIAlign(module)
        elif _is_detectron2s(module, "Conv2d"):
            convolution = folded_convolution(module) if can_fold(module) else module
            if suits(convolution):
                convolution = WinogradConv2d(convolution)
            if convolution is not module:
                parts[module] = convolution
    return with_parts(model, parts)


def _is_detectron2s(module: Any, name: str) -> bool:
    """Whether it is detectron2's own layer of this name; a subclass may do something else."""
    kind = type(module)
    return kind.__name__ == name and kind.__module__.startswith("detectron2.layers.")


def _has_hooks(module: Any) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _state(model: torch.nn.Module) -> list[Any]:
    """Values that are others once a part, a tensor or a setting of the model has changed.

    What writes into a tensor (an optimizer's step, `load_state_dict`) raises its version.
    """
    values: list[Any] = []
    for module in model.modules():
        values += (id(module), _has_hooks(module))
        settings = module.__dict__.items()
        values += (value for name, value in settings if _is_setting(name, value))
    for tensor in (*model.parameters(), *model.buffers()):
        values += (id(tensor), 0 if tensor.is_inference() else tensor._version)
    return values


def _is_setting(name: str, value: object) -> bool:
    # The network runs in evaluation mode, whatever the model's is.
    return name != "training" and (value is None or isinstance(value, (int, float, str)))
