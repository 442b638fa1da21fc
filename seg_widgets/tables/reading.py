"""Reading a table back: its information, its images, and the predictions, one part at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._files import StrPath
from .._text import PATH_LENGTH, printable
from ..errors import PredictionError
from ..prediction import (
    IMAGE_COLUMNS,
    INSTANCE_COLUMNS,
    Column,
    MaskCrop,
    Prediction,
    crop_of_rle,
    require_arro3,
)
from .footer import check_footer
from .info import METADATA_KEY, TableInfo
from .parts import part_numbers, part_paths

if TYPE_CHECKING:
    from arro3.core import RecordBatch, RecordBatchReader

__all__ = ["ImageRecord", "Table", "read_info", "read_table"]

# Rows that are read at a time: a mask of a photograph has some hundred letters.
_BATCH_ROWS: Final = 8192


@dataclass(frozen=True)
class ImageRecord:
    """One image of a table, without its instances."""

    file_name: str
    """Its path, address or name."""

    image_id: int
    """Its number in the table."""

    image_size: tuple[int, int] | None
    """(height, width) in pixels; None: it was not read."""

    instances: int
    """How many it has in the table."""

    notes: tuple[str, ...] = ()
    """What a person should know of its result."""

    error: str = ""
    """Why it has no result; "": it has one."""


class Table:
    """A table that was written before; nothing of its instances is in memory.

    It is also an Arrow stream of all instances, for `polars.DataFrame(table)` and the like.

    Args:
        path: a table's folder, or one Parquet file of instances.

    Raises:
        PredictionError: there is no table, or it is damaged.
        DependencyError: arro3 is missing or broken.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = Path(path)
        self._is_file = self.path.is_file()
        self._numbers = [] if self._is_file else part_numbers(path)
        if not self._is_file and not self._numbers:
            raise PredictionError(
                f"There is no table at {_shown(self.path)}: give a folder with images/ and "
                "instances/, or a Parquet file that seg_widgets wrote."
            )
        self._content = _content(self.path if self._is_file else self._paths(0)[1])
        self.info = TableInfo.from_content(self._content)

    def __repr__(self) -> str:
        return f"Table({str(self.path)!r}, {len(list(self.images()))} images)"

    def images(self) -> Iterator[ImageRecord]:
        """The images, in the order in which they were written.

        Yields:
            Each one, also those without instances and those that failed.

        Raises:
            PredictionError: a file is damaged.
        """
        if self._is_file:
            entries = self._content.get("images", [])
            if not isinstance(entries, list):
                raise _unreadable(self.path, "its list of images is damaged")
            for entry in entries:
                yield _record(entry, self.path)
            return
        for place in range(len(self._numbers)):
            yield from self._images_of_part(place)

    def predictions(self) -> Iterator[tuple[ImageRecord, Prediction]]:
        """The images that have a result, with what was found in them.

        Yields:
            Each image and its prediction. Its instances are numbered anew where only some of them
            are in the table.

        Raises:
            PredictionError: a file is damaged.
        """
        if self._is_file:
            yield from _joined(list(self.images()), self.path, self.info)
            return
        for place in range(len(self._numbers)):
            instances, images = self._paths(place)
            _check_sha256(instances, _content(images).get("instances_sha256"))
            yield from _joined(list(self._images_of_part(place)), instances, self.info)

    def __iter__(self) -> Iterator[tuple[ImageRecord, Prediction]]:
        return self.predictions()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """All instances as an Arrow stream.

        Args:
            requested_schema: a capsule of the schema that the reader would like.

        Returns:
            A capsule.
        """
        from arro3.core import Table as ArrowTable

        files = [self.path]
        if not self._is_file:
            files = [self._paths(place)[0] for place in range(len(self._numbers))]
        batches = [batch for file in files for batch in _batches(file, INSTANCE_COLUMNS)]
        schema = _reader(files[0], INSTANCE_COLUMNS).schema
        return ArrowTable.from_batches(batches, schema=schema).__arrow_c_stream__(requested_schema)

    def _paths(self, place: int) -> tuple[Path, Path]:
        return part_paths(self.path, self._numbers[place])

    def _images_of_part(self, place: int) -> Iterator[ImageRecord]:
        path = self._paths(place)[1]
        for row in _rows(path, IMAGE_COLUMNS):
            yield _record(row, path)


def read_table(path: StrPath) -> Table:
    """Open a table that was written before.

    Args:
        path: a table's folder, or one Parquet file of instances.

    Returns:
        The table, of which only the metadata was read.

    Raises:
        PredictionError: there is no table, or it is damaged.
        DependencyError: arro3 is missing or broken.
    """
    return Table(path)


