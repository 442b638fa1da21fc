"""The one decoder: whatever holds an image becomes an upright RGB array, or a message that says why
not."""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import (
    ImageDamagedError,
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    SettingError,
)
from ..net import Fetched, fetch

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "RGBArray",
    "Upload",
    "load",
    "uploads",
]

RGBArray = npt.NDArray[np.uint8]

MAX_PIXELS: Final = 50_000_000
MAX_SIDE: Final = 10_000
MAX_BYTES: Final = 25 * 1024 * 1024

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
"""The formats that are read, by Pillow's names. An MPO is a JPEG with more images behind it: the
first is read."""

_FIX = "Use a JPEG, PNG, WebP, BMP, TIFF or GIF file."

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Upload:
    """One uploaded file: its name, and its bytes."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class _Limits:
    """How much is read; each in the unit of its name."""

    max_pixels: int
    max_side: int
    max_bytes: int

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_side", "max_bytes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise SettingError(f"{name} is a whole number of 1 or more, not {value!r}.")

    def check_bytes(self, count: int, name: str) -> None:
        if count > self.max_bytes:
            raise ImageTooLargeError(
                f"{name} has {_megabytes(count)}, over the limit of {_megabytes(self.max_bytes)}. "
                "Save it smaller or as a JPEG, or raise max_bytes."
            )

    def check_size(self, width: int, height: int, name: str) -> None:
        if width < 1 or height < 1:
            raise ImageDamagedError(f"{name} has no pixels: its size is {width}×{height}.")
        if max(width, height) > self.max_side:
            raise ImageTooLargeError(
                f"{name} is {width:,}×{height:,} pixels, and a side may have {self.max_side:,} at most. "
                "Scale it down or cut it into tiles, or raise max_side."
            )
        if width * height > self.max_pixels:
            raise ImageTooLargeError(
                f"{name} is {width:,}×{height:,} pixels ({_megapixels(width * height)}), over the limit of "
                f"{_megapixels(self.max_pixels)}. Scale it down, or raise max_pixels."
            )


def load(
    source: object,
    *,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
    max_bytes: int = MAX_BYTES,
    name: str | None = None,
    allow_local: bool = False,
) -> RGBArray:
    """Turn whatever holds an image into an upright RGB array.

    `source`: a path (`str` or `Path`); a text that starts with http:// or https://; the bytes of a
    file (`bytes`, `bytearray`, `memoryview`); an open binary file; a PIL image; the value of an
    ipywidgets `FileUpload` that holds one file, or one item of it (ipywidgets 7 and 8 alike); or an
    array, H×W, H×W×1, H×W×3 (RGB, not BGR) or H×W×4 (RGBA), of uint8, of uint16 over its full
    range, of booleans, or of floats from 0 to 1.

    Returns an H×W×3 uint8 array of its own: RGB, C-contiguous, writable, turned as its EXIF
    orientation says. Of an animation it is the first frame; what is transparent becomes white.
    16-bit images are scaled from 0–65535; those of 32 bits or floats from their own darkest to
    their brightest value (floats in 0–1: as they are).

    `max_pixels`: width · height; `max_side`: pixels along the longer side; `max_bytes`: of the
    file, before decoding. `name`: how messages call the image; without it, the file's own name.
    `allow_local`: URLs may point to this machine and to private networks.

    Raises an `ImageError` (not found, not an image, damaged, too large), a `FetchError` for a URL,
    and `SettingError` for a limit that is none.
    """
    limits = _Limits(max_pixels, max_side, max_bytes)
    if isinstance(source, str) and re.match(r"\s*[a-zA-Z][a-zA-Z0-9+.-]+://", source):
        fetched = fetch(source.strip(), max_bytes=max_bytes, allow_local=allow_local)
        return _decode(fetched.content, name or _shown(fetched.name), limits)
    if isinstance(source, str) and source.lstrip()[:5].lower() == "data:":
        raise ImageFormatError(
            "A data: address can't be read. Save the image as a file, or give its bytes."
        )
    if isinstance(source, (str, os.PathLike)):
        path = Path(os.fsdecode(source))
        return _decode(_read_path(path, limits, name), name or _shown(path.name), limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = memoryview(source)
        limits.check_bytes(content.nbytes, name or "The image")
        return _decode(content.tobytes(), name or "The image", limits)
    if isinstance(source, (Upload, Fetched)):
        return _decode(source.content, name or _shown(source.name), limits)
    if isinstance(source, Image.Image):
        return _from_pil(source, name, limits)
    if isinstance(source, (Mapping, list, tuple)):
        upload = _only(uploads(source))
        return _decode(upload.content, name or _shown(upload.name), limits)
    if hasattr(source, "__array__"):
        return _from_array(source, name or "The array", limits)
    if hasattr(source, "read"):
        return _from_file(source, name, limits)
    raise ImageFormatError(
        f"An image can't be had from {_a(type(source).__name__)}. Give a path, a URL, bytes, a PIL image, "
        "a NumPy array or an upload."
    )


def uploads(value: object) -> list[Upload]:
    """The files in the value of an ipywidgets `FileUpload`, of version 7 or 8, or in one item of
    it.

    Version 7 gives a dict by file name, of dicts with `metadata` and `content`; version 8 a tuple
    of dicts with `name`, `type`, `size` and `content` (a memoryview). Nothing uploaded yet: an
    empty list.

    Raises `ImageFormatError` for anything else.
    """
    if isinstance(value, Upload):
        return [value]
    if isinstance(value, Mapping):
        if isinstance(value.get("content"), (bytes, bytearray, memoryview)):
            return [_upload(value, None)]
        return [_upload(item, str(name)) for name, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [item if isinstance(item, Upload) else _upload(item, None) for item in value]
    raise ImageFormatError(
        f"The value of a FileUpload is a dict or a tuple of dicts, not {_a(type(value).__name__)}."
    )


def _upload(item: object, name: str | None) -> Upload:
    content = item.get("content") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(content, (bytes, bytearray, memoryview)):
        raise ImageFormatError(
            f"{_shown(name) if name else 'An item'} has no content in bytes, so it is no upload of a FileUpload. "
            "Give the widget's value, or one item of it; for a list of images load them one by one."
        )
    metadata = item.get("metadata")
    if name is None:
        name = (
            item.get("name")
            or (metadata.get("name") if isinstance(metadata, Mapping) else None)
            or "The upload"
        )
    return Upload(str(name), bytes(content))


def _only(files: list[Upload]) -> Upload:
    if not files:
        raise ImageError("No file was uploaded yet. Choose one first.")
    if len(files) > 1:
        raise ImageError(
            f"{len(files)} files were uploaded, and one image is loaded at a time: "
            "use [load(file) for file in uploads(value)]."
        )
    return files[0]


# ── reading bytes ─────────────────────────────────────────────────────────────────────────────────


def _read_path(path: Path, limits: _Limits, name: str | None) -> bytes:
    shown = name or _shown(path.name or str(path))
    try:
        path = path.expanduser()
        information = path.stat()
        if stat.S_ISDIR(information.st_mode):
            raise ImageFormatError(
                f"{shown} is a folder. Give an image in it, such as {path / 'photo.jpg'}."
            )
        # A pipe or a device could block for ever, or never end.
        if not stat.S_ISREG(information.st_mode):
            raise ImageFormatError(f"{shown} is not an ordinary file. {_FIX}")
        limits.check_bytes(information.st_size, shown)
        with path.open("rb") as file:
            content = file.read(limits.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ImageNotFoundError(
            f"There is no file {str(path)!r}. Check the name; the current folder is {str(Path.cwd())!r}."
        ) from None
    except (ValueError, RuntimeError) as error:  # a NUL in the name; a ~user that is not here
        if isinstance(error, SettingError):
            raise
        raise ImageNotFoundError(f"{str(path)!r} can't be the name of a file: {error}.") from None
    except PermissionError:
        raise ImageError(
            f"{shown} may not be read. Give yourself the right to read {str(path)!r}."
        ) from None
    except OSError as error:
        raise ImageError(f"{shown} can't be read: {error.strerror or error}.") from None
    limits.check_bytes(len(content), shown)
    return content


def _from_file(file: Any, name: str | None, limits: _Limits) -> RGBArray:
    own_name = getattr(file, "name", None)
    shown = name or (_shown(Path(own_name).name) if isinstance(own_name, str) else "The file")
    try:
        content = file.read(limits.max_bytes + 1)
    except UnicodeDecodeError:
        content = ""
    except (OSError, ValueError) as error:  # closed, or not open for reading
        raise ImageError(f"{shown} can't be read: {error}.") from None
    if isinstance(content, str):
        raise ImageFormatError(f'{shown} is open as text. Open it with mode "rb".')
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise ImageFormatError(f"{shown} gives {_a(type(content).__name__)} when read, not bytes.")
    if not content and _is_read(file):
        raise ImageFormatError(
            f"{shown} has been read to its end already. Call its seek(0) before."
        )
    return _decode(bytes(content), shown, limits)


def _is_read(file: Any) -> bool:
    try:
        return bool(file.tell() > 0)
    except (AttributeError, OSError, ValueError):
        return False


# ── what it is ────────────────────────────────────────────────────────────────────────────────────


def _format_of(content: bytes) -> str | None:
    """Which of `FORMATS` the first bytes announce."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        # Canon's CR2 is a TIFF outside, but its first image is a small preview.
        return None if content[8:10] == b"CR" else "TIFF"
    if content.startswith(b"BM"):
        return "BMP"
    return None


