"""Pages that are made before somebody wants one: how many, in which order, and after a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from page.ready import ReadyPool

LOG = logging.getLogger("test")


class Maker:
    """Makes numbers, each when it is let."""

    def __init__(self) -> None:
        self.made = 0
        self.at_once = self.most_at_once = 0
        self.let = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.let.wait()
            if self.fails:
                raise OSError("no kernel")
            self.made += 1
            return self.made
        finally:
            self.at_once -= 1


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def pool_of(make: Callable[[], Awaitable[int]], size: int, at_once: int = 2) -> ReadyPool[int]:
    return ReadyPool(make, size, at_once, LOG)


def test_as_many_as_asked_for_are_kept_ready() -> None:
    async def test() -> None:
        maker = Maker()
        maker.let.set()
        pool = pool_of(maker, 3)
        pool.fill()
        await settle()
        assert pool.ready == 3
        assert await pool.take() == 1
        await settle()
        assert (pool.ready, maker.made) == (3, 4)
        await pool.close()

    run(test)


def test_many_who_come_at_once_are_served_in_order_and_few_at_a_time() -> None:
    async def test() -> None:
        maker = Maker()
        pool = pool_of(maker, 0)
        waiting = [asyncio.ensure_future(pool.take()) for _ in range(20)]
        await settle()
        assert maker.at_once == 2
        maker.let.set()
        assert await asyncio.gather(*waiting) == list(range(1, 21))
        assert maker.most_at_once == 2
        await settle()
        assert pool.ready == 0
        await pool.close()

    run(test)


def test_who_gives_up_leaves_one_to_the_next() -> None:
    async def test() -> None:
        maker = Maker()
        pool = pool_of(maker, 0)
        first = asyncio.ensure_future(pool.take())
        await settle()
        first.cancel()
        maker.let.set()
        await settle()
        assert await pool.take() == 1
        await pool.close()

    run(test)


def test_a_failure_is_for_who_waits_and_the_next_is_tried(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("page.ready._PAUSE_S", 0.001)

    async def test() -> None:
        maker = Maker()
        maker.let.set()
        maker.fails = True
        pool = pool_of(maker, 0)
        with pytest.raises(OSError, match="no kernel"):
            await pool.take()
        maker.fails = False
        assert await pool.take() == 1
        await pool.close()

    run(test)
    assert "could not be prepared" in caplog.text


def test_a_failure_while_nobody_waits_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("page.ready._PAUSE_S", 0.001)

    async def test() -> None:
        maker = Maker()
        maker.let.set()
        maker.fails = True
        pool = pool_of(maker, 1)
        pool.fill()
        await settle()
        maker.fails = False
        assert await pool.take() == 1
        await pool.close()

    run(test)


def test_closing_ends_what_is_being_made() -> None:
    async def test() -> None:
        maker = Maker()
        pool = pool_of(maker, 2)
        pool.fill()
        await settle()
        await pool.close()
        assert maker.at_once == 0

    run(test)
