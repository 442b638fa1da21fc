"""One part of a run: its images become one file of the table, and a note of what came of them.

While it is under way, a journal beside it has what was found. So a run that is stopped in any way
goes on with the image that it was at, and the file is the same as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..errors import ExportError, SettingError
from ..export import Result, make
from ..prediction import INSTANCE_COLUMNS, NO_TIDY, notes_from, record_batch
from ..tables import EncodedImage, TableImage, TableInfo, encode_image, join_images, part_paths
from .failures import Failure, failure_of
from .job import Job
from .journal import Journal, state_of
from .outcome import Outcome
from .plan import TABLE, Task, part_name
from .store import Store

__all__ = ["Part", "PartSummary", "finished_part", "part_files"]

_NOTE: Final = ".json"
_JOURNAL: Final = ".journal"
_CLASSES: Final = "run/classes.json"
# The fastest.
_LEVEL: Final = 1


def part_files(number: int) -> tuple[str, str]:
    """The names of a part's two files of the table, in a run's folder.

    Args:
        number: which part, from 0 on.

    Returns:
        Of its instances, and of its images.
    """
    instances, images = part_paths(TABLE, number)
    return instances.as_posix(), images.as_posix()


@dataclass(frozen=True)
class PartSummary:
    """What came of a part."""

    images: int
    """How many it has, those that failed included."""

    objects: dict[str, int] = field(default_factory=dict)
    """How many objects there are in the results, by class."""

    failures: tuple[Failure, ...] = ()
    """What failed, in the order of the images."""

    left_out: dict[str, int] = field(default_factory=dict)
    """How many objects score enough but are of classes that are not in the results, by class."""

    def to_json(self, **more: object) -> str:
        """It as JSON.

        Args:
            **more: what else to keep there.
        """
        failures = [list(failure) for failure in self.failures]
        content = {"images": self.images, "objects": self.objects, "failures": failures}
        content |= {"left_out": self.left_out, **more}
        return json.dumps(content)

    @classmethod
    def from_json(cls, content: str | bytes) -> PartSummary:
        """Read what `to_json` made.

        Args:
            content: the text.

        Raises:
            ValueError: it is something else.
        """
        try:
            note = json.loads(content)
            failures = tuple(Failure(*map(str, each)) for each in note["failures"])
            objects = {str(name): int(many) for name, many in note["objects"].items()}
            # Not there in the notes of earlier versions.
            left_out = {str(name): int(many) for name, many in note.get("left_out", {}).items()}
            return cls(int(note["images"]), objects, failures, left_out)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no summary of a part: {error}") from None


def finished_part(store: Store, number: int, tasks: Sequence[Task]) -> PartSummary | None:
    """What came of a part that is done.

    Args:
        store: the run's folder.
        number: which part.
        tasks: its images.

    Returns:
        The summary; None: it is not done, an image has changed since, or its files are not there
        as they were written.
    """
    content = store.read(part_name(number, _NOTE)) or b""
    try:
        summary = PartSummary.from_json(content)
    except ValueError:
        return None
    note = json.loads(content)
    sizes = [store.size(name) for name in part_files(number)]
    is_same = note.get("state") == _state(tasks) and note.get("bytes") == sizes
    return summary if is_same else None


@dataclass(frozen=True)
class _Done:
    """What is kept of an image: not its masks, which can take a thousand times as much."""

    packed: bytes
    """Its rows as compressed JSON: a tenth of what they take as columns, of which there are some
    for each image."""

    objects: dict[str, int]
    """How many objects it has in the results, by class."""

    failure: tuple[str, str] | None = None
    """The kind and the message of what failed."""

    files: tuple[str, ...] = ()
    """Its own files, in the run's folder."""

    left_out: dict[str, int] = field(default_factory=dict)
    """How many objects it has of classes that are not in the results, by class."""

    @classmethod
    def of(
        cls,
        encoded: EncodedImage,
        failure: tuple[str, str] | None = None,
        files: tuple[str, ...] = (),
        left_out: dict[str, int] | None = None,
    ) -> _Done:
        """Keep what is in the table of an image."""
        instances = encoded.instances
        columns, objects = None, {}
        if instances is not None:
            names = [each.name for each in INSTANCE_COLUMNS]
            columns = {name: instances.column(name).to_pylist() for name in names}
            objects = dict(Counter(columns["class_name"]))
        text = json.dumps({"row": encoded.row, "columns": columns})
        return cls(
            zlib.compress(text.encode("ascii"), _LEVEL), objects, failure, files, left_out or {}
        )

    @property
    def encoded(self) -> EncodedImage:
        """Its rows, without loss."""
        kept = json.loads(zlib.decompress(self.packed))
        columns = kept["columns"]
        instances = None if columns is None else record_batch(INSTANCE_COLUMNS, columns)
        return EncodedImage(kept["row"], instances)

    def to_json(self) -> dict[str, Any]:
        """It for the journal, without loss."""
        kept: dict[str, Any] = json.loads(zlib.decompress(self.packed))
        return {**kept, "failure": self.failure, "left_out": self.left_out}

    @classmethod
    def from_json(cls, kept: Any) -> _Done:
        columns, failure = kept["columns"], kept["failure"]
        instances = None if columns is None else record_batch(INSTANCE_COLUMNS, columns)
        encoded = EncodedImage(dict(kept["row"]), instances)
        reason = failure and (str(failure[0]), str(failure[1]))
        return cls.of(encoded, reason, left_out=kept.get("left_out"))


