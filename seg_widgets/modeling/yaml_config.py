"""Configs of detectron2's YAML kind. They are data: no code of theirs runs."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError
from .model_config import WRAP_IT, ModelConfig, check_architecture
from .training_keys import TRAINING_SECTIONS, split_unknown
from .yaml_bases import merged_with_bases
from .yaml_files import shortened

if TYPE_CHECKING:
    import torch

__all__ = ["NodeConfig", "merged_node"]

log = logging.getLogger(__name__)

_ROTATED: Final = ("RRPN", "RROIHeads", "RotatedAnchorGenerator")
_MAX_INTEGER: Final = 1_000_000
_MAX_CLASSES: Final = 100_000
_MAX_SIDE: Final = 20_000  # pixels
_MAX_POOLED: Final = 256
# What detectron2 raises for a value that it can't take.
_MERGE_ERRORS: Final = (
    *(LookupError, ValueError, AssertionError, TypeError, AttributeError),
    *(ArithmeticError, SyntaxError, RecursionError, MemoryError),
)


class NodeConfig(ModelConfig):
    """What a `CfgNode` of detectron2's says."""

    def __init__(self, node: Any) -> None:
        """Read a node, which stays as it is.

        Args:
            node: a complete `CfgNode`, as `get_cfg` and `merge_from_file` make it.

        Raises:
            ConfigError: it is for a model that is not supported.
        """
        _check_supported(node)
        self._node = node.clone()
        dense = node.MODEL.META_ARCHITECTURE == "RetinaNet"
        owner = node.MODEL.RETINANET if dense else node.MODEL.ROI_HEADS
        self.classes = int(owner.NUM_CLASSES)
        datasets = node.DATASETS.TRAIN or node.DATASETS.TEST
        self.datasets = tuple(name for name in datasets if isinstance(name, str))
        self.min_size = int(node.INPUT.MIN_SIZE_TEST)
        self.max_size = int(node.INPUT.MAX_SIZE_TEST)
        self.input_format = str(node.INPUT.FORMAT)
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Refuse sizes and counts that would take all memory where they are used."""
        model = self._node.MODEL
        heads = (model.ROI_BOX_HEAD, model.ROI_MASK_HEAD, model.ROI_KEYPOINT_HEAD)
        largest = max(_integers(model), default=0)
        limits = {
            "a number of MODEL": (largest, _MAX_INTEGER),
            "the number of classes": (self.classes, _MAX_CLASSES),
            "INPUT.MIN_SIZE_TEST": (self.min_size, _MAX_SIDE),
            "INPUT.MAX_SIZE_TEST": (self.max_size, _MAX_SIDE),
            "POOLER_RESOLUTION": (max(head.POOLER_RESOLUTION for head in heads), _MAX_POOLED),
        }
        for what, (value, most) in limits.items():
            if not 0 <= value <= most:
                raise ConfigError(
                    f"The config says {shortened(value, 20)} for {what}, but it is 0 to "
                    f"{most:,} here. Correct it."
                )

    def text(self) -> str:
        """Return the whole config as YAML, with the sizes as they are now."""
        node = self._node.clone()
        node.INPUT.MIN_SIZE_TEST, node.INPUT.MAX_SIZE_TEST = self.min_size, self.max_size
        node.MODEL.WEIGHTS = ""  # the weights lie beside it
        dumped: str = node.dump()
        return dumped

    def _build(self, device: str) -> torch.nn.Module:
        from detectron2.modeling import build_model

        _check_operators(self._node, device)
        node = self._node.clone()
        node.MODEL.DEVICE = device
        model: torch.nn.Module = build_model(node)
        return model


def _integers(value: Any) -> Iterator[int]:
    """The sizes of all integers in a part of a config; it makes lists of such lengths, too."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _integers(part)
    elif isinstance(value, int):
        yield abs(value)


