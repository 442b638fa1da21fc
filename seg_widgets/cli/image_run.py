"""Doing many images: one that fails costs no other, what is done is noted, a signal ends it."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .._files import require_writable
from .._stopping import StopRequest
from .._text import PATH_LENGTH, plural, printable
from ..batch import (
    Found,
    Job,
    Journal,
    Outcome,
    Reading,
    batch_size,
    described_by,
    folder_of,
    left_nothing,
    segment_groups,
)
from ..errors import ExportError
from ..export import (
    FORMATS,
    result_file_name,
    save,
    save_together,
    unique_names,
    unique_stems,
)
from ..images import is_address
from ..prediction import Prediction, Predictor
from .common import print_error, unforeseen
from .image_arguments import filter_of
from .wording import in_options

__all__ = ["JOURNAL", "ImageRun", "shown_path"]

JOURNAL: Final = ".segment.jsonl"
"""The file in --out that says which images are done; it is removed when all are."""

_IMAGE_ID: Final = "image_id"
"""What the journal calls an image's id."""


def shown_path(source: str) -> str:
    """A path or address for a line of output.

    Args:
        source: what was given, or found in a folder.
    """
    return printable(source, PATH_LENGTH)


class ImageRun:
    """The images of one run: each is done, or was done by the run that is resumed.

    Args:
        predictor: the model.
        options: the parsed arguments.
        found: the images.
    """

    def __init__(self, predictor: Predictor, options: argparse.Namespace, found: Found) -> None:
        self.together = _Together(options, found)
        settings = _settings(options, predictor)
        self.journal = Journal(options.out / JOURNAL, settings, resume=options.resume)
        # As files of images that were done before have their ids, they keep them.
        known = {source: _image_id(kept) for source, kept in self.journal.kept().items()}
        self._ids = found.ids(
            {source: number for source, number in known.items() if number is not None},
            unique=bool(self.together.formats),
        )
        self.left = len(found.sources)
        self._predictor, self._options, self._found = predictor, options, found
        described = described_by(predictor)
        self._job = Job(
            described.model, filter_of(options), options.only, class_names=described.class_names
        )
        self._there = _names_in(options.out)
        self._replaced = 0
        self._objects = 0
        self._left_out: Counter[str] = Counter()
        self._reading = Reading(options.contrast, options.channels, options.page)
        self._size = batch_size(predictor)
        self._skipped = 0
        # The place, the stem and the name of each image on its way through the model.
        self._under_way: deque[tuple[int, str, str]] = deque()

    def do_all(self, request: StopRequest) -> list[str]:
        """Do the images, until a signal asks for the end.

        Args:
            request: whether one did.

        Returns:
            What failed, a line each.

        Raises:
            ExportError: nothing more can be written.
        """
        failed: list[str] = []
        every = segment_groups(self._todo(request), self._predictor, self._reading)
        with contextlib.closing(every) as groups:
            for outcomes in groups:
                for outcome in outcomes:
                    failed += self._try(outcome, *self._under_way.popleft())
                    self.left -= 1
                if request:
                    break
        # Of one image it was said already; of those that were done before it isn't known.
        if len(self._found.sources) > 1 and not self._skipped:
            said = left_nothing(self._objects, self._left_out)
            if said:
                print(f"\n{said}")
        if self._options.resume:
            print(f"\n{self._skipped} of {len(self._found.sources)} images were done before.")
        return failed

    def write_together(self) -> None:
        """Write the files of all images, and say how many files were replaced."""
        self._count_replaced(self.together.write())
        if self._replaced:
            files = plural(self._replaced, "file that was", "files that were")
            print(f"replaced {self._replaced} {files} there: {shown_path(str(self._options.out))}")

    def _count_replaced(self, written: Iterable[Path]) -> None:
        self._replaced += sum(path.name in self._there for path in written)

    def _todo(self, request: StopRequest) -> Iterator[list[str]]:
        """What has to be done, in groups for the model; what was found before is kept."""
        sources = self._found.sources
        group: list[str] = []
        originals = _Originals(sources, self._options.out, self._options.format)
        pairs = zip(unique_stems(sources, originals), unique_names(sources), strict=True)
        for number, ((source, stem), own_name) in enumerate(pairs):
            name, _ = self._found.listed.get(source, (own_name, 0))
            if request:
                break
            if self._is_done(self._ids[number], number, source, stem, name):
                self._skipped += 1
                self.left -= 1
                continue
            group.append(source)
            self._under_way.append((number, stem, name))
            if len(group) == self._size:
                yield group
                group = []
        yield group

    def _is_done(self, image_id: int, number: int, source: str, stem: str, name: str) -> bool:
        """Whether an image was done before; what was found in it then counts, too."""
        done = self.journal.find(source, stem, name)
        if done is None or (self.together.formats and done.prediction is None):
            return False
        if _image_id(done.kept) != image_id:
            return False
        if done.prediction is not None:
            self.together.add(number, image_id, name, done.prediction)
        return True

    def _try(self, outcome: Outcome, number: int, stem: str, name: str) -> list[str]:
        """Write what came of one image; a line if it failed."""
        source = outcome.source
        try:
            if outcome.error is not None:
                raise outcome.error
            image_id = self._ids[number]
            prediction, files = _write_one(
                outcome, stem, name, image_id, self._options, self._job, self.together
            )
            assert outcome.prediction is not None  # it was written
            self._count_replaced(files)
            self._objects += len(prediction)
            self._left_out.update(self._job.left_out(outcome.prediction))
            self.together.add(number, image_id, name, prediction)
        except BrokenPipeError:
            raise
        # A model, or a format of somebody else's, can raise anything; the other images count.
        except Exception as error:
            if isinstance(error, ExportError):
                # A name can be too long for one image; a disk that is full ends the run.
                require_writable(self._options.out)
            print_error(error, f"\n{shown_path(source)}: failed: ")
            return [f"{shown_path(source)}: {unforeseen(error)}"]
        kept = prediction if self.together.formats else None
        # A line that can't be written costs only that the image is done again.
        with contextlib.suppress(ExportError):
            self.journal.add(source, stem, name, files, kept, {_IMAGE_ID: image_id})
        return []


