"""What a run over many images has finished, so that a rerun skips it.

One line of JSON for each image that is done, written after its files are: a run that is killed
loses the image it was at. What was found is in the line where one file is made of several images in
the end.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .. import images
from .._text import PATH_LENGTH, printable
from ..errors import ExportError, PredictionError, SettingError
from ..prediction import MaskCrop, Prediction
from .cloud import is_cloud

__all__ = ["Finished", "Journal", "absolute", "changes", "state_of"]

_VERSION: Final = 1
_KEYS: Final = {"source", "stem", "name", "state", "files"}


@dataclass(frozen=True)
class Finished:
    """An image that is done.

    Attributes:
        files: what was written of it, relative to the journal's folder.
        prediction: what was found; None where nobody needs it, and where it failed.
        kept: what else was noted.
    """

    files: tuple[str, ...]
    prediction: Prediction | None
    kept: Any = None


class Journal:
    """The file in which a run notes what is done.

    It is made with its first line, and its lines are added as the work goes on; a line that was
    cut off by a crash is skipped.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
        """Open it.

        Args:
            path: the file; the results lie in the same folder.
            settings: all that decides what is written of an image, as JSON has it.
            resume: whether what it says is done counts; else it begins anew.

        Raises:
            SettingError: what is done was done with other settings.
        """
        self.path = path
        self._done: dict[str, dict[str, Any]] = {}
        self._head = {"version": _VERSION, "settings": json.loads(json.dumps(settings))}
        self._is_begun = False
        if not resume:
            self.remove()
        elif lines := self._lines():
            self._check(lines[0], self._head)
            self._done = _latest(line for line in lines[1:] if set(line) >= _KEYS)

    def kept(self) -> dict[str, Any]:
        """What else was noted of each image that was done, also where it has to be done again.

        Returns:
            It by the image's `absolute` source.
        """
        return {source: line.get("kept") for source, line in self._done.items()}

    def find(self, source: str, stem: str, name: str) -> Finished | None:
        """Return what is done of an image; None: it has to be done.

        It counts as done while its file is unchanged and all that was written of it is there.

        Args:
            source: its path or address.
            stem: what its files' names begin with.
            name: what the results call it.
        """
        line = self._done.get(absolute(source))
        if line is None or [line["stem"], line["name"]] != [stem, name]:
            return None
        if line["state"] != state_of(source):
            return None
        files = tuple(line["files"])
        if not all((self.path.parent / file).is_file() for file in files):
            return None
        found = line.get("found")
        try:
            prediction = None if found is None else _prediction(found)
            return Finished(files, prediction, line.get("kept"))
        except (PredictionError, KeyError, TypeError, ValueError):
            return None

    def add(
        self,
        source: str,
        stem: str,
        name: str,
        files: Sequence[Path],
        prediction: Prediction | None = None,
        kept: Any = None,
    ) -> None:
        """Note that an image is done.

        Args:
            source: its path or address.
            stem: what its files' names begin with.
            name: what the results call it.
            files: what was written of it, in the journal's folder.
            prediction: what was found, if it is needed for a file of several images.
            kept: what else to note: what JSON has.

        Raises:
            ExportError: the line can't be written. That costs only that the image is done again.
        """
        line: dict[str, Any] = {
            "source": absolute(source),
            "stem": stem,
            "name": name,
            "state": state_of(source),
            "files": [os.path.relpath(file, self.path.parent) for file in files],
        }
        if prediction is not None:
            line["found"] = _found(prediction)
        if kept is not None:
            line["kept"] = kept
        try:
            if not self._is_begun:
                self._begin()
            with self.path.open("a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            shown = printable(str(self.path), PATH_LENGTH)
            raise ExportError(
                f"{shown} could not be written: {error.strerror or error}. Free some space, or "
                "choose another folder."
            ) from error

    def remove(self) -> None:
        """Remove the file, when all is done."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _lines(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        with contextlib.suppress(OSError):
            for text in self.path.read_text("ascii", "replace").splitlines():
                with contextlib.suppress(ValueError):
                    line = json.loads(text)
                    if isinstance(line, dict):
                        lines.append(line)
        return lines

    def _begin(self) -> None:
        """Write what is done already: whole lines only, so that none joins one that was cut off."""
        lines = [self._head, *self._done.values()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.part")
        temporary.write_text("".join(json.dumps(line) + "\n" for line in lines), "ascii")
        temporary.replace(self.path)
        self._is_begun = True

    def _check(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Refuse to go on with other settings, each named with both values."""
        then = before.get("settings")
        if before.get("version") != now["version"] or not isinstance(then, dict):
            then = {}
        changed = changes(then, now["settings"])
        if changed:
            shown = printable(str(self.path.parent), PATH_LENGTH)
            raise SettingError(
                f"The run in {shown} had other settings, so it can't go on with these: "
                f"{changed}. Give what it had, or another --out, or begin anew without "
                "--resume."
            )


def _latest(lines: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is done of each source: not what another one has written over since."""
    done: dict[str, dict[str, Any]] = {}
    writers: dict[str, str] = {}
    for line in lines:
        for file in line["files"]:
            done.pop(writers.get(file, ""), None)
            writers[file] = line["source"]
        done.pop(line["source"], None)
        done[line["source"]] = line
    return done


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say which settings differ, for a message.

    Args:
        before: the settings of a run that is there.
        now: those that were given.

    Returns:
        Each with both values; "" if none differs.
    """
    return "; ".join(
        f"{name} was {printable(str(before.get(name)))}, and is {printable(str(value))}"
        for name, value in now.items()
        if before.get(name) != value
    )


def absolute(source: str) -> str:
    """A source as it is called in every folder.

    Args:
        source: a path or an address.

    Returns:
        The path from the root; an address as it is.
    """
    if images.is_address(source) or is_cloud(source):
        return source
    # As texts: a run may have a million of them.
    return os.path.join(os.getcwd(), os.path.expanduser(source))  # noqa: PTH109, PTH111, PTH118


def state_of(source: str) -> list[int]:
    """What changes when a file does.

    Args:
        source: its path, or an address.

    Returns:
        Its bytes and its time in nanoseconds; [-1] if it is not there, [] of an address.
    """
    if images.is_address(source) or is_cloud(source):
        return []
    try:
        found = os.stat(os.path.expanduser(source))  # noqa: PTH111, PTH116 - as texts
    except (OSError, ValueError):
        return [-1]
    return [found.st_size, found.st_mtime_ns]


def _found(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON has it, without loss."""
    masks = None
    if prediction.masks is not None:
        masks = [
            [one.x, one.y, one.width, one.height, base64.b64encode(one.bits).decode("ascii")]
            for one in prediction.masks
        ]
    return {
        "image_size": list(prediction.image_size),
        "boxes": prediction.boxes.tolist(),
        "scores": prediction.scores.tolist(),
        "class_ids": prediction.class_ids.tolist(),
        "class_names": list(prediction.class_names),
        "category_ids": list(prediction.category_ids),
        "masks": masks,
    }


def _prediction(found: Mapping[str, Any]) -> Prediction:
    masks = None
    if found["masks"] is not None:
        masks = tuple(
            MaskCrop(x, y, width, height, base64.b64decode(bits))
            for x, y, width, height, bits in found["masks"]
        )
    height, width = found["image_size"]
    return Prediction(
        (height, width),
        np.asarray(found["boxes"], np.float32).reshape(-1, 4),
        np.asarray(found["scores"], np.float32),
        np.asarray(found["class_ids"], np.int64),
        tuple(found["class_names"]),
        masks,
        category_ids=tuple(found["category_ids"]),
    )
