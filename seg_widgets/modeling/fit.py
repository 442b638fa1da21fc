"""Putting a checkpoint's tensors into a model, or saying why they don't fit."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..errors import WeightsError
from .checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch

__all__ = ["load_into"]

_NAMES_SHOWN: Final = 5
# Blocks of the fourth stage by depth, and parts that some models have; for the likely cause.
_RESNETS: Final = {6: "50", 23: "101", 36: "152"}
_PARTS: Final = (
    ("fpn_lateral", "a feature pyramid (FPN)"),
    ("box_predictor.0.", "a cascade of box heads"),
    ("mask_head", "a mask head"),
)
_CLASSIFIERS: Final = (
    "box_predictor.cls_score.weight",
    "box_predictor.0.cls_score.weight",
    "cls_score_w",
)


def load_into(model: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors into a model, each converted to the model's dtype and device.

    Names that all have one prefix more than the model's ("module.", …) lose it; those of older
    layouts are matched by detectron2's heuristics.

    Args:
        model: the model; it is not changed when an error is raised.
        checkpoint: the tensors.

    Raises:
        WeightsError: tensors are missing, left over, of another shape or not finite; the message
            names them and the likely cause.
    """
    import torch

    own = model.state_dict()
    tensors = _named_as(own, checkpoint)
    given = {name: tensor for name, tensor in tensors.items() if name in own}
    _check_fit(own, tensors, given, checkpoint)

    broken = [name for name, tensor in given.items() if not _is_finite(tensor)]
    if broken:
        raise WeightsError(
            f"{checkpoint.path.name} holds numbers that are not finite (in {broken[0]}); "
            "get it again."
        )
    if checkpoint.mapped and all(tensor.device.type == "cpu" for tensor in own.values()):
        with torch.no_grad():
            converted = {name: tensor.to(own[name].dtype) for name, tensor in given.items()}
        model.load_state_dict(converted, strict=False, assign=True)
    else:
        model.load_state_dict(given, strict=False)


def _check_fit(
    own: Mapping[str, torch.Tensor],
    tensors: Mapping[str, torch.Tensor],
    given: Mapping[str, torch.Tensor],
    checkpoint: Checkpoint,
) -> None:
    by_heuristics = "layout" in checkpoint.metadata
    missing = [name for name in own if name not in given and not _fills_itself(name, by_heuristics)]
    unexpected = [name for name in tensors if name not in own and not _is_bookkeeping(name)]
    shapes = [
        f"{name} {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in given.items()
        if tensor.shape != own[name].shape
    ]
    # A file of another layout may hold more; detectron2 drops that as well.
    if not missing and not shapes and (by_heuristics or not unexpected):
        return
    faults = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    parts = [f"{len(names)} {what} ({_first(names)})" for what, names in faults.items() if names]
    raise WeightsError(
        f"{checkpoint.path.name} doesn't fit the model: {'; '.join(parts)}. "
        f"{_likely_cause(own, tensors)}; use the config that they were made with."
    )


def _first(names: list[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (" …" if len(names) > _NAMES_SHOWN else "")


def _named_as(
    own: Mapping[str, torch.Tensor], checkpoint: Checkpoint
) -> Mapping[str, torch.Tensor]:
    """A checkpoint's tensors under the model's names, as far as they can be matched."""
    tensors, layout = checkpoint.tensors, checkpoint.metadata.get("layout")
    if not own or not own.keys() - tensors.keys():
        return tensors
    first = next(iter(own))
    for name in tensors:
        prefix = name[: -len(first)]
        if name.endswith(f".{first}") and all(other.startswith(prefix) for other in tensors):
            return {other[len(prefix) :]: tensor for other, tensor in tensors.items()}
    if layout is None:
        return tensors
    from detectron2.checkpoint.c2_model_loading import align_and_update_state_dicts

    logger = logging.getLogger("detectron2.checkpoint.c2_model_loading")
    level = logger.level
    # It prints a table of all names; our own error says what doesn't fit.
    logger.setLevel(logging.CRITICAL)
    try:
        aligned: dict[str, torch.Tensor] = align_and_update_state_dicts(
            dict(own), dict(tensors), c2_conversion=layout == "caffe2"
        )
    except (ValueError, AssertionError, KeyError, IndexError) as error:
        raise WeightsError(
            f"{checkpoint.path.name}: its tensors' names can't be matched with the model's "
            f"({error}); use the config that they were made with."
        ) from error
    finally:
        logger.setLevel(level)
    return aligned


def _fills_itself(name: str, by_heuristics: bool) -> bool:
    """Whether the model has the value already: Caffe2's frozen BatchNorms have no mean."""
    return name.endswith("num_batches_tracked") or (
        by_heuristics and name.endswith((".norm.running_mean", ".norm.running_var"))
    )


def _is_finite(tensor: torch.Tensor) -> bool:
    import torch

    # A sum needs no memory; only where it is not finite, which may be an overflow, each number is
    # looked at.
    return not tensor.is_floating_point() or bool(
        torch.isfinite(tensor.sum(dtype=torch.float32)) or torch.isfinite(tensor).all()
    )


def _likely_cause(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    """Why weights don't fit a model, as far as names and shapes show it."""
    classes, trained = _classes_in(own), _classes_in(given)
    if trained is not None and classes is not None and trained != classes:
        return f"The weights were trained with {trained} classes, but this config has {classes}"
    if not own.keys() & given.keys():
        return "Not one name is the same: the weights are those of another kind of model"
    blocks, trained_blocks = _blocks_in(own), _blocks_in(given)
    if blocks and trained_blocks and blocks != trained_blocks:
        depths = [
            _RESNETS.get(count, f"of {count} blocks in res4") for count in (trained_blocks, blocks)
        ]
        return (
            f"The weights are those of a ResNet {depths[0]}, "
            f"but this config has a ResNet {depths[1]}"
        )
    for part, what in _PARTS:
        has, wants = (any(part in name for name in names) for names in (given, own))
        if has and not wants:
            return f"The weights are those of a model with {what}, but this config has none"
        if wants and not has:
            if not any(name.startswith(("roi_heads.", "head.")) for name in given):
                return "The weights are those of a backbone alone, from which a training starts"
            return f"The weights are those of a model without {what}, but this config has it"
    return "The weights belong to another configuration"


def _classes_in(tensors: Mapping[str, torch.Tensor]) -> int | None:
    """The number of classes: the box classifier's rows without its last, the background."""
    rows = (
        tensor.shape[0]
        for name, tensor in tensors.items()
        if name.endswith(_CLASSIFIERS) and tensor.ndim == 2
    )
    return next((count - 1 for count in rows), None)


def _blocks_in(tensors: Mapping[str, torch.Tensor]) -> int:
    """How many blocks the fourth stage of a ResNet has, 0 without one."""
    found = (re.search(r"(?:^|\.)res4\.(\d+)\.", name) for name in tensors)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _is_bookkeeping(name: str) -> bool:
    # Older checkpoints carry these though the model computes them itself; detectron2's checkpointer
    # drops them too.
    return (
        name in {"pixel_mean", "pixel_std"}
        or "cell_anchors" in name
        or name.endswith("num_batches_tracked")
    )