def _image_id(kept: Any) -> int | None:
    """The id that the journal has of an image; None: it has none."""
    found = kept.get(_IMAGE_ID) if isinstance(kept, dict) else None
    return found if type(found) is int else None


def _names_in(folder: Path) -> frozenset[str]:
    """The names of what is in a folder; none where it is not there, or may not be read."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - it may have a million files
    except OSError:
        return frozenset()


def _settings(options: argparse.Namespace, predictor: Predictor) -> dict[str, Any]:
    """All that decides what is written of an image; the device and the thread don't."""
    names = [
        *("model", "config", "weights", "classes", "threshold", "format", "separate"),
        *("class_threshold", "only", "hide"),
        *("contrast", "channels", "page", "min_size", "half", "speed"),
    ]
    given = {name: getattr(options, name) for name in names}
    settings = {
        name: (
            value
            if isinstance(value, (int, float, bool, list, tuple, dict))
            else value and str(value)
        )
        for name, value in given.items()
    }
    # Not given they are None, as in the journal of a run that was before these options.
    settings |= {name: given[name] or None for name in ("class_threshold", "only", "hide")}
    # A folder's weights may be others by now, and the environment may name a server.
    settings["SHA-256 of the weights"] = str(getattr(predictor, "weights_sha256", ""))
    settings["server"] = str(getattr(predictor, "url", ""))
    return settings


