"""All sources of models, in the order in which they are asked, and what is decided by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from .catalogue import ModelCard
from .file_sources import ConfigAndWeights, FolderModel, NamedModel, StarterModel, ZooModel
from .live_model import LiveModel
from .source import Given, ModelSource

__all__ = ["SOURCES", "find_source", "missing_card", "models"]

SOURCES: Final[list[type[ModelSource]]] = [
    ConfigAndWeights,
    StarterModel,
    ZooModel,
    FolderModel,
    NamedModel,
    LiveModel,
]
"""Every source; the first that recognises what was given is the one."""


def find_source(
    model: Any = None, *, config: Any = None, weights: str | Path | None = None
) -> ModelSource:
    """Return the source of the model that is meant; no file is opened, and no network is used.

    Args:
        model: a name, the path of a model's folder, a config in memory, or a model that lives
            already.
        config: with `weights`: the config of one's own model; a config in memory names its own.
        weights: with `config`: its weights.
    """
    given = Given(model, config, weights)
    found = (source.recognise(given) for source in SOURCES)
    return next(source for source in found if source is not None)


def missing_card(name: str) -> ModelCard | None:
    """Return the card of a model that has to be fetched before it can be used.

    Args:
        name: a model's name, or a folder's path.

    Returns:
        The card of a model that can be fetched and is not on this machine; None for every other.
    """
    source = find_source(name)
    if not source.can_be_fetched or source.is_here:
        return None
    return source.card


def models() -> tuple[ModelCard, ...]:
    """Return all models that can be asked for by name.

    The starter comes first, then detectron2's model zoo, then those found in `weight_folders` under
    another name (NAME.safetensors with NAME.yaml, or a folder NAME with both), of which only the
    name is known.
    """
    return tuple(card for source in SOURCES for card in source.listed())
