"""The export formats: one registry, from which `save`, the command line, the panel's menu and the
docs are made.

A new format is one call of `register`: in `formats.py`, or in a notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from ..images import RGBArray
from ..prediction import Filter, Prediction, require_masks
from ..style import DEFAULT_STYLE, Style
from .files import StrPath, as_text, file_stem, write_bytes
from .png import File, zip_bytes

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "ExportFormat",
    "ExportedFile",
    "Result",
    "formats_table",
    "make",
    "menu_formats",
    "register",
    "save",
    "save_formats",
    "save_together",
    "unregister",
]


@dataclass(frozen=True, eq=False)
class Result:
    """What an export is made of: an image, what was found in it, and what of it is shown."""

    image: RGBArray
    """H×W×3 uint8 RGB, of the size that the prediction is for."""

    prediction: Prediction
    """All that was found."""

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

    stem: str = ""
    """What the file's name begins with; "": the image's name without its suffix."""

    @cached_property
    def indices(self) -> npt.NDArray[np.int64]:
        """The indices of the instances that are in the file."""
        if self.filter is None:
            return np.arange(len(self.prediction))
        return np.flatnonzero(self.filter.keep(self.prediction)).astype(np.int64)

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

    make_together: Callable[[Sequence[str], Sequence[Prediction]], bytes] | None = None
    """Makes one file of the names of several images and what was found in each; None: each image
    gets a file of its own."""

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
        """
        self._check(result)
        if self.make is not None:
            return self.make(result)
        assert self.make_files is not None  # checked when it was made
        return zip_bytes(self.make_files(result))

    def write(self, result: Result, folder: StrPath) -> Path | list[Path]:
        """Write the file, or the files, into a folder.

        Args:
            result: what it is made of.
            folder: where to; it is made if need be.

        Returns:
            The path; a list of them for a format of many files.

        Raises:
            PredictionError: the format needs masks, and there are none.
            ExportError: a file can't be written.
        """
        if self.make_files is None:
            path = Path(folder) / f"{result.file_stem}{self.suffix}"
            return write_bytes(path, self.content(result))
        self._check(result)
        files = self.make_files(result)
        return [write_bytes(Path(folder) / name, content) for name, content in files]

    def _check(self, result: Result) -> None:
        if self.needs_masks:
            require_masks(result.prediction)


_FORMATS: dict[str, ExportFormat] = {}

FORMATS: Final[Mapping[str, ExportFormat]] = MappingProxyType(_FORMATS)
"""All formats by name, in the order of the menu; `register` adds to it."""

DEFAULT_FORMATS: Final = ("png", "coco", "csv")
"""What `save` and the command line write where nothing else is said."""


def register(export_format: ExportFormat) -> None:
    """Add a format: to `save`, to the command line, to the panel's menu.

    Args:
        export_format: the format.

    Raises:
        SettingError: there is one of this name.
    """
    if export_format.name in _FORMATS:
        raise SettingError(
            f"There is a format {export_format.name!r} already; choose another name."
        )
    _FORMATS[export_format.name] = export_format


def unregister(name: str) -> None:
    """Take a format away again.

    Args:
        name: the format's name; nothing happens if there is none.
    """
    _FORMATS.pop(name, None)


def menu_formats() -> tuple[ExportFormat, ...]:
    """The formats of the panel's menu.

    Returns:
        Them, in the menu's order.
    """
    return tuple(each for each in _FORMATS.values() if each.in_menu)


def save_formats() -> tuple[str, ...]:
    """The formats that `save` and the command line write.

    Returns:
        Their names.
    """
    return tuple(each.name for each in _FORMATS.values() if each.in_save)


def make(name: str, result: Result) -> ExportedFile:
    """Make one file, without writing it.

    The bytes are those that `save` writes for the same result.

    Args:
        name: one of `FORMATS`.
        result: what it is made of.

    Returns:
        The file; a format of many files gives one ZIP.

    Raises:
        SettingError: there is no such format.
        PredictionError: the format needs masks, and there are none.
    """
    if name not in _FORMATS:
        raise _unknown(name, tuple(_FORMATS))
    chosen = _FORMATS[name]
    file_name = as_text(f"{result.file_stem}{chosen.suffix}")
    return ExportedFile(file_name, chosen.media_type, chosen.content(result))


def save(
    prediction: Prediction,
    image: RGBArray,
    folder: StrPath,
    stem: str,
    formats: Iterable[str] = DEFAULT_FORMATS,
    style: Style = DEFAULT_STYLE,
    *,
    file_name: str | None = None,
    filter: Filter | None = None,
) -> dict[str, Path | list[Path]]:
    """Write a result in several formats; files of the same name are replaced.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        folder: where to; it is made if need be.
        stem: what the names of the files begin with.
        formats: "png" (`stem`-overlay.png), "cutouts" and "masks" (a PNG for each instance), "coco"
            (a data set of this one image, `stem`-coco.json), "results" (COCO results,
            `stem`-results.json), "csv" (`stem`.csv), "html" (`stem`.html, a page to explore),
            "labelme" (`stem`-labelme.json, the image inside), "labelstudio"
            (`stem`-labelstudio.json), and what was registered.
        style: how the image and the page are drawn.
        file_name: the image's own name, which the JSON files and the page show; None: `stem`.
        filter: which instances are in the files; None: all of them.

    Returns:
        The path that each format was written to; a list of them for "cutouts" and "masks".

    Raises:
        SettingError: there is no such format, or the image is no such array.
        PredictionError: the prediction is for another image, or has no masks for "masks".
        ExportError: a file can't be written.
    """
    wanted = list(dict.fromkeys([formats] if isinstance(formats, str) else formats))
    for name in wanted:
        if name not in save_formats():
            raise _unknown(name, save_formats())
    result = Result(image, prediction, file_name or stem, filter, style, stem=stem)
    return {name: _FORMATS[name].write(result, folder) for name in wanted}


def save_together(
    name: str,
    file_names: Sequence[str],
    predictions: Sequence[Prediction],
    folder: StrPath,
    stem: str,
) -> Path:
    """Write the results of several images as one file, in which each has an id of its own.

    Args:
        name: "coco" (one data set) or "results" (one list), or what was registered with
            `make_together`.
        file_names: what the images are called, each once.
        predictions: what was found in each of them.
        folder: where to; it is made if need be.
        stem: what the file's name begins with.

    Returns:
        The file's path, such as `stem`-coco.json.

    Raises:
        SettingError: there is no such format, it is for single images, or names and predictions
            don't match.
        ExportError: the file can't be written.
    """
    if name not in _FORMATS:
        raise _unknown(name, tuple(_FORMATS))
    chosen = _FORMATS[name]
    if chosen.make_together is None:
        raise SettingError(f"The format {name!r} is for one image; use save for each.")
    content = chosen.make_together(file_names, predictions)
    return write_bytes(Path(folder) / f"{file_stem(stem)}{chosen.suffix}", content)


def formats_table() -> str:
    """The formats as a table for the docs.

    Returns:
        Markdown.
    """
    rows = ["| format | file | what it is | what it loses |", "|---|---|---|---|"]
    for each in _FORMATS.values():
        file = f"`…{each.suffix}`"
        rows.append(f"| `{each.name}` | {file} | {each.description} | {each.loses} |")
    return "\n".join(rows)


def _unknown(name: str, known: tuple[str, ...]) -> SettingError:
    return SettingError(f"There is no format {name!r}; there are {', '.join(known)}.")
