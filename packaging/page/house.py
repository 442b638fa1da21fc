"""Who is here: each visitor has one page with one kernel, and there is room for so many."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

GRACE_S: Final = 20.0
"""How long a visitor may be away without losing the place to somebody who waits, in seconds: a page
that is loading, or loaded again, has no connection yet."""


@dataclass(frozen=True)
class Page:
    """A page that is made: the kernel whose widgets it shows, and its HTML."""

    kernel_id: str
    html: str


class FullError(Exception):
    """There is no room for another visitor."""


@dataclass
class _Visit:
    page: Page
    last_used: float
    """When something was last done on the page, by `time.monotonic`."""
    away_since: float | None
    """Since when no browser is connected; None while one is."""
    connections: int = 0


@dataclass
class House:
    """Gives each visitor a page, the same one until the visit ends, and ends visits.

    A visit ends when it was away for a while, when nothing was done on its page for a longer while,
    when its kernel is gone, or when somebody needs the place of one who is away.

    Args:
        take: makes a page, or takes one that is ready.
        end: ends a page's kernel, given its id.
        is_alive: whether a kernel runs, given its id.
        most: how many visitors there may be.
        away_s: how long one may be away, in seconds.
        idle_s: how long one may stay without doing anything, in seconds.
    """

    take: Callable[[], Awaitable[Page]]
    end: Callable[[str], Awaitable[None]]
    is_alive: Callable[[str], Awaitable[bool]]
    most: int
    away_s: float
    idle_s: float
    log: logging.Logger
    _visits: dict[str, _Visit] = field(default_factory=dict, init=False)
    _coming: dict[str, asyncio.Task[Page]] = field(default_factory=dict, init=False)
    """Visitors whose page is being made. They have a place already."""

    @property
    def visitors(self) -> int:
        """How many there are."""
        return len(self._visits) + len(self._coming)

    async def page_for(self, visitor: str) -> Page:
        """Give a visitor a page.

        Args:
            visitor: the name.

        Returns:
            The page that the visitor has already, or another one.

        Raises:
            FullError: All places are taken.
        """
        visit = self._visits.get(visitor)
        if visit is not None and await self.is_alive(visit.page.kernel_id):
            visit.last_used = time.monotonic()
            if not visit.connections:
                visit.away_since = visit.last_used
            return visit.page
        if visitor not in self._coming:
            # The place is taken before anything is waited for, so no other request comes between.
            leaving = self._leaving_for(visitor)
            self._coming[visitor] = asyncio.ensure_future(self._let_in(visitor, leaving))
        # Two tabs that open at once get one page. Closing one of them must not take the other's.
        return await asyncio.shield(self._coming[visitor])

    async def end_of(self, visitor: str) -> None:
        """End a visit.

        Args:
            visitor: the name; nothing happens if there is no such visitor.
        """
        visit = self._visits.pop(visitor, None)
        if visit is not None:
            await self.end(visit.page.kernel_id)

    async def end_page(self, kernel_id: str) -> None:
        """End the visit whose page has this kernel, such as one that has crashed.

        Args:
            kernel_id: the kernel's id.
        """
        for visitor, visit in list(self._visits.items()):
            if visit.page.kernel_id == kernel_id:
                await self.end_of(visitor)

    async def tidy(self) -> None:
        """End the visits that are away or idle for too long."""
        now = time.monotonic()
        for visitor, visit in list(self._visits.items()):
            is_away = visit.away_since is not None and now - visit.away_since > self.away_s
            if is_away or now - visit.last_used > self.idle_s:
                self.log.info("A visit has ended: %s.", "away" if is_away else "idle")
                await self.end_of(visitor)

    def came(self, kernel_id: str) -> None:
        """Note that a browser has connected to a page.

        Args:
            kernel_id: the page's kernel.
        """
        for visit in self._of(kernel_id):
            visit.connections += 1
            visit.away_since = None
            visit.last_used = time.monotonic()

    def went(self, kernel_id: str) -> None:
        """Note that a browser has disconnected from a page.

        Args:
            kernel_id: the page's kernel.
        """
        for visit in self._of(kernel_id):
            visit.connections -= 1
            if not visit.connections:
                visit.away_since = time.monotonic()

    def used(self, kernel_id: str) -> None:
        """Note that something was done on a page.

        Args:
            kernel_id: the page's kernel.
        """
        for visit in self._of(kernel_id):
            visit.last_used = time.monotonic()

    def has(self, kernel_id: str) -> bool:
        """Whether a visitor has the page with this kernel.

        Args:
            kernel_id: the kernel's id.
        """
        return bool(self._of(kernel_id))

    def _of(self, kernel_id: str) -> list[_Visit]:
        return [each for each in self._visits.values() if each.page.kernel_id == kernel_id]

    def _leaving_for(self, visitor: str) -> list[Page]:
        """The pages that must end before this visitor gets one: the former one, and one that is
        away."""
        leaving = [self._visits.pop(visitor).page] if visitor in self._visits else []
        if self.visitors < self.most:
            return leaving
        now = time.monotonic()
        away = {
            other: visit.away_since
            for other, visit in self._visits.items()
            if visit.away_since is not None and now - visit.away_since > GRACE_S
        }
        if not away:
            raise FullError
        self.log.info("A visit has ended: somebody needs the place of one who is away.")
        return [*leaving, self._visits.pop(min(away, key=away.__getitem__)).page]

    async def _let_in(self, visitor: str, leaving: list[Page]) -> Page:
        try:
            for page in leaving:
                await self.end(page.kernel_id)
            page = await self.take()
            now = time.monotonic()
            self._visits[visitor] = _Visit(page, last_used=now, away_since=now)
        finally:
            del self._coming[visitor]
        return page
