"""A run over many images: what is done of it, what is left, and how it ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from .._text import PATH_LENGTH, printable
from ..errors import SettingError
from ..export import FORMATS, result_file_name, save_together
from ..tables import read_table
from .failures import Failure, failure_of, failures_csv
from .fresh import remove_run
from .job import Job
from .journal import absolute
from .listing import Found, find_images
from .mending import Exports, MendedPart
from .part import Part, PartSummary, finished_part
from .plan import FAILURES, JOINT, TABLE, Plan, Task
from .store import open_store
from .summary import RunSummary, Totals, left_nothing

__all__ = ["Given", "Run", "find_for_run"]

Given = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Found
"""What a run is given: one text or path, or several."""

_LOOK_UPS: Final = 32


class Run:
    """A run, planned or gone on with; it knows no model.

    Args:
        found: its images, as `find_for_run` gives them.
        out: the run's folder, or its address in an object store.
        job: what is done with each image.
        fresh: whether what an earlier run wrote is removed first.
        retry: whether images that failed before are tried again.

    Raises:
        SettingError: the folder holds another run, or a result would replace a list of the images.
        ExportError: the folder can't be written.
    """

    def __init__(
        self,
        found: Found,
        out: str | os.PathLike[str],
        job: Job,
        *,
        fresh: bool = False,
        retry: bool = False,
    ) -> None:
        self._began_s = time.monotonic()
        self.found = found
        self.job, self.retry = job, retry
        self.store = open_store(out)
        self.out = os.fsdecode(out)
        """The run's folder, as it was given."""
        if job.joint_formats and self.store.local is None:
            raise SettingError(
                f"{job.joint_formats[0]} is one file of all images, which is made in a folder of "
                "this machine. Leave it out, and make it later from a copy of the table."
            )
        if self.store.local is not None:
            joint = (result_file_name(name, JOINT) for name in job.joint_formats)
            found.require_kept(self.store.local / name for name in joint)
        self.plan = Plan(self.store)
        if fresh:
            remove_run(self.store)
        self.plan.make(job.settings(found.given), self.found, job.images_per_part)
        self.done_before = 0
        """How many images were done before."""
        self.missing: dict[int, tuple[str, ...]] = {}
        """The exported files that were not there any more, of each part that was done before."""
        self._mended: dict[int, PartSummary] = {}
        self._finished: dict[int, tuple[Failure, ...]] = {}
        self._totals = Totals()
        self._open: dict[int, Part] = {}
        # Parts are opened on the thread of the model, and finished on the one that writes.
        self._lock = threading.Lock()

    def pending(self) -> Iterator[tuple[int, list[Task]]]:
        """Yield the number and the images of each part that is not done, or of which exported files
        are missing; count the others."""
        exports = Exports(self.store, self.job)
        for number, tasks, done in self._looked_up():
            if done is None or (self.retry and done.failures):
                yield number, tasks
            elif missing := exports.missing(tasks, done):
                self.missing[number], self._mended[number] = missing, done
                yield number, tasks
            else:
                self.done_before += len(tasks)
                self.finish(number, done)

    def _looked_up(self) -> Iterator[tuple[int, list[Task], PartSummary | None]]:
        """Each part's number, images, and what came of it before."""

        def look(number: int) -> tuple[int, list[Task], PartSummary | None]:
            tasks = self.plan.tasks(number)
            return number, tasks, finished_part(self.store, number, tasks)

        if self.store.local is not None:
            yield from map(look, range(self.plan.parts))
            return
        # An object store answers many at once, and each only after a while.
        with ThreadPoolExecutor(_LOOK_UPS, "seg_widgets finder") as pool:
            for start in range(0, self.plan.parts, _LOOK_UPS):
                end = min(start + _LOOK_UPS, self.plan.parts)
                yield from pool.map(look, range(start, end))

    def open(self, number: int, tasks: list[Task], batch: int) -> Part:
        """Begin with a part, or go on with it.

        Args:
            number: which one.
            tasks: its images.
            batch: how many images go through the model together.

        Returns:
            The part.
        """
        if number in self.missing:
            before, missing = self._mended[number], self.missing[number]
            part: Part = MendedPart(self.store, number, tasks, self.job, batch, before, missing)
        else:
            part = Part(self.store, number, tasks, self.job, batch, retry=self.retry)
        with self._lock:
            self.done_before += part.done_before
            self._open[number] = part
        return part

    def finish(self, number: int, summary: PartSummary) -> None:
        """Count a part that is done.

        Args:
            number: which one.
            summary: what came of it.
        """
        with self._lock:
            self._open.pop(number, None)
            self._finished[number] = summary.failures
            self._totals.add(summary)

    @property
    def failed(self) -> int:
        """How many images failed so far."""
        return self._totals.failed

    def close(self) -> RunSummary:
        """List what failed, and sum up.

        Returns:
            The summary, also of a run that was stopped.

        Raises:
            ExportError: the list can't be written.
        """
        for number, part in sorted(self._open.items()):
            summary = part.summary()
            self._finished[number] = summary.failures
            self._totals.add(summary)
        self._open.clear()
        failures = [
            Failure(text, "", *failure_of(error)) for text, error in self.found.errors.items()
        ]
        for _, some in sorted(self._finished.items()):
            failures += some
        self.store.write(FAILURES, failures_csv(failures))
        if self._totals.done == self.plan.images:
            self._write_joint()
        return RunSummary(
            self.out,
            self.plan.images,
            self._totals.done,
            self.done_before,
            len(failures),
            self._totals.objects,
            time.monotonic() - self._began_s,
            tuple(self.found.left_out),
            sum(map(len, self.missing.values())),
            left_nothing(sum(self._totals.objects.values()), self._totals.left_out),
        )

    def _write_joint(self) -> None:
        """Write the formats that are one file for all images, from the table."""
        local = self.store.local
        if not self.job.joint_formats or local is None:
            return
        names, predictions, ids = [], [], []
        for image, prediction in read_table(local / TABLE):
            names.append(image.file_name)
            predictions.append(prediction)
            ids.append(image.image_id)
        for name in self.job.joint_formats:
            save_together(name, names, predictions, local, JOINT, image_ids=ids)


