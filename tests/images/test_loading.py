"""images.load: every source, every mode, every way to be wrong."""

from __future__ import annotations

import io
import os
import random
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from seg_widgets.errors import (
    ImageDamagedError,
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    SettingError,
    UrlError,
)
from seg_widgets.images import loading
from seg_widgets.images.loading import Upload, load, uploads
from seg_widgets.net import Fetched
from seg_widgets.testing import make_jpeg, make_picture

PICTURE = make_picture(40, 30)


def encode(picture: Image.Image | npt.NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


PNG = encode(PICTURE)


def assert_is_rgb(array: npt.NDArray[np.uint8]) -> None:
    assert array.dtype == np.uint8
    assert array.ndim == 3 and array.shape[2] == 3
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.owndata


# ── sources ───────────────────────────────────────────────────────────────────────────────────────


def upload_7(content: bytes = PNG, name: str = "photo.png") -> dict[str, Any]:
    metadata = {
        "name": name,
        "type": "image/png",
        "size": len(content),
        "lastModified": 1_700_000_000_000,
    }
    return {name: {"metadata": metadata, "content": content}}


def upload_8(content: bytes = PNG, name: str = "photo.png") -> tuple[dict[str, Any], ...]:
    return (
        {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content)},
    )


@pytest.mark.parametrize(
    "source",
    [
        PNG,
        bytearray(PNG),
        memoryview(PNG),
        memoryview(PNG + b"\0" * (-len(PNG) % 4)).cast("I"),
        io.BytesIO(PNG),
        Image.fromarray(PICTURE),
        PICTURE,
        PICTURE[:, ::-1][:, ::-1],
        upload_7(),
        upload_7()["photo.png"],
        upload_8(),
        upload_8()[0],
        list(upload_8()),
        Upload("photo.png", PNG),
    ],
    ids=lambda source: type(source).__name__,
)
def test_every_kind_of_source_gives_the_same_image(source: object) -> None:
    array = load(source)
    assert_is_rgb(array)
    np.testing.assert_array_equal(array, PICTURE)


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "фото 1.png"
    path.write_bytes(PNG)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (path, str(path), "~/фото 1.png"):
        np.testing.assert_array_equal(load(source), PICTURE)
    with path.open("rb") as file:
        np.testing.assert_array_equal(load(file), PICTURE)


def test_the_result_is_a_copy() -> None:
    source = PICTURE.copy()
    array = load(source)
    array[:] = 0
    np.testing.assert_array_equal(source, PICTURE)
    frozen = PICTURE.copy()
    frozen.setflags(write=False)
    assert load(frozen).flags.writeable


def test_a_pil_image_stays_as_it_is() -> None:
    picture = Image.fromarray(PICTURE)
    picture.getexif()[0x0112] = 6
    before = picture.tobytes(), picture.size, picture.mode
    assert load(picture).shape == (40, 30, 3)
    assert (picture.tobytes(), picture.size, picture.mode) == before


def test_uploads_hides_the_versions() -> None:
    expected = [Upload("photo.png", PNG)]
    for value in (upload_7(), upload_7()["photo.png"], upload_8(), upload_8()[0]):
        assert uploads(value) == expected
        assert isinstance(uploads(value)[0].content, bytes)
    two = [Upload("a.png", PNG), Upload("b.png", b"x")]
    assert uploads({**upload_7(name="a.png"), **upload_7(b"x", "b.png")}) == two
    assert uploads((*upload_8(name="a.png"), *upload_8(b"x", "b.png"))) == two
    assert uploads({}) == uploads(()) == []
    # A file may have any name, also that of a field.
    assert uploads(upload_7(name="content")) == [Upload("content", PNG)]


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:ipywidgets"
)  # version 7 uses ipykernel's old Comm
def test_real_file_upload_widget() -> None:
    widgets = pytest.importorskip("ipywidgets")
    widget = widgets.FileUpload()
    assert uploads(widget.value) == []
    if int(widgets.__version__.split(".")[0]) >= 8:
        item = {
            "name": "p.png",
            "type": "image/png",
            "size": len(PNG),
            "content": PNG,
            "last_modified": 1_700_000_000_000,
        }
        widget.set_state({"value": [item]})
        np.testing.assert_array_equal(load(widget.value), PICTURE)
        assert uploads(widget.value)[0].name == "p.png"


def test_uploads_that_are_none() -> None:
    with pytest.raises(ImageError, match="No file was uploaded yet"):
        load(())
    with pytest.raises(ImageError, match="2 files were uploaded"):
        load((*upload_8(), *upload_8()))
    with pytest.raises(ImageFormatError, match="no content in bytes"):
        load([1, 2, 3])
    with pytest.raises(ImageFormatError, match=r"a\.png has no content"):
        load({"a.png": {"metadata": {}}})
    with pytest.raises(ImageFormatError, match="not an int"):
        uploads(3)


