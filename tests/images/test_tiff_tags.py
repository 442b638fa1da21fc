from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from PIL import TiffTags

from seg_widgets.errors import ImageTooLargeError
from seg_widgets.images import load, tiff_tags
from seg_widgets.images.tiff_tags import (
    COMPRESSION,
    DESCRIPTION,
    DNG_VERSION,
    HEIGHT,
    NO_DATA,
    PHOTOMETRIC,
    STRIP_BYTES,
    STRIPS,
    SUB_IFDS,
    SUBFILE,
    TILE_BYTES,
    TILES,
    WIDTH,
    TiffPage,
    is_raw,
    is_sound,
    read_pages,
)

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


_LAYOUTS = [("<", False), (">", False), ("<", True), (">", True)]
_CODES = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 7: "s", 8: "h", 9: "i", 11: "f", 12: "d"}
_BIG_CODES = {13: "I", 16: "Q", 17: "q", 18: "Q"}


def _one_directory(
    entries: list[tuple[int, int, int, bytes]],
    order: str,
    is_big: bool,
    following: int | None = 0,
) -> bytes:
    """A file of one directory: (tag, type, count, value's bytes); None: it ends before the link."""
    head, link, inline = ("Q", "Q", 8) if is_big else ("H", "I", 4)
    begin = 16 if is_big else 8
    content = b"II" if order == "<" else b"MM"
    content += struct.pack(order + "HHHQ", 43, 8, 0, begin) if is_big else b""
    content += b"" if is_big else struct.pack(order + "HI", 42, begin)
    place = begin + struct.calcsize(order + head) + len(entries) * (4 + 2 * inline)
    place += inline if following is not None else 0
    table, values = struct.pack(order + head, len(entries)), b""
    for tag, kind, count, value in entries:
        table += struct.pack(order + "HH" + link, tag, kind, count)
        if len(value) <= inline:
            table += value.ljust(inline, b"\0")
        else:
            table += struct.pack(order + link, place + len(values))
            values += value
    table += struct.pack(order + link, following) if following is not None else b""
    return content + table + values


@pytest.mark.parametrize(("order", "is_big"), _LAYOUTS)
@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9, 11, 12, 13, 16, 17, 18])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_type_of_number_is_read(order: str, is_big: bool, kind: int, count: int) -> None:
    form = (_CODES | _BIG_CODES)[kind]
    numbers = [7, 100, 3][:count]
    value = struct.pack(f"{order}{count}{form}", *numbers)
    [page] = read_pages(_one_directory([(STRIPS, kind, count, value)], order, is_big))
    assert page.numbers(STRIPS) == tuple(numbers)
    assert page.number(STRIPS) == 7
    assert page.pieces == count
    assert page.order == order


@pytest.mark.parametrize(("order", "is_big"), _LAYOUTS)
@pytest.mark.parametrize("kind", [2, 7])
@pytest.mark.parametrize("text", ["x", "abc", "a longer text"])
def test_texts_end_at_their_first_nul(order: str, is_big: bool, kind: int, text: str) -> None:
    value = text.encode() + b"\0more\0"
    [page] = read_pages(_one_directory([(NO_DATA, kind, len(value), value)], order, is_big))
    assert page.text(NO_DATA) == text
    assert page.numbers(NO_DATA, (5,)) == (5,), "a text is no number"
    assert page.text(DESCRIPTION) == ""
    assert page.numbers(WIDTH) == ()
    assert page.number(WIDTH) == 0
    assert page.number(WIDTH, 3) == 3


@pytest.mark.parametrize(("order", "is_big"), _LAYOUTS)
def test_what_lies_outside_of_the_file_or_is_of_no_known_type_is_left_out(
    order: str, is_big: bool
) -> None:
    link = "Q" if is_big else "I"
    size = 8 if is_big else 4
    outside = struct.pack(order + link, 10_000)[:size]
    entries = [
        (WIDTH, 3, 1, struct.pack(order + "H", 640)),
        (HEIGHT, 5, 1, b"\0" * size),  # a fraction
        (STRIPS, 4, 3, outside),  # three numbers at an offset after the end
        (STRIP_BYTES, 4, 1, struct.pack(order + "I", 9)),
    ]
    content = bytearray(_one_directory(entries[:2] + entries[3:], order, is_big))
    [page] = read_pages(bytes(content))
    assert set(page.tags) == {WIDTH, STRIP_BYTES}
    content = bytearray(_one_directory(entries, order, is_big))
    [page] = read_pages(bytes(content))
    assert set(page.tags) == {WIDTH, STRIP_BYTES}
    assert page.pieces == 3, "what it says it has is counted all the same"