class _Originals:
    """The images that lie where the results go: none may be replaced by a result of another.

    Args:
        sources: the images.
        out: the folder of the results.
        formats: what is written of each image.
    """

    def __init__(self, sources: Sequence[str], out: Path, formats: Sequence[str]) -> None:
        folder = out.resolve()
        paths = [Path(source) for source in sources if not is_address(source)]
        self._names = {path.name for path in paths if path.parent.resolve() == folder}
        self._suffixes = tuple(FORMATS[each].suffix for each in formats)

    def __call__(self, stem: str) -> bool:
        """Whether a result of this stem would have the name of one of them."""
        if any(f"{stem}{suffix}" in self._names for suffix in self._suffixes):
            return True
        # Cut-outs and masks are a file for each instance.
        several = (f"{stem}-cutout-", f"{stem}-mask-")
        return any(name.startswith(several) for name in self._names)


class _Together:
    """The formats that become one file for all images, with what was found so far.

    Args:
        options: the parsed arguments.
        found: the images. One image has its own files only.
    """

    def __init__(self, options: argparse.Namespace, found: Found) -> None:
        several = len(found.sources) > 1 and not options.separate
        self.formats = [
            name
            for name in options.format
            if several and FORMATS[name].make_together is not None and not FORMATS[name].each_alone
        ]
        self._folder: Path = options.out
        given = [folder_of(photo) for photo in options.photos]
        folders = [folder for folder in given if folder is not None]
        only = folders[0].resolve().name if len(options.photos) == len(folders) == 1 else ""
        self._stem = only or "images"
        self._found: dict[int, tuple[int, str, Prediction]] = {}
        files = (result_file_name(name, self._stem) for name in self.formats)
        found.require_kept(self._folder / name for name in files)

    def add(self, number: int, image_id: int, name: str, prediction: Prediction) -> None:
        """Keep what was found in one image.

        Args:
            number: its place among the images.
            image_id: its id in the data set.
            name: what the data set calls it.
            prediction: what was found.
        """
        if self.formats:
            self._found[number] = image_id, name, prediction

    def write(self) -> list[Path]:
        """Write the files, if there is anything to write; returns them."""
        # What was found before is known earlier than what is found now.
        found = [self._found[number] for number in sorted(self._found)]
        ids = [image_id for image_id, _, _ in found]
        names, predictions = [name for _, name, _ in found], [one for _, _, one in found]
        written = []
        for each in self.formats if found else ():
            path = save_together(each, names, predictions, self._folder, self._stem, image_ids=ids)
            print(f"wrote {shown_path(str(path))}: {len(found)} images")
            written.append(path)
        return written


def _why_nothing(everything: Prediction, job: Job) -> str:
    """Why nothing of what was found in an image is in its files."""
    if said := left_nothing(0, job.left_out(everything)):
        return said
    best = everything.scores.max()
    if job.filter.class_thresholds:
        return f"Nothing scores its threshold or more; the best is {best:.2f}."
    return f"Nothing scores {job.filter.threshold:.2f} or more; the best is {best:.2f}."


def _write_one(
    outcome: Outcome,
    stem: str,
    name: str,
    image_id: int,
    options: argparse.Namespace,
    job: Job,
    together: _Together,
) -> tuple[Prediction, list[Path]]:
    """Write what is in one image; returns what of it is shown, and the files."""
    assert outcome.image is not None and outcome.prediction is not None  # there was no error
    everything = outcome.prediction
    prediction = everything.select(job.keep(everything))
    print(f"\n{shown_path(outcome.source)} ({outcome.seconds:.2f} s)")
    for note in outcome.image.notes:
        print(f"note: {in_options(note)}")
    print(in_options(str(prediction)))
    if not len(prediction) and len(everything):
        print(_why_nothing(everything, job))

    # All of it is in the files; a page also has the threshold.
    shown = job.filter
    own = [each for each in options.format if each not in together.formats]
    pixels = outcome.image.pixels
    written = save(
        prediction, pixels, options.out, stem, own, file_name=name, filter=shown, image_id=image_id
    )
    files: list[Path] = []
    for paths in written.values():
        files += paths if isinstance(paths, list) else [paths]
    for path in files:
        print(f"wrote {shown_path(str(path))}")
    return prediction, files
