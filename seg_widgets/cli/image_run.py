"""Doing many images: one that fails costs no other, what is done is noted, a signal ends it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, Final

from .. import images
from .._stopping import StopRequest
from .._text import PATH_LENGTH, printable
from ..export import FORMATS, save, save_together
from ..prediction import Prediction, Predictor
from .common import print_error, unforeseen
from .image_files import Found, folder_of, unique_names, unique_stems
from .journal import Journal

__all__ = ["JOURNAL", "ImageRun", "shown_path"]

JOURNAL: Final = ".segment.jsonl"
"""The file in --out that says which images are done; it is removed when all are."""


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
        self.journal = Journal(options.out / JOURNAL, _settings(options), resume=options.resume)
        self.left = len(found.sources)
        self._predictor, self._options, self._found = predictor, options, found

    def do_all(self, request: StopRequest) -> list[str]:
        """Do the images, until a signal asks for the end.

        Args:
            request: whether one did.

        Returns:
            What failed, a line each.
        """
        failed: list[str] = []
        skipped = 0
        names = unique_names(self._found.sources)
        for (source, stem), name in zip(unique_stems(self._found.sources), names, strict=True):
            if request:
                break
            if self._is_done(source, stem, name):
                skipped += 1
            else:
                failed += self._try(source, stem, name)
            self.left -= 1
        if self._options.resume:
            print(f"\n{skipped} of {len(names)} images were done before.")
        return failed

    def _is_done(self, source: str, stem: str, name: str) -> bool:
        """Whether an image was done before; what was found in it then counts, too."""
        done = self.journal.find(source, stem, name)
        if done is None or (self.together.formats and done.prediction is None):
            return False
        if done.prediction is not None:
            self.together.add(name, done.prediction)
        return True

    def _try(self, source: str, stem: str, name: str) -> list[str]:
        """Do one image; a line if it failed."""
        try:
            prediction, files = _segment_one(
                self._predictor, source, stem, name, self._options, self.together
            )
        except BrokenPipeError:
            raise
        # A model, or a format of somebody else's, can raise anything; the other images count.
        except Exception as error:
            print_error(error, f"\n{shown_path(source)}: failed: ")
            return [f"{shown_path(source)}: {unforeseen(error)}"]
        kept = prediction if self.together.formats else None
        self.journal.add(source, stem, name, files, kept)
        return []


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """All that decides what is written of an image; the device and the thread don't."""
    names = [
        *("model", "config", "weights", "classes", "threshold", "format", "separate"),
        *("contrast", "channels", "page", "min_size", "half", "speed"),
    ]
    given = {name: getattr(options, name) for name in names}
    return {
        name: value if isinstance(value, (int, float, bool, list, tuple)) else value and str(value)
        for name, value in given.items()
    }


class _Together:
    """The formats that become one file for all images, with what was found so far.

    Args:
        options: the parsed arguments.
        found: the images. One image has its own files only.
    """

    def __init__(self, options: argparse.Namespace, found: Found) -> None:
        several = len(found.sources) > 1 and not options.separate
        self.formats = [
            name for name in options.format if several and FORMATS[name].make_together is not None
        ]
        self._folder: Path = options.out
        given = [folder_of(photo) for photo in options.photos]
        folders = [folder for folder in given if folder is not None]
        only = folders[0].resolve().name if len(options.photos) == len(folders) == 1 else ""
        self._stem = only or "images"
        self._names: list[str] = []
        self._predictions: list[Prediction] = []

    def add(self, name: str, prediction: Prediction) -> None:
        """Keep what was found in one image.

        Args:
            name: what the data set calls it.
            prediction: what was found.
        """
        if self.formats:
            self._names.append(name)
            self._predictions.append(prediction)

    def write(self) -> None:
        """Write the files, if there is anything to write."""
        for each in self.formats if self._names else ():
            path = save_together(each, self._names, self._predictions, self._folder, self._stem)
            print(f"wrote {shown_path(str(path))}: {len(self._names)} images")


def _segment_one(
    predictor: Predictor,
    source: str,
    stem: str,
    name: str,
    options: argparse.Namespace,
    together: _Together,
) -> tuple[Prediction, list[Path]]:
    """Write what is in one image; returns what was found, and the files."""
    loaded = images.read(
        source, contrast=options.contrast, channels=options.channels, page=options.page
    )
    image = loaded.pixels
    start = time.perf_counter()
    everything = predictor(image)
    seconds = time.perf_counter() - start

    prediction = everything.filter(options.threshold)
    print(f"\n{shown_path(source)} ({seconds:.2f} s)")
    for note in loaded.notes:
        print(f"note: {note}")
    print(prediction)
    if not len(prediction) and len(everything):
        best = everything.scores.max()
        print(f"Nothing scores {options.threshold:.2f} or more; the best is {best:.2f}.")

    own = [each for each in options.format if each not in together.formats]
    written = save(prediction, image, options.out, stem, own, file_name=name)
    together.add(name, prediction)
    files: list[Path] = []
    for paths in written.values():
        files += paths if isinstance(paths, list) else [paths]
    for path in files:
        print(f"wrote {shown_path(str(path))}")
    return prediction, files
