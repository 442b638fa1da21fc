"""The working table: Parquet files of what was found in many images, and their reader."""

from __future__ import annotations

from ..prediction import IMAGE_COLUMNS, INSTANCE_COLUMNS, SCHEMA_VERSION, Column, columns_table
from .info import TableInfo
from .parts import (
    EncodedImage,
    EncodedPart,
    TableImage,
    append_part,
    encode_file,
    encode_image,
    encode_part,
    is_part,
    join_images,
    part_numbers,
    part_paths,
    write_part,
)
from .reading import ImageRecord, Table, read_info, read_table

__all__ = [
    "IMAGE_COLUMNS",
    "INSTANCE_COLUMNS",
    "SCHEMA_VERSION",
    "Column",
    "EncodedImage",
    "EncodedPart",
    "ImageRecord",
    "Table",
    "TableImage",
    "TableInfo",
    "append_part",
    "columns_table",
    "encode_file",
    "encode_image",
    "encode_part",
    "is_part",
    "join_images",
    "part_numbers",
    "part_paths",
    "read_info",
    "read_table",
    "write_part",
]
