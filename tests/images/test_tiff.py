"""TIFFs as scanners, microscopes, satellites and cameras write them."""

from __future__ import annotations

import io
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from PIL import Image

from seg_widgets.errors import ImageDamagedError, ImageFormatError, ImageTooLargeError, SettingError
from seg_widgets.images import load, read
from seg_widgets.testing import make_picture

from .tiffs import GREY, Entries, tiff


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f2", "f4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_white_is_zero_in_every_depth(dtype: str, order: Literal["<", ">"]) -> None:
    values = GREY.astype(dtype)
    dark_is_high = read(tiff(values, 0, order=order), contrast=(0, 255)).pixels
    np.testing.assert_array_equal(dark_is_high[..., 0], 255 - GREY)


@pytest.mark.parametrize("compression", [1, 5, 8, 32946])
@pytest.mark.parametrize("predictor", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_compressions_and_predictors(
    compression: int, predictor: int, dtype: Any, channels: int
) -> None:
    values = make_picture(70, 50)[..., :channels].astype(dtype)
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    if predictor == 3 and dtype is np.uint16:
        pytest.skip("the third predictor is for floats")
    content = cv2.imencode(".tif", values[..., ::-1], options)[1].tobytes()
    pixels = load(content, contrast="none")
    np.testing.assert_array_equal(pixels, np.broadcast_to(values, (50, 70, 3)))


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("channels", [2, 4, 5, 9])
def test_channels(channels: int, planar: bool) -> None:
    values = np.stack([GREY // (number + 1) for number in range(channels)], axis=2)
    for dtype in (np.uint8, np.uint16):
        content = tiff(values.astype(dtype), planar=planar)
        loaded = read(content, contrast="none")
        first = [0, 0, 0] if channels == 2 else [0, 1, 2]
        np.testing.assert_array_equal(loaded.pixels, values[..., first])
        assert loaded.notes[0].startswith(f"It has {channels} channels: the first ")
        chosen = read(content, contrast="none", channels=(1, 0, channels - 1))
        np.testing.assert_array_equal(chosen.pixels, values[..., [1, 0, channels - 1]])
        assert chosen.notes == ()
        one = load(content, contrast="none", channels=1)
        np.testing.assert_array_equal(one, np.repeat(values[..., 1:2], 3, axis=2))
        with pytest.raises(SettingError, match=f"channels, 0 to {channels - 1}; there is no"):
            load(content, channels=channels)


@pytest.mark.parametrize("channels", [(0, 1), (), -1, (0, 1, True), "rgb", 1.5])
def test_channels_that_make_no_sense(channels: Any) -> None:
    with pytest.raises(SettingError, match="channels is one index, or three"):
        load(GREY, channels=channels)


def test_an_array_of_many_channels() -> None:
    values = np.stack([GREY // (number + 1) for number in range(5)], axis=2)
    loaded = read(values)
    np.testing.assert_array_equal(loaded.pixels, values[..., :3])
    assert "It has 5 channels" in loaded.notes[0]
    np.testing.assert_array_equal(load(values, channels=[4, 0, 1]), values[..., [4, 0, 1]])
    # Four channels of more than 8 bits, and nothing is opaque: a satellite's, not RGBA.
    deep = values[..., :4].astype(np.uint16)
    assert "It has 4 channels" in read(deep).notes[0]
    with pytest.raises(SettingError, match="page is for files"):
        load(values, page=1)


def test_opacity_of_16_bits() -> None:
    deep = np.dstack([GREY.astype(np.uint16) * 257] * 3 + [np.full(GREY.shape, 65535, np.uint16)])
    deep[0, :, 3] = 0
    for kind in (1, 2):
        pixels = load(tiff(deep, 2, entries={338: (3, [kind])}), contrast="full")
        assert kind == 1 or (pixels[0] == 255).all()
        np.testing.assert_array_equal(pixels[1:, :, 0], GREY[1:])


def test_no_data_does_not_count() -> None:
    values = np.linspace(100, 900, 64 * 48).reshape(48, 64)
    values[:5] = -9999
    for dtype in (np.int16, np.float32, np.float64):
        loaded = read(tiff(values.astype(dtype), entries={42113: (2, b"-9999\0")}))
        assert loaded.pixels[0].max() == 0
        assert loaded.pixels[6, 0, 0] < 10
        assert "from 1" in loaded.notes[0] or "from 18" in loaded.notes[0]
        assert loaded.notes[1].startswith("320 pixels without a value")


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_samples_that_do_not_fill_bytes(bits: int) -> None:
    values = np.tile(np.arange(0, 2**bits, 2**bits // 61, dtype=np.uint16), (5, 1))
    planes = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    packed = np.packbits(planes.reshape(5, -1).astype(np.uint8), axis=1)
    content = tiff(packed, bits=bits, size=(values.shape[1], 5))
    expected = np.rint(values * (255 / (2**bits - 1)))
    np.testing.assert_allclose(load(content, contrast="full")[..., 0], expected, atol=1)


def test_tiles_and_orientation() -> None:
    values = np.tile(np.arange(100, dtype=np.uint16) * 600, (60, 1))
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    np.testing.assert_array_equal(load(buffer.getvalue(), contrast="full"), _grey(values))
    turned = load(tiff(values, entries={274: (3, [6])}), contrast="full")
    np.testing.assert_array_equal(turned, np.rot90(_grey(values), -1))


def _grey(values: Any) -> Any:
    return np.repeat(np.rint(values / 257).astype(np.uint8)[..., None], 3, axis=2)


# ── what is no image, or no whole one ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (tiff(GREY, entries={254: (4, [1]), 330: (4, [400])}), "photo"),
        (tiff(GREY, entries={50706: (2, b"\1\4\0\0")}), "photo"),
        (tiff(GREY.astype(np.uint16), 32803), "photo"),
        (tiff(np.dstack([GREY] * 3).astype(np.uint16), 34892), "photo"),
        (tiff(GREY, entries={259: (3, [65535])}), "photo"),
        (tiff(GREY), "DSC_0001.NEF"),
    ],
)
def test_a_raw_photo_is_not_its_preview(content: bytes, name: str) -> None:
    with pytest.raises(ImageFormatError, match=r"is a camera's RAW file.*Export it as a JPEG"):
        load(content, name=name)


def test_a_page_that_is_a_smaller_copy_is_none() -> None:
    buffer = io.BytesIO()
    pages = [Image.fromarray(GREY), Image.fromarray(GREY[::2, ::2])]
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    assert read(buffer.getvalue()).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(GREY.astype(np.complex64)), "complex numbers"),
        (tiff(GREY, entries={259: (3, [34712])}), "compressed with JPEG 2000"),
        (tiff(GREY.astype(np.uint16), entries={259: (3, [34887])}), "16 bits.*LERC"),
        (tiff(GREY, bits=24, size=(8, 8)), "samples of 24 bits"),
        (
            tiff(np.dstack([GREY] * 2).astype(np.uint16), entries={258: (3, [8, 16])}),
            "differ in their bits",
        ),
        (tiff(np.dstack([GREY] * 4).astype(np.uint16), 5), "CMYK image of 16 bits"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, words: str) -> None:
    with pytest.raises(ImageFormatError, match=words) as caught:
        load(content)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        *((2, "CCITT"), (3, "CCITT"), (4, "CCITT"), (6, "JPEG"), (7, "JPEG"), (33003, "JPEG 2000")),
        *((33004, "JPEG 2000"), (33005, "JPEG 2000"), (34712, "JPEG 2000"), (50002, "JPEG XL")),
        *((52546, "JPEG XL"), (22610, "JPEG XR"), (34934, "JPEG XR"), (34887, "LERC")),
        *((50001, "WebP"), (32909, "method 32909")),
    ],
)
def test_a_compression_that_cannot_be_read_has_its_name(number: int, name: str) -> None:
    content = tiff(GREY.astype(np.uint16), entries={259: (3, [number])})
    words = f"TIFF of 16 bits and 1 channels, compressed with {name}, which"
    with pytest.raises(ImageFormatError, match=words):
        load(content)


def test_16_bits_cut_short_are_damaged() -> None:
    content = tiff(np.tile(GREY.astype(np.uint16), (4, 1)))
    # The directory lies behind the pixels: what is cut out is in the middle.
    moved = int.from_bytes(content[4:8], "little")
    broken = content[:moved].replace(content[8:moved], content[8:moved])
    with pytest.raises(ImageDamagedError, match="damaged"):
        load(broken)
    with pytest.raises(ImageTooLargeError, match="over the limit"):
        load(content, max_pixels=100)


def test_an_imagej_stack_in_one_page_is_noted() -> None:
    described: Entries = {270: (2, b"ImageJ=1.53\nimages=40\nslices=40\n\0")}
    notes = read(tiff(GREY.astype(np.uint16), entries=described)).notes
    assert "stack of 40 images" in notes[0]


def _tiled(values: Any, *, planar: bool = False, predictor: int = 1) -> bytes:
    """H×W×C in tiles of 16×32 pixels."""
    height, width, channels = values.shape
    across, down = -(-width // 16), -(-height // 32)
    padded = np.zeros((down * 32, across * 16, channels), values.dtype)
    padded[:height, :width] = values
    tiles: list[Any] = []
    for plane in np.split(padded, channels, axis=2) if planar else [padded]:
        rows = [row for band in np.split(plane, down) for row in np.split(band, across, axis=1)]
        for tile in rows:
            before = np.pad(tile, ((0, 0), (1, 0), (0, 0)))[:, :-1]
            tiles.append(tile - before if predictor == 2 else tile)
    size = tiles[0].nbytes
    entries: Entries = {
        258: (3, [values.dtype.itemsize * 8] * channels),
        277: (3, [channels]),
        284: (3, [2 if planar else 1]),
        317: (3, [predictor]),
        322: (3, [16]),
        323: (3, [32]),
        324: (4, [8 + size * number for number in range(len(tiles))]),
        325: (4, [size] * len(tiles)),
        339: (3, [1] * channels),
    }
    data = np.frombuffer(b"".join(tile.tobytes() for tile in tiles), np.uint8)
    return tiff(data, bits=8, size=(width, height), entries=entries)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("size", [(20, 40), (70, 50), (32, 16)])
def test_tiles(planar: bool, predictor: int, size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (*size, 5), np.uint16)
    content = _tiled(values, planar=planar, predictor=predictor)
    for chosen in ((0, 1, 2), (4, 3, 2)):
        pixels = load(content, contrast="full", channels=chosen)
        np.testing.assert_array_equal(pixels, np.rint(values[..., chosen] / 257))


@pytest.mark.parametrize("bits", [9, 11, 15])
def test_all_values_that_samples_of_odd_bits_can_have(bits: int) -> None:
    values = np.random.default_rng(0).integers(0, 2**bits, (7, 93), np.uint16)
    values[0, :2] = 0, 2**bits - 1
    planes = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    packed = np.packbits(planes.reshape(7, -1).astype(np.uint8), axis=1)
    content = tiff(packed, bits=bits, size=(93, 7))
    limits = (0, 2**bits - 1)
    expected = np.rint(values * (255 / (2**bits - 1)))
    for contrast in ("full", limits):
        np.testing.assert_array_equal(load(content, contrast=contrast)[..., 0], expected)
    with pytest.raises(ImageFormatError, match=rf"TIFF of {bits} bits and 1 channels"):
        load(tiff(packed, bits=bits, size=(93, 7), entries={317: (3, [2])}))


def test_many_channels_take_no_more_memory_than_the_limit_of_pixels_allows() -> None:
    values = np.zeros((48, 64, 9), np.uint32)
    assert read(tiff(values[..., :8]), max_pixels=48 * 64).pixels.shape == (48, 64, 3)
    with pytest.raises(ImageTooLargeError, match="has 9 channels of 32 bits, too many"):
        load(tiff(values), max_pixels=48 * 64)


def test_tags_that_make_no_sense() -> None:
    deep = GREY.astype(np.uint16)
    with pytest.raises(ImageDamagedError, match="its tags contradict each other"):
        load(tiff(deep, entries={284: (3, [3])}))
    assert "without a value" not in read(tiff(deep, entries={42113: (2, b"none\0")})).notes[-1]
    one: Entries = {270: (2, b"ImageJ=1.53\nimages=1\n\0")}
    assert not any("stack" in note for note in read(tiff(deep, entries=one)).notes)
    other: Entries = {270: (2, b"A scan\nimages=40\n\0")}
    assert not any("stack" in note for note in read(tiff(deep, entries=other)).notes)


@pytest.mark.parametrize("compression", [32767, 32770, 34713, 65000, 65535])
def test_compressions_that_only_cameras_write(compression: int) -> None:
    with pytest.raises(ImageFormatError, match="is a camera's RAW file"):
        load(tiff(GREY.astype(np.uint16), entries={259: (3, [compression])}))


@pytest.mark.parametrize("following", ["itself", "nowhere", "the last byte"])
def test_a_next_page_that_is_none_ends_the_pages(following: str) -> None:
    content = bytearray(tiff(GREY.astype(np.uint16)))
    start = int.from_bytes(content[4:8], "little")
    link = start + 2 + 12 * int.from_bytes(content[start : start + 2], "little")
    offset = {"itself": start, "nowhere": 2**31, "the last byte": len(content) - 1}[following]
    content[link : link + 4] = offset.to_bytes(4, "little")
    loaded = read(bytes(content), contrast="none")
    np.testing.assert_array_equal(loaded.pixels[..., 0], GREY)
    assert loaded.notes == ()