def merged_node(path: Path, data: Mapping[str, Any]) -> Any:
    """Return detectron2's defaults with a config file and its `_BASE_` files merged into them.

    Keys that this detectron2 doesn't know and that only training reads are passed over, with one
    line in the log.

    Args:
        path: the file.
        data: what `read_yaml` read from it.

    Raises:
        ConfigError: a `_BASE_` is missing or leaves the folder, or a key is not known.
    """
    data = merged_with_bases(path, data)
    from detectron2.config import get_cfg

    node = get_cfg()
    if _mentions_point_rend(data):
        importlib.import_module("detectron2.projects.point_rend").add_pointrend_config(node)
    version = _version(path, data, node)
    known, passed, unknown = split_unknown(data, _reference(node, version))
    if unknown:
        raise ConfigError(
            f"{path.name} has keys that this detectron2 doesn't know and that may change what the "
            f"model answers: {shortened(', '.join(unknown))}. If a newer detectron2 or a "
            f"project's own code knows them, {WRAP_IT}."
        )

    try:
        merged = _merge(node, known, version)
    except _MERGE_ERRORS as error:
        for section in TRAINING_SECTIONS:
            if known.pop(section, None) is not None:
                passed.append(section)
        try:
            merged = _merge(node, known, version)
        except _MERGE_ERRORS:
            raise ConfigError(
                f"{path.name} is not a config of detectron2's R-CNN models: "
                f"{shortened(error.args[0] if error.args else error)}"
            ) from error
    if passed:
        log.warning(
            "%s: keys that only training reads and that this detectron2 doesn't take were passed "
            "over: %s.",
            path.name,
            shortened(", ".join(passed)),
        )
    return merged


def _version(path: Path, data: Mapping[str, Any], node: Any) -> int:
    """The version of a config's keys; detectron2 guesses it where the file doesn't say."""
    from detectron2.config import CfgNode
    from detectron2.config.compat import guess_version

    version = data.get("VERSION")
    if version is None:
        try:
            version = guess_version(CfgNode(dict(data)), str(path))
        except _MERGE_ERRORS as error:
            raise ConfigError(
                f"{path.name} is not a config of detectron2's R-CNN models: {shortened(error)}"
            ) from error
    if type(version) is not int or not 1 <= version <= node.VERSION:
        raise ConfigError(
            f"{path.name} is a config of version {shortened(repr(version))}, but this detectron2 "
            f"knows those up to {node.VERSION}."
        )
    return version


def _reference(node: Any, version: int) -> Any:
    """All keys that a config of this version may have."""
    from detectron2.config import downgrade_config

    return node if version == node.VERSION else downgrade_config(node, to_version=version)


def _merge(node: Any, data: dict[str, Any], version: int) -> Any:
    """A copy of `node` with a config's values, as its `merge_from_file` makes it."""
    from detectron2.config import CfgNode, upgrade_config

    old = _reference(node.clone(), version)
    old.merge_from_other_cfg(CfgNode(data))
    return old if version == node.VERSION else upgrade_config(old)


def _mentions_point_rend(data: Mapping[str, Any]) -> bool:
    """Whether the config has keys of PointRend, whose code comes with detectron2."""
    model = data.get("MODEL")
    if not isinstance(model, dict):
        return False
    head = model.get("ROI_MASK_HEAD")
    return "POINT_HEAD" in model or (isinstance(head, dict) and "POINT_HEAD_ON" in head)


def _check_supported(node: Any) -> None:
    check_architecture(str(node.MODEL.META_ARCHITECTURE))
    parts = (
        node.MODEL.PROPOSAL_GENERATOR.NAME,
        node.MODEL.ROI_HEADS.NAME,
        node.MODEL.ANCHOR_GENERATOR.NAME,
    )
    rotated = next((name for name in parts if name in _ROTATED), None)
    if rotated is not None:
        raise ConfigError(
            f"The config asks for {rotated}: rotated boxes, which need detectron2's compiled "
            "operators (_C) and which a Prediction can't hold. Train on upright boxes."
        )
    if node.MODEL.PROPOSAL_GENERATOR.NAME == "PrecomputedProposals" or node.MODEL.LOAD_PROPOSALS:
        raise ConfigError(
            "The config is for a Fast R-CNN, which needs a file of proposed boxes with each image. "
            "Use the Faster R-CNN config of the same backbone, which proposes boxes itself."
        )


def _check_operators(node: Any, device: str) -> None:
    """Refuse deformable convolutions where nothing can compute them."""
    if not any(node.MODEL.RESNETS.DEFORM_ON_PER_STAGE):
        return
    try:
        compiled: Any = importlib.import_module("detectron2._C")
    except ImportError:
        compiled = None
    if getattr(compiled, "DEFORM_CONV_FROM_TORCHVISION", False):
        return
    has_cuda = getattr(compiled, "has_cuda", bool)()
    if has_cuda and device.startswith("cuda"):
        return
    why = (
        f"This detectron2 computes them on CUDA devices only, and the device is {device}: choose "
        "device='cuda'"
        if has_cuda
        else "This detectron2 was built without the operators for them: install the wheel that "
        "`make setup` builds, which takes torchvision's on any device"
    )
    raise ConfigError(
        "The config has deformable convolutions (MODEL.RESNETS.DEFORM_ON_PER_STAGE). "
        f"{why}, or use a config without them."
    )
