"""A network for new classes that takes over what a trained one has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError
from ..modeling import check_min_size, resolve_device

if TYPE_CHECKING:
    import torch

    from ..modeling import Detectron2Predictor

__all__ = ["adapt_config", "transfer_network"]

_ARCHITECTURES: Final = ("GeneralizedRCNN", "TwoScaleRCNN")
# Which of the base's names are in one group: of new classes, each is a group of its own.
_GROUPS: Final = ("roi_heads.group_of", "roi_heads.stands_for")


def adapt_config(
    base: Detectron2Predictor, classes: int, min_size: int | None, most_objects: int = 0
) -> Any:
    """Return the base's config, as a `CfgNode`, for another number of classes.

    Args:
        base: the trained model.
        classes: how many classes the new one has.
        min_size: pixels of the image's shorter side; None: as the base has it.
        most_objects: in one image of the data set; a lower limit of detections is raised to it.

    Raises:
        ConfigError: the base has no YAML config, or is no Mask R-CNN.
        SettingError: `min_size` is out of its range.
    """
    import yaml
    from detectron2.config import CfgNode

    check_min_size(min_size)
    settings = yaml.safe_load(base.config) if base.config else None
    if not isinstance(settings, dict) or "MODEL" not in settings:
        raise ConfigError(
            f"{base.name} has no YAML config of detectron2's, which fine-tuning needs; "
            "take another model."
        )
    cfg = CfgNode(settings)
    is_known = cfg.MODEL.META_ARCHITECTURE in _ARCHITECTURES
    if not is_known or not cfg.MODEL.MASK_ON or cfg.MODEL.KEYPOINT_ON:
        raise ConfigError(
            f"{base.name} is no Mask R-CNN, and only these are fine-tuned; take the starter, "
            "or a zoo's."
        )
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = classes
    cfg.DATASETS.TRAIN = cfg.DATASETS.TEST = ()
    # An image with more objects than the limit could not be found whole.
    cfg.TEST.DETECTIONS_PER_IMAGE = max(cfg.TEST.DETECTIONS_PER_IMAGE, most_objects)
    if min_size is not None:
        scaled = cfg.INPUT.MAX_SIZE_TEST * min_size // cfg.INPUT.MIN_SIZE_TEST
        cfg.INPUT.MAX_SIZE_TEST = max(min_size, scaled)
        cfg.INPUT.MIN_SIZE_TEST = min_size
    return cfg


def transfer_network(
    base: Detectron2Predictor, cfg: Any, class_names: tuple[str, ...], device: str, seed: int
) -> tuple[torch.nn.Module, str]:
    """Build a network for new classes; all else, and classes of the same name, come from the base.

    Args:
        base: the trained model.
        cfg: what `adapt_config` made of its config.
        class_names: the new classes.
        device: for `resolve_device`.
        seed: of the layers that start anew.

    Returns:
        The network, and in words what it took over.

    Raises:
        DeviceError: the device is not here.
    """
    import torch
    from detectron2.modeling import build_model

    built = cfg.clone()
    built.MODEL.DEVICE = resolve_device(device)
    torch.manual_seed(seed)
    # Not `ModelConfig.build`: it skips the random initial values, which new layers need.
    network: torch.nn.Module = build_model(built)

    own = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(_GROUPS)
    }
    known = {name: index for index, name in enumerate(base.class_names)}
    pairs = [(new, known[name]) for new, name in enumerate(class_names) if name in known]
    taken: dict[str, torch.Tensor] = {}
    for name, tensor in base.model.state_dict().items():
        if name not in own:
            continue
        if _is_by_class(name, cfg):
            taken[name] = _class_rows(own[name], tensor, pairs, len(class_names), len(known))
        elif own[name].shape == tensor.shape:
            taken[name] = tensor
    network.load_state_dict(taken, strict=False)

    same = ", ".join(class_names[new] for new, _ in pairs)
    words = f"classes that it knows already: {same or 'none'}"
    anew = sorted(name.removeprefix("roi_heads.") for name in own if name not in taken)
    return network, words + (f"; learnt anew: {', '.join(anew)}" if anew else "")


def _is_by_class(name: str, cfg: Any) -> bool:
    """Whether a tensor has rows for each class; in another model these mean other classes."""
    if ".cls_score." in name:
        return True
    if ".bbox_pred." in name:
        return name.startswith("roi_heads.") and not cfg.MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG
    is_mask = name.startswith("roi_heads.mask_head.predictor.")
    return is_mask and not cfg.MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK


def _class_rows(
    own: torch.Tensor, theirs: torch.Tensor, pairs: list[tuple[int, int]], new: int, old: int
) -> torch.Tensor:
    """The rows of the new classes, taken from the base's by name.

    A class that the base doesn't know starts with random scores, and with the mean of all classes
    for box and mask. The background, the last row of scores, stays what it is.
    """
    rows = own.clone()
    if len(theirs) == old + 1:
        rows[new] = theirs[old]
        for ours, other in pairs:
            rows[ours] = theirs[other]
        return rows
    by_class = theirs.reshape(old, -1, *theirs.shape[1:])
    start = by_class.mean(0, keepdim=True).expand(new, *by_class.shape[1:]).clone()
    for ours, other in pairs:
        start[ours] = by_class[other]
    return start.reshape(own.shape)
