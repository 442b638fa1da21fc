"""Reading a detectron2 config: a YAML file, one of the model zoo's, or a Python config.

A YAML config is data and can do nothing. A Python config is code: those inside detectron2 are run,
others only when the caller trusts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .model_config import ModelConfig
from .python_config import ZOO_KEY, ZooPythonConfig, is_zoo_config, run_config
from .yaml_config import NodeConfig, merged_node, read_yaml

__all__ = ["ZOO_KEY", "ModelConfig", "config_of", "read_config"]


def read_config(config: str | Path, *, trust_code: bool = False) -> ModelConfig:
    """Read a model's config.

    Args:
        config: a YAML file, the name of one of the model zoo's configs, or a Python config.
        trust_code: whether a Python config may be run; the model zoo's own always may.

    Returns:
        What it says; its sizes may be changed before the model is built.

    Raises:
        ConfigError: it can't be read, or is not for a model that finds instances.
    """
    name = str(config)
    path = Path(config).expanduser()
    if path.suffix == ".py":
        return _read_python(name, path, trust_code)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"A config is a .yaml file (or a .py one with trust_code=True), not {path.name!r}."
        )
    if not path.is_file():
        path = _zoo_file(name)
    data = read_yaml(path)
    if ZOO_KEY in data:
        return ZooPythonConfig.from_yaml(path, data)
    return NodeConfig(merged_node(path, data))


def config_of(node: Any) -> ModelConfig:
    """Read a complete `CfgNode` of detectron2's; the node itself is not changed.

    Args:
        node: what detectron2's `get_cfg` and `merge_from_file` made.

    Raises:
        ConfigError: it is not for a model that finds instances.
    """
    return NodeConfig(node)


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
    from detectron2.model_zoo import get_config_file

    try:
        return Path(get_config_file(name))
    except RuntimeError:
        raise ConfigError(
            f"There is no config {name}, neither as a file nor in detectron2's model zoo."
        ) from None
