from __future__ import annotations

import io

import pytest
from PIL import Image

from seg_widgets.errors import ImageDamagedError, ImageTooLargeError
from seg_widgets.images import load
from seg_widgets.images.jpeg import MOST_BYTES, MOST_SCANS, check_jpeg
from seg_widgets.testing import make_picture


def _jpeg(**settings: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(make_picture(64, 48)).save(buffer, "JPEG", **settings)
    return buffer.getvalue()


def _last_scan(content: bytes) -> bytes:
    return content[content.rindex(b"\xff\xda") : -2]


def test_ordinary_ones_pass() -> None:
    exif = Image.Exif()
    exif[270] = "a description"
    for content in (
        _jpeg(),
        _jpeg(progressive=True),
        _jpeg(progressive=True, subsampling=0, exif=exif),
        _jpeg(restart_marker_blocks=1),
        _jpeg()[:200],
    ):
        check_jpeg(content, "a.jpg")


def test_scans_are_counted_before_anything_is_decoded() -> None:
    content = _jpeg(progressive=True)
    scans = content.count(b"\xff\xda")
    fits = content[:-2] + _last_scan(content) * (MOST_SCANS - scans) + content[-2:]
    check_jpeg(fits, "a.jpg")
    assert load(fits).shape == (48, 64, 3)
    # 104 kB that would be decoded for hours at 50 megapixels.
    many = content[:-2] + _last_scan(content) * 3000 + content[-2:]
    with pytest.raises(ImageTooLargeError, match=r"^a\.jpg is a JPEG of more than 100 scans"):
        load(many, name="a.jpg")
    # What comes after the end is another image, as in an MPO.
    check_jpeg(content + many, "a.jpg")


@pytest.mark.parametrize(
    "parts",
    [b"\xff\xe5\0\2" * 30_000, b"\xff\xfe\0\3x" * 30_000, b"\xff" * 100_000],
    ids=["segments", "comments", "fill bytes"],
)
def test_parts_that_are_no_image_are_counted_too(parts: bytes) -> None:
    content = _jpeg()
    check_jpeg(content[:2] + parts[:300] + content[2:], "a.jpg")
    with pytest.raises(ImageDamagedError, match="thousands of parts that are no image"):
        load(content[:2] + parts + content[2:])


def test_parts_behind_the_first_scan_are_counted_too() -> None:
    content = _jpeg(progressive=True)
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)
    parts = b"\xff\xfe\0\3x"
    check_jpeg(content[:second] + parts * 15_000 + content[second:], "a.jpg")
    with pytest.raises(ImageDamagedError, match="thousands of parts that are no image"):
        check_jpeg(content[:second] + parts * 20_000 + content[second:], "a.jpg")
    # One more scan than there may be, however few bytes it has.
    scans = content.count(b"\xff\xda")
    most = content[:-2] + _last_scan(content) * (MOST_SCANS + 1 - scans) + content[-2:]
    with pytest.raises(ImageTooLargeError):
        check_jpeg(most, "a.jpg")


def _as_large_as(content: bytes, side: int) -> bytes:
    """The same JPEG, but its frame says that it has other sides."""
    at = next(
        content.find(bytes([0xFF, kind])) for kind in (0xC0, 0xC2) if bytes([0xFF, kind]) in content
    )
    return content[: at + 5] + side.to_bytes(2, "big") * 2 + content[at + 9 :]


@pytest.mark.parametrize(
    ("settings", "side", "fits"),
    [
        ({"progressive": True, "subsampling": 0}, 6300, True),  # 397 MB
        ({"progressive": True, "subsampling": 0}, 6330, False),  # 401 MB
        ({"progressive": True, "subsampling": "4:2:2"}, 7070, True),  # 400 MB
        ({"progressive": True, "subsampling": "4:2:2"}, 7080, False),
        ({"progressive": True, "subsampling": "4:2:0"}, 7071, True),
        ({"subsampling": 0}, 7071, True),
    ],
)
def test_a_progressive_jpeg_is_refused_where_its_coefficients_take_too_much(
    settings: dict[str, object], side: int, fits: bool
) -> None:
    content = _as_large_as(_jpeg(**settings), side)
    if fits:
        check_jpeg(content, "a.jpg")
        return
    with pytest.raises(
        ImageTooLargeError, match=r"over the limit of 400 MB\. Save it anew"
    ) as info:
        check_jpeg(content, "a.jpg")
    assert f"a progressive JPEG of {side:,}×{side:,} pixels" in str(info.value)
    assert MOST_BYTES == 400e6


def test_a_grey_progressive_jpeg_takes_three_bytes_a_pixel() -> None:
    buffer = io.BytesIO()
    Image.fromarray(make_picture(64, 48)).convert("L").save(buffer, "JPEG", progressive=True)
    check_jpeg(_as_large_as(buffer.getvalue(), 9_900), "a.jpg")
    check_jpeg(_as_large_as(buffer.getvalue(), 11_500), "a.jpg")
    with pytest.raises(ImageTooLargeError, match="takes 404 MB"):
        check_jpeg(_as_large_as(buffer.getvalue(), 11_600), "a.jpg")


def test_colours_one_after_the_other_are_kept_too_without_progressive_scans() -> None:
    content = _as_large_as(_jpeg(subsampling=0), 7000)
    check_jpeg(content, "a.jpg")
    at = content.index(b"\xff\xda") + 4
    assert content[at] == 3
    with pytest.raises(ImageTooLargeError, match="takes 490 MB"):
        check_jpeg(content[:at] + b"\1" + content[at + 1 :], "a.jpg")
    # Before the pixels are decoded, and with the file's own name.
    progressive = _as_large_as(_jpeg(progressive=True, subsampling=0), 7000)
    with pytest.raises(ImageTooLargeError, match=r"^big\.jpg is a progressive JPEG"):
        load(progressive, name="big.jpg")


def test_a_frame_that_is_cut_short_is_left_to_the_decoder() -> None:
    content = _jpeg(progressive=True)
    at = content.index(b"\xff\xc2")
    check_jpeg(content[: at + 6], "a.jpg")
    check_jpeg(content[: at + 12] + b"\xff\xda\0\2", "a.jpg")
