"""Reading a detectron2 config: a YAML file, one of the model zoo's, or a Python config.

A YAML config is data and can do nothing. A Python config is code: those inside detectron2 are run,
others only when the caller trusts them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from .._files import expanded
from ..errors import ConfigError
from .model_config import WRAP_IT, ModelConfig
from .python_config import ZOO_KEY, LazyNodeConfig, ZooPythonConfig, is_zoo_config, run_config
from .yaml_config import NodeConfig, merged_node
from .yaml_files import is_lazy_yaml, read_yaml
from .zoo_names import card_meant, names_like

__all__ = [
    "ZOO_KEY",
    "ModelConfig",
    "config_of",
    "is_node",
    "read_config",
    "read_recipe",
    "weights_named_in",
]


def read_config(config: Any, *, trust_code: bool = False) -> ModelConfig:
    """Read a model's config.

    Args:
        config: a YAML file, the name of one of the model zoo's configs (with or without its
            ending), a Python config, or one that is in memory.
        trust_code: whether a Python config may be run; the model zoo's own always may.

    Returns:
        What it says; its sizes may be changed before the model is built.

    Raises:
        ConfigError: it can't be read, or is not for a model that finds instances.
    """
    if is_node(config):
        return config_of(config)
    if not isinstance(config, (str, Path)):
        raise ConfigError(
            f"A config is a file, a name of the model zoo or a CfgNode, not a "
            f"{type(config).__name__}."
        )
    name = str(config)
    path = expanded(config)
    if path.suffix == ".py":
        return _read_python(name, path, trust_code)
    if not path.is_file():
        path = _zoo_file(name)
    elif path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"A config is a .yaml file (or a .py one with trust_code=True), not {path.name!r}."
        )
    if is_lazy_yaml(path):
        return _read_lazy_yaml(path, trust_code)
    data = read_yaml(path)
    if ZOO_KEY in data:
        return ZooPythonConfig.from_yaml(path, data)
    return NodeConfig(merged_node(path, data))


read_recipe = read_config
"""The former name of `read_config`."""


def config_of(node: Any) -> ModelConfig:
    """Read a config that is in memory; the node itself is not changed.

    Args:
        node: a complete `CfgNode`, which detectron2's `get_cfg` and `merge_from_file` make, or what
            `LazyConfig.load` returned.

    Raises:
        ConfigError: it is not for a model that finds instances.
    """
    return NodeConfig(node) if hasattr(node, "MODEL") else LazyNodeConfig(node)


def is_node(config: Any) -> bool:
    """Return whether this is a config in memory: detectron2's `CfgNode`, or a LazyConfig's node."""
    kind = type(config).__name__
    return (kind == "CfgNode" and "MODEL" in config) or (kind == "DictConfig" and "model" in config)


def weights_named_in(node: Any) -> str:
    """Return the path or address of the weights that a config in memory names; "": none."""
    if type(node).__name__ == "CfgNode":
        return str(node.MODEL.WEIGHTS)
    return str(node.get("train", {}).get("init_checkpoint", "") or "")


def _read_lazy_yaml(path: Path, trust_code: bool) -> ModelConfig:
    """Read what detectron2's LazyConfig wrote, if it is trusted and can be read at all."""
    why = "names the code that builds the model, and reading it would run its code"
    if trust_code:
        try:
            return run_config(path)
        except ConfigError as error:
            why = f"can't be read back ({str(error).partition(chr(10))[0]})"
    raise ConfigError(
        f"{path.name} was written by detectron2's LazyConfig: it {why}. Give the .py config that "
        "it was made from, if you trust its author: load_predictor(config='….py', weights=…, "
        f"trust_code=True). Or {WRAP_IT}."
    )


def _read_python(name: str, path: Path, trust_code: bool) -> ModelConfig:
    if is_zoo_config(name):
        return ZooPythonConfig(name)
    if not trust_code:
        raise ConfigError(
            f"{path.name} is a Python config, and reading it would run its code. If you wrote it "
            "or know who did, say so with trust_code=True; else use a .yaml config."
        )
    return run_config(path)


def _zoo_file(name: str) -> Path:
    """The file of a config of the zoo, by any name that people have for it."""
    from detectron2.model_zoo import get_config_file

    card = card_meant(name)
    names = [name, f"{name}.yaml"] if card is None else [card.config, name]
    for known in names:
        with contextlib.suppress(RuntimeError):
            path = Path(get_config_file(known))
            if path.is_file():
                return path
    close = names_like(name)
    meant = f" Did you mean the config of {' or '.join(map(repr, close))}?" if close else ""
    raise ConfigError(
        f"There is no config {name}, neither as a file nor in detectron2's model zoo.{meant}"
    )
