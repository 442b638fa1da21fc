"""What a result is made of, and what a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from .._text import printable
from ..errors import ExportError, SegWidgetsError, SettingError
from ..images import RGBArray
from ..prediction import DEFAULT_IOU, Filter, GroundTruth, Prediction, require_masks
from ..style import DEFAULT_STYLE, Style
from .files import StrPath, file_stem, write_bytes
from .png import File, zip_bytes

__all__ = ["ExportFormat", "ExportedFile", "Result", "Together"]

_LONGEST_CAUSE: Final = 300  # characters

_Of = TypeVar("_Of")


@dataclass(frozen=True, eq=False)
class Result:
    """What an export is made of: an image, what was found in it, and what of it is shown."""

    image: RGBArray
    """H×W×3 uint8 RGB, of the size that the prediction is for."""

    prediction: Prediction
    """All that was found, with the masks as the filter shows them."""

    name: str = ""
    """The image's name, which the JSON files and the page show."""

    filter: Filter | None = None
    """Which instances are in the file; None: all of them."""

    style: Style = DEFAULT_STYLE
    """How the image and the page are drawn."""

    source: str = ""
    """The image's path or address, for the lines of Python; "": it is not known."""

    model: str = ""
    """The model's name, for the lines of Python; "": a predictor of your own."""

    speed: str = ""
    """The speed that it was loaded for, for the lines of Python; "": the usual one."""

    stem: str = ""
    """What the file's name begins with; "": the image's name without its suffix."""

    truth: GroundTruth | None = None
    """What is in the image, for the page; None: it is not known."""

    versus: Prediction | None = None
    """A second prediction, for the page; None: there is none."""

    iou_threshold: float = DEFAULT_IOU
    """The IoU from which the page matches, 0.1 to 1."""

    image_id: int = 1
    """The image's number in its run, for tables and COCO's files."""

    found: Prediction = field(init=False, repr=False)
    """All that was found, with the masks as the model gave them."""

    def __post_init__(self) -> None:
        # What is shown is exported; a page, which can undo it, takes what the model gave.
        object.__setattr__(self, "found", self.prediction)
        if self.filter is not None:
            object.__setattr__(self, "prediction", self.filter.reshaped(self.prediction))

    @cached_property
    def indices(self) -> npt.NDArray[np.int64]:
        """The indices of the instances that are in the file."""
        if self.filter is None:
            return np.arange(len(self.prediction))
        return np.flatnonzero(self.filter.keep(self.found)).astype(np.int64)

    @cached_property
    def shown(self) -> Prediction:
        """The instances that are in the file, as a prediction of their own."""
        return self.prediction if self.filter is None else self.prediction.select(self.indices)

    @property
    def file_stem(self) -> str:
        """What the file's name begins with, safe on every system."""
        return file_stem(self.stem or Path(self.name).stem)

    @property
    def file_name(self) -> str:
        """What the file says that the image is called."""
        return self.name or self.stem or "image"


@dataclass(frozen=True, eq=False)
class Together:
    """What a file of several images is made of.

    Raises:
        SettingError: there is not one name and one id for each prediction.
    """

    file_names: Sequence[str]
    """What the images are called, each once."""

    predictions: Sequence[Prediction]
    """What was found in each of them."""

    image_ids: Sequence[int]
    """The id of each."""

    def __post_init__(self) -> None:
        counts = {len(self.predictions), len(self.file_names), len(self.image_ids)}
        if len(counts) > 1:
            raise SettingError(
                f"There are {len(self.predictions)} predictions, {len(self.file_names)} names and "
                f"{len(self.image_ids)} ids; give one for each."
            )

    def images(self) -> Iterator[tuple[int, str, Prediction]]:
        """Yield the id and the name of each image, and what was found in it."""
        yield from zip(self.image_ids, self.file_names, self.predictions, strict=True)


class ExportedFile(NamedTuple):
    """A file that was made, but not written."""

    name: str
    """What to call it, such as "cat-overlay.png"."""

    media_type: str
    """Such as "image/png"."""

    data: bytes
    """Its content."""


