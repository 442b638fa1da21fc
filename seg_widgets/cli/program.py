"""The program behind `python -m seg_widgets`: it reads the arguments and runs one command."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import __version__
from ..errors import SegWidgetsError
from . import batch, doctor, evaluate, export_html, finetune, segment, serve, weights
from .common import EXIT_NO_READER, EXIT_SOME_FAILED, EXIT_USAGE, print_error
from .wording import in_options, speak_of

__all__ = ["main"]

_COMMANDS = (segment, batch, serve, weights, export_html, finetune, evaluate, doctor)
"""The modules of the commands, in the order of the help.

Each has `add_parser(commands)`, which describes its arguments, and `run(options)`, which gives the
exit status. A `SegWidgetsError` that `run` lets through becomes one line, and `EXIT_USAGE`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what a person types behind the program's name. Default: those of this process.

    Returns:
        The exit status: 0 all done, 1 some images (or models) failed, 2 wrong usage or no model.

    Raises:
        SystemExit: an argument is wrong, or --help or --version was asked for.
    """
    _write_any_text()
    parser = _parser()
    options = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] | None = getattr(options, "run", None)
    if run is None:
        parser.print_help()
        return EXIT_USAGE
    speak_of(options.parser)
    try:
        with _plain_warnings():
            status = run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except SegWidgetsError as error:
        print_error(error)
        return EXIT_USAGE
    # The last line of defence: a person gets the cause, not a traceback.
    except Exception as error:
        print_error(error)
        return EXIT_SOME_FAILED
    return status


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show a warning that is for a person as a line, without the place in our code."""
    usual = warnings.formatwarning

    def plain(message: Warning | str, category: type[Warning], *more: Any, **named: Any) -> str:
        if category is UserWarning:
            return f"warning: {in_options(str(message))}\n"
        return usual(message, category, *more, **named)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _write_any_text() -> None:
    """Let no name end a run because the terminal, or the file behind it, can't take its letters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _reader_left() -> int:
    """End without a reader, as in `… | head`, with the status of a program that SIGPIPE ended."""
    # Python would complain of the same when it flushes at the end.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_NO_READER


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m seg_widgets", description="Instance segmentation with detectron2."
    )
    parser.add_argument("--version", action="version", version=f"seg-widgets {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in _COMMANDS:
        one = command.add_parser(commands)
        one.set_defaults(run=command.run, parser=one)
    return parser
