"""The worker processes: each takes the next job, and one that ends is replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from .answers import Answer
from .jobs import Job, JobQueue
from .process import WorkerEnded, WorkerProcess, WorkerRefused
from .settings import ServerSettings

__all__ = ["JobOverdue", "ModelUnavailable", "PoolEvents", "WorkerLost", "WorkerPool"]

_log = logging.getLogger(__name__)

_ATTEMPTS: Final = 2
"""How often a job is begun: one whose worker ends gets another one, once."""

_PAUSES_S: Final = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
"""How long to wait before a worker is started once more, by the number of failures in a row."""

State = Literal["starting", "ready", "failed"]


class WorkerLost(Exception):
    """Each worker that had the job ended over it."""


class JobOverdue(Exception):
    """The job took too long, and its worker was ended."""


class ModelUnavailable(Exception):
    """No worker can build the model at the moment."""


class PoolEvents:
    """What a pool reports; the metrics listen."""

    def answered(self, job: Job, answer: Answer) -> None:
        """A worker has answered for a job."""

    def restarted(self) -> None:
        """A worker ended and is replaced."""


class WorkerPool:
    """Starts the workers, gives them jobs, and replaces those that end.

    Attributes:
        about: what the model is; {} until a worker is ready.
        refusal: why the model can't be built, for the one who runs the server; "" when it can.
    """

    def __init__(self, settings: ServerSettings, queue: JobQueue, events: PoolEvents) -> None:
        self.about: dict[str, Any] = {}
        self.refusal = ""
        self._settings = settings
        self._queue = queue
        self._events = events
        self._states: list[State] = ["starting"] * settings.workers
        self._processes: dict[int, WorkerProcess] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    @property
    def states(self) -> tuple[State, ...]:
        """What each worker is doing."""
        return tuple(self._states)

    @property
    def pids(self) -> dict[int, int]:
        """The process id of each worker that is ready, by its number."""
        return {number: process.pid for number, process in self._processes.items()}

    @property
    def available(self) -> bool:
        """Whether a worker is ready, or will soon be."""
        return any(state != "failed" for state in self._states)

    async def open(self) -> None:
        """Start the workers, and wait until the first is ready.

        Raises:
            ModelUnavailable: none of them can build the model.
        """
        self._tasks = [
            asyncio.create_task(self._run(number)) for number in range(self._settings.workers)
        ]
        while "ready" not in self._states:
            if not self.available:
                raise ModelUnavailable(self.refusal)
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """End all workers; what waits fails."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._queue.fail_all(ModelUnavailable("The server ends."))

    # ── one worker ────────────────────────────────────────────────────────────────────────────────

    async def _run(self, number: int) -> None:
        """Keep one worker alive."""
        failures = 0
        while True:
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            process = await self._start(number)
            if process is None:
                failures += 1
                continue
            try:
                worked = await self._serve(process)
            finally:
                self._processes.pop(number, None)
                await asyncio.shield(process.kill())
            # One that ends before it has answered once is a failure like one that never starts.
            failures = 0 if worked else failures + 1
            self._set(number, "starting")
            self._events.restarted()
            _log.warning("A worker ended (process %s); another one starts.", process.pid)

    async def _start(self, number: int) -> WorkerProcess | None:
        """A worker that is ready; None where the model can't be built."""
        try:
            process = await WorkerProcess.start(self._settings.model)
        except (WorkerRefused, WorkerEnded, OSError) as error:
            self.refusal = str(error) or "The worker's process ended while it loaded the model."
            self._set(number, "failed")
            return None
        self._processes[number] = process
        self.about, self.refusal = process.about, ""
        self._set(number, "ready")
        return process

    def _set(self, number: int, state: State) -> None:
        self._states[number] = state
        self._changed.set()
        if not self.available:
            self._queue.fail_all(ModelUnavailable(self.refusal))

    async def _serve(self, process: WorkerProcess) -> bool:
        """Give it jobs until it ends; whether it has answered for one."""
        worked = False
        while await _first(self._queue.ready, process.ended) == 0:
            jobs = self._queue.take(process.max_batch)
            if not jobs:
                continue
            if not await self._work(process, jobs):
                return worked
            worked = True
        return worked

    async def _work(self, process: WorkerProcess, jobs: Sequence[Job]) -> bool:
        """Let a worker do jobs; whether the worker is still there."""
        left = list(jobs)
        works = [job.work for job in jobs if job.work is not None]  # all: the queue gives no others
        try:
            async with asyncio.timeout(self._settings.job_timeout_s):
                async for answer in process.answers(works):
                    job = left.pop(0)
                    job.finish(answer)
                    self._events.answered(job, answer)
        except TimeoutError:
            self._give_up(left, JobOverdue() if len(jobs) == 1 else None)
        except WorkerEnded:
            self._give_up(left)
        finally:
            for job in jobs:
                self._queue.done(job)
        return not left

    def _give_up(self, jobs: Sequence[Job], overdue: Exception | None = None) -> None:
        """End jobs whose worker ended, or let them run once more, each by itself."""
        # Each goes before all others, so the last of them is first put back.
        for job in reversed(jobs):
            if overdue is not None or job.attempts >= _ATTEMPTS:
                job.fail(overdue or WorkerLost())
            else:
                self._queue.put_back(job)


async def _first(*waits: Callable[[], Awaitable[None]]) -> int:
    """Wait for the first of these to happen; which one it was."""
    tasks = [asyncio.ensure_future(wait()) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Where several have happened, the last counts: a worker that has ended takes no job.
        return max(number for number, task in enumerate(tasks) if task.done())
    finally:
        for task in tasks:
            task.cancel()