def test_an_uploads_name_is_in_the_message() -> None:
    for value in (upload_7(b"nope", "photo.jpg"), upload_8(b"nope", "photo.jpg")):
        with pytest.raises(ImageFormatError, match=r"^photo\.jpg is a text file"):
            load(value)


@pytest.mark.parametrize("source", [None, 3, object(), {1, 2}])
def test_what_holds_no_image(source: object) -> None:
    with pytest.raises(ImageFormatError, match=r"can't be had from an? "):
        load(source)


def test_urls_go_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def fake(url: str, **options: Any) -> Any:
        asked.append((url, options))
        return Fetched(b"x" if "bad" in url else PNG, url, "photo.png")

    monkeypatch.setattr(loading, "fetch", fake)
    np.testing.assert_array_equal(
        load(" HTTPS://example.org/photo.png\n", max_bytes=10_000, allow_local=True), PICTURE
    )
    assert asked == [("HTTPS://example.org/photo.png", {"max_bytes": 10_000, "allow_local": True})]
    with pytest.raises(ImageFormatError, match=r"^photo\.png is a text file"):
        load("http://example.org/bad")
    np.testing.assert_array_equal(load(Fetched(PNG, "http://a/b", "b")), PICTURE)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a.png", "file:///etc/passwd", "s3://bucket/a.png"]
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(UrlError, match="Only http:// and https://"):
        load(url)


def test_data_urls_are_refused() -> None:
    with pytest.raises(ImageFormatError, match="data: address"):
        load("data:image/png;base64,iVBORw0KGgo=")


# ── paths that are wrong ──────────────────────────────────────────────────────────────────────────


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(
        ImageNotFoundError, match=r"no file '.*missing\.jpg'.*Check the name"
    ) as caught:
        load(tmp_path / "missing.jpg")
    assert isinstance(caught.value, FileNotFoundError)
    for path in ("a\0b.png", "x" * 5000, "~nobody-here-at-all/x.png", ""):
        with pytest.raises(ImageError):
            load(path)


def test_folders_and_pipes(tmp_path: Path) -> None:
    with pytest.raises(ImageFormatError, match="is a folder"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageFormatError, match="pipe is not an ordinary file"):
        load(tmp_path / "pipe")
    with pytest.raises(ImageFormatError, match="zero is not an ordinary file"):
        load("/dev/zero")


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(PNG)

    def refuse(*_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match=r"secret\.png may not be read"):
        load(path)


def test_files_open_in_the_wrong_way(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    with (
        path.open(encoding="latin-1") as file,
        pytest.raises(ImageFormatError, match=r"photo\.png is open as text"),
    ):
        load(file)
    with path.open(encoding="utf-8") as file, pytest.raises(ImageFormatError, match="open as text"):
        load(file)
    with pytest.raises(ImageError, match="can't be read: I/O operation on closed file"):
        load(file)
    with path.open("ab") as appending, pytest.raises(ImageError, match="can't be read"):
        load(appending)


# ── modes and formats ─────────────────────────────────────────────────────────────────────────────


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
        assert load(source)[0, :, 0].tolist() == expected
    big_endian = Image.frombytes("I;16B", (4, 1), values.astype(">u2").tobytes())
    assert load(big_endian)[0, :, 0].tolist() == expected
    assert load(np.stack([values] * 3, axis=2))[0, :, 2].tolist() == expected


def test_32_bit_images_are_stretched() -> None:
    integers = Image.fromarray(np.array([[-1000, 0, 1000]], np.int32))
    assert load(encode(integers, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    floats = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert load(encode(floats, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    assert load(encode(floats * 4000, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    assert load(encode(np.full((1, 1), 7, np.float32), "TIFF")).tolist() == [[[255] * 3]]
    with pytest.raises(ImageFormatError, match="NaN"):
        load(encode(floats * np.float32("nan"), "TIFF"))


def test_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    for kind in ("GIF", "TIFF", "WEBP", "PNG", "MPO"):
        content = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        assert load(content)[1, 1, 0] > 240 and load(content)[1, 1, 2] < 20


def test_one_pixel() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        assert load(encode(Image.new("RGB", (1, 1)), kind)).shape == (1, 1, 3)
    assert load(np.zeros((1, 1))).tolist() == [[[0, 0, 0]]]


# ── arrays ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [0, 255]),
        (np.array([[[0], [255]]], np.uint8), [0, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0.0, 1.0]]), [0, 255]),
        (np.array([[0.0, 0.5]], np.float16), [0, 128]),
        (np.array([[0, 65535]], np.uint16), [0, 255]),
        (np.array([[0, 65535]], ">u2"), [0, 255]),
    ],
)
def test_arrays(array: npt.NDArray[Any], expected: list[int]) -> None:
    result = load(array)
    assert_is_rgb(result)
    assert result[0].tolist() == [[value] * 3 for value in expected]


def test_float_alpha() -> None:
    assert load(np.array([[[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]]])).tolist() == [
        [[255, 255, 255], [255, 0, 0]]
    ]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[-0.5, 0.5]]), r"from -0\.5 to 0\.5, but 0 to 1"),
        (np.array([[0.0, 255.0]]), r"from 0 to 255.*astype\(numpy\.uint8\)"),
        (np.array([[0.0, np.nan]]), "holds NaN"),
        (np.array([[0.0, np.inf]]), "from 0 to inf"),
        (np.array([[0, 255]]), r"int64.*from 0 to 255.*numpy\.uint8"),
        (np.array([[0, 70000]], np.uint32), "from 0 to 70000"),
        (np.array([["a"]]), "is of <U1"),
        (np.array([[1j]]), "complex128"),
        (np.zeros((3, 30, 40), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((2, 30, 40, 3), np.uint8), r"array\[0\]"),
        (np.zeros((30, 40, 2), np.uint8), r"shape \(30, 40, 2\)"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.array(5), r"shape \(\)"),
        (np.zeros((4, 4), object), "is of object"),
    ],
)
def test_arrays_that_are_no_image(array: npt.NDArray[Any], words: str) -> None:
    with pytest.raises(ImageFormatError, match=words):
        load(array)