def test_the_last_byte_of_the_file_is_read_and_none_after_it() -> None:
    value = struct.pack("<3I", 1, 2, 3)
    content = _one_directory([(STRIPS, 4, 3, value)], "<", False)
    assert read_pages(content)[0].numbers(STRIPS) == (1, 2, 3)
    assert read_pages(content[:-1])[0].numbers(STRIPS) == ()


def test_pages_follow_each_other_and_a_circle_ends() -> None:
    first = _one_directory([(WIDTH, 3, 1, struct.pack("<H", 5))], "<", False, following=26)
    second = struct.pack("<HHHIHHI", 1, WIDTH, 3, 1, 6, 0, 8)  # and back to the first
    pages = read_pages(first + second)
    assert [page.number(WIDTH) for page in pages] == [5, 6]
    # A file that ends in the middle of a directory gives the pages before it.
    assert [page.number(WIDTH) for page in read_pages(first + second[:9])] == [5]
    assert read_pages(b"II*\0") == []
    assert read_pages(b"MM\0*\0\0\0\0") == []
    # Without the offset of a next directory, there is none.
    ended = _one_directory([(WIDTH, 3, 1, struct.pack("<H", 5))], "<", False, following=None)
    assert len(read_pages(ended)) == 1


@pytest.mark.parametrize(
    ("subfile", "is_whole"), [(0, True), (1, False), (2, True), (3, False), (4, False), (8, True)]
)
def test_a_smaller_copy_and_a_mask_are_no_image_of_their_own(subfile: int, is_whole: bool) -> None:
    assert TiffPage("<", {SUBFILE: (subfile,)}).is_whole is is_whole


@pytest.mark.parametrize(
    ("tags", "raw"),
    [
        ({PHOTOMETRIC: (2,), COMPRESSION: (1,)}, False),
        ({PHOTOMETRIC: (32803,)}, True),
        ({PHOTOMETRIC: (34892,)}, True),
        ({COMPRESSION: (34713,)}, True),
        ({COMPRESSION: (32773,)}, False),  # PackBits
        ({DNG_VERSION: b"\1\4\0\0"}, True),
        ({SUBFILE: (1,), SUB_IFDS: (0,)}, True),  # a preview of what lies inside
        ({SUBFILE: (0,), SUB_IFDS: (0,)}, False),
        ({SUBFILE: (1,)}, False),
    ],
)
def test_raw_files_are_known_by_their_tags(tags: dict[int, tuple[int, ...]], raw: bool) -> None:
    content = b"II*\0\0\0\0\0"
    assert is_raw(content, [TiffPage("<", dict(tags))], "photo.tif") is raw


def test_raw_files_are_known_by_their_inner_pages_and_by_their_names() -> None:
    assert is_raw(b"", [], "DSC_1.NEF")
    assert not is_raw(b"", [], "scan.tif")
    inner = struct.pack("<HHHIHHI", 1, PHOTOMETRIC, 3, 1, 32803, 0, 0)
    big_inner = struct.pack("<QHHQQQ", 1, PHOTOMETRIC, 3, 1, 32803, 0)
    for is_big, page in ((False, inner), (True, big_inner)):
        value = struct.pack("<I", 0)
        outer = _one_directory([(SUB_IFDS, 4, 1, value)], "<", is_big)
        offset = struct.pack("<I", len(outer))
        outer = _one_directory([(SUB_IFDS, 4, 1, offset)], "<", is_big)
        assert is_raw(outer + page, read_pages(outer + page), "a.tif")
        assert not is_raw(outer, read_pages(outer), "a.tif"), "what is not there is no RAW"
    # The first that is broken does not hide the second.
    outer = _one_directory([(SUB_IFDS, 4, 2, struct.pack("<2I", 90_000, 38 - 4))], "<", False)
    content = outer + inner
    assert content.index(inner) == 34
    assert is_raw(content, read_pages(content), "a.tif")


