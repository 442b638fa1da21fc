"""A model as a folder: `config.yaml`, the weights, and `classes.json` with the class names.

A folder that detectron2's own trainer wrote (`config.yaml`, `model_final.pth`) is read as well.
"""

from __future__ import annotations

import json
import operator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .._files import expanded
from ..errors import ConfigError, WeightsNotFoundError

__all__ = [
    "CLASSES",
    "CONFIG",
    "WEIGHTS",
    "ModelFolder",
    "is_model_folder",
    "read_classes",
    "read_folder",
]

CONFIG: Final = "config.yaml"
WEIGHTS: Final = "model.safetensors"
CLASSES: Final = "classes.json"

_SUFFIXES: Final = (".safetensors", ".pth", ".pt", ".pkl")
# COCO's own annotations of 118,000 images, whose categories are names, have 450 MB.
_MAX_NAMES_BYTES: Final = 500_000_000
_PREFERRED: Final = (WEIGHTS, "model_final.safetensors", "model_final.pth", "model_final.pkl")


@dataclass(frozen=True)
class ModelFolder:
    """The files of a model.

    Attributes:
        config: its config.
        weights: its tensors.
        classes: its class names, or None where there is no such file.
    """

    config: Path
    weights: Path
    classes: Path | None


def is_model_folder(path: Path) -> bool:
    """Return whether a path is a folder that has a config in it."""
    return path.is_dir() and _config_in(path) is not None


def read_folder(path: str | Path) -> ModelFolder:
    """Find the files of the model in a folder.

    Of several weights `model.safetensors` comes first, then `model_final.*`, then what
    `last_checkpoint` names.

    Args:
        path: the folder; `~` is expanded.

    Raises:
        ConfigError: there is no such folder, no config in it, or it may not be read.
        WeightsNotFoundError: there are no weights in it, or several and none is preferred.
    """
    folder = expanded(path)
    try:
        return _read(folder)
    except OSError as error:
        if isinstance(error, WeightsNotFoundError):
            raise
        raise ConfigError(
            f"The folder {folder} can't be read ({error.strerror or error}); check its permissions."
        ) from error


def _read(folder: Path) -> ModelFolder:
    if not folder.exists():
        raise ConfigError(f"There is no folder {folder}; check the path.")
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is a file, not a model's folder; give its config with it: "
            "load_predictor(config=…, weights=…)."
        )
    config = _config_in(folder)
    if config is None:
        raise ConfigError(
            f"{folder} has no {CONFIG}; a model's folder has its config, its weights and {CLASSES}."
        )
    classes = next(
        (folder / name for name in (CLASSES, "classes.txt") if (folder / name).is_file()), None
    )
    return ModelFolder(config, _weights_in(folder), classes)


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Read class names from a file, in the order of the class ids.

    Args:
        path: a .txt file with a name in each line; or a .json file: a list of names, a mapping from
            ids to names, or a data set in COCO's format, whose categories count in the order of
            their ids, as detectron2 registers them.

    Raises:
        ConfigError: the file can't be read, or holds no class names.
    """
    path = expanded(path)
    try:
        if path.stat().st_size > _MAX_NAMES_BYTES:
            raise ConfigError(
                f"{path.name} is larger than any list of class names ({path.stat().st_size:,} "
                "bytes). Give the names alone: a .txt file with a name in each line."
            )
        text = path.read_text("utf-8-sig")
        if path.suffix.lower() == ".txt":
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        names = _names_in(json.loads(text))
    except OSError as error:
        raise ConfigError(
            f"The class names in {path} can't be read: {error.strerror or error}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path.name} is not JSON ({error}); it should be a list of class names."
        ) from error
    if names is None:
        raise ConfigError(
            f"{path.name} has no class names: it should be a list of texts, a mapping from "
            "0, 1, … to texts, or a data set in COCO's format."
        )
    return names


def _names_in(data: Any) -> tuple[str, ...] | None:
    if isinstance(data, dict) and isinstance(data.get("categories"), list):
        if not all(
            isinstance(one, dict) and isinstance(one.get("id"), int) for one in data["categories"]
        ):
            return None
        names: Any = [
            one.get("name") for one in sorted(data["categories"], key=operator.itemgetter("id"))
        ]
    elif isinstance(data, dict) and set(data) == {str(number) for number in range(len(data))}:
        names = [data[str(number)] for number in range(len(data))]
    else:
        names = data
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def _config_in(folder: Path) -> Path | None:
    if (folder / CONFIG).is_file():
        return folder / CONFIG
    found = [
        path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file()
    ]
    if len(found) == 1:
        return found[0]
    python = folder / "config.py"
    return python if not found and python.is_file() else None


def _weights_in(folder: Path) -> Path:
    found = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()
    )
    by_name = {path.name: path for path in found}
    for name in _PREFERRED:
        if name in by_name:
            return by_name[name]
    last = folder / "last_checkpoint"  # detectron2's trainer writes the newest one's name here
    if last.is_file():
        with last.open(encoding="utf-8", errors="replace") as file:
            name = file.read(1000).strip()
        if name in by_name:
            return by_name[name]
    if not found:
        raise WeightsNotFoundError(
            f"{folder} has a config but no weights ({', '.join(_SUFFIXES)})."
        )
    if len(found) > 1:
        raise WeightsNotFoundError(
            f"{folder} has several weights ({', '.join(by_name)}); call the one that is meant "
            f"{WEIGHTS} or model_final.pth, or name it: load_predictor(config=…, weights=…)."
        )
    return found[0]