_SAVE_AS = "Open it in an image program and save it as a JPEG or PNG."
_RAW = f"a camera's RAW file. {_SAVE_AS}"

# What people give by mistake, by its first bytes, and what to do about it.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document. Export the page as a PNG, or save the image in it as a JPEG."),
    (b"8BPS", f"a Photoshop document. {_SAVE_AS}"),
    (b"\xff\x0a", f"a JPEG XL image, which can't be read. {_SAVE_AS}"),
    (b"\0\0\0\x0cJXL ", f"a JPEG XL image, which can't be read. {_SAVE_AS}"),
    (b"\0\0\0\x0cjP  ", f"a JPEG 2000 image, which can't be read. {_SAVE_AS}"),
    (b"\0\0\1\0", f"an icon file. {_SAVE_AS}"),
    (b"II*\0", _RAW),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"MMOR", _RAW),
    (b"IIU\0", _RAW),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"FOVb", _RAW),
    (b"\0MRM", _RAW),
    (b"PK\3\4", "a ZIP archive or an office document. Unpack it and give one image."),
    (b"\x1f\x8b", "a gzip archive. Unpack it and give one image."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive. Unpack it and give one image."),
    (b"Rar!", "a RAR archive. Unpack it and give one image."),
    (b"\x93NUMPY", "a NumPy file. Give the array itself: load(numpy.load(path))."),
    (b"\x1aE\xdf\xa3", "a video. Save one frame as a JPEG or PNG."),
    (b"version https://git-lfs", "a Git LFS pointer, not the image itself. Run: git lfs pull."),
)

_BRANDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"avif", b"avis"), f"an AVIF image, which can't be read. {_SAVE_AS}"),
    (
        (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"),
        "a HEIC image, as iPhones take them, which can't be read. Export it as a JPEG "
        '(on the phone: Settings › Camera › Formats › "Most Compatible").',
    ),
    ((b"crx ",), _RAW),
)


def _other_kind(content: bytes) -> str:
    """What bytes that are none of `FORMATS` seem to be, and what to do about it."""
    head = content[:4096]
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"ftyp":
        brands = (
            head[8:12],
            *(head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4]), 256), 4)),
        )
        for known, kind in _BRANDS:
            if any(brand in known for brand in brands):
                return kind
        return "a video. Save one frame as a JPEG or PNG."
    if head[:4] == b"RIFF":
        return "a video or a sound. Save one frame as a JPEG or PNG."
    if head[128:132] == b"DICM":
        return "a DICOM file. Read it with pydicom, scale its pixels to 0–1, and give the array."
    text = _text(head)
    if text is None:
        return f"not an image of a kind that can be read. {_FIX}"
    start = text.lstrip("\ufeff \t\r\n").lower()
    if "<svg" in start[:1024]:
        return "an SVG drawing, which has no pixels yet. Export it as a PNG."
    if start.startswith(("<!doctype html", "<html", "<head", "<body")) or "<html" in start[:1024]:
        return "a web page, not an image. Open it in a browser, and save the image itself."
    return f"a text file, not an image. {_FIX}"


