"""The site's settings: `make docs`. Its pages are the checkout's own files, so a link works in both
alike."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

import seg_widgets
from seg_widgets import errors

project = "seg-widgets"
author = "the seg-widgets developers"
release = version = seg_widgets.__version__
html_title = f"seg-widgets {release}"
html_show_copyright = False  # the licence says it

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
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


def _plain_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Our docstrings mark code as Markdown does; what the package offers is linked, and an asterisk
    is just that."""

    def marked(found: re.Match[str]) -> str:
        code: str | None = found[1]
        if code is None:
            return rf"\{found[0]}"
        # "\ " ends the markup where a letter follows, as in a plural.
        home = _LINKED.get(code.partition(".")[0])
        return (f":py:obj:`{code} <{home}.{code}>`" if home else f"``{code}``") + r"\ "

    lines[:] = re.sub(r"`([^`]+)`|[*|]", marked, "\n".join(lines)).split("\n")


def _write_index(app: Sphinx, error: Exception | None) -> None:
    """A site is entered by its index.html."""
    if error is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _add_contents)
    app.connect("autodoc-process-docstring", _plain_docstring)
    app.connect("build-finished", _write_index)
