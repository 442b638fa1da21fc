"""Sources whose models are files: a config, weights, and maybe class names."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import expanded
from ..errors import ConfigError, DeviceError, ModelError, SettingError, WeightsNotFoundError
from ..net import Progress
from .catalogue import (
    STARTER,
    ModelCard,
    ModelFiles,
    available_models,
    cache_folder,
    find_card,
    find_model,
    known_cards,
    model_files,
)
from .checkpoint import read_checkpoint
from .class_names import names_for
from .config import is_node, read_config, weights_named_in
from .detectron2_predictor import Detectron2Predictor
from .devices import import_detectron2, resolve_device
from .downloads import download
from .fit import load_into
from .folder import is_model_folder
from .source import BuildOptions, Given, ModelSource
from .speeds import set_augmentation, sizes_at
from .zoo_names import card_at, card_meant, names_like

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "ConfigAndWeights",
    "FileSource",
    "FolderModel",
    "NamedModel",
    "StarterModel",
    "ZooModel",
    "is_folder_path",
]


class FileSource(ModelSource):
    """A model that is files on this machine, or becomes files by being fetched."""

    @abstractmethod
    def files(self) -> ModelFiles:
        """Find the model's files.

        Raises:
            ConfigError: what was given can't be a model.
            WeightsNotFoundError: the files are not on this machine.
        """

    def locate(self) -> None:
        """Find the files; raises what `files` raises."""
        self.files()

    @property
    def is_here(self) -> bool:
        """Whether all files are on this machine."""
        try:
            self.files()
        except WeightsNotFoundError:
            return False
        return True

    def build(self, options: BuildOptions) -> Detectron2Predictor:
        """Build a predictor from the files.

        Raises:
            ConfigError: the config can't be read or used, or the class names don't fit it.
            WeightsNotFoundError: there are no weights.
            WeightsError: the weights are damaged, unsafe, or those of another model.
            DeviceError: the device is not here, or can't do what is asked.
            DependencyError: detectron2 or torch is missing or broken.
        """
        files = self.files()
        import_detectron2()
        device = resolve_device(options.device)
        if options.half and not device.startswith("cuda"):
            raise DeviceError(
                f"half=True is for CUDA devices; on {device} it would be slower. Leave it out."
            )

        config = read_config(files.config, trust_code=options.trust_code)
        checkpoint = read_checkpoint(files.weights, cache_folder() / "converted")
        if options.min_size is not None:
            config.min_size = options.min_size
        class_names = names_for(config, checkpoint, options.class_names, files.classes)

        model = config.build(device)
        load_into(model, checkpoint)
        set_augmentation(model, options.speed)
        # The config that is saved with the model keeps the model's own sizes.
        min_size, max_size = sizes_at(options.speed, config.min_size, config.max_size)
        predictor = Detectron2Predictor(
            model.eval(),
            class_names,
            name=options.name or files.name,
            min_size=min_size,
            max_size=max_size,
            input_format=config.input_format,
            half=options.half,
            config=config.text(),
            max_instances=options.max_instances,
            optimize=True,
            speed=options.speed,
        )
        predictor.weights = files.weights
        return predictor


class ConfigAndWeights(FileSource):
    """A config of your own, as a file or in memory, and the weights that belong to it.

    The weights may be those of a model of the zoo, by their address; they are fetched then.
    """

    def __init__(self, config: Any, weights: str | Path) -> None:
        self._config = config
        self._weights = weights
        self._card = card_at(str(weights)) if "://" in str(weights) else None
        self.name = Path(weights).stem if self._card is None else self._card.name

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise `config` and `weights` together, and a config in memory, which names its
        weights."""
        if given.config is not None and given.weights is not None:
            return cls(given.config, given.weights)
        config = given.model if given.config is None else given.config
        return cls(config, weights_named_in(config)) if is_node(config) else None

    @property
    def card(self) -> ModelCard | None:
        """The card of the model of the zoo that the weights are those of, or None."""
        return self._card

    @property
    def can_be_fetched(self) -> bool:
        """Whether the weights are those of a model of the zoo."""
        return self._card is not None

    def fetch(self, progress: Progress | None, cancel: threading.Event | None) -> None:
        """Fetch the weights of the zoo into the cache; raises what `download` raises."""
        if self._card is None:
            super().fetch(progress, cancel)
        else:
            download(self._card.name, progress=progress, cancel=cancel)

    def files(self) -> ModelFiles:
        """Return the files as they were given; whether they exist shows when they are read.

        Raises:
            SettingError: the weights are an address, but not one of a model of the zoo.
            WeightsNotFoundError: the weights are those of the zoo and not on this machine.
        """
        if self._card is not None:
            return ModelFiles(self.name, self._config, find_model(self._card.name).weights)
        weights = str(self._weights)
        if not weights:
            raise SettingError(
                "The config names no weights (MODEL.WEIGHTS is empty). Set cfg.MODEL.WEIGHTS to "
                "your file, or give it: load_predictor(config=cfg, weights=…)."
            )
        if "ImageNetPretrained" in weights:
            raise SettingError(
                f"The config names {weights}: a backbone, from which a training starts. Set "
                "cfg.MODEL.WEIGHTS to the file of the trained model, or give it: "
                "load_predictor(config=cfg, weights=…)."
            )
        if "://" in weights:
            raise SettingError(
                f"Weights are fetched from detectron2's model zoo only, not from {weights}. "
                "Download the file, and give its path: load_predictor(config=…, weights=…)."
            )
        return ModelFiles(self.name, self._config, Path(weights))


