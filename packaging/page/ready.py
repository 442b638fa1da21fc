"""Pages that are made before somebody wants one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

_Made = TypeVar("_Made")

_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


class ReadyPool(Generic[_Made]):
    """Keeps a few things ready that take a while to make, and makes others while somebody waits.

    Who waits is served in the order of coming. Only a few are made at once: a kernel takes a core
    for two seconds, and twenty at once would take all of them twenty times as long.

    Args:
        make: makes one.
        size: how many are kept ready.
        at_once: how many are made at the same time, 1 or more.
        log: where it is written why one could not be made.
    """

    def __init__(
        self,
        make: Callable[[], Awaitable[_Made]],
        size: int,
        at_once: int,
        log: logging.Logger,
    ) -> None:
        self._make, self._size, self._at_once, self._log = make, size, at_once, log
        self._ready: asyncio.Queue[_Made | Exception] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._failures = 0

    @property
    def ready(self) -> int:
        """How many are ready."""
        return self._ready.qsize()

    def fill(self) -> None:
        """Start to make what is missing."""
        missing = self._size + self._waiting - self.ready - len(self._tasks)
        for _ in range(min(missing, self._at_once - len(self._tasks))):
            task = asyncio.ensure_future(self._make_one())
            self._tasks.add(task)
            task.add_done_callback(self._made)

    async def take(self) -> _Made:
        """Take one; it waits until there is one.

        Returns:
            What was made first.

        Raises:
            Exception: what `make` has raised, if it could not be made.
        """
        self._waiting += 1
        try:
            self.fill()
            taken = await self._ready.get()
        finally:
            self._waiting -= 1
        self.fill()
        if isinstance(taken, Exception):
            raise taken
        return taken

    async def close(self) -> None:
        """Stop making any. What is ready is left to whoever made it."""
        self._size = self._waiting = 0
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make_one(self) -> None:
        try:
            made = await self._make()
        except Exception as error:
            self._failures += 1
            self._log.exception("A page could not be prepared.")
            if self._waiting > self.ready:
                self._ready.put_nowait(error)
            # Otherwise a notebook that always fails would be tried without end, at full speed.
            await asyncio.sleep(min(_PAUSE_S * 2**self._failures, _LONGEST_PAUSE_S))
        else:
            self._failures = 0
            self._ready.put_nowait(made)

    def _made(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self.fill()
