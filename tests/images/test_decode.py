"""Every mode of every format, and every way to be damaged."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from seg_widgets.errors import (
    ImageDamagedError,
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    SettingError,
)
from seg_widgets.images import load, read
from seg_widgets.testing import make_picture

from .pictures import PICTURE, PNG, assert_is_rgb, encode


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "GIF", "JPEG", "MPO"])
def test_every_format(kind: str) -> None:
    flat = np.full((30, 40, 3), (200, 100, 50), np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {}
    array = load(encode(flat, kind, **options))
    assert_is_rgb(array)
    assert array.shape == (30, 40, 3)
    assert np.abs(array.astype(int) - flat).max() <= (3 if kind in ("JPEG", "MPO") else 0)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"])
def test_tiff_compressions(compression: str) -> None:
    np.testing.assert_array_equal(load(encode(PICTURE, "TIFF", compression=compression)), PICTURE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation(orientation: int, kind: str) -> None:
    corners = np.zeros((20, 40, 3), np.uint8)
    corners[:10, :20] = (255, 0, 0)  # what lies at the file's top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    array = load(encode(corners, kind, exif=exif, **({"quality": 100} if kind == "JPEG" else {})))
    assert array.shape[:2] == ((20, 40) if orientation < 5 else (40, 20))
    # The EXIF standard's table of where the 0th row and the 0th column lie.
    bottom, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    height, width = array.shape[:2]
    y, x = (height * 3 // 4 if bottom else height // 4), (width * 3 // 4 if right else width // 4)
    assert array[y, x, 0] > 200
    assert (array[..., 0] > 128).mean() == pytest.approx(0.25, abs=0.03)


def test_a_file_with_broken_metadata_is_shown_as_it_lies() -> None:
    content = bytearray(
        encode(PICTURE, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06")
    )
    assert load(bytes(content)).shape == (30, 40, 3)


def test_alpha_lies_on_white() -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = (0, 128, 255)
    expected = [[[255] * 3, [127] * 3, [0] * 3]]
    for source in (
        rgba,
        Image.fromarray(rgba),
        encode(rgba),
        encode(rgba, "WEBP", lossless=True, exact=True),
    ):
        np.testing.assert_allclose(load(source), expected, atol=1)
    gray = Image.fromarray(rgba).convert("LA")
    np.testing.assert_allclose(load(encode(gray)), expected, atol=1)
    np.testing.assert_allclose(load(Image.fromarray(rgba).convert("RGBa")), expected, atol=1)
    np.testing.assert_allclose(load(gray.convert("La")), expected, atol=1)


def test_palettes_and_transparent_colours() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert load(encode(palette)).tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert load(encode(palette, transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert load(encode(palette, transparency=b"\xff\x00")).tolist() == [
        [[255, 0, 0], [255, 255, 255]]
    ]
    assert load(encode(palette, "GIF", transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    rgb = Image.new("RGB", (2, 1), (1, 2, 3))
    rgb.putpixel((1, 0), (9, 9, 9))
    assert load(encode(rgb, transparency=(9, 9, 9))).tolist() == [[[1, 2, 3], [255, 255, 255]]]
    gray = Image.new("L", (2, 1), 7)
    gray.putpixel((1, 0), 9)
    assert load(encode(gray, transparency=9)).tolist() == [[[7] * 3, [255] * 3]]
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    assert load(encode(bits)).tolist() == [[[0] * 3, [255] * 3]]
    assert load(palette.convert("PA")).shape == (1, 2, 3)


def test_cmyk() -> None:
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        red, green, blue = load(encode(cmyk, kind))[4, 4].tolist()
        assert red > 200 and green < 60 and blue < 60


def test_16_bit_images_are_scaled_not_clipped() -> None:
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    expected = [0, 1, 128, 255]
    for source in (values, Image.fromarray(values), encode(values), encode(values, "TIFF")):
        assert load(source, contrast="full")[0, :, 0].tolist() == expected
    big_endian = Image.frombytes("I;16B", (4, 1), values.astype(">u2").tobytes())
    assert load(big_endian, contrast="full")[0, :, 0].tolist() == expected
    assert load(np.stack([values] * 3, axis=2), contrast="full")[0, :, 2].tolist() == expected


def test_32_bit_images_are_stretched() -> None:
    integers = Image.fromarray(np.array([[-1000, 0, 1000]], np.int32))
    np.testing.assert_allclose(
        read(encode(integers, "TIFF")).pixels[0, :, 0], [0, 128, 255], atol=1
    )
    floats = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert load(encode(floats, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    thousands = read(encode(floats * 4000, "TIFF")).pixels[0, :, 0]
    np.testing.assert_allclose(thousands, [0, 128, 255], atol=1)
    assert read(encode(np.full((1, 1), 7, np.float32), "TIFF")).pixels.tolist() == [[[255] * 3]]
    with pytest.raises(ImageFormatError, match="no finite value"):
        load(encode(floats * np.float32("nan"), "TIFF"))


def test_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    for kind in ("GIF", "TIFF", "WEBP", "PNG", "MPO"):
        content = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        first, second = read(content), read(content, page=1)
        assert first.pixels[1, 1, 0] > 240 and first.pixels[1, 1, 2] < 20
        assert second.pixels[1, 1, 2] > 240 and second.pixels[1, 1, 0] < 20
        assert second.notes == read(content, page=0).notes == ()
        # The other images of an MPO are previews and depth maps: nobody means them.
        assert len(first.notes) == (kind != "MPO")
        assert kind == "MPO" or re.match(r"It has 2 (pages|frames): the first", first.notes[0])
        with pytest.raises(SettingError, match=r"has 2 (pages|frames), 0 to 1; there is no page=2"):
            load(content, page=2)


def test_one_pixel() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        assert load(encode(Image.new("RGB", (1, 1)), kind)).shape == (1, 1, 3)
    assert load(np.zeros((1, 1))).tolist() == [[[0, 0, 0]]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_files_are_an_error(kind: str, part: float) -> None:
    content = encode(make_picture(160, 120), kind)
    with pytest.raises(
        ImageDamagedError, match=f"photo begins like a {kind} file, but is damaged, cut short"
    ):
        load(content[: int(len(content) * part)], name="photo")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_only_a_header(kind: str) -> None:
    content = encode(PICTURE, kind)
    for length in (12, 20, 30):
        with pytest.raises(ImageError, match=r"^The image (begins like|is|has)"):
            load(content[:length])


def test_messages_have_pillows_reason() -> None:
    with pytest.raises(ImageDamagedError, match=r"unusual kind \(.*truncated.*[^.]\)\. Copy"):
        load(encode(make_picture(160, 120), "JPEG")[:2000])


def test_messages_hold_no_memory_address() -> None:
    with pytest.raises(ImageDamagedError, match="begins like a JPEG file") as caught:
        load(b"\xff\xd8\xff\xe0" + b"\0" * 50)
    assert "0x" not in str(caught.value) and "BytesIO" not in str(caught.value)


def test_a_damaged_or_closed_pil_image(tmp_path: Path) -> None:
    (tmp_path / "half.png").write_bytes(encode(make_picture(160, 120))[:5000])
    with (
        Image.open(tmp_path / "half.png") as half,
        pytest.raises(ImageDamagedError, match=r"half\.png is damaged"),
    ):
        load(half)
    whole = Image.open(io.BytesIO(PNG))
    whole.close()
    with pytest.raises(ImageDamagedError, match="already closed"):
        load(whole)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_mutated_files_leak_nothing_else(kind: str) -> None:
    chance = random.Random(f"seg_widgets {kind}")
    content = encode(make_picture(48, 36), kind)
    for _ in range(150):
        broken = bytearray(content)
        for _ in range(chance.choice((1, 2, 8, 40))):
            broken[int(len(broken) * chance.random() ** 3)] = chance.randrange(256)
        try:
            assert_is_rgb(load(bytes(broken), max_pixels=1_000_000))
        except ImageError as error:
            assert str(error)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"BM"]),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_an_image_or_our_error(content: bytes, start: bytes) -> None:
    try:
        assert_is_rgb(load(start + content, max_pixels=100_000))
    except ImageError as error:
        assert str(error)


def test_out_of_memory_is_ours_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", full)
    with pytest.raises(ImageTooLargeError, match="not enough memory"):
        load(PNG)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_of_each_channel_are_read(channels: int, kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (7, 9, channels), np.uint16)
    values[..., 3:] = 65535
    order = [2, 1, 0, 3] if channels == 4 else list(range(channels))[::-1]
    content = cv2.imencode(f".{kind.lower()}", values[..., order])[1].tobytes()
    pixels = read(content, contrast="full").pixels
    expected = np.broadcast_to(np.rint(values[..., :3] / 257), (7, 9, 3))
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "GIF"])
def test_a_wholly_transparent_image_has_a_note(file_format: str) -> None:
    pixels = np.zeros((6, 8, 4), np.uint8)
    for opacity, count in ((0, 1), (255, 0)):
        pixels[3, 4] = (200, 30, 30, opacity)
        image = Image.fromarray(pixels)
        buffer = io.BytesIO()
        image.save(buffer, file_format, **({"lossless": True} if file_format == "WEBP" else {}))
        for source in (buffer.getvalue(), image, image.convert("LA"), pixels):
            notes = read(source).notes
            assert sum("wholly transparent" in note for note in notes) == count, source


def test_a_transparent_grey_of_16_bits_is_white() -> None:
    values = np.array([[100, 200, 65535]], np.uint16)
    content = encode(Image.fromarray(values), transparency=200)
    assert load(content, contrast=(100, 300))[0, :, 0].tolist() == [0, 255, 255]
    assert load(content, contrast=(0, 65535))[0, :, 0].tolist() == [0, 255, 255]


def test_channels_of_8_bits_can_be_chosen() -> None:
    np.testing.assert_array_equal(load(PNG, channels=(2, 1, 0)), PICTURE[..., ::-1])
    grey = encode(Image.fromarray(PICTURE[..., 1]))
    np.testing.assert_array_equal(load(grey, channels=0)[..., 0], PICTURE[..., 1])
    with pytest.raises(SettingError, match="there is no"):
        load(grey, channels=1)
    with pytest.raises(SettingError, match="there is no"):
        load(PNG, channels=3)


def test_lab_colours_are_refused() -> None:
    lab = Image.new("LAB", (4, 4))
    with pytest.raises(ImageFormatError, match="is in LAB colour"):
        load(lab)


def test_pages_are_chosen_in_the_file_only() -> None:
    with pytest.raises(SettingError, match=r"Call the PIL image's seek\(page\) before"):
        load(Image.fromarray(PICTURE), page=0)
    for content in (PNG, encode(PICTURE, "TIFF")):
        np.testing.assert_array_equal(load(content, page=0), PICTURE)
        with pytest.raises(SettingError, match=r"has one (frame|page); there is no page=1"):
            load(content, page=1)