def test_arrays_without_pixels() -> None:
    for shape in ((0, 5), (5, 0, 3), (0, 0)):
        for dtype in (np.uint8, np.float32):
            with pytest.raises(ImageDamagedError, match="no pixels"):
                load(np.zeros(shape, dtype))


def test_what_refuses_to_become_an_array() -> None:
    class OnGpu:
        def __array__(self, *_: object, **__: object) -> Any:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

    with pytest.raises(ImageFormatError, match="cuda:0"):
        load(OnGpu())


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([None, 1, 3, 4]),
    st.sampled_from([np.uint8, np.uint16, np.float32, np.float64, np.bool_]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_any_good_array_becomes_rgb(
    height: int, width: int, channels: int | None, dtype: Any, seed: int
) -> None:
    values = np.random.default_rng(seed).random(
        (height, width) if channels is None else (height, width, channels)
    )
    scale = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1)
    array = np.rint(values * scale).astype(dtype) if dtype is not np.float64 else values
    before = array.copy()
    result = load(array)
    assert_is_rgb(result)
    assert result.shape == (height, width, 3)
    np.testing.assert_array_equal(array, before)
    if channels == 3:
        np.testing.assert_allclose(result, array.astype(float) / scale * 255, atol=0.51)


# ── not an image ──────────────────────────────────────────────────────────────────────────────────

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"hello", "a text file"),
        ("Grüße, schöne Welt ".encode() * 500, "a text file"),
        ("Text".encode("utf-16"), "a text file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page, not an image"),
        (b"\xef\xbb\xbf\n  <html lang=en>", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"%PDF-1.7 \xe2\xe3", "a PDF document"),
        (HEIC, "a HEIC image"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + b"\0" * 50, "an AVIF image"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "an AVIF image"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "RAW"),
        (b"\0\0\0\x18ftypisom\0\0\0\1isommp42", "a video"),
        (b"II*\0\x10\0\0\0CR\2\0" + b"\0" * 50, "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"PK\3\4\x14\0", "a ZIP archive"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x93NUMPY\1\0", "a NumPy file"),
        (b"\0" * 128 + b"DICM", "a DICOM file"),
        (b"RIFF\0\0\0\0AVI LIST", "a video or a sound"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (bytes(range(128, 256)) * 3, "not an image of a kind that can be read"),
    ],
)
def test_other_files_are_named(content: bytes, words: str) -> None:
    with pytest.raises(ImageFormatError, match=words) as caught:
        load(Upload("photo.jpg", content))
    assert str(caught.value).startswith("photo.jpg is ")
    assert str(caught.value).endswith((".", ")"))


def test_heic_says_what_to_do() -> None:
    with pytest.raises(ImageFormatError, match="Export it as a JPEG"):
        load(HEIC)


def test_formats_that_pillow_reads_but_we_dont() -> None:
    for kind in ("PPM", "TGA", "ICO", "ICNS", "PCX", "SGI", "DDS"):
        with pytest.raises(ImageFormatError):
            load(
                encode(
                    Image.new("RGB", (16, 16)).convert("RGBA" if kind == "ICNS" else "RGB"), kind
                )
            )


