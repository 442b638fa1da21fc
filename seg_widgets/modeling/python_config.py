"""Configs that are Python (detectron2's LazyConfig): code, which runs when the config is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError
from .catalogue import known_cards
from .model_config import WRAP_IT, ModelConfig

if TYPE_CHECKING:
    import torch

__all__ = ["ZOO_KEY", "LazyNodeConfig", "ZooPythonConfig", "is_zoo_config", "run_config"]

ZOO_KEY: Final = "zoo_config"
"""The key of a YAML file that stands for one of the model zoo's Python configs."""

# What detectron2's `ResizeShortestEdge` uses where a config says nothing.
_MIN_SIZE, _MAX_SIZE = 800, 1333


class LazyNodeConfig(ModelConfig):
    """What a LazyConfig says."""

    def __init__(self, node: Any) -> None:
        """Read a node.

        Args:
            node: what `LazyConfig.load` or the model zoo's `get_config` returned.

        Raises:
            ConfigError: it doesn't say how many classes the model has.
        """
        self._node = node
        classes = _first_value(
            node, "model.roi_heads.num_classes", "model.num_classes", "model.head.num_classes"
        )
        if classes is None:
            raise ConfigError(f"The config doesn't say how many classes its model has; {WRAP_IT}.")
        self.classes = int(classes)
        dataset = _first_value(
            node, "dataloader.train.dataset.names", "dataloader.test.dataset.names"
        )
        self.datasets = _as_tuple(dataset)

        resize = _first_value(node, "dataloader.test.mapper.augmentations")
        first = resize[0] if resize else {}
        size = first.get("short_edge_length") or _MIN_SIZE
        self.min_size = int(size if isinstance(size, int) else size[0])
        self.max_size = int(first.get("max_size") or _MAX_SIZE)
        self.input_format = str(_first_value(node, "model.input_format") or "BGR")

    def text(self) -> str:
        """Return "": what code says can't be written as YAML."""
        return ""

    def _build(self, device: str) -> torch.nn.Module:
        from detectron2.config import instantiate

        model: torch.nn.Module = instantiate(self._node.model).to(device)
        return model


class ZooPythonConfig(LazyNodeConfig):
    """One of the model zoo's Python configs; in YAML its name stands for it, under `ZOO_KEY`."""

    def __init__(self, name: str) -> None:
        """Read the config called `name`, for which `is_zoo_config` is true."""
        from detectron2.model_zoo import get_config

        super().__init__(get_config(name))
        self.name = name

    @classmethod
    def from_yaml(cls, path: Path, data: Mapping[str, Any]) -> ZooPythonConfig:
        """Read what `text` wrote.

        Args:
            path: the file, for messages.
            data: its keys and values.

        Raises:
            ConfigError: it names no config of the zoo, or has other keys than the two sizes.
        """
        name = data[ZOO_KEY]
        if not is_zoo_config(name):
            raise ConfigError(
                f"{path.name}: {ZOO_KEY} {name!r} is none of the model zoo's Python configs."
            )
        config = cls(name)
        for key, value in data.items():
            if key == ZOO_KEY:
                continue
            if key not in ("min_size", "max_size") or type(value) is not int:
                raise ConfigError(
                    f"{path.name}: beside {ZOO_KEY} it may have min_size and max_size, "
                    f"whole numbers: {key!r}."
                )
            setattr(config, key, value)
        return config

    def text(self) -> str:
        """Return the config's name and the two sizes as YAML."""
        return f"{ZOO_KEY}: {self.name}\nmin_size: {self.min_size}\nmax_size: {self.max_size}\n"


def is_zoo_config(name: object) -> bool:
    """Return whether `name` is one of the model zoo's Python configs, which may always be run."""
    return any(card.config == name for card in known_cards() if card.config.endswith(".py"))


def run_config(path: Path) -> LazyNodeConfig:
    """Run a Python config. It can do whatever the person can who runs it.

    Args:
        path: the file.

    Raises:
        ConfigError: there is no such file, it fails, or it defines no model.
    """
    from detectron2.config import LazyConfig

    if not path.is_file():
        raise ConfigError(f"There is no config {path}.")
    try:
        node = LazyConfig.load(str(path))
    except Exception as error:  # it is somebody's program and can raise anything
        raise ConfigError(
            f"{path.name} failed when it was run: {type(error).__name__}: {error}"
        ) from error
    if "model" not in node:
        raise ConfigError(f"{path.name} defines no `model`, which a config of detectron2 has.")
    return LazyNodeConfig(node)


def _first_value(node: Any, *keys: str) -> Any:
    """The first of some keys that the config has; not all configs have all of them."""
    from omegaconf import OmegaConf

    values = (OmegaConf.select(node, key) for key in keys)
    return next((value for value in values if value is not None), None)


def _as_tuple(names: Any) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)