def find_for_run(source: Given, out: str | os.PathLike[str]) -> Found:
    """Find the images of a run, before its model is loaded: a mistyped name should not cost that.

    That its folder can be written is checked, too.

    Args:
        source: as for `segment_folder`; what was found already stays as it is.
        out: the run's folder, or its address; what it wrote there is no image of it.

    Returns:
        One image or more.

    Raises:
        ImageError: there is no image.
        SettingError: the source is something else, or `out` is empty.
        ExportError: `out` can't be written.
    """
    if isinstance(source, Found):
        return source
    store = open_store(out)
    given: list[Any] = [source]
    if not isinstance(source, (str, os.PathLike)) and isinstance(source, Iterable):
        given = list(source)
    wrong = next((each for each in given if not isinstance(each, (str, bytes, os.PathLike))), None)
    if wrong is not None or source is None:
        raise SettingError(
            "The source is a folder, a pattern, a file, an address, or several of these, not a "
            f"{type(wrong).__name__}. For images in memory, call the predictor with each."
        )
    found = find_images(given)
    found.given = _text(given)
    _leave_out_results(found, os.fsdecode(out))
    found.require_images()
    store.require_writable()
    return found


def _leave_out_results(found: Found, out: str) -> None:
    """Leave out what an earlier run has written into its folder, if that lies among the images."""
    folder = f"{absolute(out).rstrip('/')}/"
    written = tuple(f"{folder}{name}/" for name in FORMATS)
    kept = [each for each in found.sources if not absolute(each).startswith(written)]
    left_out = len(found.sources) - len(kept)
    if left_out:
        found.sources = kept
        found.left_out.append(
            f"Left out {left_out} earlier results in {printable(out, PATH_LENGTH)}."
        )


def _text(given: list[str | os.PathLike[str]]) -> str:
    """What was given, for the run's settings; a list may grow."""
    text = os.fsdecode(given[0]) if given else ""
    text = absolute(text)
    return f"{text}, …" if len(given) > 1 else text
