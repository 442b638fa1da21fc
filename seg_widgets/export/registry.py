"""The export formats: one registry, from which `save`, the command line, the panel's menu and the
docs are made.

A new format is one call of `register`: in `formats.py`, or in a notebook.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ..errors import SettingError
from ..images import RGBArray
from ..prediction import Filter, Prediction
from ..style import DEFAULT_STYLE, Style
from .export_format import ExportedFile, ExportFormat, Result, Together
from .files import StrPath, as_text, file_stem, write_bytes
from .png import write_zip, zip_bytes

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "each_formats",
    "formats_table",
    "make",
    "make_each",
    "make_together",
    "menu_formats",
    "register",
    "result_file_name",
    "save",
    "save_formats",
    "save_together",
    "together_formats",
    "unregister",
    "zip_together",
]


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


def together_formats() -> tuple[ExportFormat, ...]:
    """The formats of the panel's menu that make one file of several images.

    Returns:
        Them, in the menu's order.
    """
    return tuple(each for each in menu_formats() if each.make_together is not None)


def each_formats() -> tuple[ExportFormat, ...]:
    """The formats of the panel's menu of which each of several images has files of its own.

    Returns:
        Them, in the menu's order.
    """
    saved = save_formats()
    return tuple(
        each for each in menu_formats() if each.make_together is None and each.name in saved
    )


def save_formats() -> tuple[str, ...]:
    """The formats that `save` and the command line write.

    Returns:
        Their names.
    """
    return tuple(each.name for each in _FORMATS.values() if each.in_save)


def result_file_name(name: str, stem: str) -> str:
    """What a format's file is called.

    Args:
        name: one of `FORMATS`.
        stem: what its name begins with, as `save` takes it.

    Returns:
        Such as "cat-coco.json".

    Raises:
        SettingError: there is no such format.
    """
    if name not in _FORMATS:
        raise _unknown(name, tuple(_FORMATS))
    return as_text(f"{file_stem(stem)}{_FORMATS[name].suffix}")


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
        ExportError: the format failed; the message names it and the cause.
    """
    called = result_file_name(name, result.file_stem)
    chosen = _FORMATS[name]
    return ExportedFile(called, chosen.media_type, chosen.content(result))


def make_together(
    name: str,
    file_names: Sequence[str],
    predictions: Sequence[Prediction],
    stem: str = "images",
    *,
    image_ids: Sequence[int] | None = None,
) -> ExportedFile:
    """Make one file of the results of several images, without writing it.

    Args:
        name: one of `FORMATS`.
        file_names: what the images are called, each once.
        predictions: what was found in each of them.
        stem: what the file's name begins with.
        image_ids: the id of each image; None: 1, 2, 3 …

    Returns:
        The file.

    Raises:
        SettingError: there is no such format, it is for single images, or names, ids and
            predictions don't match.
        ExportError: the format failed; the message names it and the cause.
    """
    called = result_file_name(name, stem)
    chosen = _FORMATS[name]
    ids = range(1, len(predictions) + 1) if image_ids is None else image_ids
    content = chosen.together(Together(file_names, predictions, ids))
    return ExportedFile(called, chosen.media_type, content)


def make_each(name: str, results: Iterable[Result], stem: str = "images") -> ExportedFile:
    """Make the files of several images as one ZIP, without writing it.

    One image at a time is in memory; the ZIP grows in a temporary file, read when it is done.

    Args:
        name: one of `FORMATS`.
        results: what each image's files are made of, of a different `stem` each.
        stem: what the ZIP's name begins with.

    Returns:
        The ZIP. A format of many files has a folder for each image.

    Raises:
        SettingError: there is no such format.
        PredictionError: the format needs masks, and there are none.
        ExportError: the format failed; the message names it and the cause.
    """
    if name not in _FORMATS:
        raise _unknown(name, tuple(_FORMATS))
    chosen = _FORMATS[name]
    with tempfile.TemporaryFile() as buffer:
        write_zip(buffer, (file for result in results for file in chosen.files(result)))
        buffer.seek(0)
        content = buffer.read()
    return ExportedFile(_zip_name(name, stem), "application/zip", content)


def zip_together(name: str, files: Iterable[ExportedFile], stem: str = "images") -> ExportedFile:
    """Several files of one format as one ZIP.

    Args:
        name: one of `FORMATS`.
        files: the files, each with a name of its own.
        stem: what the ZIP's name begins with.

    Returns:
        The ZIP.
    """
    content = zip_bytes((file.name, file.data) for file in files)
    return ExportedFile(_zip_name(name, stem), "application/zip", content)


def _zip_name(name: str, stem: str) -> str:
    return f"{file_stem(stem)}{Path(_FORMATS[name].suffix).stem}.zip"


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
    image_id: int = 1,
) -> dict[str, Path | list[Path]]:
    """Write a result in several formats; files of the same name are replaced.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        folder: where to; it is made if need be.
        stem: what the names of the files begin with.
        formats: names of `FORMATS`, such as "png" (`stem`-overlay.png), "coco" (a data set of this
            one image, `stem`-coco.json) and "csv" (`stem`.csv); docs/formats.md lists them.
        style: how the image and the page are drawn.
        file_name: the image's own name, which the JSON files and the page show; None: `stem`.
        filter: which instances are in the files; None: all of them.
        image_id: the image's number, in tables and COCO's files. Number several images that belong
            together.

    Returns:
        The path that each format was written to; a list of them for "cutouts" and "masks".

    Raises:
        SettingError: there is no such format, or the image is no such array.
        PredictionError: the prediction is for another image, or has no masks for "masks".
        ExportError: a file can't be written, or a format failed.
    """
    wanted = list(dict.fromkeys([formats] if isinstance(formats, str) else formats))
    for name in wanted:
        if name not in save_formats():
            raise _unknown(name, save_formats())
    result = Result(
        image, prediction, file_name or stem, filter, style, stem=stem, image_id=image_id
    )
    return {name: _FORMATS[name].write(result, folder) for name in wanted}


def save_together(
    name: str,
    file_names: Sequence[str],
    predictions: Sequence[Prediction],
    folder: StrPath,
    stem: str,
    *,
    image_ids: Sequence[int] | None = None,
) -> Path:
    """Write the results of several images as one file, in which each has an id of its own.

    Args:
        name: "coco" (one data set) or "results" (one list), or what was registered with
            `make_together`.
        file_names: what the images are called, each once.
        predictions: what was found in each of them.
        folder: where to; it is made if need be.
        stem: what the file's name begins with.
        image_ids: the id of each image; None: 1, 2, 3 …

    Returns:
        The file's path, such as `stem`-coco.json.

    Raises:
        SettingError: there is no such format, it is for single images, or names, ids and
            predictions don't match.
        ExportError: the file can't be written.
    """
    made = make_together(name, file_names, predictions, stem, image_ids=image_ids)
    return write_bytes(Path(folder) / made.name, made.data)


def formats_table() -> str:
    """The formats as a table for the docs.

    Returns:
        Markdown.
    """
    rows = ["| format | file | what it is | what it loses |", "|---|---|---|---|"]
    for each in _FORMATS.values():
        file = f"`…{each.suffix}`"
        if each.make_files is not None:
            file += " or the files in it"
        if not each.in_save:
            file += ", only in the menu"
        rows.append(f"| `{each.name}` | {file} | {each.description} | {each.loses} |")
    return "\n".join(rows)


def _unknown(name: str, known: tuple[str, ...]) -> SettingError:
    return SettingError(f"There is no format {name!r}; there are {', '.join(known)}.")
