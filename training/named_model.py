"""The network with eighty names, for training and for measuring; and its beginning."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

import training.partial_labels  # noqa: F401  (registers the networks)
from seg_widgets.finetuning.augmentation import Pixels
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, encode, evaluate
from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.classes import CLASSES
from training.config import SETTINGS, Inference
from training.evaluate import predict
from training.names import GROUP_OF, NAMES

Hook = Callable[[nn.Module, tuple[Tensor, ...]], Tensor]

GROUP_CLASSES = tuple(
    NAMES.index(group) if group in NAMES else NAMES.index("person") for group in CLASSES
)


def make_named_config() -> Any:
    """Return detectron2's config node: the starter's, with more classes, for partial labels."""
    from detectron2.config import get_cfg

    settings = copy.deepcopy(SETTINGS)
    settings["MODEL"]["META_ARCHITECTURE"] = "PartialRCNN"
    settings["MODEL"]["PROPOSAL_GENERATOR"]["NAME"] = "PartialRPN"
    settings["MODEL"]["ROI_HEADS"] |= {"NAME": "PartialROIHeads", "NUM_CLASSES": len(NAMES)}
    config = get_cfg()
    config.merge_from_other_cfg(type(config)(settings))
    config.MODEL.DEVICE = "cpu"
    return config


def build_named(group_weight: float = 0.0, dropout: float = 0.0) -> nn.Module:
    """Build the network.

    Args:
        group_weight: that of `partial_labels.name_loss`.
        dropout: in training, the share of the classifier's inputs that are set to 0, and of a
            region's channels a quarter of it (https://jmlr.org/papers/v15/srivastava14a.html).
    """
    from detectron2.modeling import build_model

    model: Any = build_model(make_named_config())
    heads = model.roi_heads
    heads.group_weight = group_weight
    heads.group_of.copy_(torch.from_numpy(GROUP_OF))
    heads.stands_for[: len(CLASSES)] = torch.tensor(GROUP_CLASSES)
    if dropout:
        for head, predictor in zip(heads.box_head, heads.box_predictor, strict=True):
            head.register_forward_pre_hook(_drop_channels(dropout / 4))
            predictor.cls_score.register_forward_pre_hook(_drop(dropout))
    network: nn.Module = model.to(memory_format=torch.channels_last)
    return network


def _drop_channels(share: float) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        return functional.dropout2d(inputs[0], share, module.training)

    return hook


def _drop(share: float) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        return functional.dropout(inputs[0], share, module.training)

    return hook


def begin_named(model: nn.Module, starter: Path) -> None:
    """Begin with the weights of a starter of seventeen groups, or of an earlier run.

    Of a starter of groups, each name begins as its group, with an even share of its probability: so
    the groups' scores are the old starter's from the first step on.

    Args:
        model: what `build_named` returned.
        starter: its weights file.

    Raises:
        ValueError: a tensor is missing, or left over.
    """
    ours = model.state_dict()
    for name, value in load_file(starter).items():
        if name not in ours:
            raise ValueError(f"{starter} has {name}, which the network has not")
        tensor = value.float() if value.is_floating_point() else value
        if tensor.shape != ours[name].shape:
            tensor = spread(tensor, is_bias=name.endswith("bias"))
        ours[name].copy_(tensor)


def spread(rows: Tensor, is_bias: bool) -> Tensor:
    """Return a classifier's rows of groups and background as rows of names and background."""
    index = torch.from_numpy(np.append(GROUP_OF, len(CLASSES)))
    result = rows[index].clone()
    if is_bias:
        shares = torch.bincount(torch.from_numpy(GROUP_OF), minlength=len(CLASSES)).float()
        result[:-1] -= shares[torch.from_numpy(GROUP_OF)].log()
    return result


def load_weights(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give a model the weights of a state dict, of half precision, too."""
    model.load_state_dict(
        {
            name: value.float() if value.is_floating_point() else value
            for name, value in state.items()
        }
    )


def detect_named(
    model: Any, images: Sequence[Pixels], inference: Inference
) -> tuple[list[list[FoundInstance]], list[list[FoundInstance]]]:
    """Return what the model finds in each image, by groups and by names, best first."""
    model.second_scale = TwoScaleRCNN.second_scale if inference.two_scales else None
    for stage in model.roi_heads.box_predictor:
        stage.test_nms_thresh = inference.nms_threshold
    by_group: list[list[FoundInstance]] = []
    by_name: list[list[FoundInstance]] = []
    for image in images:
        found = predict(model, image, inference.min_size, inference.max_size)
        masks = [encode(mask) for mask in found.pred_masks.numpy()]
        for result, classes, scores in (
            (by_group, found.pred_groups, found.group_scores),
            (by_name, found.pred_names, found.name_scores),
        ):
            columns = zip(classes.tolist(), masks, scores.tolist(), strict=True)
            instances = [FoundInstance(*one) for one in columns]
            result.append(sorted(instances, key=lambda one: -one.score))
    return by_group, by_name


def figures_of(
    model: nn.Module,
    groups: Sequence[Truth],
    names: Sequence[Truth],
    inference: Inference,
) -> dict[str, dict[str, Any]]:
    """Return COCO's mask figures by group and by name.

    Args:
        model: what is measured.
        groups: images and what is in them, by group.
        names: the same images, by name.
        inference: how.
    """
    by_group, by_name = detect_named(model, [truth.image for truth in groups], inference)
    return {
        "groups": evaluate(groups, by_group, CLASSES),
        "names": evaluate(names, by_name, NAMES),
    }
