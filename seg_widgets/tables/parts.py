"""Writing the working table: parts of some images each, whole or not at all.

    FOLDER/instances/part-00000000.parquet      a row for each instance
    FOLDER/images/part-00000000.parquet         a row for each image

A part's instances are written first. A part is there when its file of images is: a run that is
killed in between writes both again.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._files import StrPath, write_bytes
from .._text import well_formed
from ..errors import ExportError, PredictionError, SettingError
from ..prediction import (
    IMAGE_COLUMNS,
    INSTANCE_COLUMNS,
    Chosen,
    Prediction,
    instance_batch,
    record_batch,
    require_arro3,
)
from .info import TableInfo

if TYPE_CHECKING:
    from arro3.core import RecordBatch

__all__ = [
    "EncodedImage",
    "EncodedPart",
    "TableImage",
    "append_part",
    "encode_file",
    "encode_image",
    "encode_images",
    "encode_instances",
    "encode_part",
    "is_part",
    "join_images",
    "part_numbers",
    "part_paths",
    "write_part",
]

# zstd(3) takes as long as snappy here, for a file that is 12 % smaller.
_COMPRESSION: Final = "zstd(3)"
_PART: Final = re.compile(r"part-([0-9]{8,})\.parquet")


@dataclass(frozen=True)
class TableImage:
    """One image for the table."""

    file_name: str
    """Its path, address or name; what is no text in it becomes "_"."""

    image_id: int
    """Its number in the table, once."""

    prediction: Prediction | None = None
    """What was found in it; None: it failed."""

    error: str = ""
    """Why it failed."""

    only: Chosen | None = None
    """The instances that are in the table; None: all."""


class EncodedPart(NamedTuple):
    """A part's two files, which were made but not written."""

    instances: bytes
    """The content of instances/part-….parquet."""

    images: bytes
    """The content of images/part-….parquet; it is written last."""


class EncodedImage(NamedTuple):
    """What a part has of one image: far less than the image's masks take."""

    row: dict[str, Any]
    """Its row of `IMAGE_COLUMNS`."""

    instances: RecordBatch | None
    """Its rows of `INSTANCE_COLUMNS`; None: it failed."""


def encode_image(image: TableImage, info: TableInfo) -> EncodedImage:
    """What a part has of one image, so that the image's prediction need not be kept.

    Args:
        image: the image.
        info: what is the same for all of the table.

    Returns:
        It, for `join_images`.

    Raises:
        PredictionError: the prediction has other class names than `info`.
        DependencyError: arro3 is missing or broken.
    """
    require_arro3()
    found, instances = _checked(image.prediction, info), None
    if found is not None:
        instances = instance_batch(found, image.file_name, image.image_id, only=image.only)
    return EncodedImage(_image_row(image), instances)


def join_images(images: Sequence[EncodedImage], info: TableInfo) -> EncodedPart:
    """The two Parquet files of images that are encoded.

    Args:
        images: what `encode_image` gave.
        info: what is the same for all of the table.

    Returns:
        What `encode_part` gives of the same images.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    instances = encode_instances(images, info)
    # So that a reader sees whether the two belong together, before it decodes anything.
    sha256 = hashlib.sha256(instances).hexdigest()
    return EncodedPart(instances, encode_images(images, info, {"instances_sha256": sha256}))


def encode_part(images: Iterable[TableImage], info: TableInfo) -> EncodedPart:
    """The two Parquet files of some images.

    Args:
        images: the images.
        info: what is the same for all of the table.

    Returns:
        Their content, the same for the same images and information.

    Raises:
        PredictionError: a prediction has other class names than `info`.
        DependencyError: arro3 is missing or broken.
    """
    return join_images([encode_image(each, info) for each in images], info)


def encode_instances(
    images: Sequence[EncodedImage], info: TableInfo, more: Mapping[str, Any] | None = None
) -> bytes:
    """The Parquet file of the instances of some images.

    Args:
        images: what `encode_image` gave.
        info: what is the same for all of the table.
        more: what else goes into the metadata; JSON values.

    Returns:
        The file's content.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    require_arro3()
    batches = [each.instances for each in images if each.instances is not None]
    empty = record_batch(INSTANCE_COLUMNS, {each.name: [] for each in INSTANCE_COLUMNS})
    return _parquet(batches or [empty], info.to_metadata("instances", **(more or {})))