def _text(head: bytes) -> str | None:
    """`head` as text, or None if it is not text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    try:
        # An incremental decoder lets the last character be cut in two.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return None
    control = sum(character < " " and character not in "\t\r\n\f\x1b" for character in text)
    return text if control == 0 else None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) that a WebP file declares; Pillow would set up a decoder of that size before
    it tells."""
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(
            body[8:10], "little"
        ) & 0x3FFF
    return None


# ── decoding ──────────────────────────────────────────────────────────────────────────────────────


def _decode(content: bytes, name: str, limits: _Limits) -> RGBArray:
    if not content:
        raise ImageFormatError(
            f"{name} is empty (0 bytes). Its copy or download may have failed: get it once more."
        )
    limits.check_bytes(len(content), name)
    kind = _format_of(content)
    if kind is None:
        raise ImageFormatError(f"{name} is {_other_kind(content)}")
    size = _webp_size(content) if kind == "WEBP" else None
    if size is not None:
        limits.check_size(*size, name)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of many pixels; the limits here are ours, and the
            # image counts.
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
            with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
                limits.check_size(*picture.size, name)
                return _to_rgb(picture, name)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        declared = re.search(r"\d+", str(error))
        size_text = (
            f"declares {_megapixels(int(declared[0]))}" if declared else "declares too many pixels"
        )
        raise ImageTooLargeError(
            f"{name} {size_text}, over the limit of {_megapixels(limits.max_pixels)}. Scale it down."
        ) from None
    except MemoryError:
        raise ImageTooLargeError(
            f"There is not enough memory to open {name}. Scale it down."
        ) from None
    except Exception as error:  # a broken file makes Pillow's parsers raise nearly anything: this is their one way out
        raise ImageDamagedError(
            f"{name} begins like a {kind} file, but is damaged, cut short or of an unusual kind ({_reason(error)}). "
            "Copy or download it once more, or save it anew as a PNG."
        ) from None


def _from_pil(picture: Image.Image, name: str | None, limits: _Limits) -> RGBArray:
    filename = getattr(picture, "filename", None)
    shown = name or (
        _shown(Path(filename).name) if isinstance(filename, str) and filename else "The PIL image"
    )
    limits.check_size(*picture.size, shown)
    try:
        return _to_rgb(picture, shown)
    except ImageError:
        raise
    except MemoryError:
        raise ImageTooLargeError(
            f"There is not enough memory to open {shown}. Scale it down."
        ) from None
    except Exception as error:  # a PIL image decodes its file only now: see _decode
        raise ImageDamagedError(
            f"{shown} is damaged, cut short or already closed ({_reason(error)}). Open it once more."
        ) from None


def _to_rgb(picture: Image.Image, name: str) -> RGBArray:
    picture.load()
    # The TIFF reader turns an image upright while loading, and then removes the tag: so this comes
    # after.
    turn = _UPRIGHT.get(_orientation(picture))
    if picture.mode.startswith("I;16"):
        gray = np.asarray(picture if picture.mode == "I;16" else picture.convert("I")).astype(
            np.uint16
        )
        picture = Image.fromarray(_scale_uint16(gray))
    elif picture.mode in ("I", "F"):
        picture = Image.fromarray(_stretch(np.asarray(picture), name))
    elif picture.mode == "LAB":
        raise ImageFormatError(f"{name} is in LAB colour, which can't be read. Save it as RGB.")
    elif picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = _on_white(picture)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    if turn is not None:
        picture = picture.transpose(turn)
    return np.array(picture, np.uint8)


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # broken metadata on a good image: it is shown as it lies
        return 1


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("La", "RGBa"):
        picture = picture.convert(picture.mode.upper())
    elif picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        return picture.convert("RGB")
    transparent = picture.convert("RGBA")
    white = Image.new("RGB", picture.size, "white")
    white.paste(transparent, mask=transparent.getchannel("A"))
    return white


