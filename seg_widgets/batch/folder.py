"""`segment_folder`: many images, one table, whatever happens on the way."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from ..images import Channels, Contrast
from ..modeling import STARTER, as_predictor, load_predictor
from ..prediction import DEFAULT_FILTER, Filter, Predictor, check_class_names
from .job import IMAGES_PER_PART, Job, described_by
from .on_ray import Workers, connect, describe, do_on_ray, maker_of
from .outcome import Outcome
from .part import Part
from .pipeline import Reading, batch_size, segment_groups
from .progress import Bar, progress_bar
from .run import Given, Run, find_for_run
from .summary import RunSummary

__all__ = ["segment_folder"]

_WAITING: Final = 4
"""Groups that wait to be written, with their images: more would only take memory."""


def segment_folder(
    source: Given,
    out: str | os.PathLike[str],
    predictor: Predictor | str | Any = STARTER,
    *,
    filter: Filter = DEFAULT_FILTER,
    only: Sequence[str] = (),
    formats: Sequence[str] = (),
    contrast: Contrast = "auto",
    channels: Channels = None,
    page: int | None = None,
    images_per_part: int = IMAGES_PER_PART,
    fresh: bool = False,
    retry_failed: bool = False,
    progress: bool = True,
    cancel: threading.Event | None = None,
    ray: bool | str = False,
    workers: Workers = Workers(),  # noqa: B008 - it is frozen
) -> RunSummary:
    """Find the objects in many images, and write one table of them.

    The next images are opened and the last results written while the model is at work. A run that
    was stopped, in whatever way, goes on where it stopped when it is called again; the files are
    the same as those of a run that was not. An image that fails is listed in `failures.csv` with
    the reason, and costs no other. How much memory it takes does not grow with the number of
    images.

    Args:
        source: a folder (its subfolders are not entered); a pattern such as "photos/**/*.jpg"; a
            file; an http(s) address; a folder, a pattern or a file of an object store
            ("s3://bucket/photos"), by fsspec; a COCO file (.json), whose images lie beside it; a
            list (.txt) with one of these in each line; or several of these.
        out: the folder of the results: `table/part-00000.parquet` and so on, `failures.csv`, a
            folder for each of `formats`, and `run/` with the notes for going on. May be an address
            of an object store; a run that is stopped then repeats up to `images_per_part` images.
        predictor: the model: a `Predictor`, a model's name or folder, or what `wrap` takes.
        filter: which instances are in the results, as in the panel.
        only: the names of the classes that are in the results; empty: all.
        formats: export formats to write beside the table, see `save`.
        contrast: how values of more than 8 bits are shown; see `load`.
        channels: which channels are shown; see `load`.
        page: which page or frame; see `load`.
        images_per_part: images of one file of the table; so many results are in memory at a time.
        fresh: begin anew: remove what the run in `out` has written, and nothing else.
        retry_failed: try images again that failed before.
        progress: show how far it is, images a second and the time left.
        cancel: ends the run soon when another thread sets it.
        ray: let Ray Data do it with several processes or machines. True: with the cluster that
            `RAY_ADDRESS` names, else with processes of this machine; or a cluster's address. All
            have to reach `source` and `out`. `predictor` is then a model's name, a function that
            builds a predictor, or one that can be pickled: each worker builds the model once.
        workers: how many workers Ray starts, and what each gets.

    Returns:
        The summary: images, objects by class, failures. Its `is_complete` is false for a run that
        was cancelled.

    Raises:
        ImageError: nothing that was given is an image.
        SettingError: `out` holds another run, or one of another model (the message has both), or an
            argument is out of its range.
        ExportError: the results can't be written: the disk is full, or may not be written. What is
            done is kept.
        ModelError: the model can't be built.
    """
    reading = Reading(contrast, channels, page)
    found = find_for_run(source, out)
    model: Any = None
    if ray is False:
        is_name = isinstance(predictor, (str, Path))
        model = as_predictor(load_predictor(predictor) if is_name else predictor)
        if not callable(model):
            raise SettingError(
                f"predictor is a model's name or folder, or a function that takes an image, not a "
                f"{type(model).__name__}."
            )
        described = described_by(model)
    else:
        make = maker_of(predictor)
        connect(ray if isinstance(ray, str) else None)
        described = describe(make, workers)
    job = Job(
        described.model,
        filter,
        check_class_names("only", only),
        (formats,) if isinstance(formats, str) else tuple(formats),
        reading,
        images_per_part,
        described.class_names,
    )
    run = Run(found, out, job, fresh=fresh, retry=retry_failed)
    stop = cancel or threading.Event()
    try:
        with progress_bar(run.plan.images, is_shown=progress) as bar:
            if ray is False:
                _LocalWork(run, model, bar).do_all(stop)
            else:
                _do_until(stop, do_on_ray(run, make, workers, bar))
    finally:
        # Also of what was done before an interrupt.
        summary = run.close()
    return summary


def _do_until(stop: threading.Event, steps: Generator[None, None, None]) -> None:
    with closing(steps):
        for _ in steps:
            if stop.is_set():
                return


class _LocalWork:
    """The work of a run on this machine: the model on this thread, writing on another."""

    def __init__(self, run: Run, predictor: Predictor, bar: Bar) -> None:
        self._run, self._predictor, self._bar = run, predictor, bar
        # In the order in which they go through the model.
        self._order: deque[tuple[Part, list[int]]] = deque()
        self._reported = 0

    def do_all(self, cancel: threading.Event) -> None:
        """Do the images that are left.

        Args:
            cancel: ends it soon when it is set.
        """
        waiting: deque[tuple[Future[None], int]] = deque()
        job = self._run.job
        everything = segment_groups(self._groups(), self._predictor, job.reading, job.keep)
        with ThreadPoolExecutor(1, "seg_widgets writer") as writer, closing(everything) as groups:
            for outcomes in groups:
                part, group = self._order.popleft()
                waiting.append((writer.submit(self._write, part, group, outcomes), len(group)))
                del outcomes
                while len(waiting) > _WAITING or (waiting and waiting[0][0].done()):
                    self._report(*waiting.popleft())
                if cancel.is_set():
                    break
            while waiting:
                self._report(*waiting.popleft())
        self._report_before(0)

    def _groups(self) -> Iterator[list[str]]:
        """What goes through the model together, over all parts."""
        size = batch_size(self._predictor)
        for number, tasks in self._run.pending():
            part = self._run.open(number, tasks, size)
            # One that was stopped before its file was written has nothing left to do but that.
            for group in part.groups or [[]]:
                self._order.append((part, group))
                yield [tasks[index].source for index in group]

    def _write(self, part: Part, group: list[int], outcomes: list[Outcome]) -> None:
        part.add(group, outcomes)
        if part.is_done:
            self._run.finish(part.number, part.finish())

    def _report(self, written: Future[None], images: int) -> None:
        written.result()
        self._report_before(images)
        if self._run.failed:
            self._bar.set_postfix_str(f"{self._run.failed} failed")

    def _report_before(self, images: int) -> None:
        """Move the bar, also by what was found to be done before."""
        before = self._run.done_before - self._reported
        self._reported = self._run.done_before
        self._bar.update(images + before)
