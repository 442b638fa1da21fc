"""The JSON file of a data set: read in any Unicode encoding, and named as what it is.

What is returned has COCO's three lists of entries; a dictionary by id in a list's place is taken
as the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .._text import printable
from ..errors import DatasetError
from .problem import Problem

__all__ = ["AnnotationFile", "annotations_of", "read_annotation_file"]

_SECTIONS: Final = ("images", "annotations", "categories")
_EXPORT: Final = "Export it as COCO instances (with segmentation) from the tool that made it."
_BEGINNINGS: Final = (
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\0\0\0\x0cjP", "a JPEG 2000 image"),
    (b"%PDF", "a PDF"),
    (b"\x93NUMPY", "an array of NumPy: numpy.load reads it"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"version https://git-lfs", "a pointer of Git LFS: fetch the file itself with `git lfs pull`"),
    (b"<", "XML or a web page"),
)


@dataclass(frozen=True)
class AnnotationFile:
    """What a data set's JSON file holds.

    Attributes:
        path: the file.
        images: entries of images.
        annotations: entries of objects.
        categories: entries of classes.
        problems: entries that are no objects of JSON.
    """

    path: Path
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    problems: list[Problem]


def read_annotation_file(path: Path) -> AnnotationFile:
    """Read a JSON file in COCO's format.

    Args:
        path: the file, in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        DatasetError: it can't be read, is not JSON, or of another format, which is named where it
            is known.
    """
    return annotations_of(_parse(path), path)


def annotations_of(data: Any, path: Path) -> AnnotationFile:
    """Take what a JSON file in COCO's format holds.

    Args:
        data: the file's content.
        path: where it was read, or a name for it in messages.

    Raises:
        DatasetError: it is of another format, which is named where it is known.
    """
    foreign = _foreign_format(data)
    if foreign:
        raise DatasetError(f"{path.name} is not in COCO's format: it is {foreign}. {_EXPORT}")
    lists = {key: data[key] for key in _SECTIONS if isinstance(data.get(key), (list, dict))}
    missing = [key for key in _SECTIONS if key not in lists]
    if missing:
        raise DatasetError(
            f"{path.name} is not in COCO's format: it has no list "
            f"{', '.join(map(repr, missing))}. {_EXPORT}"
        )

    problems: list[Problem] = []
    entries = {key: list(_entries(key, value, problems)) for key, value in lists.items()}
    if any("segments_info" in entry for entry in entries["annotations"][:1]):
        raise DatasetError(
            f"{path.name} is not in COCO's format for objects: it is a panoptic one. {_EXPORT}"
        )
    return AnnotationFile(path, **entries, problems=problems)


def _parse(path: Path) -> Any:
    if path.is_dir():
        raise DatasetError(f"{path} is a folder; give the JSON file in it.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL in the name
        raise DatasetError(f"{printable(str(path))} can't be read: {error}.") from None
    if not content.strip():
        raise DatasetError(f"{path.name} is empty.")
    what = next((text for start, text in _BEGINNINGS if content.startswith(start)), "")
    if (content[:4] == b"RIFF" and content[8:12] == b"WEBP") or content[4:8] == b"ftyp":
        what = "an image or a film"
    if what:
        raise DatasetError(f"{path.name} is not JSON: it is {what}.")
    try:
        return json.loads(content)
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path.name} is not JSON in UTF-8 or UTF-16: save it in UTF-8 ({error.reason})."
        ) from error
    except (ValueError, RecursionError) as error:
        if _is_json_lines(content):
            raise DatasetError(
                f"{path.name} is not JSON: it is JSON Lines (one document a line), which is not "
                f"COCO's format. {_EXPORT}"
            ) from error
        raise DatasetError(f"{path.name} is not JSON: {error}.") from error


def _is_json_lines(content: bytes) -> bool:
    lines = [line for line in content.splitlines()[:20] if line.strip()]
    try:
        documents = [json.loads(line) for line in lines[:2]]
    except (ValueError, RecursionError):
        return False
    return len(documents) == 2 and all(isinstance(one, (dict, list)) for one in documents)


def _foreign_format(data: Any) -> str:
    """What a file is that is no data set of COCO's; "" where it may be one."""
    if isinstance(data, list):
        return _foreign_list(data)
    if not isinstance(data, dict):
        return "a single value"
    if "shapes" in data and "imagePath" in data:
        return "LabelMe's file of one image (labelme2coco makes one data set of many)"
    if data.get("type") == "FeatureCollection":
        return "GeoJSON"
    if "items" in data and isinstance(data.get("categories"), dict):
        return "a data set of Datumaro's own format"
    first = next(iter(data.values()), None)
    if "_via_img_metadata" in data or (isinstance(first, dict) and "regions" in first):
        return "a project of the VGG Image Annotator"
    return ""


def _foreign_list(data: list[Any]) -> str:
    keys = set(data[0]) if data and isinstance(data[0], dict) else set()
    if {"image_id", "score"} <= keys:
        return "a file of results (what a model found), not a data set"
    if "image_id" in keys:
        return "a bare list of annotations, without images and categories"
    if {"data", "annotations"} <= keys:
        return "Label Studio's own format"
    if {"image", "annotations"} <= keys:
        return "the format of Create ML"
    return "a list, and not an object with images, annotations and categories"


def _entries(
    section: str, value: list[Any] | dict[str, Any], problems: list[Problem]
) -> Iterator[dict[str, Any]]:
    """The entries of a list, or of a dictionary by id; what is no entry is listed."""
    pairs: list[tuple[Any, Any]] = list(
        value.items() if isinstance(value, dict) else enumerate(value)
    )
    for key, entry in pairs:
        given = entry
        if section == "categories" and isinstance(value, dict) and isinstance(entry, str):
            given = {"name": entry}
        if not isinstance(given, dict):
            problems.append(Problem(f"{section}[{key!r}]", "it is no entry, so it is skipped"))
            continue
        yield {"id": key, **given} if isinstance(value, dict) else given
