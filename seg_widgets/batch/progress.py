"""How far a run is: images a second and the time left, in a notebook or on a terminal."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Bar", "progress_bar"]


class Bar(Protocol):
    """What a run reports its progress to."""

    def update(self, n: int, /) -> object:
        """Say that so many more images are done."""
        ...

    def set_postfix_str(self, text: str, /) -> object:
        """Say what else a person should know."""
        ...


class _NoBar:
    def update(self, n: int, /) -> None: ...

    def set_postfix_str(self, text: str, /) -> None: ...


@contextmanager
def progress_bar(total: int, *, is_shown: bool) -> Iterator[Bar]:
    """Show a bar, by tqdm: in a notebook its widget, elsewhere a line of stderr.

    Args:
        total: how many images there are.
        is_shown: whether there is one at all.

    Yields:
        The bar.
    """
    if not is_shown or importlib.util.find_spec("tqdm") is None:
        yield _NoBar()
        return
    bar = importlib.import_module("tqdm.auto").tqdm
    # In a file, each refresh is a line of its own.
    interval_s = 0.2 if sys.stderr.isatty() or "ipykernel" in sys.modules else 30.0
    with bar(
        desc="segment",
        total=total,
        unit="image",
        mininterval=interval_s,
        smoothing=0.05,
    ) as shown:
        yield shown