def _scale_uint16(values: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    # 65535 = 257 · 255, so this is the nearest 8-bit value.
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _stretch(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """32-bit integers or floats as 8 bits, their darkest value black and their brightest white."""
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageFormatError(
            f"{name} holds NaN or infinite values. Replace them before, for example by 0."
        )
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low == high:
        low, high = min(low, 0.0), max(high, 0.0)
    return cast(
        npt.NDArray[np.uint8], np.rint((values - low) * (255 / (high - low))).astype(np.uint8)
    )


# ── arrays ────────────────────────────────────────────────────────────────────────────────────────


def _from_array(source: object, name: str, limits: _Limits) -> RGBArray:
    try:
        array = np.asarray(source)
    except (
        Exception
    ) as error:  # a tensor on a GPU, or whatever else another library's __array__ refuses
        raise ImageFormatError(f"{name} can't be read as a NumPy array: {error}") from None
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageFormatError(_shape_message(array, name))
    limits.check_size(array.shape[1], array.shape[0], name)
    values = _to_uint8(array, name).reshape(*array.shape[:2], channels)
    if channels == 4:
        alpha = values[..., 3:].astype(np.uint16)
        values = ((values[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if channels == 1:
        values = np.repeat(values, 3, axis=2)
    return np.array(values, np.uint8, order="C")


def _shape_message(array: npt.NDArray[Any], name: str) -> str:
    message = (
        f"{name} has the shape {array.shape}, but an image is H×W, H×W×3 (RGB) or H×W×4 (RGBA)."
    )
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return f"{message} If its channels come first, give array.transpose(1, 2, 0)."
    if array.ndim == 4:
        return f"{message} If it is a batch, give one image of it, such as array[0]."
    return message


def _to_uint8(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _scale_uint16(array)
    if array.dtype.kind == "f":
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
        if np.isnan(low) or np.isnan(high):
            raise ImageFormatError(
                f"{name} holds NaN. Replace it before, for example by numpy.nan_to_num."
            )
        if low < 0 or high > 1:
            fix = (
                "array.astype(numpy.uint8)"
                if low >= 0 and high <= 255
                else "(array - low) / (high - low)"
            )
            raise ImageFormatError(
                f"{name} of floats has values from {low:g} to {high:g}, but 0 to 1 is read. Give {fix}."
            )
        return cast(npt.NDArray[np.uint8], np.rint(array * 255).astype(np.uint8))
    if array.dtype.kind in "iu":
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        fix = (
            "numpy.uint8"
            if low >= 0 and high <= 255
            else "numpy.uint16 after scaling it to 0–65535"
        )
        raise ImageFormatError(
            f"{name} is of {array.dtype}, whose full range says nothing about black and white; its values go from "
            f"{low} to {high}. Give it as {fix}."
        )
    raise ImageFormatError(
        f"{name} is of {array.dtype}, but uint8, uint16, bool or floats from 0 to 1 are read."
    )


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def _shown(name: str) -> str:
    """A file's name as it can stand in a message: on one line, and not longer than one."""
    clean = "".join(character if character.isprintable() else "�" for character in name)
    return clean if len(clean) <= 80 else f"{clean[:50]}…{clean[-25:]}"


def _reason(error: Exception) -> str:
    text = _shown(str(error).strip().splitlines()[0]) if str(error).strip() else ""
    # Pillow's own words for a file it can't make out name a buffer in memory, which tells a person
    # nothing.
    return text.rstrip(".") if text and "0x" not in text else "its header makes no sense"


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _megabytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count:,} bytes"


def _megapixels(count: int) -> str:
    return f"{count / 1e6:,.1f} megapixels" if count >= 100_000 else f"{count:,} pixels"
