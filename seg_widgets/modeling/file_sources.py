"""Sources whose models are files: a config, weights, and maybe class names."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DeviceError, WeightsNotFoundError
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
from .config import read_config
from .detectron2_predictor import Detectron2Predictor
from .devices import import_detectron2, resolve_device
from .downloads import download
from .fit import load_into
from .source import BuildOptions, Given, ModelSource

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
        return Detectron2Predictor(
            model.eval(),
            class_names,
            name=options.name or files.name,
            min_size=config.min_size,
            max_size=config.max_size,
            input_format=config.input_format,
            half=options.half,
            config=config.text(),
        )


class ConfigAndWeights(FileSource):
    """Your own files: a config and the weights that belong to it."""

    def __init__(self, config: str | Path, weights: Path) -> None:
        self.name = weights.stem
        self._files = ModelFiles(self.name, config, weights)

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise `config` and `weights` together."""
        if given.config is None or given.weights is None:
            return None
        return cls(given.config, Path(given.weights))

    def files(self) -> ModelFiles:
        """Return the files as they were given; whether they exist shows when they are read."""
        return self._files


class FolderModel(FileSource):
    """A model's folder, given by its path."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder
        self.name = Path(folder).name

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise a `Path`, and a text that is a path and no name."""
        model = given.model
        if isinstance(model, Path) or (isinstance(model, str) and is_folder_path(model)):
            return cls(model)
        return None

    def files(self) -> ModelFiles:
        """Find config, weights and class names in the folder; raises what `model_files` raises."""
        return model_files(self.folder)


class NamedModel(FileSource):
    """A model in one of the weight folders, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

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
        """Recognise the names of the catalogue."""
        card = find_card(given.model) if isinstance(given.model, str) else None
        return cls(given.model) if card is not None and card.file else None

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


def is_folder_path(name: str | Path) -> bool:
    """Return whether a model is meant by its folder's path and not by its name.

    Args:
        name: a path such as "models/mine", "./mine", "~/mine" or a `Path`; or a name.
    """
    return isinstance(name, Path) or any(sign in name for sign in ("/", os.sep, "~"))