def _page(offsets: object, counts: object, *, tiled: bool = False, **sides: int) -> TiffPage:
    where, sizes = (TILES, TILE_BYTES) if tiled else (STRIPS, STRIP_BYTES)
    tags = {where: offsets, sizes: counts}
    tags |= {WIDTH: (sides.get("width", 4),), HEIGHT: (sides.get("height", 4),)}
    return TiffPage("<", {tag: value for tag, value in tags.items() if value is not None})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("page", "sound"),
    [
        (_page((8, 50), (42, 50)), True),
        (_page((8, 50), (42, 51)), False),  # one byte after the end
        (_page((8, 60), (92, 10)), True),  # the last one is not the one that ends last
        (_page((8, 60), (93, 10)), False),
        (_page((8,), (42,), tiled=True), True),
        (_page((8,), (93,), tiled=True), False),
        (_page((8, 50), (42,)), False),
        (_page((), ()), False),
        (_page(None, (4,)), False),
        (_page((0,), (0,)), False),
        (_page((0,), (1,)), True),
        (_page((8,), (4,), width=0), False),
        (_page((8,), (4,), height=0), False),
        (_page((8,), (4,), width=1, height=1), True),
    ],
)
def test_a_page_is_sound_when_all_its_bytes_are_there(page: TiffPage, sound: bool) -> None:
    assert is_sound(bytes(100), page) is sound


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        *(("WIDTH", "ImageWidth"), ("HEIGHT", "ImageLength"), ("BITS", "BitsPerSample")),
        *(("COMPRESSION", "Compression"), ("PHOTOMETRIC", "PhotometricInterpretation")),
        *(("FILL_ORDER", "FillOrder"), ("DESCRIPTION", "ImageDescription")),
        *(("STRIPS", "StripOffsets"), ("ORIENTATION", "Orientation")),
        *(("SAMPLES", "SamplesPerPixel"), ("ROWS", "RowsPerStrip")),
        *(("STRIP_BYTES", "StripByteCounts"), ("PLANAR", "PlanarConfiguration")),
        *(("PREDICTOR", "Predictor"), ("TILE_WIDTH", "TileWidth"), ("TILE_HEIGHT", "TileLength")),
        *(("TILES", "TileOffsets"), ("TILE_BYTES", "TileByteCounts"), ("SUB_IFDS", "SubIFDs")),
        *(("EXTRA", "ExtraSamples"), ("FORMAT", "SampleFormat"), ("SUBFILE", "NewSubfileType")),
        ("DNG_VERSION", "DNGVersion"),
    ],
)
def test_the_numbers_of_the_tags_are_those_of_the_specification(name: str, known_as: str) -> None:
    assert TiffTags.lookup(getattr(tiff_tags, name)).name == known_as


def test_gdals_tag_of_no_data() -> None:
    assert NO_DATA == 42113  # https://gdal.org/en/stable/drivers/raster/gtiff.html


def test_so_many_entries_are_looked_at_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_tags, "_MOST_ENTRIES", 2)
    number = struct.pack("<H", 7)
    entries = [(tag, 3, 1, number) for tag in (WIDTH, HEIGHT, COMPRESSION)]
    [page] = read_pages(_one_directory(entries, "<", False))
    assert set(page.tags) == {WIDTH, HEIGHT}
    assert page.pieces == 0, "it names no strips"
    assert TiffPage("<", {}).pieces == 0


def test_as_many_values_as_the_budget_has_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_tags, "_MOST_VALUES", 3)
    three = (STRIPS, 4, 3, struct.pack("<3I", 1, 2, 3))
    one = (WIDTH, 3, 1, struct.pack("<H", 7))
    [page] = read_pages(_one_directory([three, one], "<", False))
    assert set(page.tags) == {STRIPS}, "nothing is left for the second"
    [page] = read_pages(_one_directory([one, three], "<", False))
    assert set(page.tags) == {WIDTH}, "what does not fit any more is left out"
