"""Which models there are by name, and where their files are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigError, WeightsNotFoundError

__all__ = ["STARTER", "ModelFiles", "available_models", "find_model", "weight_folders"]

STARTER = "starter"

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ModelFiles:
    """A model's files: `config` is a detectron2 YAML, `weights` its tensors, `name` what it is called."""

    name: str
    config: Path
    weights: Path


def weight_folders() -> list[Path]:
    """The folders that are looked through for weights, in order; not all of them need exist.

    First the one that the environment variable SEG_WIDGETS_WEIGHTS names, then `weights/` of the checkout, then
    the one inside the installed package (which carries the starter).
    """
    folders = [_PACKAGE.parent / "weights", _PACKAGE / "weights"]
    named = os.environ.get("SEG_WIDGETS_WEIGHTS", "").strip()
    if named:
        folders.insert(0, Path(named).expanduser())
    return folders


def available_models() -> list[str]:
    """The names of the models whose files are in one of `weight_folders`, the starter first."""
    found = {
        weights.stem
        for folder in weight_folders()
        for weights in folder.glob("*.safetensors")
        if weights.with_suffix(".yaml").is_file()
    }
    return sorted(found, key=lambda name: (name != STARTER, name))


def find_model(name: str) -> ModelFiles:
    """The files of the model called `name`: the first folder that has `name`.safetensors and `name`.yaml wins.

    Raises `ConfigError` for a name that can't be one, `WeightsNotFoundError` (it lists the places looked at) otherwise.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise ConfigError(
            f"{name!r} is no model name; use one such as {STARTER!r}, or give config= and weights= paths."
        )
    folders = weight_folders()
    for folder in folders:
        weights, config = folder / f"{name}.safetensors", folder / f"{name}.yaml"
        if weights.is_file() and config.is_file():
            return ModelFiles(name, config, weights)
    places = ", ".join(str(folder) for folder in folders)
    known = sorted({found.stem for folder in folders for found in folder.glob("*.safetensors")})
    have = f"Found there: {', '.join(known)}." if known else "No weights are there at all."
    raise WeightsNotFoundError(
        f"The model {name!r} was looked for as {name}.safetensors with {name}.yaml in {places}. {have} "
        "Reinstall seg_widgets to get the starter back, or set SEG_WIDGETS_WEIGHTS to the folder that has the files."
    )
