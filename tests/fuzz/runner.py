"""Runs a target for some time in processes of their own, and counts what became of its cases."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

import psutil

from .corpus import ROOT
from .targets import Target

__all__ = ["BAD", "OUTCOMES", "Tally", "run_target"]

OUTCOMES: Final = ("right", "refused", "foreign", "hang", "memory", "crash")
"""What can become of a case: a result that is right; an error of ours; another exception; longer
than the deadline; more memory than its budget; the process ended."""
BAD: Final = OUTCOMES[2:]
"""Those that may not be."""

_POLL_S: Final = 0.1
_START_S: Final = 200  # torch and detectron2 on a busy machine
_MB: Final = 1e6


@dataclass
class Tally:
    """What became of a target's cases.

    Attributes:
        counts: cases by outcome.
        faults: of each bad case its number, outcome and what is known.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, number: int, outcome: str, detail: str) -> None:
        """Count a case."""
        self.counts[outcome] += 1
        if outcome in BAD:
            self.faults.append((number, outcome, detail))


def run_target(
    target: Target,
    seconds: float,
    *,
    first: int = 0,
    most: int | None = None,
    command: Callable[[str, int], Sequence[str]] | None = None,
) -> Tally:
    """Run cases for some time.

    Args:
        target: gives the name, the deadline and the budget of memory.
        seconds: how long, without what its processes take to begin; the last case is not counted
            if it is not done by then.
        first: the number of the first case.
        most: how many cases; None: as many as there is time for.
        command: starts the process for a target's name and a first case.
    """
    tally, left, number = Tally(), seconds, first
    last = sys.maxsize if most is None else first + most
    while left > 0 and number < last:
        process = _Process((command or _command)(target.name, number), target)
        number, used = process.run(tally, left, number, last)
        left -= used
    return tally


def _command(name: str, first: int) -> Sequence[str]:
    return [sys.executable, "-m", "tests.fuzz.child", name, str(first)]


class _Process:
    """One process: it ends with the time, or with a case that ended it."""

    def __init__(self, command: Sequence[str], target: Target) -> None:
        self._target = target
        self._base_mb = 0.0
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._forward, args=(self._process.stdout,)),
            threading.Thread(target=self._collect, args=(self._process.stderr,)),
        ]
        for thread in self._threads:
            thread.start()

    def run(self, tally: Tally, seconds: float, number: int, last: int) -> tuple[int, float]:
        """Count its cases up to `last`; return the number of the next one and the seconds used."""
        try:
            word, _ = self._next(time.monotonic() + _START_S, _START_S)
            if word != "ready":
                raise RuntimeError(f"{self._target.name} can't begin: {self._last_words()}")
            self._base_mb = self._memory_mb()
            started = time.monotonic()
            number = self._count(tally, started + seconds, number, last)
            return number, time.monotonic() - started
        finally:
            self._end()

    def _count(self, tally: Tally, end: float, number: int, last: int) -> int:
        while time.monotonic() < end and number < last:
            self._next(end, self._target.deadline_s)  # that it begins
            outcome, detail = self._next(end, self._target.deadline_s)
            if outcome == "time":
                break
            tally.add(number, outcome, detail)
            number += 1
            if outcome in ("hang", "memory", "crash"):
                break
        return number

    def _next(self, end: float, deadline_s: float) -> tuple[str, str]:
        """The next line's word and text, or what ended the process."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                line = self._lines.get(timeout=_POLL_S)
            except queue.Empty:
                pass
            else:
                word, _, text = line.rstrip("\n").partition("\t")
                return (word, text) if word else ("crash", self._last_words())
            if self._base_mb and self._memory_mb() - self._base_mb > self._target.memory_mb:
                return "memory", f"more than {self._target.memory_mb:.0f} MB"
            if time.monotonic() > deadline:
                return "hang", f"more than {deadline_s:.0f} s"
            if time.monotonic() > end:
                return "time", ""

    def _memory_mb(self) -> float:
        """What the process and those that it started take."""
        try:
            process = psutil.Process(self._process.pid)
            family = [process, *process.children(recursive=True)]
            return sum(one.memory_info().rss for one in family if one.is_running()) / _MB
        except psutil.Error:
            return 0.0

    def _forward(self, out: IO[str]) -> None:
        for line in out:
            self._lines.put(line)
        self._lines.put("\n")

    def _collect(self, err: IO[str]) -> None:
        for line in err:
            self._errors = [*self._errors[-19:], line.rstrip()]

    def _last_words(self) -> str:
        self._threads[1].join(5)
        return " | ".join(self._errors)[-500:] or f"it ended with {self._process.poll()}"

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
