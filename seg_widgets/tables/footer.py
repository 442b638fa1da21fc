"""Checking a Parquet file's footer before a decoder gets it.

A damaged one can claim a list of 10⁹ entries; the decoder then asks for so much memory that the
whole process ends. So it does over a footer of another file, where pages name a dictionary that is
not there. The format: https://parquet.apache.org/docs/file-format/metadata/, written in Thrift's
compact protocol:
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, Final

__all__ = ["check_footer"]

_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8
_MOST_FOOTER_BYTES: Final = 1 << 28
_DEEPEST: Final = 16
_LONGEST_VARINT: Final = 10
_CUT_OFF: Final = "it is cut off, or no Parquet file"
_DAMAGED: Final = "its footer is damaged"

# Types of the compact protocol.
_STOP, _TRUE, _FALSE, _BYTE, _I64, _DOUBLE, _BINARY = 0, 1, 2, 3, 6, 7, 8
_LIST, _SET, _STRUCT = 9, 10, 12
_LONG_LIST: Final = 15
# Fields by their numbers: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4
_NAME, _CHILDREN = 4, 5
_COLUMNS, _GROUP_ROWS = 1, 3
_CHUNK_INDICES: Final = ((4, 5), (6, 7))
_META: Final = 3
_VALUES, _UNPACKED_BYTES, _PACKED_BYTES = 5, 6, 7
_PAGES: Final = (9, 10, 11)
_MOST_ROWS: Final = 1 << 31
# Of the header before each page.
_PAGE_KIND, _PAGE_BYTES, _DATA_PAGE, _DATA_PAGE_V2 = 1, 3, 5, 8
_ENCODING: Final = {_DATA_PAGE: 2, _DATA_PAGE_V2: 4}
_DICTIONARY_KIND: Final = 2
_OF_A_DICTIONARY: Final = (2, 8)
_LONGEST_PAGE_HEADER: Final = 1 << 16
# Of runs of the same value, a byte can stand for very many.
_MOST_UNPACKED_BYTES: Final = 1 << 31


def check_footer(path: Path) -> None:
    """Check that a file ends with a Parquet footer that fits it.

    Args:
        path: the file.

    Raises:
        ValueError: it doesn't; the message says why.
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL_BYTES, 0))
        tail = file.read(_TAIL_BYTES)
        if not (head == tail[-len(_MAGIC) :] == _MAGIC) or size < _TAIL_BYTES + len(_MAGIC):
            raise ValueError(_CUT_OFF)
        (length,) = struct.unpack("<I", tail[:4])
        begin = size - _TAIL_BYTES - length
        if length > _MOST_FOOTER_BYTES or begin < len(_MAGIC):
            raise ValueError(_DAMAGED)
        file.seek(begin)
        content = file.read(length)
        try:
            metadata = _Reader(content).struct()
            _check_metadata(metadata, begin)
            for group in metadata[_GROUPS]:
                for chunk in group[_COLUMNS]:
                    _check_pages(file, chunk[_META])
        # A value of another type than the field has, or none where there has to be one.
        except (IndexError, KeyError, TypeError, AttributeError, ValueError):
            raise ValueError(_DAMAGED) from None


def _check_pages(file: BinaryIO, column: dict[int, Any]) -> None:
    """Check that a column's pages fill its place, and that what a page names came before it."""
    at = min(column[page] for page in _PAGES if page in column)
    end = at + column[_PACKED_BYTES]
    has_dictionary = False
    while at < end:
        file.seek(at)
        reader = _Reader(file.read(min(end - at, _LONGEST_PAGE_HEADER)))
        header = reader.struct()
        _check(header[_PAGE_BYTES] >= 0)
        has_dictionary |= header[_PAGE_KIND] == _DICTIONARY_KIND
        for kind, encoding in _ENCODING.items():
            names_one = kind in header and header[kind][encoding] in _OF_A_DICTIONARY
            _check(has_dictionary or not names_one)
        at += reader.position + header[_PAGE_BYTES]
    _check(at == end)


def _check_metadata(metadata: dict[int, Any], end: int) -> None:
    """Check the numbers by which a decoder finds its places in the file, and takes memory."""
    schema, groups = metadata[_SCHEMA], metadata[_GROUPS]
    for element in schema:
        _check(0 <= element.get(_CHILDREN, 0) < len(schema))
        # A name with a NUL can't be handed on, and arrow-rs ends the process over it.
        _check(b"\0" not in element[_NAME] and len(element[_NAME].decode("utf-8")) > 0)
    rows = [group[_GROUP_ROWS] for group in groups]
    _check(all(0 <= count < _MOST_ROWS for count in rows) and metadata[_ROWS] == sum(rows))
    for group in groups:
        for chunk in group[_COLUMNS]:
            _check_column(chunk[_META], end)
            for offset, length in _CHUNK_INDICES:
                _check_range(chunk.get(offset, 0), chunk.get(length, 0), end)


def _check_column(column: dict[int, Any], end: int) -> None:
    _check(0 <= column[_VALUES] < _MOST_ROWS)
    _check(0 <= column[_UNPACKED_BYTES] < _MOST_UNPACKED_BYTES)
    begin = min(column[page] for page in _PAGES if page in column)
    _check_range(begin, column[_PACKED_BYTES], end)
    for page in _PAGES:
        _check(0 <= column.get(page, 0) <= end)


def _check_range(begin: int, length: int, end: int) -> None:
    _check(begin >= 0 and length >= 0 and begin + length <= end)


def _check(is_right: bool) -> None:
    if not is_right:
        raise ValueError(_DAMAGED)


class _Reader:
    """Reads values of the compact protocol; none claims more than there is.

    Args:
        content: the bytes.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._at

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Read a struct: its fields by their numbers.

        Args:
            depth: how many others it is in.
        """
        _check(depth < _DEEPEST)
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            step, kind = head >> 4, head & 15
            number = number + step if step else self._integer()
            if kind in (_TRUE, _FALSE):
                fields[number] = kind == _TRUE
            else:
                fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if _BYTE < kind <= _I64:
            return self._integer()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        # Parquet's footers have no maps.
        _check(kind == _DOUBLE)
        return self._take(8)

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4
        if count == _LONG_LIST:
            count = self._varint()
        _check(count <= len(self._content) - self._at and depth < _DEEPEST)
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        value = self._content[self._at]
        self._at += 1
        return value

    def _take(self, count: int) -> bytes:
        _check(count <= len(self._content) - self._at)
        self._at += count
        return self._content[self._at - count : self._at]

    def _varint(self) -> int:
        value = 0
        for place in range(_LONGEST_VARINT):
            byte = self._byte()
            value |= (byte & 127) << 7 * place
            if byte < 128:
                return value
        raise ValueError(_DAMAGED)

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