class FolderModel(FileSource):
    """A model's folder, given by its path."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder
        self.name = Path(folder).name

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise a `Path`, a text that is a path and no name, and the name of a folder that is
        here, where no model of a weight folder is called so."""
        model = given.model
        is_path = isinstance(model, str) and (is_folder_path(model) or _is_only_a_folder(model))
        return cls(model) if is_path or isinstance(model, Path) else None

    def files(self) -> ModelFiles:
        """Find config, weights and class names in the folder; raises what `model_files` raises."""
        folder = expanded(self.folder)
        if isinstance(self.folder, str) and not os.path.lexists(folder):
            self._explain(self.folder)
        return model_files(self.folder)

    @staticmethod
    def _explain(name: str) -> None:
        """Say more than that there is no such folder, where a config of the zoo may be meant."""
        if name.endswith((".yaml", ".py")):
            close = names_like(name)
            meant = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
            raise ConfigError(
                f"There is no folder {name}, and no model has that name here. {meant}For another "
                f"config, also one of detectron2's model zoo, give the weights with it: "
                f"load_predictor(config={name!r}, weights=…)."
            )


class NamedModel(FileSource):
    """A model in one of the weight folders, by its name.

    It comes before a folder of this name where the program runs, so that a name means the same
    model everywhere.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def folder_passed_over(self) -> Path | None:
        """The model's folder of this name that is here and not meant; None: there is none.

        Raises:
            WeightsNotFoundError: the model's own files are not on this machine.
        """
        folder = Path(self.name)
        if not is_model_folder(folder) or folder.samefile(self.files().weights.parent):
            return None
        return folder

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise every text; sources of certain names come before this one."""
        return cls(given.model) if isinstance(given.model, str) else None

    @classmethod
    def listed(cls) -> Iterable[ModelCard]:
        """Yield a card for each model that no other source knows; it has the name and no more."""
        for name in available_models():
            if find_card(name) is None:
                yield ModelCard(name, "", 0, "", None, None, None, None, "", "")

    @property
    def card(self) -> ModelCard | None:
        """The catalogue's card, or None."""
        return find_card(self.name)

    def files(self) -> ModelFiles:
        """Find the files in the weight folders; raises what `find_model` raises."""
        return find_model(self.name)


class StarterModel(NamedModel):
    """The starter, which comes with the package."""

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise the starter's name."""
        return cls(STARTER) if given.model == STARTER else None

    @classmethod
    def listed(cls) -> Iterable[ModelCard]:
        """Yield the starter's card."""
        return (card for card in known_cards() if card.name == STARTER)


class ZooModel(NamedModel):
    """A model of detectron2's model zoo, whose weights are fetched when they are not here."""

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise the names of the catalogue, and those that people know from detectron2.

        A folder of that name, which may be a training's, comes first.
        """
        name = given.model
        card = card_meant(name) if isinstance(name, str) else None
        if card is None or not card.file:
            return None
        if card.name != name and os.path.lexists(expanded(name)):
            return None
        return cls(card.name)

    @classmethod
    def listed(cls) -> Iterable[ModelCard]:
        """Yield the cards of the zoo."""
        return (card for card in known_cards() if card.file)

    @property
    def can_be_fetched(self) -> bool:
        """Whether `fetch` can bring it here: always."""
        return True

    def fetch(self, progress: Progress | None, cancel: threading.Event | None) -> None:
        """Fetch the weights into the cache; raises what `download` raises."""
        download(self.name, progress=progress, cancel=cancel)


def _is_only_a_folder(name: str) -> bool:
    # Not by pathlib, which raises for a name that is too long.
    if not name or not os.path.isdir(name):  # noqa: PTH112
        return False
    try:
        find_model(name)
    except ModelError:
        return True
    return False


def is_folder_path(name: str | Path) -> bool:
    """Return whether a model is meant by its folder's path and not by its name.

    Args:
        name: a path such as "models/mine", "./mine", "~/mine" or a `Path`; or a name.
    """
    return isinstance(name, Path) or any(sign in name for sign in ("/", os.sep, "~"))