def read_info(path: StrPath) -> TableInfo:
    """What is the same for all of a table.

    Args:
        path: a table's folder, or one Parquet file of instances.

    Returns:
        The information in the metadata.

    Raises:
        PredictionError: there is no table, or it is damaged.
        DependencyError: arro3 is missing or broken.
    """
    return Table(path).info


def _joined(
    images: Sequence[ImageRecord], instances: Path, info: TableInfo
) -> Iterator[tuple[ImageRecord, Prediction]]:
    """Images with their instances, which lie in the same order."""
    groups = groupby(_rows(instances, INSTANCE_COLUMNS), key=itemgetter("image_id"))
    group = next(groups, None)
    for image in images:
        if image.image_size is None:
            continue
        rows: list[dict[str, Any]] = []
        if group is not None and group[0] == image.image_id:
            rows = list(group[1])
            group = next(groups, None)
        if len(rows) != image.instances:
            raise PredictionError(
                f"{_shown(instances)} has {len(rows)} instances of {printable(image.file_name)}, "
                f"but {image.instances} are listed; the table is damaged. Write it anew."
            )
        yield image, _prediction(rows, image, info)


def _prediction(rows: Sequence[dict[str, Any]], image: ImageRecord, info: TableInfo) -> Prediction:
    size = image.image_size or (1, 1)
    runs = [row["rle"] for row in rows]
    masks: tuple[MaskCrop, ...] | None = None
    if None not in runs:
        masks = tuple(crop_of_rle({"size": list(size), "counts": text}) for text in runs)
    boxes = [[row["x1"], row["y1"], row["x2"], row["y2"]] for row in rows]
    return Prediction(
        size,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([row["score"] for row in rows], np.float32),
        np.array([row["class_id"] for row in rows], np.int64),
        info.class_names,
        masks,
        image.notes,
        info.category_ids,
    )


def _record(said: Any, path: Path) -> ImageRecord:
    """What a row, or an entry of a single file's metadata, says of an image.

    Raises:
        PredictionError: its numbers are none.
    """
    try:
        row = {**dict.fromkeys(each.name for each in IMAGE_COLUMNS), **said}
        height, width = row["height"], row["width"]
        return ImageRecord(
            str(row["file_name"]),
            int(row["image_id"]),
            None if height is None or width is None else (int(height), int(width)),
            int(row["instances"]),
            tuple((row["notes"] or "").splitlines()),
            str(row["error"] or ""),
        )
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise _unreadable(path, "what it says of an image is damaged") from None


def _rows(path: Path, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of a file, some thousand at a time."""
    names = [each.name for each in columns]
    for batch in _batches(path, columns):
        values = [batch.column(name).to_pylist() for name in names]
        for row in zip(*values, strict=True):
            yield dict(zip(names, row, strict=True))


def _batches(path: Path, columns: Sequence[Column]) -> Iterator[RecordBatch]:
    """A file's batches, one after the other.

    Raises:
        PredictionError: a part of the file is damaged.
    """
    batches = iter(_reader(path, columns))
    while True:
        try:
            batch = next(batches, None)
        except (KeyboardInterrupt, SystemExit):
            raise
        # As below: Rust's panic is no Exception.
        except BaseException as error:
            raise _unreadable(path, str(error)) from None
        if batch is None:
            return
        yield batch


def _reader(path: Path, columns: Sequence[Column] = ()) -> RecordBatchReader:
    """A file's batches.

    Raises:
        PredictionError: it is missing, no Parquet file, or lacks a column.
    """
    require_arro3()
    from arro3.io import read_parquet

    try:
        check_footer(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except ValueError as error:
        raise _unreadable(path, str(error)) from None
    try:
        reader = read_parquet(path, batch_size=_BATCH_ROWS)
    except (KeyboardInterrupt, SystemExit):
        raise
    # What a damaged file raises is Rust's panic, which is no Exception.
    except BaseException as error:
        raise _unreadable(path, str(error)) from None
    missing = [each.name for each in columns if each.name not in reader.schema.names]
    if missing:
        raise PredictionError(f"{_shown(path)} lacks the column {', '.join(missing)}.")
    return reader


def _check_sha256(path: Path, sha256: object) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    if sha256 not in (None, found):
        raise _unreadable(path, "it was changed after it was written, or is of another run")


def _unreadable(path: Path, why: str) -> PredictionError:
    return PredictionError(f"{_shown(path)} can't be read: {printable(why)}. Write it anew.")


def _content(path: Path) -> dict[str, Any]:
    """The JSON in a file's metadata."""
    text = _reader(path).schema.metadata_str.get(METADATA_KEY, "")
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise PredictionError(
            f"{_shown(path)} was not written by seg_widgets: it has no {METADATA_KEY!r} in its "
            "metadata, which names the classes."
        )
    return content


def _shown(path: Path) -> str:
    return printable(str(path), PATH_LENGTH)
