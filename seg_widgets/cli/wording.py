"""Messages in the words of the command line: `page=1`, as Python has it, is `--page 1` here.

The options are those that the command's own parser has. What only Python offers is called so.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["in_options", "speak_of"]

_options: Mapping[str, str] = {}
"""The options of the command that runs, by the name that Python has for each."""

_VALUE: Final = r"""\{[^{}]*\}|\([^()]*\)|\[[^][]*\]|'[^']*'|"[^"]*"|True|\d+(?:\.\d+)?|…"""

# A call of Python keeps its arguments, unless all of them are options.
_CALL: Final = re.compile(r"[\w.]*\w\((?=\w)[^()]*(?:\([^()]*\)[^()]*)*\)")
# An address or a file's name with such letters in it (`?page=1`, `page=1.jpg`) is none.
_ARGUMENT: Final = re.compile(rf"(?<![^\s(])([a-z_]+)=({_VALUE})?(?=[\s,;:)]|[.…]*(?:\s|$))")
_MODEL_CALL: Final = "load_predictor("

# Sentences that name an argument without "=". Where the command has the option, it is named; where
# it has none, the sentence says what there is instead.
_SENTENCES: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "max_pixels",
        ", or raise max_pixels.",
        ", or raise {}.",
        ". In Python, load(…, max_pixels=…) takes larger ones.",
    ),
    (
        "max_side",
        ", or raise max_side.",
        ", or raise {}.",
        ". In Python, load(…, max_side=…) takes larger ones.",
    ),
    (
        "max_bytes",
        ", or raise max_bytes.",
        ", or raise {}.",
        ". In Python, load(…, max_bytes=…) takes larger ones.",
    ),
    (
        "max_instances",
        "A larger max_instances (of load_predictor or wrap) raises the limit.",
        "A larger {} raises the limit.",
        "In Python, load_predictor(…, max_instances=…) raises the limit.",
    ),
    (
        "max_instances",
        "; a larger max_instances keeps more.",
        "; a larger {} keeps more.",
        ". In Python, load_predictor(…, max_instances=…) keeps more.",
    ),
    ("min_size", "a smaller min_size", "a smaller {}", "a smaller min_size in Python"),
    (
        "weights",
        ", the path of a model's folder, or config= and weights= paths.",
        ", the path of a model's folder, or --config and {}.",
        " or the path of a model's folder.",
    ),
    (
        "classes",
        "None leaves a class out, its own name keeps it.",
        "NAME= leaves a class out, NAME=NAME keeps it.",
        "None leaves a class out, its own name keeps it.",
    ),
)


def speak_of(parser: argparse.ArgumentParser) -> None:
    """Say which command runs; messages then name its options.

    Args:
        parser: the command's.
    """
    global _options
    found = {
        action.dest: action.option_strings[-1]
        for action in parser._actions
        if action.option_strings
    }
    _options = found


def in_options(text: str) -> str:
    """Put a message into the words of the command that runs.

    Args:
        text: what the library says, to people who call it from Python.

    Returns:
        The same with options in place of arguments: `--page 1` for `page=1`. An argument that the
        command has no option for stays as it is.
    """
    for name, said, with_option, without in _SENTENCES if _options else ():
        option = _options.get(name)
        text = text.replace(said, with_option.format(option) if option else without)
    parts = []
    end = 0
    for call in _CALL.finditer(text):
        parts += [_ARGUMENT.sub(_argument, text[end : call.start()]), _call(call[0])]
        end = call.end()
    return "".join([*parts, _ARGUMENT.sub(_argument, text[end:])])


def _call(call: str) -> str:
    """A call of `load_predictor` as options; any other call as it is."""
    inside = call[call.index("(") + 1 : -1]
    arguments = list(_ARGUMENT.finditer(inside))
    rest = _ARGUMENT.sub("", inside).replace(",", "").strip()
    if _MODEL_CALL not in call or rest or any(one[1] not in _options for one in arguments):
        return call
    return " ".join(map(_argument, arguments))


def _argument(found: re.Match[str]) -> str:
    option = _options.get(found[1])
    if option is None:
        return found[0]
    if found[2] in (None, "…"):
        return found[0].replace("=", " ", 1).replace(found[1], option, 1).rstrip()
    try:
        # The part of a dict that a person fills in is no Python.
        value = ast.literal_eval(found[2].replace(": …", ": '…'"))
    except (SyntaxError, ValueError):
        return found[0]
    shape = _SHAPES.get(type(value))
    return found[0] if shape is None else shape(option, value)


def _pairs(option: str, pairs: Mapping[str, str]) -> str:
    return " ".join(f"{option} {_quoted(f'{key}={value}')}" for key, value in pairs.items())


def _quoted(text: str) -> str:
    """A text as a shell needs it, where it has a space or the like."""
    return text if "…" in text and " " not in text else shlex.quote(text)


_SHAPES: Final[Mapping[type, Callable[[str, Any], str]]] = {
    bool: lambda option, _: option,
    int: lambda option, value: f"{option} {value}",
    float: lambda option, value: f"{option} {value:g}",
    str: lambda option, value: f"{option} {_quoted(value)}",
    tuple: lambda option, value: f"{option} {','.join(map(str, value))}",
    list: lambda option, value: f"{option} {_quoted(','.join(map(str, value)))}",
    dict: _pairs,
}
