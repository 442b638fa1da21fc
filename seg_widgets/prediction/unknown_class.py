"""What to say of a class that a model doesn't have: the name that is close, or some that it has."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from .._text import printable

__all__ = ["closest_name", "no_such_class", "some_names"]

_LEAST_ALIKE: Final = 0.6
_SHOWN: Final = 8


def no_such_class(name: object, class_names: Sequence[str], model: str = "") -> str:
    """The message for a class that a model doesn't have.

    Args:
        name: what was given, a name or an id.
        class_names: the model's whole vocabulary.
        model: what the model is called; "": not known.

    Returns:
        Such as "The model has no class 'kat'. Did you mean 'cat'?"
    """
    called = f"The model {printable(model)}" if model else "The model"
    shown = repr(printable(name)) if isinstance(name, str) else printable(repr(name))
    close = closest_name(name, class_names) if isinstance(name, str) else None
    meant = (
        f"Did you mean {printable(close)!r}?" if close else f"It knows {some_names(class_names)}."
    )
    return f"{called} has no class {shown}. {meant}"


def closest_name(name: str, known: Sequence[str]) -> str | None:
    """The name that is meant, whatever its capitals.

    Args:
        name: what was given.
        known: the names that there are.

    Returns:
        One of `known`; None if none is close.
    """
    lower = {each.lower(): each for each in reversed(known)}
    close = difflib.get_close_matches(name.lower(), lower, 1, _LEAST_ALIKE)
    return lower[close[0]] if close else None


def some_names(names: Sequence[str], shown: int = _SHOWN) -> str:
    """The first of some names, for a message.

    Args:
        names: all of them.
        shown: how many to show.

    Returns:
        Such as "cat, dog … (80 in all)".
    """
    rest = f" … ({len(names)} in all)" if len(names) > shown else ""
    return (", ".join(printable(name) for name in names[:shown]) + rest) or "no classes"
