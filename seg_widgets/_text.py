"""Words in messages: a noun beside its number, and texts from elsewhere, made fit to be shown.

The name of a file or class may hold anything: a million letters, line breaks, a terminal's escape
sequences, marks that turn the rest of the line around, or bytes that are no text at all.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["PATH_LENGTH", "plural", "printable", "printable_message", "well_formed"]

PATH_LENGTH: Final = 1000
"""The most characters of a path in a message: one that exists is mostly shown whole."""

_LONGEST_NAME: Final = 80
_LONGEST_MESSAGE: Final = 4000
# Persian, the scripts of India and emoji are written with them, and they turn nothing around.
_JOINERS: Final = "\u200c\u200d"


def plural(number: int, one: str, many: str = "") -> str:
    """The form of a noun that fits a number.

    Args:
        number: how many there are.
        one: the form for one, "object".
        many: the form for any other number; "": with an s.

    Returns:
        The form, without the number.
    """
    return one if number == 1 else many or f"{one}s"


def printable(name: str, length: int = _LONGEST_NAME) -> str:
    """Make a name fit for a message, a caption or a line of output.

    Args:
        name: the name of a file, class or host, which may hold anything.
        length: the most characters.

    Returns:
        The name on one line. Characters that can't be printed become �, among them line breaks,
        escapes, marks of direction and what is no Unicode; any space becomes a plain one. The
        middle of a name that is too long is left out.
    """
    # Cut first: the name may be a million letters.
    return "".join(map(_character, _cut(name, length)))


def printable_message(text: str, length: int = _LONGEST_MESSAGE) -> str:
    """Make a whole message fit to be shown: the last defence, behind `printable` for each name.

    Args:
        text: the message; it may have several lines.
        length: the most characters.

    Returns:
        The message with the same replacements, line breaks kept. The middle of one that is
        too long is left out.
    """
    cut = _cut(text, length)
    if cut.isprintable():
        return cut
    return "".join(one if one in "\n\t" else _character(one) for one in cut)


def well_formed(text: str) -> str:
    """Make a text that every file format and every connection can carry.

    A name of a file on Linux need not be UTF-8, and JSON can name half of a character. Python has
    both as surrogates, which can't be encoded.

    Args:
        text: any text.

    Returns:
        It with "_" in place of each surrogate.
    """
    return re.sub("[\ud800-\udfff]", "_", text)


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    tail = length * 5 // 16
    return f"{text[: length - tail - 1]}…{text[-tail:]}"


def _character(one: str) -> str:
    if one.isprintable() or one in _JOINERS:
        return one
    return " " if unicodedata.category(one) == "Zs" else "�"
