"""Serve a notebook as a web page, without its code: `make web`.

`--notebook` names another than notebooks/panel.ipynb; all other arguments go to Voilà.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path

from lab import LARGEST_MESSAGE, ROOT, unless_given

_NOT_SERVED = "notebook-only"


def main() -> int:
    """Run Voilà until it is stopped; the exit status is its own."""
    if importlib.util.find_spec("voila") is None:
        print(
            "seg-widgets: Voilà is not installed here; run `make web`, which installs it.",
            file=sys.stderr,
        )
        return 1
    # Where the page's template is looked for; Voilà's own is asked for icons by address.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [str(ROOT / "packaging"), os.environ.get("JUPYTER_PATH", "")])
    )
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in lab.py
    from voila.app import Voila

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--notebook", type=Path, default=ROOT / "notebooks" / "panel.ipynb")
    options, others = parser.parse_known_args()
    settings = [
        "--template=seg_widgets",
        "--Voila.ip=127.0.0.1",
        f"--Voila.tornado_settings={{'websocket_max_message_size': {LARGEST_MESSAGE}}}",
        # Each visitor has a kernel with a model in it; one whose page is gone is ended after a
        # while.
        "--MappingKernelManager.cull_idle_timeout=600",
        "--MappingKernelManager.cull_interval=60",
    ]
    with tempfile.TemporaryDirectory() as folder:
        page = page_of(options.notebook.resolve(), Path(folder))
        Voila.launch_instance([str(page), *unless_given(settings, others), *others])
    return 0


def page_of(notebook: Path, folder: Path) -> Path:
    """The notebook without the cells that are tagged to be for readers of notebooks: the page waits
    for each cell."""
    content = json.loads(notebook.read_text("utf-8"))
    cells = [
        cell for cell in content["cells"] if _NOT_SERVED not in cell["metadata"].get("tags", [])
    ]
    if len(cells) == len(content["cells"]):
        return notebook
    page = folder / notebook.name
    page.write_text(json.dumps({**content, "cells": cells}), "utf-8")
    return page


if __name__ == "__main__":
    sys.exit(main())
