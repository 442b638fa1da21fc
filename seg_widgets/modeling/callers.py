"""What a caller's own function raises, carried past whatever else would be blamed for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

__all__ = ["CallersError", "as_raised", "marked"]

_Arguments = ParamSpec("_Arguments")
_Value = TypeVar("_Value")


class CallersError(BaseException):
    """Carries what a caller's function raised; no `except Exception` on the way takes it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def marked(function: Callable[_Arguments, _Value]) -> Callable[_Arguments, _Value]:
    """A function of a caller's whose errors are known as its own.

    Args:
        function: the function.

    Returns:
        The same; what it raises is a `CallersError`, which `as_raised` opens again.
    """

    def call(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Value:
        try:
            return function(*arguments, **named)
        except Exception as error:
            raise CallersError(error) from None

    return call


@contextmanager
def as_raised() -> Iterator[None]:
    """Within it, what a `marked` function raises comes out as it was raised."""
    try:
        yield
    except CallersError as raised:
        raise raised.error from None