def test_names_are_fit_for_a_message() -> None:
    with pytest.raises(ImageFormatError) as caught:
        load(Upload("a\n\x1b[31m" + "b" * 500 + ".jpg", b"x"))
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 250
    with pytest.raises(ImageFormatError, match=r"^My image is a text file"):
        load(b"x", name="My image")


# ── damaged ───────────────────────────────────────────────────────────────────────────────────────


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
        with pytest.raises(ImageError):
            load(content[:length])


def test_messages_hold_no_memory_address() -> None:
    with pytest.raises(ImageDamagedError) as caught:
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


# ── too large ─────────────────────────────────────────────────────────────────────────────────────


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    body = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + body
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg_header(width: int, height: int) -> bytes:
    content = bytearray(make_jpeg(16, 16))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_header(width: int, height: int) -> bytes:
    content = bytearray(encode(Image.new("P", (8, 8)), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def bmp_header(width: int, height: int) -> bytes:
    content = bytearray(encode(Image.new("RGB", (8, 8)), "BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def tiff_header(width: int, height: int) -> bytes:
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 200),
    ]
    entries += [(277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 100)]
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *entry) for entry in entries
    )
    return b"II*\0\x08\0\0\0" + directory + b"\0" * 300


def webp_header(width: int, height: int, kind: str = "VP8X") -> bytes:
    if kind == "VP8X":
        body = b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == "VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + b"\0" * 20
    else:
        body = b"\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 20
    chunk = kind.encode().ljust(4) + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


@pytest.mark.parametrize(
    "maker",
    [png_header, jpeg_header, gif_header, bmp_header, tiff_header],
    ids=lambda m: m.__name__,
)
def test_headers_of_60000_by_60000_are_refused_undecoded(maker: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(
            ImageTooLargeError, match=r"^huge\.png .*(60,000×60,000 pixels|3,600\.0 megapixels)"
        ):
            load(Upload("huge.png", maker(60_000, 60_000)))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "side"), [("VP8X", 16_000), ("VP8L", 16_000), ("VP8", 16_000), ("VP8X", 60_000)]
)
def test_a_webp_bomb_never_reaches_the_decoder(
    kind: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not(*_: object, **__: object) -> Any:
        raise AssertionError("the WebP decoder was set up")

    monkeypatch.setattr(Image, "open", must_not)
    with pytest.raises(ImageTooLargeError, match=f"{side:,}×{side:,} pixels"):
        load(webp_header(side, side, kind))


def test_real_webp_sizes_are_read_right() -> None:
    rgba = Image.new("RGBA", (37, 23), (1, 2, 3, 128))
    for content in (
        encode(rgba, "WEBP"),
        encode(rgba, "WEBP", lossless=True),
        encode(rgba.convert("RGB"), "WEBP"),
    ):
        assert loading._webp_size(content) == (37, 23)


def test_limits() -> None:
    assert load(PICTURE, max_pixels=1200, max_side=40).shape == (30, 40, 3)
    for source in (PNG, PICTURE, Image.fromarray(PICTURE)):
        with pytest.raises(
            ImageTooLargeError, match=r"40×30 pixels .*over the limit of 1,199 pixels.*max_pixels"
        ):
            load(source, max_pixels=1199)
        with pytest.raises(ImageTooLargeError, match="a side may have 39 at most"):
            load(source, max_side=39)


def test_the_limit_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    for source in (PNG, path, str(path), upload_7(), upload_8()):
        assert load(source, max_bytes=len(PNG)).shape == (30, 40, 3)
        with pytest.raises(ImageTooLargeError, match=r"over the limit of.*max_bytes"):
            load(source, max_bytes=len(PNG) - 1)


def test_the_limit_of_bytes_holds_for_open_files() -> None:
    file = io.BytesIO(PNG)
    assert load(file, max_bytes=len(PNG)).shape == (30, 40, 3)
    with pytest.raises(ImageFormatError, match=r"read to its end already\. Call its seek\(0\)"):
        load(file)
    file.seek(0)
    with pytest.raises(ImageTooLargeError, match="over the limit of"):
        load(file, max_bytes=len(PNG) - 1)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate(100 * 2**30)  # sparse: it takes no room on the disk
    with pytest.raises(ImageTooLargeError, match=r"huge\.tif has 102,400\.0 MiB"):
        load(path)


@pytest.mark.parametrize(
    "limits", [{"max_pixels": 0}, {"max_side": -1}, {"max_bytes": True}, {"max_pixels": 1.5}]
)
def test_limits_that_are_none(limits: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="whole number of 1 or more"):
        load(PNG, **limits)
