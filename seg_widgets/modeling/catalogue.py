"""Which models can be asked for by name, and where their files are looked for.

These are the starter and detectron2's model zoo (`zoo`); what else lies in one of the weight
folders is found by its file's name.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs

from .._files import expanded
from ..errors import ConfigError, ModelError, WeightsNotFoundError
from .folder import is_model_folder, read_folder
from .zoo import ZOO_ADDRESS, zoo_rows

__all__ = [
    "STARTER",
    "STARTER_PHOTOGRAPHS",
    "ModelCard",
    "ModelFiles",
    "available_models",
    "cache_folder",
    "find_card",
    "find_model",
    "known_cards",
    "model_files",
    "model_name",
    "weight_folders",
]

STARTER: Final = "starter"
"""The model that comes with the package."""

STARTER_PHOTOGRAPHS: Final = 2_864
"""Photographs that the starter's weights were trained on (`weights/starter.md`)."""

log = logging.getLogger(__name__)

_FILE_ENDINGS = (".yaml", ".yml", ".py", ".pth", ".pt", ".pkl", ".safetensors", ".onnx", ".zip")
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class ModelFiles:
    """A model's files.

    Attributes:
        name: what the model is called.
        config: a detectron2 YAML file, the name of one of the model zoo's configs, or a config that
            is in memory (detectron2's `CfgNode`, or a LazyConfig's node).
        weights: its tensors.
        classes: a file with its class names, or None.
    """

    name: str
    config: Any
    weights: Path
    classes: Path | None = None


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model that can be asked for by name.

    Attributes:
        name: for `load_predictor`.
        config: its config in detectron2's model zoo; "": a file beside the weights.
        classes: how many classes it knows; 0: not known.
        trained_on: the data set.
        box_ap: published box AP in percent on that data set's validation part; None: not known.
        mask_ap: the same for masks.
        seconds: published time an image on a V100; None: not known.
        megabytes: size of its weights (10⁶ bytes); None: not known.
        file: path of its weights below the zoo's address; "": they can't be fetched.
        licence: of the weights.
    """

    name: str
    config: str
    classes: int
    trained_on: str
    box_ap: float | None
    mask_ap: float | None
    seconds: float | None
    megabytes: float | None
    file: str
    licence: str

    @property
    def address(self) -> str:
        """From where the weights can be fetched; "" where they can't be.

        The environment variable SEG_WIDGETS_MIRROR names another server that has the zoo's files
        under the same paths.
        """
        base = os.environ.get("SEG_WIDGETS_MIRROR", "").strip() or ZOO_ADDRESS
        return f"{base.rstrip('/')}/{self.file}" if self.file else ""

    @property
    def file_name(self) -> str:
        """What the zoo calls the weights, such as "model_final_f10217.pkl"."""
        return self.file.rpartition("/")[2]

    @property
    def md5_prefix(self) -> str:
        """The first digits of the file's MD5, which the zoo puts into its name."""
        return self.file_name.rpartition("_")[2].partition(".")[0]

    @property
    def speed(self) -> str:
        """Speed on a GPU: "fast" (up to 0.06 s an image), "medium" (up to 0.1 s), "slow" or ""."""
        if self.seconds is None:
            return ""
        if self.seconds <= 0.06:
            return "fast"
        return "medium" if self.seconds <= 0.1 else "slow"

    @property
    def weights(self) -> Path | None:
        """Where its weights are on this machine; None: they are not here."""
        found = _find(self.name, self, [folder for folder in weight_folders() if _is_open(folder)])
        return found.weights if found is not None else None


_STARTER_CARD: Final = ModelCard(
    name=STARTER,
    config="",
    classes=96,
    trained_on=f"{STARTER_PHOTOGRAPHS:,} photographs and composites",
    box_ap=None,
    mask_ap=None,
    seconds=None,
    megabytes=16.0,
    file="",
    licence="Apache-2.0",
)
_ZOO_CARDS: Final = [ModelCard(**asdict(row), licence="CC BY-SA 3.0") for row in zoo_rows()]
_CARDS: Final = {card.name: card for card in (_STARTER_CARD, *_ZOO_CARDS)}


def find_card(name: str) -> ModelCard | None:
    """Return the card of the starter or of a model of the zoo, or None; no folder is looked at."""
    return _CARDS.get(name)


def known_cards() -> tuple[ModelCard, ...]:
    """Return the cards of the starter and of the zoo's models; no folder is looked at."""
    return tuple(_CARDS.values())


def weight_folders() -> list[Path]:
    """Return the folders that are searched for weights, in order; not all of them need exist.

    They are the folder that the environment variable SEG_WIDGETS_WEIGHTS names, `weights/` of the
    checkout, `weights/` inside the installed package (which has the starter), and the cache.
    """
    folders = [_PACKAGE.parent / "weights", _PACKAGE / "weights", cache_folder()]
    named = os.environ.get("SEG_WIDGETS_WEIGHTS", "").strip()
    if named:
        folders.insert(0, expanded(named))
    return folders


def cache_folder() -> Path:
    """Return the folder for fetched weights; it need not exist.

    It is what the environment variable SEG_WIDGETS_CACHE names, else the person's own cache.
    """
    named = os.environ.get("SEG_WIDGETS_CACHE", "").strip()
    if named:
        return expanded(named)
    return Path(platformdirs.user_cache_dir("seg-widgets", appauthor=False))


