"""The one table of file formats: those that are read, and those that get a helpful refusal.

A new format is one more entry in `READ`. The suffixes that the command line looks for in a folder,
what the upload button offers and the sentence that lists the formats are made from it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ACCEPT",
    "FIX",
    "FORMATS",
    "OTHER_SUFFIXES",
    "RAW",
    "READ",
    "REFUSED",
    "SUFFIXES",
    "ImageFormat",
    "detect",
]

HEAD_BYTES: Final = 4096
"""How many of a file's first bytes are looked at."""

Matcher = Callable[[bytes], bool]
"""Says whether the first bytes of a file (`HEAD_BYTES` at most) are those of a format."""

Size = tuple[int, int]


@dataclass(frozen=True)
class ImageFormat:
    """One format of files.

    Args:
        name: as people write it, such as "WebP".
        matches: whether the first bytes of a file are of this format.
        pillow: Pillow's name of the format. "": it is not read.
        suffixes: of the files' names, with the dot and in small letters. Only of formats that are
            read.
        refusal: what a file of a format that is not read is, and what to do about it. It goes on
            after "photo.heic is ".
        declared_size: reads (width, height) from the first bytes, or None if they don't say. Only
            for a format whose decoder takes memory for the declared size before its limit can be
            checked.
    """

    name: str
    matches: Matcher
    pillow: str = ""
    suffixes: tuple[str, ...] = ()
    refusal: str = ""
    declared_size: Callable[[bytes], Size | None] | None = None


# ── how formats are recognised ────────────────────────────────────────────────────────────────────


def _starts(*signatures: bytes) -> Matcher:
    return lambda head: head.startswith(signatures)


def _holds(*parts: tuple[int, bytes]) -> Matcher:
    """Match when every text stands at its offset."""
    return lambda head: all(head[at : at + len(text)] == text for at, text in parts)


def _brands(*known: bytes) -> Matcher:
    """Match an ISO media file (HEIF, MP4) of one of these brands, as its first box names them."""

    def matches(head: bytes) -> bool:
        if head[4:8] != b"ftyp":
            return False
        end = min(int.from_bytes(head[:4]), 256)
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
        return not brands.isdisjoint(known)

    return matches


def _text(head: bytes) -> str | None:
    """The bytes as text, or None if they are not text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    try:
        # An incremental decoder lets the last character be cut in two.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return None
    control = any(character < " " and character not in "\t\r\n\f\x1b" for character in text)
    return None if control else text


def _is_text(head: bytes) -> bool:
    return _text(head) is not None


def _markup(head: bytes) -> str:
    return (_text(head) or "").lstrip("\ufeff \t\r\n").lower()


def _is_svg(head: bytes) -> bool:
    return "<svg" in _markup(head)[:1024]


def _is_web_page(head: bytes) -> bool:
    markup = _markup(head)
    begins = markup.startswith(("<!doctype html", "<html", "<head", "<body"))
    return begins or "<html" in markup[:1024]


def _webp_size(head: bytes) -> Size | None:
    # https://developers.google.com/speed/webp/docs/riff_container
    kind, body = head[12:16], head[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = (int.from_bytes(body[at : at + 2], "little") for at in (6, 8))
        return width & 0x3FFF, height & 0x3FFF
    return None


# ── the table ─────────────────────────────────────────────────────────────────────────────────────

_SAVE_AS = "Open it in an image program and save it as a JPEG or PNG."
RAW: Final = (
    "a camera's RAW file, whose preview is not the photograph. Export it as a JPEG or TIFF in the "
    "camera's own program, darktable or Lightroom."
)
"""What a RAW file is, and what to do about it; it goes on after "photo.dng is "."""

_HEIC = (
    "a HEIC image, as iPhones take them, which can't be read. Export it as a JPEG "
    '(on the phone: Settings › Camera › Formats › "Most Compatible").'
)
_VIDEO = "a video. Save one frame as a JPEG or PNG."

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_RAW_STARTS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")


def _is_cr2(head: bytes) -> bool:
    # Canon's CR2 is a TIFF outside, but its first image is a small preview.
    return head.startswith(_TIFF) and head[8:10] == b"CR"


def _is_tiff(head: bytes) -> bool:
    return head.startswith(_TIFF) and not _is_cr2(head)


READ: Final = (
    # An MPO is a JPEG with more images behind it: the first is read.
    ImageFormat("JPEG", _starts(b"\xff\xd8\xff"), "JPEG", (".jpg", ".jpeg", ".jfif")),
    ImageFormat("PNG", _starts(b"\x89PNG\r\n\x1a\n"), "PNG", (".png",)),
    ImageFormat(
        "WebP",
        _holds((0, b"RIFF"), (8, b"WEBP")),
        "WEBP",
        (".webp",),
        declared_size=_webp_size,
    ),
    ImageFormat("BMP", _starts(b"BM"), "BMP", (".bmp",)),
    ImageFormat("TIFF", _is_tiff, "TIFF", (".tif", ".tiff")),
    ImageFormat("GIF", _starts(b"GIF87a", b"GIF89a"), "GIF", (".gif",)),
)
"""The formats that are read."""

FORMATS: Final = tuple(one.pillow for one in READ)
"""The formats that are read, by Pillow's names."""

