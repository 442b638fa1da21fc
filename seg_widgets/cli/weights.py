"""`weights list|get|verify|path`: the models that have a name, and where their weights are."""

from __future__ import annotations

import argparse
import sys

from ..errors import SegWidgetsError
from ..modeling import ModelCard, download, find_model, models, verify, weight_folders
from .common import EXIT_OK, EXIT_SOME_FAILED, Commands, DownloadProgress

__all__ = ["add_parser", "run"]

_HEADINGS = ("model", "classes", "trained on", "box AP", "mask AP", "speed", "MB", "weights")


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "weights", help="the models that have a name, and where their weights are"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser(
        "list",
        help="all models: classes, what is published of each, and whether its weights are here",
    )
    get = actions.add_parser(
        "get", help="fetch the weights of models into the cache, or resume a fetch that broke off"
    )
    get.add_argument("models", nargs="+", metavar="NAME", help="a model by name")
    check = actions.add_parser(
        "verify", help="check the weights that are here against their checksums"
    )
    check.add_argument(
        "models", nargs="*", metavar="NAME", help="a model by name (default: all that are here)"
    )
    path = actions.add_parser("path", help="print where a model's weights are on this machine")
    path.add_argument("model", metavar="NAME", help="a model by name")
    return parser


def run(options: argparse.Namespace) -> int:
    """Do what the action says.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no such model, or its weights are not here (`path`).
    """
    if options.action == "list":
        return _list()
    if options.action == "path":
        print(find_model(options.model).weights)
        return EXIT_OK

    here = [card.name for card in models() if card.file and card.weights is not None]
    names = options.models or here
    if not names:
        print("There are no weights of the model zoo here.")
    done = [_do_one(options.action, name) for name in names]
    return EXIT_OK if all(done) else EXIT_SOME_FAILED


def _do_one(action: str, name: str) -> bool:
    """Fetch or verify one model; whether it worked."""
    try:
        if action == "get":
            print(f"{name}: {download(name, progress=DownloadProgress(name))}")
        else:
            print(f"{name}: {verify(name)}")
    except SegWidgetsError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    return True


def _list() -> int:
    rows = [_HEADINGS, *map(_row, models())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
    print(f"\nWeights are looked for in {', '.join(map(str, weight_folders()))}.")
    return EXIT_OK


def _row(card: ModelCard) -> tuple[str, ...]:
    return (
        card.name,
        str(card.classes or ""),
        card.trained_on,
        _number(card.box_ap, ".1f"),
        _number(card.mask_ap, ".1f"),
        card.speed,
        _number(card.megabytes, ".0f"),
        "not here" if card.weights is None else "here",
    )


def _number(value: float | None, spec: str) -> str:
    return "" if value is None else format(value, spec)
