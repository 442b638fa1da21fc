"""The site's settings: `make docs`. Its pages are the checkout's own files, so a link works in both
alike."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util import inspect

import seg_widgets
from seg_widgets import errors

project = "seg-widgets"
author = "the seg-widgets developers"
release = version = seg_widgets.__version__
html_title = f"seg-widgets {release}"
html_show_copyright = False  # the licence says it

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/*.md",
    "notebooks/*.ipynb",
    "notebooks/**.md",
    "weights/*.md",
    "benchmarks/README.md",
    "training/README.md",
]
root_doc = "README"
html_theme = "furo"
html_static_path: list[str] = []
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}

# The notebooks are committed as they ran, and the tests run them.
nb_execution_mode = "off"
myst_enable_extensions = ["html_image"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True  # DEFAULT_STYLE, not all that is in it
smartquotes = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # an attribute with a docstring of its own would be listed twice

# Where what a docstring names is explained.
_LINKED = dict.fromkeys(errors.__all__, "seg_widgets.errors") | {
    name: "seg_widgets"
    for name in seg_widgets.__all__
    if name not in ("errors", "images", "testing")
}
_LINKED["SegWidgetsError"] = "seg_widgets.errors"

# The modules whose own docstrings the reference shows.
_DESCRIBED = ("seg_widgets.cli", "seg_widgets.errors", "seg_widgets.testing")

_CONTENTS = """

```{toctree}
:hidden:

docs/install
docs/panel
docs/formats
docs/models
docs/batch
docs/judging
docs/serving
docs/web_page
notebooks/README
docs/docker
docs/troubleshooting
docs/api
docs/design
docs/performance
docs/reliability
```

```{toctree}
:hidden:
:caption: The project

CONTRIBUTING
SECURITY
CHANGELOG
weights/README
weights/starter
training/README
benchmarks/README
notebooks/images/ATTRIBUTION
```
"""
_COURSE = """

```{toctree}
:hidden:

01_environment
02_inference
03_overlays
04_your_model
05_batch
06_judge
panel
```
"""


def _add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """The lists of pages, which only the site needs; GitHub would show them as code."""
    source[0] += {"README": _CONTENTS, "notebooks/README": _COURSE}.get(name, "")


_SECTION = re.compile(r"(?:Args|Attributes|Raises|Returns|Yields):")
_NAMED = re.compile(r"(\s+)`?([\w.*]+)`?(:(?:\s|$))([a-z](?=[a-z]* |[a-z]*[.,;]))?")
_ARRAY = re.compile(
    r"[~.\w]*\bndarray\[tuple\[[~.\w]*\bAny, \.\.\.\], [~.\w]*\bdtype\[([~.\w]+)\]\]"
)
_ARRAY_LIKE = re.compile(
    r"[~.\w]*\b_Buffer \| .*?\| [~.\w]*_NestedSequence\[complex \| bytes \| str\]"
)
_ANY_ARGUMENTS = "(*args: t.Any, **kwargs: t.Any)"


def _prepare_sections(lines: list[str]) -> list[str]:
    """Google sections as napoleon reads them best.

    Types stand in the signatures. So the text of "Returns:" is all description, even where it has a
    colon, and begins with one to say so. What "Raises:" names is linked.
    """
    prepared: list[str] = []
    section, section_indent = "", 0
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if _SECTION.fullmatch(line):
            section, section_indent = line, 0
        elif line and not indent:
            section = ""
        elif line and section:
            # What is indented further goes on with the entry before it.
            begins = not section_indent or indent == section_indent
            line = _prepare_entry(section, line, not section_indent) if begins else line
            section_indent = section_indent or indent
        prepared.append(line)
    return prepared


def _prepare_entry(section: str, line: str, is_first: bool) -> str:
    """The first line of an entry of a section, as napoleon reads it best."""
    if section in ("Returns:", "Yields:"):
        indent = len(line) - len(line.lstrip())
        return f"{line[:indent]}: {line[indent:]}" if is_first else line
    found = _NAMED.match(line)
    if found is None:
        return line
    home = _LINKED.get(found[2]) if section == "Raises:" else None
    begin = found[1] + (f"~{home}." if home else "") + found[2] + found[3]
    return begin + (found[4] or "").upper() + line[found.end() :]


def _without_self(lines: list[str]) -> list[str]:
    """A function's docstring where the function is a method: without its first argument."""
    if not any(line.startswith("It is the method `Prediction.") for line in lines):
        return lines
    hidden = ("It is the method `Prediction.", "    prediction: ")
    return [line for line in lines if not line.startswith(hidden)]


def _plain_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Our docstrings mark code as Markdown does; what the package offers is linked, and an asterisk
    is just that."""

    def marked(found: re.Match[str]) -> str:
        code: str | None = found[1]
        if code is None:
            return rf"\{found[0]}"
        # "\ " ends the markup where a letter follows, as in a plural, and begins it after one.
        before = found.string[found.start() - 1 : found.start()]
        begin = r"\ " if before.isalnum() or before == "×" else ""
        after = found.string[found.end() : found.end() + 1]
        end = r"\ " if after.isalnum() else ""
        home = _LINKED.get(code.partition(".")[0])
        return begin + (f":py:obj:`{code} <{home}.{code}>`" if home else f"``{code}``") + end

    if what == "module" and name not in _DESCRIBED:
        # It is for those who read the code; the page has its own words.
        lines.clear()
        return
    if what == "method":
        lines[:] = _without_self(lines)
    prepared = "\n".join(_prepare_sections(lines))
    lines[:] = re.sub(r"`([^`]+)`|[*|]", marked, prepared).split("\n")
    if what in ("attribute", "data", "property"):
        # Otherwise napoleon takes what is before a colon in the first line for a type.
        lines[0] = f": {lines[0]}"


def _short_signature(
    app: Sphinx,
    what: str,
    name: str,
    obj: Any,
    options: object,
    arguments: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Arrays by their short name, and a widget's own arguments instead of traitlets' `*args`."""
    if what == "class" and getattr(obj, "_is_protocol", False):
        return "", None  # nothing makes one
    if what == "class" and arguments == _ANY_ARGUMENTS:
        arguments = inspect.stringify_signature(
            inspect.signature(obj.__init__, bound_method=True),
            show_return_annotation=False,
            unqualified_typehints=True,
        )
    return _short_types(arguments), _short_types(returned)


def _short_types(text: str | None) -> str | None:
    return text and _ARRAY_LIKE.sub("ArrayLike", _ARRAY.sub(r"NDArray[\1]", text))


def _print_dashes(app: Sphinx, doctree: nodes.document) -> None:
    """Sphinx puts two hyphens between a parameter and its description."""
    for text in list(doctree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))


def _write_index(app: Sphinx, error: Exception | None) -> None:
    """A site is entered by its index.html."""
    if error is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _add_contents)
    # Before napoleon, whose own marks must stay.
    app.connect("autodoc-process-docstring", _plain_docstring, priority=100)
    app.connect("autodoc-process-signature", _short_signature)
    app.connect("doctree-read", _print_dashes)
    app.connect("build-finished", _write_index)
