"""Names that are imported at first use, so that a package's API costs nothing until it is
called."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` (PEP 562) of a package that imports its modules at first use.

    Args:
        package: the package's `__name__`.
        modules: the names that each of its modules exports, by module:
            `{"loading": ["load_predictor"]}`.

    Returns:
        The two functions, to be assigned to these names in the package.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{homes[name]}", package), name)

    def names() -> list[str]:
        return sorted(homes)

    return find, names
