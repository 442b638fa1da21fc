"""Exported files that are gone since their part of a run was done: they are made anew, alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ..export import result_file_name
from .failures import Failure
from .job import Job
from .outcome import Outcome
from .part import Part, PartSummary
from .plan import Task
from .store import Store

__all__ = ["Exports", "MendedPart"]


class Exports:
    """The exported files that are there: one look at each format's folder, not at the files.

    Args:
        store: the run's folder.
        job: what is done with each image.
    """

    def __init__(self, store: Store, job: Job) -> None:
        self._store = store
        self._there: Final = {name: {*store.names(name)} for name in job.own_formats}

    def missing(self, tasks: Sequence[Task], done: PartSummary) -> tuple[str, ...]:
        """The files of a part that is done which are not there any more.

        Args:
            tasks: its images.
            done: what came of it; an image that failed has no files.

        Returns:
            Their paths below the run's folder.
        """
        failed = {failure.source for failure in done.failures}
        gone = (
            f"{folder}/{name}"
            for task in tasks
            if task.source not in failed
            for folder, there in self._there.items()
            if (name := result_file_name(folder, task.stem)) not in there
        )
        # Some file systems list a name in other letters than it was written with.
        return tuple(name for name in gone if self._store.size(name) is None)


class MendedPart(Part):
    """A part that is done, of which some exported files are missing.

    The model looks again at their images, with the neighbours that they had. The table and all
    other files stay as they are.

    Args:
        store: the run's folder.
        number: which part.
        tasks: its images.
        job: what is done with each.
        batch: how many images go through the model together.
        done: what came of the part.
        missing: the files, as `Exports` gives them.
    """

    def __init__(
        self,
        store: Store,
        number: int,
        tasks: Sequence[Task],
        job: Job,
        batch: int,
        done: PartSummary,
        missing: Iterable[str],
    ) -> None:
        super().__init__(store, number, tasks, job)
        self._before = done
        self._missing = frozenset(missing)
        self._failures: list[Failure] = []
        self._left = {
            index
            for index, task in enumerate(tasks)
            for name in job.own_formats
            if f"{name}/{result_file_name(name, task.stem)}" in self._missing
        }
        self._take_groups(batch, self._left)

    @property
    def is_done(self) -> bool:
        """Whether all of its images were looked at again."""
        return not self._left

    def add(self, group: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        """Take what came of a group: write the files that are missing.

        Args:
            group: one of `groups`.
            outcomes: of each of its images.

        Raises:
            ExportError: something can't be written, so nothing more can.
            SettingError: the results can't be had with these settings.
        """
        for index, outcome in zip(group, outcomes, strict=True):
            if index in self._left:
                task = self.tasks[index]
                failure = self._finished(task, outcome).failure
                if failure is not None:
                    self._failures.append(Failure(task.source, task.name, *failure))
                self._left.discard(index)

    def finish(self) -> PartSummary:
        """Say what came of it, when all of it is done; its files of the table are those of before.

        Returns:
            What came of the part, with what failed now.
        """
        return self.summary()

    def summary(self) -> PartSummary:
        """What came of the part so far."""
        failures = (*self._before.failures, *self._failures)
        return replace(self._before, images=len(self.tasks) - len(self._left), failures=failures)

    def _write(self, name: str, content: bytes) -> None:
        # The other formats' files of an image may have been edited since.
        if name in self._missing:
            super()._write(name, content)
