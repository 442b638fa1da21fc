"""Threads for one drawing: OpenCV and NumPy let go of the interpreter while they work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, TypeVar

__all__ = ["Parallel"]

Item = TypeVar("Item")
Value = TypeVar("Value")

_MOST_THREADS: Final = 4

# Below, starting threads takes longer than they save.
_FEW_PIXELS: Final = 500_000


class Parallel:
    """Does the parts of a drawing at once; of a small one, one after the other.

    The threads end with it, so that there are none between two drawings, and none is missing after
    a fork.
    """

    def __init__(self, pixels: int) -> None:
        """Start threads where they help.

        Args:
            pixels: of the image.
        """
        count = min(_cores(), _MOST_THREADS) if pixels > _FEW_PIXELS else 1
        self._pool = ThreadPoolExecutor(count, "seg_widgets drawing") if count > 1 else None
        # Of what was made and not taken yet, so that not all results are in memory.
        self._ahead = 2 * count

    def __enter__(self) -> Parallel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def do(self, work: Callable[[Item], object], items: Iterable[Item]) -> None:
        """Call a function for each of some items, in any order.

        Args:
            work: what is done.
            items: with each of these.
        """
        for _ in map(work, items) if self._pool is None else self._pool.map(work, items):
            pass

    def each(
        self, work: Callable[[Item], Value], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Value]]:
        """What a function makes of each of some items, in their order.

        Args:
            work: what is done.
            items: with each of these.

        Yields:
            The item and what was made of it; only a few are made ahead.
        """
        for start in range(0, len(items), self._ahead):
            some = items[start : start + self._ahead]
            made = map(work, some) if self._pool is None else self._pool.map(work, some)
            yield from zip(some, made, strict=True)


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
