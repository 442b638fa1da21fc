"""The browser half as texts: a linker that joins ES modules into one, and the style sheets.

anywidget and a page in one file take one script each, so the modules under `static/` are joined
here. That needs no tool but Python, in a checkout and in an installed package alike. The modules
keep to what the linker can join without renaming anything:

- `import { a, b } from "./other.js";` is the only form of import, and `export` before a
  declaration the only form of export; the entry may have a default export, too;
- imports form no cycle;
- a name is declared once at the top level of all modules that are joined.

A module that breaks a rule raises `ValueError`, which names the file and the rule.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

__all__ = ["STATIC", "LazyText", "link", "script", "stylesheet"]

STATIC: Final = Path(__file__).parent / "static"

_ENTRIES: Final = {
    "canvas": "canvas/index.js",
    "filmstrip": "filmstrip.js",
    "webpage": "webpage.js",
}
_CANVAS_STYLES: Final = (
    "tokens",
    "stage",
    "side",
    "table",
    "match",
    "tools",
    "dialogs",
    "panel",
    "strip",
    "forced",
)
_STYLES: Final = {
    "canvas": _CANVAS_STYLES,
    "filmstrip": ("filmstrip",),
    "webpage": (*_CANVAS_STYLES, "webpage"),
}

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+\.js)";\n', re.MULTILINE)
_DECLARATION: Final = re.compile(
    r"^(export )?(?:async )?(?:function|class|const|let|var) (\w+|[\[{*])", re.MULTILINE
)
_DEFAULT: Final = re.compile(r"^export default .*;\n", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)
# Comments that fill their lines: for those who read the modules, not for each saved notebook.
_COMMENT: Final = re.compile(r"^[ \t]*(?:/\*\*[^*]*(?:\*(?!/)[^*]*)*\*/|//[^\n]*)\n", re.MULTILINE)


@functools.cache
def script(name: str) -> str:
    """The script of the widget `name` as one ES module.

    Args:
        name: "canvas", "filmstrip" or "webpage" (the canvas on a page of its own).

    Returns:
        The text of the module, without imports. It is made once.
    """
    return link(STATIC / _ENTRIES[name])


@functools.cache
def stylesheet(name: str) -> str:
    """The style sheet of the widget `name`.

    Args:
        name: "canvas" (with the panel around it), "filmstrip" or "webpage".

    Returns:
        The text of its parts in their order. It is made once.
    """
    parts = (STATIC / "css" / f"{part}.css" for part in _STYLES[name])
    return "\n".join(part.read_text("utf-8") for part in parts)


class LazyText:
    """A text that is made when `str` first asks for it, so that an import does not wait for it.

    anywidget takes it for `_esm` and `_css`, and reads it when the first widget is made.
    """

    def __init__(self, make: Callable[[str], str], name: str) -> None:
        self._make = make
        self._name = name

    def __str__(self) -> str:
        return self._make(self._name)


def link(entry: Path) -> str:
    """Join a module and all that it imports into one module.

    Args:
        entry: The file of the module; a default export of it stays.

    Returns:
        The text: each module once, after those that it imports, without comments that fill a line.

    Raises:
        ValueError: A module breaks a rule of this linker, or a file is missing.
    """
    modules: dict[Path, _Module] = {}
    _visit(entry, (), modules)

    declared: dict[str, Path] = {}
    for path, module in modules.items():
        for name in module.names:
            if name in declared:
                raise ValueError(
                    f"{path} and {declared[name]} both declare {name!r} at their top level."
                    " Rename one: the linker joins them into one module."
                )
            declared[name] = path

    return "\n".join(module.text(is_entry=path == entry) for path, module in modules.items())


class _Module:
    """One file: what it imports and declares, and its text without either keyword."""

    def __init__(self, path: Path) -> None:
        try:
            source = path.read_text("utf-8")
        except FileNotFoundError as error:
            raise ValueError(f"There is no module {path}.") from error

        self._path = path
        self.imports = list(self._find_imports(source))
        self.names: list[str] = []
        self.exports: set[str] = set()
        for exported, name in _DECLARATION.findall(source):
            if not name[0].isidentifier():
                raise ValueError(f"{path} declares {name!r}…; declare one plain name at a time.")
            self.names.append(name)
            if exported:
                self.exports.add(name)

        body = _DECLARATION.sub(_without_export, _IMPORT.sub("", source))
        self._body = _COMMENT.sub("", body)
        if found := _OTHER.search(_DEFAULT.sub("", self._body)):
            raise ValueError(
                f'{path} has {found[0].strip()!r}. Only `import {{ a, b }} from "./other.js";` and'
                " `export` before a declaration can be linked."
            )

    def text(self, *, is_entry: bool) -> str:
        """Its statements; only the entry keeps its default export."""
        body = self._body if is_entry else _DEFAULT.sub("", self._body)
        return body.strip() + "\n"

    def _find_imports(self, source: str) -> Iterator[tuple[Path, list[str]]]:
        for names, target in _IMPORT.findall(source):
            wanted = [name.strip() for name in names.split(",") if name.strip()]
            for name in wanted:
                if not name.isidentifier():
                    raise ValueError(f"{self._path} imports {name!r}; the linker renames nothing.")
            yield Path(os.path.normpath(self._path.parent / target)), wanted


def _without_export(found: re.Match[str]) -> str:
    return found[0].removeprefix("export ")


def _visit(path: Path, importers: tuple[Path, ...], modules: dict[Path, _Module]) -> None:
    """Add the module `path` behind all that it imports."""
    if path in importers:
        cycle = " → ".join(one.name for one in (*importers[importers.index(path) :], path))
        raise ValueError(f"The imports form a cycle: {cycle}.")
    if path in modules:
        return

    module = _Module(path)
    for target, names in module.imports:
        _visit(target, (*importers, path), modules)
        missing = [name for name in names if name not in modules[target].exports]
        if missing:
            raise ValueError(f"{path} imports {missing[0]!r}, which {target} does not export.")
    modules[path] = module
