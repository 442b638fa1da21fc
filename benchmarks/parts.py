"""Which parts the benchmarks have: the modules of this folder that have a `TITLE`.

They are read, not imported: a part may need torch, a browser or a GPU.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from .figures import Curve, Figure, Results
from .measuring import machine

__all__ = ["Part", "find_parts", "measure"]

_FOLDER: Final = Path(__file__).parent
_FLAGS: Final = ("TITLE", "NEEDS_BROWSER", "BY_NAME", "QUICK")


@dataclass(frozen=True)
class Part:
    """One module that measures."""

    name: str
    title: str
    needs_browser: bool = False
    by_name: bool = False
    """Only run when it is named: it takes long, or needs something that few machines have."""
    quick: bool = True
    """Whether it has a short form, for `make bench-quick`."""


def find_parts(folder: Path = _FOLDER) -> dict[str, Part]:
    """All parts, by name.

    Args:
        folder: of the modules.

    Returns:
        In the order of their names.
    """
    found = {}
    for path in sorted(folder.glob("*.py")):
        flags = _constants(path)
        if "TITLE" in flags:
            found[path.stem] = Part(
                path.stem,
                str(flags["TITLE"]),
                bool(flags.get("NEEDS_BROWSER", False)),
                bool(flags.get("BY_NAME", False)),
                bool(flags.get("QUICK", True)),
            )
    return found


def _constants(path: Path) -> dict[str, object]:
    """The flags that a module sets at its top level."""
    flags: dict[str, object] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else ()
        for target in targets:
            if isinstance(target, ast.Name) and target.id in _FLAGS:
                flags[target.id] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
    return flags


def measure(name: str, quick: bool) -> Results:
    """Run a part in this process.

    Args:
        name: its name.
        quick: the short form.

    Returns:
        What it measured.
    """
    measured: Sequence[Figure | Curve] = importlib.import_module(f"benchmarks.{name}").main(quick)
    figures = [each for each in measured if isinstance(each, Figure)]
    curves = [each for each in measured if isinstance(each, Curve)]
    return Results(name, f"{datetime.now(UTC):%Y-%m-%d}", machine(), figures, curves)
