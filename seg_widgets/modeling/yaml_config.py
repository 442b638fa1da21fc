"""Configs of detectron2's YAML kind, read by the safe loader: no code, no file outside the folder.

`_BASE_` is followed inside the config's own folder only.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError
from .model_config import WRAP_IT, ModelConfig, check_architecture

if TYPE_CHECKING:
    import torch

__all__ = ["NodeConfig", "merged_node", "read_yaml"]

_MAX_BYTES: Final = 1_000_000
_MAX_NODES: Final = 100_000
_MAX_BASES: Final = 10
_ROTATED: Final = ("RRPN", "RROIHeads", "RotatedAnchorGenerator")


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
        self.datasets = node.DATASETS.TRAIN or node.DATASETS.TEST
        self.min_size = int(node.INPUT.MIN_SIZE_TEST)
        self.max_size = int(node.INPUT.MAX_SIZE_TEST)
        self.input_format = str(node.INPUT.FORMAT)

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


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file's keys and values by the safe loader.

    Args:
        path: a YAML file of at most 1 MB, and of at most 100,000 values with its aliases unfolded.

    Raises:
        ConfigError: it is larger, can't be read, or is no mapping in plain YAML.
    """
    import yaml

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(
                f"{path.name} is larger than any config ({path.stat().st_size:,} bytes)."
            )
        text = path.read_text("utf-8")
        if _unfolded(yaml.compose(text, yaml.SafeLoader), {}) > _MAX_NODES:
            raise ConfigError(
                f"{path.name} repeats itself by aliases (*) to more than any config has; "
                "it was refused."
            )
        data = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path.name} is not plain YAML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path.name} can't be read: {error.strerror or error}.") from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path.name} is not a config of detectron2: it holds a {type(data).__name__}."
        )
    return data


def _unfolded(node: Any, known: dict[int, int]) -> int:
    """How many values a YAML node stands for once its aliases are written out."""
    if node is None or isinstance(node.value, str):
        return 1
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what holds itself never ends
        parts = (
            part for item in node.value for part in (item if isinstance(item, tuple) else (item,))
        )
        known[id(node)] = 1 + sum(_unfolded(part, known) for part in parts)
    return known[id(node)]


def merged_node(path: Path, data: Mapping[str, Any]) -> Any:
    """Return detectron2's defaults with a config file and its `_BASE_` files merged into them.

    Args:
        path: the file.
        data: what `read_yaml` read from it.

    Raises:
        ConfigError: a `_BASE_` is missing or leaves the folder, or a key is not known.
    """
    _check_bases(path, data)
    from detectron2.config import get_cfg

    node = get_cfg()
    if _mentions_point_rend(data):
        importlib.import_module("detectron2.projects.point_rend").add_pointrend_config(node)
    try:
        node.merge_from_file(str(path), allow_unsafe=False)
    except KeyError as error:
        raise ConfigError(
            f"{path.name} is not a config of detectron2's R-CNN models: "
            f"{str(error.args[0]).strip()}. If a project's own code knows this key, {WRAP_IT}."
        ) from error
    except (ValueError, AssertionError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path.name} is not a config of detectron2's R-CNN models: {error}"
        ) from error
    return node


def _check_bases(path: Path, data: Mapping[str, Any]) -> None:
    """Follow `_BASE_` before detectron2 does, which would take it from anywhere."""
    import detectron2.model_zoo

    zoo = Path(detectron2.model_zoo.__file__).resolve().parent / "configs"
    first = path.resolve()
    home = zoo if zoo in first.parents else first.parent
    for _ in range(_MAX_BASES):
        base = data.get("_BASE_")
        if base is None:
            return
        if not isinstance(base, str):
            raise ConfigError(f"{path.name}: _BASE_ is the name of one file, not {base!r}.")
        target = (path.parent / base).resolve()
        if "://" in base or base.startswith("~") or home not in target.parents:
            raise ConfigError(
                f"{first.name}: _BASE_ {base!r} leaves its folder, and is not followed. Put that "
                "file beside it, or write the whole config with detectron2's cfg.dump()."
            )
        if not target.is_file():
            raise ConfigError(
                f"{first.name}: its _BASE_ {base!r} is missing; put that file beside it."
            )
        path, data = target, read_yaml(target)
    raise ConfigError(f"{first.name}: its _BASE_ files go on and on; one of them names itself.")


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


def _check_operators(node: Any, device: str) -> None:
    """Refuse deformable convolutions where the compiled operators for them are missing."""
    resnets = node.MODEL.RESNETS
    if not any(resnets.DEFORM_ON_PER_STAGE):
        return
    kind = "modulated_deform" if resnets.DEFORM_MODULATED else "deform"
    compiled = hasattr(importlib.import_module("detectron2._C"), f"{kind}_conv_forward")
    if not compiled or not device.startswith("cuda"):
        raise ConfigError(
            "The config has deformable convolutions (MODEL.RESNETS.DEFORM_ON_PER_STAGE), which "
            "need a CUDA device and detectron2's compiled operators (_C); this detectron2 is "
            f"{'compiled' if compiled else 'pure Python'} and the device is {device}. Build "
            "detectron2 from its sources, or use a config without them."
        )
