"""Where a model's class names come from: given, beside the weights, in them, or its data set's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._text import well_formed
from ..errors import ConfigError, SettingError
from .checkpoint import Checkpoint
from .folder import read_classes
from .model_config import ModelConfig

__all__ = [
    "check_count",
    "count_classes",
    "dataset_names",
    "given_names",
    "known_names",
    "names_for",
]


def given_names(classes: Sequence[str] | str | Path | None) -> tuple[str, ...] | None:
    """Return the class names that somebody gave, or None where none were given.

    Args:
        classes: the names, or a .json or .txt file of them.

    Raises:
        SettingError: they are not texts, or no list.
        ConfigError: the file can't be read.
    """
    if classes is None:
        return None
    if isinstance(classes, (str, Path)):
        if Path(classes).suffix.lower() in (".json", ".txt"):
            return read_classes(classes)
        raise SettingError(
            f"Give classes as a list of names, such as [{str(classes)!r}], or as a .json or .txt "
            "file."
        )
    names = tuple(classes)
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise SettingError(f"Class names are texts, but {wrong!r} is a {type(wrong).__name__}.")
    return tuple(map(well_formed, names))


def names_for(
    config: ModelConfig,
    checkpoint: Checkpoint,
    given: tuple[str, ...] | None,
    beside: Path | None,
) -> tuple[str, ...]:
    """Return the class names of a model that is read from files.

    Args:
        config: the model's config; its data set's names come third.
        checkpoint: its weights; the names in them come second.
        given: the names that somebody gave; they come first.
        beside: the file of names beside the weights, read where none were given.

    Returns:
        As many names as the config has classes; "class 0", "class 1", … where none are known.

    Raises:
        ConfigError: there are more or fewer names than classes.
        WeightsError: the names in the weights are not a list of texts.
    """
    if given is None and beside is not None:
        given = read_classes(beside)
    names = given if given is not None else checkpoint.classes()
    if names is None:
        names = dataset_names(config)
    if names is None:
        names = tuple(f"class {index}" for index in range(config.classes))
    check_count(names, config.classes, "The config")
    return tuple(map(well_formed, names))


def check_count(names: Sequence[str], count: int | None, owner: str) -> None:
    """Check that there are as many names as classes.

    Args:
        names: the class names.
        count: how many classes there are; None: not known, so nothing is checked.
        owner: who has the classes, to begin the message.

    Raises:
        ConfigError: the numbers differ.
    """
    if count is not None and len(names) != count:
        raise ConfigError(
            f"{owner} has {count} classes, but {len(names)} names are given; they must be as many."
        )


def dataset_names(config: ModelConfig) -> tuple[str, ...] | None:
    """Return the names of the data set that the config names, where detectron2 knows them."""
    from detectron2.data import MetadataCatalog

    if not config.datasets:
        return None
    return known_names(MetadataCatalog.get(config.datasets[0]), config.classes)


def known_names(metadata: Any, count: int | None) -> tuple[str, ...] | None:
    """Return the class names in detectron2's metadata, or None; `count`: so many they must be."""
    names = None if metadata is None else metadata.get("thing_classes")
    if names is None or (count is not None and len(names) != count):
        return None
    return tuple(names)


def count_classes(module: Any) -> int | None:
    """Return how many classes a model of detectron2 has, or None where it doesn't say."""
    for owner in (getattr(module, "roi_heads", None), module, getattr(module, "head", None)):
        count = getattr(owner, "num_classes", None)
        if isinstance(count, int):
            return count
    return None