def model_name(model: str | Path) -> str:
    """Return a model's name, or the path of its folder written so that it can't be a name.

    Args:
        model: a name (returned as it is), or the path of a folder.
    """
    if isinstance(model, str):
        return model
    path = expanded(model)
    return str(path) if path.is_absolute() else f".{os.sep}{path}"


def available_models() -> list[str]:
    """Return the names of the models that are in one of `weight_folders`, the starter first."""
    found = set()
    for folder in weight_folders():
        found |= _names_in(folder)
    found.update(name for name, card in _CARDS.items() if card.weights is not None)
    return sorted(found, key=lambda name: (name != STARTER, name))


def _names_in(folder: Path) -> set[str]:
    """The models of one folder: NAME.safetensors with NAME.yaml, and model folders."""
    if not _is_open(folder):
        log.warning("The folder %s may not be read; models in it are not listed.", folder)
        return set()
    if not folder.is_dir():
        return set()
    pairs = (path for path in folder.glob("*.safetensors") if path.with_suffix(".yaml").is_file())
    found = {path.stem for path in pairs}
    for path in folder.iterdir():
        # A folder with a config and no weights is not a model yet, nor one that may not be read.
        with contextlib.suppress(ModelError, OSError):
            if not path.name.startswith(".") and is_model_folder(path):
                found.add(model_files(path).name)
    return found


def _is_open(folder: Path) -> bool:
    """Whether a folder may be looked through; one that is not there may."""
    return os.access(folder, os.R_OK | os.X_OK) or not os.path.lexists(folder)


def find_model(name: str) -> ModelFiles:
    """Find the files of the model called `name`; the first of `weight_folders` that has them wins.

    A model of your own is NAME.safetensors with NAME.yaml, or a folder NAME (see `model_files`).
    Of a model of the zoo only the weights are needed, as NAME.safetensors, as NAME.pkl, or under
    the zoo's own name for the file.

    Args:
        name: a name, not a path.

    Returns:
        The files, all of which exist.

    Raises:
        ConfigError: `name` can't be a model's name, or one of the folders may not be read.
        WeightsNotFoundError: no folder has them; the message lists the folders.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise ConfigError(
            f"{name!r} is no model name; use one such as {STARTER!r}, the path of a model's "
            "folder, or config= and weights= paths."
        )
    closed = next((folder for folder in weight_folders() if not _is_open(folder)), None)
    if closed is not None:
        raise ConfigError(
            f"The folder {closed}, in which weights are looked for, may not be read by this user. "
            "Change its permissions, or name another one in SEG_WIDGETS_WEIGHTS or "
            "SEG_WIDGETS_CACHE."
        )
    card = _CARDS.get(name)
    found = _find(name, card, weight_folders())
    if found is None:
        if name.endswith(_FILE_ENDINGS):
            raise ConfigError(
                f"{name!r} is a file's name, not a model's. Give the config and the weights: "
                "load_predictor(config=…, weights=…)."
            )
        raise WeightsNotFoundError(_not_found(name, card))
    return found


def _not_found(name: str, card: ModelCard | None) -> str:
    places = ", ".join(str(folder) for folder in weight_folders())
    if card is not None and card.file:
        return (
            f"The weights of {name!r} are not on this machine (looked for as {name}.safetensors, "
            f"{name}.pkl and {card.file_name} in {places}). Fetch them with `python -m seg_widgets "
            f"weights get {name}`, or get {card.address} and put it into one of these folders, or "
            f"use the model {STARTER!r}, which comes along."
        )
    known = available_models()
    have = f"Found there: {', '.join(known)}." if known else "No weights are there at all."
    remedy = (
        "Reinstall seg_widgets to get the starter back"
        if name == STARTER
        else "`python -m seg_widgets weights list` lists the names that are known"
    )
    return (
        f"The model {name!r} was looked for as {name}.safetensors with {name}.yaml in {places}. "
        f"{have} {_meant(name)}{remedy}; SEG_WIDGETS_WEIGHTS names a folder that has more."
    )


def _meant(name: str) -> str:
    """Which names somebody may have meant, as a sentence; a typing error is likelier than a
    forgotten file."""
    from .zoo_names import names_like  # it is about the cards that are made here

    close = [] if name in _CARDS else names_like(name)
    return f"Did you mean {' or '.join(map(repr, close))}? " if close else ""


def model_files(folder: str | Path) -> ModelFiles:
    """Find the files of the model in a folder; the model is called like the folder.

    Args:
        folder: the model's folder; `~` is expanded.

    Raises:
        ConfigError: it is no folder, or has no config.
        WeightsNotFoundError: it has no weights, or several.
    """
    found = read_folder(folder)
    name = expanded(folder).resolve().name
    return ModelFiles(name, found.config, found.weights, found.classes)


def _find(name: str, card: ModelCard | None, folders: list[Path]) -> ModelFiles | None:
    for folder in folders:
        weights, config = folder / f"{name}.safetensors", folder / f"{name}.yaml"
        if weights.is_file() and config.is_file():
            return ModelFiles(name, config, weights)
        if is_model_folder(folder / name):
            return model_files(folder / name)
        if card is None or not card.config:
            continue
        for path in (weights, folder / f"{name}.pkl", folder / card.file_name):
            if path.is_file():
                return ModelFiles(name, card.config, path)
    return None
