"""What several commands share: exit statuses, arguments, and the progress of a download."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from typing import Any, Final, TypeAlias

from .._text import printable, printable_message
from ..errors import SegWidgetsError
from ..modeling import EXACT, SPEEDS
from .wording import in_options

__all__ = [
    "EXIT_INTERRUPTED",
    "EXIT_NO_READER",
    "EXIT_OK",
    "EXIT_SOME_FAILED",
    "EXIT_TERMINATED",
    "EXIT_USAGE",
    "Commands",
    "DownloadProgress",
    "PairsAction",
    "add_device",
    "add_min_size",
    "add_speed",
    "print_error",
    "split_names",
    "unforeseen",
]

EXIT_OK: Final = 0
EXIT_SOME_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_NO_READER: Final = 128 + 13
EXIT_INTERRUPTED: Final = 128 + signal.SIGINT
EXIT_TERMINATED: Final = 128 + signal.SIGTERM

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where a command adds its parser."""


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add `--device`.

    Args:
        parser: of a command that runs a model.
    """
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)"
    )


def add_min_size(parser: argparse.ArgumentParser) -> None:
    """Add `--min-size`.

    Args:
        parser: of a command that runs a model.
    """
    parser.add_argument(
        "--min-size", type=int, metavar="PX", help="scale the shorter side to this for the model"
    )


def add_speed(parser: argparse.ArgumentParser) -> None:
    """Add `--speed`.

    Args:
        parser: of a command that runs a model.
    """
    parser.add_argument(
        "--speed",
        choices=SPEEDS,
        default=EXACT,
        help="balanced and fast take less time and find less: docs/models.md says how much "
        "(default: exact)",
    )


class PairsAction(argparse.Action):
    """Collects the pairs (key, value) of an option that is given several times; a key with two
    values is wrong usage. The parser's `type` makes a pair of each text."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add a pair; `argparse` calls this."""
        key, value = values
        pairs = dict(getattr(namespace, self.dest))
        if pairs.get(key, value) != value:
            raise argparse.ArgumentError(
                self, f"{printable(key)!r} is given twice, with different values"
            )
        setattr(namespace, self.dest, {**pairs, key: value})


def split_names(text: str) -> tuple[str, ...]:
    """Read a list of names that are separated by commas.

    Args:
        text: the argument.

    Returns:
        The names, without white space around them and without empty ones.

    Raises:
        ArgumentTypeError: there is none. A variable of a script that is empty should not mean all.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError(
            f"{text!r} has no name. Give one or several, separated by commas, or leave it out"
        )
    return names


def unforeseen(error: Exception) -> str:
    """An error as one line.

    Args:
        error: any error.

    Returns:
        The message of one of ours; of any other its type, its message, and how to see more.
    """
    if isinstance(error, SegWidgetsError):
        return in_options(str(error))
    text = printable_message(" ".join(str(error).split()))
    cause = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return (
        f"Something unforeseen went wrong: {cause}. "
        "With SEG_WIDGETS_TRACEBACK=1 in the environment it is shown where."
    )


def print_error(error: Exception, before: str = "error: ") -> None:
    """Print an error as one line; where it comes from only if that is asked for.

    Args:
        error: any error.
        before: what the line begins with.
    """
    if os.environ.get("SEG_WIDGETS_TRACEBACK"):
        traceback.print_exception(error)
    print(f"{before}{unforeseen(error)}", file=sys.stderr)


class DownloadProgress:
    """Prints how far a download has come: each second on a terminal, every ten seconds elsewhere.

    Args:
        name: of the model that is fetched.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._printed_s = 0.0

    def __call__(self, there: int, total: int | None) -> None:
        """Print a line if it is time for one.

        Args:
            there: bytes that have come.
            total: bytes that there will be; None: the server doesn't say.
        """
        now = time.monotonic()
        interval_s = 1 if sys.stderr.isatty() else 10
        if there != total and now - self._printed_s < interval_s:
            return
        self._printed_s = now
        of = f" of {total / 1e6:.0f}" if total else ""
        print(f"{self._name}: {there / 1e6:.0f}{of} MB", file=sys.stderr, flush=True)
