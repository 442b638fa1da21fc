"""Serve a notebook as a web page, without its code, to many visitors: `make web`.

All arguments but those that `--help` lists go to Voilà.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import shlex
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
    options, others = _parser().parse_known_args()
    settings = [
        "--template=seg_widgets",
        "--Voila.ip=127.0.0.1",
        f"--Voila.tornado_settings={{'websocket_max_message_size': {LARGEST_MESSAGE}}}",
        f"--PageServer.max_visitors={options.max_visitors}",
        f"--PageServer.ready_pages={options.ready}",
        f"--PageServer.away_s={60 * options.away}",
        f"--PageServer.idle_s={60 * options.idle}",
        "--VoilaExecutor.cell_error_instruction=The server's log says why.",
    ]
    # Voilà and the server are slow to import, and not installed everywhere.
    from page.server import PageServer
    from page.service import ADDRESS, Service

    if options.service and not os.environ.get(ADDRESS):
        arguments = tuple(shlex.split(options.service_arguments))
        PageServer.service = Service(logging.getLogger("seg_widgets.web"), arguments)
    with tempfile.TemporaryDirectory() as folder:
        page = page_of(options.notebook.resolve(), Path(folder))
        PageServer.launch_instance([str(page), *unless_given(settings, others), *others])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="web.py", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add(
        *("--notebook", "-n"),
        type=Path,
        default=ROOT / "notebooks" / "panel.ipynb",
        help="the notebook that is served (default: notebooks/panel.ipynb)",
    )
    add(
        "--max-visitors",
        type=int,
        default=20,
        metavar="N",
        help="visitors at the same time (default: 20); others are asked to come again",
    )
    add(
        "--ready",
        type=int,
        default=2,
        metavar="N",
        help="pages that are kept ready for the next visitors (default: 2)",
    )
    add(
        "--away",
        type=float,
        default=10,
        metavar="MINUTES",
        help="a page that was closed is kept this long (default: 10 minutes)",
    )
    add(
        "--idle",
        type=float,
        default=60,
        metavar="MINUTES",
        help="an open page on which nothing is done is ended after this (default: 60 minutes)",
    )
    add(
        "--no-service",
        dest="service",
        action="store_false",
        help="each visitor's kernel loads a model of its own; otherwise all of them share one "
        "service, which is started, or that which SEG_WIDGETS_SERVER names",
    )
    add(
        "--service-arguments",
        default="",
        metavar="TEXT",
        help='what the service is started with, such as "--workers 2" (python -m seg_widgets '
        "serve --help)",
    )
    return parser


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
