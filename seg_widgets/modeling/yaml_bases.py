"""Following `_BASE_` in YAML configs: inside the config's own folder, and to the zoo's bases."""

from __future__ import annotations

import filecmp
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError
from .yaml_files import read_yaml, shortened

__all__ = ["merged_with_bases"]

log = logging.getLogger(__name__)

_BASE: Final = "_BASE_"
_MAX_BASES: Final = 10


def merged_with_bases(path: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's keys and values with those of its `_BASE_` files below them.

    detectron2 would take a base from anywhere. Here it lies in the config's own folder, or is one
    of the model zoo's: a config that was copied from the zoo finds the base that it had there.

    Args:
        path: the file.
        data: what `read_yaml` read from it.

    Raises:
        ConfigError: a base is missing, leaves the folder, or leads round in a circle.
    """
    first, zoo = path.resolve(), _zoo()
    home = zoo if zoo in first.parents else first.parent
    layers = [dict(data)]
    for _ in range(_MAX_BASES):
        base = layers[-1].pop(_BASE, None)
        if base is None:
            return _merged(layers, first.name)
        path = _base_file(base, path, home, first.name)
        home = zoo if zoo in path.parents else home
        layers.append(read_yaml(path))
    raise ConfigError(f"{first.name}: its _BASE_ files go on and on; one of them names itself.")


def _base_file(base: Any, path: Path, home: Path, name: str) -> Path:
    """Where a base is; `name` is the first config's, for messages."""
    if not isinstance(base, str):
        raise ConfigError(
            f"{path.name}: _BASE_ is the name of one file, not {shortened(repr(base))}."
        )
    is_plain = "://" not in base and not base.startswith("~")
    try:
        target = (path.parent / base).resolve()
        is_there = is_plain and home in target.parents and target.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # too long, NUL, or a circle of links
        why = shortened(getattr(error, "strerror", None) or error)
        raise ConfigError(
            f"{path.name}: _BASE_ {shortened(repr(base))} is no name of a file ({why})."
        ) from error
    if is_there:
        return target
    known = _base_of_zoo(base) if is_plain else None
    if known is not None and _may_stand_for(known, target):
        log.info("%s: its _BASE_ %r is taken from detectron2's model zoo.", name, base)
        return known
    file_name = base.rpartition("/")[2]
    if is_plain and home in target.parents:
        raise ConfigError(
            f"{name}: its _BASE_ {shortened(repr(base))} is missing; put that file beside it."
        )
    raise ConfigError(
        f"{name}: _BASE_ {shortened(repr(base))} leaves its folder, and is not followed. Put that "
        f"file beside it and write _BASE_: {shortened(repr(file_name))}, or write the whole config "
        "with detectron2's cfg.dump()."
    )


def _may_stand_for(known: Path, target: Path) -> bool:
    """Whether the zoo's file is what a base means: nothing else is there, or the same."""
    return not target.is_file() or filecmp.cmp(known, target, shallow=False)


def _base_of_zoo(base: str) -> Path | None:
    """The one file of the zoo that a base's last parts name, or None."""
    parts = [part for part in Path(base).parts if part not in ("..", ".", "/")]
    found = [path for path in _zoo().rglob("*.yaml") if path.name == parts[-1:][0]] if parts else []
    if len(found) > 1:
        found = [path for path in found if path.parts[-2:] == tuple(parts[-2:])]
    return found[0] if len(found) == 1 else None


def _zoo() -> Path:
    """The zoo's configs. An editable install has a link here, so both sides are resolved."""
    import detectron2.model_zoo

    return (Path(detectron2.model_zoo.__file__).parent / "configs").resolve()


def _merged(layers: list[dict[str, Any]], name: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        _merge(layer, merged, name)
    return merged


def _merge(upper: Mapping[str, Any], lower: dict[str, Any], name: str) -> None:
    """Put a config's values over those of its base, as detectron2 does."""
    for key, value in upper.items():
        if not isinstance(value, dict) or key not in lower:
            lower[key] = value
            continue
        if not isinstance(lower[key], dict):
            raise ConfigError(f"{name}: {key} has parts, but its _BASE_ has a single value there.")
        _merge(value, lower[key], name)
