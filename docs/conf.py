"""The site's settings: `make docs`. Its pages are the checkout's own files, so a link works in both
alike."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

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

_CONTENTS = """

```{toctree}
:hidden:

docs/install
docs/panel
docs/models
notebooks/README
docs/docker
docs/troubleshooting
docs/api
docs/design
```

```{toctree}
:hidden:
:caption: The project

CONTRIBUTING
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
panel
```
"""


def _add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """The lists of pages, which only the site needs; GitHub would show them as code."""
    source[0] += {"README": _CONTENTS, "notebooks/README": _COURSE}.get(name, "")


_SECTION = re.compile(r"(?:Args|Attributes|Raises|Returns|Yields):")
_NAMED = re.compile(r"(\s+)`?([\w.]+)`?(:(?:\s|$))")


def _prepare_sections(lines: list[str]) -> list[str]:
    """Google sections as napoleon reads them best.

    Types stand in the signatures. So the text of "Returns:" is all description, even where it has a
    colon, and begins with one to say so. What "Raises:" names is linked.
    """
    prepared: list[str] = []
    section, is_first = "", False
    for line in lines:
        if _SECTION.fullmatch(line):
            section, is_first = line, True
        elif line and not line.startswith(" "):
            section = ""
        elif line and section in ("Returns:", "Yields:"):
            indent = len(line) - len(line.lstrip())
            line = f"{line[:indent]}: {line[indent:]}" if is_first else line
            is_first = False
        elif found := _NAMED.match(line) if section else None:
            home = _LINKED.get(found[2]) if section == "Raises:" else None
            line = found[1] + (f"~{home}." if home else "") + found[2] + line[found.start(3) :]
        prepared.append(line)
    return prepared


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
        home = _LINKED.get(code.partition(".")[0])
        return begin + (f":py:obj:`{code} <{home}.{code}>`" if home else f"``{code}``") + r"\ "

    prepared = "\n".join(_prepare_sections(lines))
    lines[:] = re.sub(r"`([^`]+)`|[*|]", marked, prepared).split("\n")


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
    app.connect("doctree-read", _print_dashes)
    app.connect("build-finished", _write_index)
