"""The queue: who waits, who is ahead of whom, and who is turned away.

All of it runs on the server's event loop, so it has no lock.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Final

from .answers import Answer, Work

__all__ = ["Job", "JobQueue", "QueueFull", "Superseded"]

_FIRST_GUESS_S: Final = 1.0
_KEPT: Final = 0.8
"""How much of the mean of durations stays when one more is known."""


class QueueFull(Exception):
    """There is no room for another request.

    Args:
        retry_after_s: when there will be, as a guess.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Superseded(Exception):
    """A newer request of the same visitor came."""


class Job:
    """One request, from its first byte to its answer.

    Attributes:
        client: who asks; "": nobody in particular.
        work: what is to be done; None while it is still coming.
        attempts: how often a worker was given it.
        answer: done when there is an answer, or an error that says why there is none.
        started_s: when a worker took it (`time.monotonic`); 0 before.
    """

    def __init__(self, client: str) -> None:
        self.client = client
        self.work: Work | None = None
        self.attempts = 0
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.arrived_s = time.monotonic()
        self.started_s = 0.0
        self.waiting_bytes = 0

    def finish(self, answer: Answer) -> None:
        """Answer, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """End without an answer, unless it has ended already."""
        if not self.answer.done():
            self.answer.set_exception(error)
            # Whoever waited may have left; then nobody asks for the error, and that is fine.
            self.answer.exception()


class JobQueue:
    """Jobs in the order in which they came.

    A visitor has one place in it: a newer request of the same client takes the place of the older
    one, which fails with `Superseded`.

    Args:
        max_jobs: how many may wait.
        max_bytes: how many bytes all that wait may have.
        workers: how many are worked on at a time, for guesses.
    """

    def __init__(self, max_jobs: int, max_bytes: int, workers: int = 1) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._workers = workers
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._bytes = 0
        self._ready = asyncio.Event()
        self._mean_s = _FIRST_GUESS_S

    # ── for those who ask ─────────────────────────────────────────────────────────────────────────

    def enter(self, client: str = "") -> Job:
        """Take a place.

        Args:
            client: who asks; "": each request stands for itself.

        Returns:
            A job without work yet.

        Raises:
            QueueFull: there is no place.
        """
        older = self._of(client)
        waits = older if older in self._waiting else None
        if waits is None and len(self._waiting) >= self._max_jobs:
            raise QueueFull(self.retry_after_s)
        job = Job(client)
        if waits is not None:
            self._waiting[self._waiting.index(waits)] = job
            self._forget_bytes(waits)
        else:
            self._waiting.append(job)
        if older is not None:
            older.fail(Superseded("a newer request came"))
        return job

    def grow(self, job: Job, count: int) -> None:
        """Count bytes that came for a job.

        Raises:
            QueueFull: all that wait have too many.
        """
        if self._bytes + count > self._max_bytes:
            raise QueueFull(self.retry_after_s)
        job.waiting_bytes += count
        self._bytes += count

    def put(self, job: Job, work: Work) -> None:
        """Give a job its work; it runs when its turn comes."""
        job.work = work
        self._wake()

    def leave(self, job: Job) -> None:
        """Give up a job's place; what a worker does for it is not stopped."""
        if job in self._waiting:
            self._waiting.remove(job)
        self._forget_bytes(job)
        job.answer.cancel()
        self._wake()

    def ahead(self, job: Job) -> int:
        """How many requests are ahead of one; 0 when it runs or comes next."""
        if job not in self._waiting:
            return 0
        before = self._waiting.index(job) + len(self._running)
        return max(0, before - self._workers + 1)

    def position(self, client: str) -> int | None:
        """How many are ahead of a client's request; None: it has none."""
        job = self._of(client)
        return None if job is None else self.ahead(job)

    # ── for the workers ───────────────────────────────────────────────────────────────────────────

    async def ready(self) -> None:
        """Wait until there is work."""
        await self._ready.wait()

    def take(self, most: int = 1) -> list[Job]:
        """The next jobs whose work has come; they count as running until `done`.

        Args:
            most: how many run together.

        Returns:
            None to `most` jobs, in their order.
        """
        jobs: list[Job] = []
        for job in tuple(self._waiting):
            if job.work is None:
                continue
            # One whose worker has ended runs by itself: it may have been the reason.
            if jobs and (job.attempts or jobs[0].attempts):
                break
            if len(jobs) == most:
                break
            jobs.append(job)
        for job in jobs:
            self._waiting.remove(job)
            self._forget_bytes(job)
            self._running.append(job)
            job.attempts += 1
            job.started_s = time.monotonic()
        self._wake()
        return jobs

    def done(self, job: Job) -> None:
        """A worker has ended its work on a job."""
        if job in self._running:
            self._running.remove(job)
            took_s = time.monotonic() - job.started_s
            self._mean_s = _KEPT * self._mean_s + (1 - _KEPT) * took_s

    def put_back(self, job: Job) -> None:
        """Let a job whose worker ended run again, before all others."""
        if job in self._running:
            self._running.remove(job)
        if not job.answer.done():
            self._waiting.insert(0, job)
        self._wake()

    def fail_all(self, error: Exception) -> None:
        """End all that wait."""
        for job in tuple(self._waiting):
            self._waiting.remove(job)
            self._forget_bytes(job)
            job.fail(error)
        self._wake()

    # ── figures ───────────────────────────────────────────────────────────────────────────────────

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many run."""
        return len(self._running)

    @property
    def retry_after_s(self) -> int:
        """In how many seconds half of those that wait will be done, as a guess; 1 to 60."""
        rounds = len(self._waiting) / (2 * self._workers)
        return max(1, min(60, math.ceil(rounds * self._mean_s)))

    def _of(self, client: str) -> Job | None:
        if not client:
            return None
        jobs: Sequence[Job] = (*self._waiting, *self._running)
        return next((job for job in jobs if job.client == client and not job.answer.done()), None)

    def _forget_bytes(self, job: Job) -> None:
        self._bytes -= job.waiting_bytes
        job.waiting_bytes = 0

    def _wake(self) -> None:
        if any(job.work is not None for job in self._waiting):
            self._ready.set()
        else:
            self._ready.clear()
