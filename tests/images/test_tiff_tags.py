from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest

from seg_widgets.errors import ImageTooLargeError
from seg_widgets.images import load
from seg_widgets.images.tiff_tags import DESCRIPTION, STRIPS, WIDTH, read_pages

from .tiffs import GREY, tiff


def _directories(count: int, tags: list[tuple[int, int]], size: int) -> bytes:
    """A TIFF of so many directories in a row, each with these tags (number and type), which all
    name the same `size` bytes."""
    begin = 8 + size
    length = 2 + 12 * len(tags) + 4
    content = b"II*\0" + struct.pack("<I", begin) + b"\1" * size
    for number in range(count):
        content += struct.pack("<H", len(tags))
        for tag, kind in tags:
            values = size // {1: 1, 2: 1, 4: 4}[kind]
            content += struct.pack("<HHII", tag, kind, values, 8)
        content += struct.pack("<I", begin + (number + 1) * length if number < count - 1 else 0)
    return content


def test_values_that_lie_on_each_other_take_no_memory() -> None:
    size = 400_000
    content = _directories(50, [(STRIPS, 4), (DESCRIPTION, 2), (40_000, 1)], size)
    tracemalloc.start()
    pages = read_pages(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pages) == 50
    assert len(pages[0].numbers(STRIPS)) == size // 4
    assert 40_000 not in pages[0].tags, "nobody asks for it"
    assert not any(page.tags for page in pages[1:])
    assert peak < 20e6


def test_entries_are_counted_over_all_directories() -> None:
    # Each directory begins two bytes after the one before, and says that it has 65,535 entries.
    content = bytearray(b"II*\0" + struct.pack("<I", 8) + b"\xff" * 2_000_000)
    pages = read_pages(bytes(content))
    assert len(pages) <= 1


def test_what_is_asked_for_is_read() -> None:
    content = tiff(GREY)
    [page] = read_pages(content)
    assert page.number(WIDTH) == GREY.shape[1]
    np.testing.assert_array_equal(load(content)[..., 0], GREY)


def test_strips_and_tiles_are_counted() -> None:
    content = tiff(GREY, entries={325: (4, [4] * 200_001), 324: (4, [8] * 200_001)})
    assert read_pages(content)[0].pieces == 200_001
    with pytest.raises(ImageTooLargeError, match="more than 200,000 strips or tiles"):
        load(content)
