"""`export-html NOTEBOOK`: one HTML file of a notebook, whose panels work without Python."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .._files import require_writable_file
from ..errors import SegWidgetsError
from ..export import write_bytes
from .common import EXIT_OK, EXIT_SOME_FAILED, Commands

__all__ = ["add_parser", "run"]


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "export-html",
        help="make one HTML file of a notebook, with its panels to be explored without Python",
    )
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="an .ipynb file")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the file to write (default: beside the notebook)"
    )
    parser.add_argument(
        "--as-saved", action="store_true", help="don't run it first, but show what was saved in it"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Make the page and write it.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status; 1 if the notebook fails or the page can't be written.
    """
    from ..viewer import notebook_to_html

    out: Path = options.out or options.notebook.with_suffix(".html")
    try:
        require_writable_file(out)
        page = notebook_to_html(
            options.notebook,
            run=not options.as_saved,
            notify=lambda text: print(text, file=sys.stderr),
        )
        write_bytes(out, page.encode("utf-8", "replace"))
    except SegWidgetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_SOME_FAILED
    print(f"wrote {out}")
    return EXIT_OK