class Part:
    """A part that is not done yet.

    Args:
        store: the run's folder.
        number: which part.
        tasks: its images.
        job: what is done with each.
        batch: how many images go through the model together.
        retry: whether images that failed before are tried again.
    """

    def __init__(
        self,
        store: Store,
        number: int,
        tasks: Sequence[Task],
        job: Job,
        batch: int = 1,
        *,
        retry: bool = False,
    ) -> None:
        self.number, self.tasks = number, tasks
        self._store, self._job = store, job
        self._info = _known_info(store, job)
        self._done: dict[int, _Done] = {}
        self._state = _state(tasks)
        local = store.local
        self._journal = None
        if local is not None:
            self._journal = Journal(local / part_name(number, _JOURNAL), {}, resume=True)
            self._take_done(self._journal, retry)
        self.groups: list[list[int]] = []
        """The indices of the images that have yet to be done, in groups for the model."""
        self._take_groups(batch, {*range(len(tasks))} - self._done.keys())

    @property
    def done_before(self) -> int:
        """How many images need not be done."""
        return len(self.tasks) - sum(map(len, self.groups))

    @property
    def is_done(self) -> bool:
        """Whether all of its images are done, and its file can be written."""
        return len(self._done) == len(self.tasks)

    def add(self, group: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        """Take what came of a group: write its own files, and note it.

        Args:
            group: one of `groups`.
            outcomes: of each of its images.

        Raises:
            ExportError: something can't be written, so nothing more can.
            SettingError: the results can't be had with these settings.
        """
        for index, outcome in zip(group, outcomes, strict=True):
            task = self.tasks[index]
            done = self._finished(task, outcome)
            self._done[index] = done
            if self._journal is not None:
                root = self._journal.path.parent.parent
                files = [root / file for file in done.files]
                self._journal.add(task.source, task.stem, task.name, files, kept=done.to_json())

    def finish(self) -> PartSummary:
        """Write the part's files, when all of it is done.

        Returns:
            What came of it.

        Raises:
            ExportError: they can't be written.
        """
        encoded = [done.encoded for _, done in sorted(self._done.items())]
        contents = join_images(encoded, self._info or self._job.table_info())
        for name, content in zip(part_files(self.number), contents, strict=True):
            self._store.write(name, content, durable=True)
        summary = self.summary()
        # Behind the files: what has a note is done.
        note = summary.to_json(state=self._state, bytes=[len(content) for content in contents])
        name = part_name(self.number, _NOTE)
        self._store.write(name, f"{note}\n".encode("ascii"), durable=True)
        if self._journal is not None:
            self._journal.remove()
        return summary

    def summary(self) -> PartSummary:
        """What came of the part so far."""
        counts: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for done in self._done.values():
            counts.update(done.objects)
            left_out.update(done.left_out)
        failures = tuple(
            Failure(self.tasks[index].source, self.tasks[index].name, *done.failure)
            for index, done in sorted(self._done.items())
            if done.failure is not None
        )
        return PartSummary(
            len(self._done), dict(sorted(counts.items())), failures, dict(sorted(left_out.items()))
        )

    def _take_groups(self, batch: int, left: Set[int]) -> None:
        # Groups are counted from the part's beginning, whatever is done: with other neighbours an
        # image's numbers could differ in their last digits.
        every = range(len(self.tasks))
        groups = [list(every[start : start + batch]) for start in every[::batch]]
        self.groups = [group for group in groups if not left.isdisjoint(group)]

    def _take_done(self, journal: Journal, retry: bool) -> None:
        for index, task in enumerate(self.tasks):
            found = journal.find(task.source, task.stem, task.name)
            try:
                done = None if found is None else _Done.from_json(found.kept)
            except (KeyError, TypeError, ValueError):
                continue
            if done is not None and not (retry and done.failure is not None):
                self._done[index] = done

    def _finished(self, task: Task, outcome: Outcome) -> _Done:
        """What is kept of an image, with its own files written."""
        error = outcome.error
        if error is None:
            try:
                return self._written(task, outcome)
            except (ExportError, SettingError):
                raise
            # A format of somebody else's can raise anything; the other images count.
            except Exception as raised:
                error = raised
        failure = failure_of(error)
        failed = TableImage(task.name, task.image_id, error=failure[1])
        return _Done.of(encode_image(failed, self._job.table_info()), failure)

    def _written(self, task: Task, outcome: Outcome) -> _Done:
        image, prediction = outcome.image, outcome.prediction
        assert image is not None and prediction is not None  # there was no error
        if image.notes:
            # What was chosen on opening, such as a contrast, decides what was found.
            prediction = replace(prediction, notes=(*image.notes, *prediction.notes))
        if self._info is None:
            self._info = self._job.table_info(prediction)
            _note_info(self._store, self._info)
        keep, left_out = self._job.keep(prediction), self._job.left_out(prediction)
        notes = notes_from(prediction, self._job.filter.least)
        prediction = replace(self._job.filter.reshaped(prediction), notes=notes)
        encoded = encode_image(
            TableImage(task.name, task.image_id, prediction, only=keep), self._info
        )
        files = []
        if self._job.own_formats:
            result = Result(
                image.pixels,
                prediction.select(keep),
                task.name,
                # All of it is in the files; a page also has the thresholds.
                replace(self._job.filter, tidy=NO_TIDY),
                stem=task.stem,
                image_id=task.image_id,
            )
            for name in self._job.own_formats:
                made = make(name, result)
                files.append(f"{name}/{made.name}")
                self._write(files[-1], made.data)
        return _Done.of(encoded, None, tuple(files), left_out)

    def _write(self, name: str, content: bytes) -> None:
        """Write an image's own file."""
        self._store.write(name, content)


def _known_info(store: Store, job: Job) -> TableInfo | None:
    """What is the same for all of the table, once an image had a result."""
    try:
        note = json.loads(store.read(_CLASSES) or b"")
        names, ids = map(str, note["class_names"]), map(int, note["category_ids"])
        return replace(job.table_info(), class_names=tuple(names), category_ids=tuple(ids))
    except (ValueError, KeyError, TypeError):
        return None


def _note_info(store: Store, info: TableInfo) -> None:
    note = {"class_names": info.class_names, "category_ids": info.category_ids}
    store.write(_CLASSES, f"{json.dumps(note)}\n".encode("ascii"))


def _state(tasks: Sequence[Task]) -> str:
    """What changes when one of the files does, or the list of them."""
    digest = hashlib.sha256()
    for task in tasks:
        text = f"{task.source!a} {task.name!a} {state_of(task.source)}\n"
        digest.update(text.encode("ascii"))
    return digest.hexdigest()
