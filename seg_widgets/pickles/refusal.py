"""Why a pickle is not read, as the child says it to its parent."""

from __future__ import annotations

from typing import Literal

__all__ = ["RefusedError", "Why", "shown"]

Why = Literal["asks", "claims", "broken", "other"]
"""What is wrong: it asks for an object (the text is its name); it claims too much; it is truncated
or of another format; or it is something else, which the text says."""


class RefusedError(Exception):
    """A pickle is not read.

    Args:
        why: what kind of fault it is.
        text: the fault.
    """

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why: Why = why
        self.text = text


def shown(value: object, most: int = 80) -> str:
    """Return a text of a file as it is shown in a message: printable, and not longer than a line.

    Args:
        value: the text, or another value.
        most: letters.
    """
    text = ascii(value[:most]) if isinstance(value, str) else ascii(type(value).__name__)
    return f"{text}…" if isinstance(value, str) and len(value) > most else text
