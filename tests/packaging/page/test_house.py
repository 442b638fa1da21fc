"""Who has a place, who gets one, and who loses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from page.house import GRACE_S, FullError, House, Page


class Clock:
    """The time that the house sees."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Kernels:
    """Pages with numbers for kernels, in the server's place."""

    def __init__(self, most: int) -> None:
        self.alive: set[str] = set()
        self.made = 0
        self.house = House(
            take=self.take,
            end=self.end,
            is_alive=self.is_alive,
            most=most,
            away_s=600,
            idle_s=3600,
            log=logging.getLogger("test"),
        )

    async def take(self) -> Page:
        await asyncio.sleep(0)
        self.made += 1
        self.alive.add(str(self.made))
        return Page(str(self.made), f"<p>{self.made}</p>")

    async def end(self, kernel_id: str) -> None:
        await asyncio.sleep(0)
        self.alive.discard(kernel_id)

    async def is_alive(self, kernel_id: str) -> bool:
        await asyncio.sleep(0)
        return kernel_id in self.alive


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("page.house.time", clock)
    return clock


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))


def test_a_page_that_is_loaded_again_is_the_same_page(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=2)
        page = await kernels.house.page_for("ann")
        kernels.house.came(page.kernel_id)
        kernels.house.went(page.kernel_id)
        clock.now += 500
        assert await kernels.house.page_for("ann") is page
        assert kernels.made == 1
        assert kernels.house.has(page.kernel_id)

    run(test)


def test_two_tabs_that_open_at_once_get_one_page(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=1)
        pages = await asyncio.gather(*(kernels.house.page_for("ann") for _ in range(5)))
        assert len(set(pages)) == kernels.made == 1

    run(test)


def test_whoever_comes_to_a_full_house_is_refused(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=3)
        coming = (kernels.house.page_for(str(number)) for number in range(50))
        results = await asyncio.gather(*coming, return_exceptions=True)
        pages = [result for result in results if isinstance(result, Page)]
        assert len(pages) == len(kernels.alive) == kernels.house.visitors == 3
        assert sum(isinstance(result, FullError) for result in results) == 47

    run(test)


def test_a_place_is_taken_from_who_is_away_longest(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=3)
        pages = {name: await kernels.house.page_for(name) for name in ("ann", "bob", "cid")}
        for page in pages.values():
            kernels.house.came(page.kernel_id)
        for name in ("bob", "cid"):
            kernels.house.went(pages[name].kernel_id)
            clock.now += GRACE_S / 2
        with pytest.raises(FullError):
            await kernels.house.page_for("dan")
        clock.now += 1
        await kernels.house.page_for("dan")
        assert kernels.alive == {"1", "3", "4"}
        with pytest.raises(FullError):  # cid is not away for long, and ann is here
            await kernels.house.page_for("eve")

    run(test)


def test_a_second_tab_keeps_the_place(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=1)
        page = await kernels.house.page_for("ann")
        for _ in range(2):
            kernels.house.came(page.kernel_id)
        kernels.house.went(page.kernel_id)
        clock.now += 700
        await kernels.house.tidy()
        assert kernels.alive == {"1"}

    run(test)


def test_a_visit_ends_after_a_while_away_and_a_longer_one_idle(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=5)
        names = ("away", "idle", "busy", "never connected")
        pages = [await kernels.house.page_for(name) for name in names]
        for page in pages[:3]:
            kernels.house.came(page.kernel_id)
        kernels.house.went(pages[0].kernel_id)
        clock.now += 601
        await kernels.house.tidy()
        assert kernels.alive == {"2", "3"}
        clock.now += 3000
        kernels.house.used(pages[2].kernel_id)
        await kernels.house.tidy()
        assert kernels.alive == {"3"}
        assert not kernels.house.has(pages[1].kernel_id)

    run(test)


def test_who_comes_back_to_a_crashed_kernel_gets_another_page(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=1)
        page = await kernels.house.page_for("ann")
        kernels.alive.clear()
        assert await kernels.house.page_for("ann") is not page
        await kernels.house.end_page("2")
        assert kernels.house.visitors == 0

    run(test)


def test_a_place_is_free_again_if_a_page_could_not_be_made(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=1)

        async def fail() -> Page:
            raise OSError("no kernel")

        kernels.house.take = fail
        with pytest.raises(OSError, match="no kernel"):
            await kernels.house.page_for("ann")
        kernels.house.take = kernels.take
        assert (await kernels.house.page_for("bob")).kernel_id == "1"

    run(test)


def test_who_gives_up_while_waiting_finds_the_page_later(clock: Clock) -> None:
    async def test() -> None:
        kernels = Kernels(most=1)
        request = asyncio.ensure_future(kernels.house.page_for("ann"))
        await asyncio.sleep(0)
        request.cancel()
        assert (await kernels.house.page_for("ann")).kernel_id == "1"
        await kernels.house.end_of("ann")
        assert (kernels.alive, kernels.house.visitors) == (set(), 0)

    run(test)