SUFFIXES: Final = tuple(suffix for one in READ for suffix in one.suffixes)
"""The suffixes of their files, with the dot and in small letters."""

ACCEPT: Final = ",".join(("image/*", *SUFFIXES))
"""What a file dialog offers, as HTML's `accept` says it.

All images are offered, so that one that can't be read gets its message; suffixes help where a
system does not know a format's media type.
"""

OTHER_SUFFIXES: Final = (
    *(".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".svg", ".psd", ".ico"),
    *(".dcm", ".dicom", ".exr", ".hdr", ".jpe", ".jif", ".apng", ".pnm", ".ppm", ".pgm", ".tga"),
    *(".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".pef", ".raf", ".srw"),
    *(".raw", ".czi", ".nd2", ".lif", ".svs", ".fits", ".nii"),
)
"""The suffixes of images that are not read: a person who gives a folder means them, too."""

_NAMES = [one.name for one in READ]
FIX: Final = f"Use a {', '.join(_NAMES[:-1])} or {_NAMES[-1]} file."
"""The sentence that names the formats that are read."""

REFUSED: Final = (
    # What people give by mistake, and what to do about it. The first that matches counts.
    ImageFormat("Canon RAW", _is_cr2, refusal=RAW),
    ImageFormat(
        "PDF",
        _starts(b"%PDF"),
        refusal="a PDF document. Export the page as a PNG, or save the image in it as a JPEG.",
    ),
    ImageFormat("Photoshop", _starts(b"8BPS"), refusal=f"a Photoshop document. {_SAVE_AS}"),
    ImageFormat(
        "JPEG XL",
        _starts(b"\xff\x0a", b"\0\0\0\x0cJXL "),
        refusal=f"a JPEG XL image, which can't be read. {_SAVE_AS}",
    ),
    ImageFormat(
        "JPEG 2000",
        _starts(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
        refusal=f"a JPEG 2000 image, which can't be read. {_SAVE_AS}",
    ),
    ImageFormat("icon", _starts(b"\0\0\1\0"), refusal=f"an icon file. {_SAVE_AS}"),
    ImageFormat("RAW", _starts(*_RAW_STARTS), refusal=RAW),
    ImageFormat(
        "ZIP",
        _starts(b"PK\3\4"),
        refusal="a ZIP archive or an office document. Unpack it and give one image.",
    ),
    ImageFormat(
        "gzip", _starts(b"\x1f\x8b"), refusal="a gzip archive. Unpack it and give one image."
    ),
    ImageFormat(
        "7-Zip",
        _starts(b"7z\xbc\xaf\x27\x1c"),
        refusal="a 7-Zip archive. Unpack it and give one image.",
    ),
    ImageFormat("RAR", _starts(b"Rar!"), refusal="a RAR archive. Unpack it and give one image."),
    ImageFormat(
        "NumPy",
        _starts(b"\x93NUMPY"),
        refusal="a NumPy file. Give the array itself: load(numpy.load(path)).",
    ),
    ImageFormat(
        "MATLAB",
        _starts(b"MATLAB "),
        refusal="a MATLAB file. Read it with scipy.io.loadmat (or h5py, if it is of version 7.3), "
        "and give the array.",
    ),
    ImageFormat(
        "HDF5",
        _starts(b"\x89HDF\r\n\x1a\n"),
        refusal="an HDF5 file. Read it with h5py, and give the array of one image.",
    ),
    ImageFormat(
        "FITS",
        _starts(b"SIMPLE  ="),
        refusal="a FITS file. Read it with astropy.io.fits, and give the array.",
    ),
    ImageFormat(
        "NIfTI",
        _holds((344, b"n+1\0")),
        refusal="a NIfTI volume. Read it with nibabel, and give one slice as an array.",
    ),
    ImageFormat(
        "OpenEXR", _starts(b"v/1\x01"), refusal=f"an OpenEXR image, which can't be read. {_SAVE_AS}"
    ),
    ImageFormat(
        "Radiance",
        _starts(b"#?RADIANCE", b"#?RGBE"),
        refusal=f"a Radiance HDR image, which can't be read. {_SAVE_AS}",
    ),
    ImageFormat("QOI", _starts(b"qoif"), refusal=f"a QOI image, which can't be read. {_SAVE_AS}"),
    ImageFormat(
        "microscope",
        _starts(b"ZISRAWFILE", b"\x70\0\0\0", b"\xda\xce\xbe\x0a"),
        refusal="a microscope's own format (CZI, LIF or ND2). Export the image as a TIFF in its "
        "program or in Fiji.",
    ),
    ImageFormat(
        "PostScript",
        _starts(b"%!PS", b"\xc5\xd0\xd3\xc6"),
        refusal="a PostScript drawing. Export it as a PNG.",
    ),
    ImageFormat(
        "AppleDouble",
        _starts(b"\0\x05\x16\x07"),
        refusal="what macOS notes about a file (AppleDouble), not the image. Use the file whose "
        "name has no ._ at its beginning.",
    ),
    ImageFormat("Matroska", _starts(b"\x1aE\xdf\xa3"), refusal=_VIDEO),
    ImageFormat(
        "Git LFS",
        _starts(b"version https://git-lfs"),
        refusal="a Git LFS pointer, not the image itself. Run: git lfs pull.",
    ),
    ImageFormat(
        "AVIF",
        _brands(b"avif", b"avis"),
        refusal=f"an AVIF image, which can't be read. {_SAVE_AS}",
    ),
    ImageFormat("HEIC", _brands(*_HEIC_BRANDS), refusal=_HEIC),
    ImageFormat("Canon RAW 3", _brands(b"crx "), refusal=RAW),
    ImageFormat("MP4", _holds((4, b"ftyp")), refusal=_VIDEO),
    ImageFormat(
        "RIFF",
        _starts(b"RIFF"),
        refusal="a video or a sound. Save one frame as a JPEG or PNG.",
    ),
    ImageFormat(
        "DICOM",
        _holds((128, b"DICM")),
        refusal="a DICOM file. Read it with pydicom, scale its pixels to 0–1, and give the array.",
    ),
    ImageFormat(
        "SVG", _is_svg, refusal="an SVG drawing, which has no pixels yet. Export it as a PNG."
    ),
    ImageFormat(
        "HTML",
        _is_web_page,
        refusal="a web page, not an image. Open it in a browser, and save the image itself.",
    ),
    ImageFormat("text", _is_text, refusal=f"a text file, not an image. {FIX}"),
)
"""The formats that are not read, but recognised."""


def detect(content: bytes) -> ImageFormat | None:
    """Find the format of a file by its first bytes; its name does not count.

    Args:
        content: the file's bytes, or its first `HEAD_BYTES`.

    Returns:
        The first format of `READ`, then of `REFUSED`, that matches; None if none does.
    """
    head = content[:HEAD_BYTES]
    return next((one for one in (*READ, *REFUSED) if one.matches(head)), None)