def encode_images(
    images: Sequence[EncodedImage], info: TableInfo, more: Mapping[str, Any] | None = None
) -> bytes:
    """The Parquet file that lists some images.

    Args:
        images: what `encode_image` gave.
        info: what is the same for all of the table.
        more: what else goes into the metadata; JSON values.

    Returns:
        The file's content.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    values = {each.name: [image.row[each.name] for image in images] for each in IMAGE_COLUMNS}
    listed = record_batch(IMAGE_COLUMNS, values)
    return _parquet([listed], info.to_metadata("images", **(more or {})))


def encode_file(images: Iterable[TableImage], info: TableInfo) -> bytes:
    """One Parquet file of the instances of some images, which lists the images in its metadata.

    Args:
        images: the images.
        info: what is the same for all of the table.

    Returns:
        The file's content; `read_table` gives the same predictions again.

    Raises:
        PredictionError: a prediction has other class names than `info`.
        DependencyError: arro3 is missing or broken.
    """
    encoded = [encode_image(each, info) for each in images]
    return encode_instances(encoded, info, {"images": [each.row for each in encoded]})


def write_part(
    folder: StrPath, number: int, images: Iterable[TableImage], info: TableInfo
) -> tuple[Path, Path]:
    """Write a part of the table; one of this number is replaced.

    Args:
        folder: the table's folder; it is made if need be.
        number: the part's number, from 0.
        images: the images.
        info: what is the same for all of the table.

    Returns:
        The paths of its instances and of its images.

    Raises:
        PredictionError: a prediction has other class names than `info`.
        ExportError: a file can't be written.
        DependencyError: arro3 is missing or broken.
    """
    part = encode_part(images, info)
    paths = part_paths(folder, number)
    for path, content in zip(paths, part, strict=True):
        write_bytes(path, content, durable=True)
    return paths


def append_part(folder: StrPath, images: Iterable[TableImage], info: TableInfo) -> int:
    """Write the next part of the table.

    Args:
        folder: the table's folder; it is made if need be.
        images: the images.
        info: what is the same for all of the table.

    Returns:
        The part's number.

    Raises:
        SettingError: the folder has a table of another model or of other settings.
        PredictionError: a prediction has other class names than `info`.
        ExportError: a file can't be written.
        DependencyError: arro3 is missing or broken.
    """
    from .reading import read_info

    numbers = part_numbers(folder)
    if numbers:
        info.check_same(read_info(folder), folder)
    number = numbers[-1] + 1 if numbers else 0
    write_part(folder, number, images, info)
    return number


def part_numbers(folder: StrPath) -> list[int]:
    """Which parts of a table are there, whole.

    Args:
        folder: the table's folder.

    Returns:
        Their numbers in ascending order; none where there is no such folder.

    Raises:
        ExportError: the folder may not be read.
    """
    try:
        names = [path.name for path in (Path(folder) / "images").iterdir()]
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL in the name
        return []
    except OSError as error:
        raise ExportError(f"The table's folder may not be read ({error.strerror}).") from None
    return sorted(int(found[1]) for name in names if (found := _PART.fullmatch(name)))


def is_part(name: str) -> bool:
    """Whether a file of a table's folder is a part of it.

    Args:
        name: the file's name.
    """
    return _PART.fullmatch(name) is not None


def part_paths(folder: StrPath, number: int) -> tuple[Path, Path]:
    """Where a part of a table lies.

    Args:
        folder: the table's folder.
        number: the part's number, from 0.

    Returns:
        The paths of its instances and of its images.

    Raises:
        SettingError: the number is negative.
    """
    if number < 0:
        raise SettingError(f"A part's number is 0 or more, not {number}.")
    name = f"part-{number:08}.parquet"
    return Path(folder) / "instances" / name, Path(folder) / "images" / name


def _checked(prediction: Prediction | None, info: TableInfo) -> Prediction | None:
    """A result, which has to be one of the table's model."""
    if prediction is not None and prediction.class_names != info.class_names:
        raise PredictionError(
            "One table has one list of classes, but these predictions have different class names. "
            "Write a table for each model."
        )
    return prediction


def _image_row(image: TableImage) -> dict[str, Any]:
    prediction = image.prediction
    row: dict[str, Any] = dict.fromkeys(each.name for each in IMAGE_COLUMNS)
    row |= {"file_name": well_formed(image.file_name), "image_id": image.image_id, "instances": 0}
    if prediction is None:
        return {**row, "error": well_formed(image.error) or "It was not segmented."}
    height, width = prediction.image_size
    count = len(prediction) if image.only is None else len(prediction.indices(image.only))
    notes = well_formed("\n".join(prediction.notes)) or None
    return {**row, "width": width, "height": height, "instances": count, "notes": notes}


def _parquet(batches: Sequence[RecordBatch], metadata: dict[str, str]) -> bytes:
    from arro3.core import Table
    from arro3.io import write_parquet

    file = io.BytesIO()
    write_parquet(
        Table.from_batches(batches, schema=batches[0].schema),
        file,
        compression=_COMPRESSION,
        # Readers would take the metadata of this schema for all there is.
        skip_arrow_metadata=True,
        key_value_metadata=metadata,
    )
    return file.getvalue()
