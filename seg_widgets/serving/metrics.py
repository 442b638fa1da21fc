"""What the server counts, for Prometheus."""

from __future__ import annotations

from typing import Final

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from .answers import Answer
from .jobs import Job, JobQueue
from .pool import PoolEvents, WorkerPool

__all__ = ["Metrics"]

_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)


class Metrics(PoolEvents):
    """The figures of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "seg_widgets_requests",
            "Requests that were answered",
            ("route", "status"),
            registry=self._registry,
        )
        self._queued = self._histogram("queue_seconds", "From a request to the start of its work")
        self._parts = Histogram(
            "seg_widgets_work_seconds",
            "Work on one image: opening it, the model, making the answer",
            ("part",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._restarts = Counter(
            "seg_widgets_worker_restarts", "Workers that ended", registry=self._registry
        )
        self._waiting = self._gauge("waiting", "Requests that wait")
        self._running = self._gauge("running", "Requests that a worker has")
        self._ready = self._gauge("workers_ready", "Workers that are ready")
        self._memory = Gauge(
            "seg_widgets_worker_memory_bytes",
            "Resident memory of a worker",
            ("worker",),
            registry=self._registry,
        )

    def answered(self, job: Job, answer: Answer) -> None:
        """Note how long an answer took."""
        self._queued.observe(max(0.0, job.started_s - job.arrived_s))
        for part, seconds in answer.seconds.items():
            self._parts.labels(part).observe(seconds)

    def restarted(self) -> None:
        """Note that a worker ended."""
        self._restarts.inc()

    def replied(self, route: str, status: int) -> None:
        """Note how a request ended."""
        self._requests.labels(route, str(status)).inc()

    def text(self, queue: JobQueue, pool: WorkerPool) -> bytes:
        """All figures, in Prometheus's text format.

        Args:
            queue: its lengths are read now.
            pool: its workers are looked at now.

        Returns:
            The text in UTF-8.
        """
        self._waiting.set(queue.waiting)
        self._running.set(queue.running)
        self._ready.set(pool.states.count("ready"))
        self._memory.clear()
        for number, pid in pool.pids.items():
            try:
                resident = psutil.Process(pid).memory_info().rss
            except psutil.Error:
                continue
            self._memory.labels(str(number)).set(resident)
        return generate_latest(self._registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"seg_widgets_{name}", text, buckets=_SECONDS, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"seg_widgets_{name}", text, registry=self._registry)