@dataclass(frozen=True)
class ExportFormat:
    """One format that a result can be taken away in.

    Raises:
        SettingError: it has not exactly one of `make` and `make_files`.
    """

    name: str
    """What users write, such as "coco"."""

    label: str
    """What the panel's menu calls it, such as "COCO"."""

    description: str
    """What the file is, in a few words; the menu shows it."""

    loses: str
    """What of the result is not in the file, in one sentence."""

    suffix: str
    """What the file's name ends with, such as "-coco.json"."""

    media_type: str
    """Such as "application/json"."""

    make: Callable[[Result], bytes] | None = None
    """Makes the file's content."""

    make_files: Callable[[Result], Iterator[File]] | None = None
    """Makes a file for each instance: `save` writes them, and the menu gives them as one ZIP."""

    make_together: Callable[[Together], bytes] | None = None
    """Makes one file of several images; None: each image gets a file of its own."""

    each_alone: bool = False
    """`segment` writes a file for each image, although there is `make_together`."""

    group: str = "More"
    """The heading in the panel's menu under which it stands."""

    needs_masks: bool = False
    """A prediction with boxes only can't become one."""

    in_menu: bool = True
    """The panel's menu has it."""

    in_save: bool = True
    """`save` and the command line have it."""

    def __post_init__(self) -> None:
        if (self.make is None) == (self.make_files is None):
            raise SettingError(f"The format {self.name!r} has either make or make_files.")

    def content(self, result: Result) -> bytes:
        """The file's content.

        Args:
            result: what it is made of.

        Returns:
            Its bytes, the same for the same result; many files are in one ZIP.

        Raises:
            PredictionError: the format needs masks, and there are none.
            ExportError: the format failed; the message names it and the cause.
        """
        self._check(result)
        if self.make is not None:
            return self._made(self.make, result)
        return zip_bytes(self._each_made(result))

    def together(self, together: Together) -> bytes:
        """The content of one file of several images.

        Args:
            together: what it is made of.

        Returns:
            Its bytes.

        Raises:
            SettingError: the format is for single images.
            ExportError: the format failed; the message names it and the cause.
        """
        if self.make_together is None:
            raise SettingError(f"The format {self.name!r} is for one image; use save for each.")
        return self._made(self.make_together, together)

    def files(self, result: Result) -> Iterator[File]:
        """The files of one image among several.

        Args:
            result: what they are made of.

        Yields:
            The name and the content of each; of a format of many files, in a folder of its own.

        Raises:
            PredictionError: the format needs masks, and there are none.
            ExportError: the format failed; the message names it and the cause.
        """
        self._check(result)
        if self.make_files is None:
            yield f"{result.file_stem}{self.suffix}", self.content(result)
            return
        for name, content in self._each_made(result):
            yield f"{result.file_stem}/{name}", content

    def write(self, result: Result, folder: StrPath) -> Path | list[Path]:
        """Write the file, or the files, into a folder.

        Args:
            result: what it is made of.
            folder: where to; it is made if need be.

        Returns:
            The path; a list of them for a format of many files.

        Raises:
            PredictionError: the format needs masks, and there are none.
            ExportError: a file can't be written, or the format failed.
        """
        if self.make_files is None:
            path = Path(folder) / f"{result.file_stem}{self.suffix}"
            return write_bytes(path, self.content(result))
        self._check(result)
        files = self._each_made(result)
        return [write_bytes(Path(folder) / name, content) for name, content in files]

    def _made(self, make: Callable[[_Of], bytes], source: _Of) -> bytes:
        """What a function of the format makes; it may be anybody's, and raise anything."""
        try:
            content = make(source)
        except SegWidgetsError:
            raise
        except Exception as error:
            raise self._failed(error) from error
        if not isinstance(content, (bytes, bytearray, memoryview)):
            raise ExportError(
                f"The format {self.name!r} gives bytes, but this time a {type(content).__name__}."
            )
        return bytes(content)

    def _each_made(self, result: Result) -> Iterator[File]:
        """The files that `make_files` makes, each as soon as it is there."""
        assert self.make_files is not None  # it has one of both
        try:
            files = iter(self.make_files(result))
            while (file := next(files, None)) is not None:
                name, content = file
                yield str(name), bytes(memoryview(content))
        except SegWidgetsError:
            raise
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> ExportError:
        text = printable(str(error), _LONGEST_CAUSE)
        cause = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return ExportError(f"The format {self.name!r} failed, so there is no file ({cause}).")

    def _check(self, result: Result) -> None:
        if self.needs_masks:
            require_masks(result.prediction)
