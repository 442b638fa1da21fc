"""Images to begin with: those that Pillow and gdk-pixbuf test themselves with, one of ours in each
format, and some of 49 megapixels: `python -m tests.fuzz.corpus FOLDER` writes the last."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import PIL
from PIL import Image

from seg_widgets.testing import make_picture

__all__ = [
    "ROOT",
    "fetch_gdk_pixbufs",
    "fetch_pillows",
    "gdk_pixbufs_images",
    "large_images",
    "made_images",
    "pillows_images",
]

ROOT: Final = Path(__file__).parents[2]
_CACHE: Final = ROOT / ".cache" / "fuzz"
_PARTS: Final = ("jpg", "jpeg", "png", "apng", "webp", "bmp", "tif", "tiff", "gif", "mpo", "raw")
_MAX_BYTES: Final = 2_000_000
_TEXTS: Final = (".conf", ".xmp", ".icc", ".rgba", "")


def fetch_pillows(timeout_s: float = 180) -> int:
    """Fetch the source archive of the Pillow that is installed, unless it is in the cache.

    pip does it, from the index that it is set to. Without a network there are only our own images.

    Returns:
        How many images there are.
    """
    folder = _CACHE / f"pillow-{PIL.__version__}"
    if not folder.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"),
            *(str(_CACHE), "--no-binary", "pillow", f"pillow=={PIL.__version__}"),
        ]
        try:
            subprocess.run(command, check=True, timeout=timeout_s, capture_output=True)
            _unpack(next(_CACHE.glob("pillow-*.tar.gz")), folder)
        except (OSError, subprocess.SubprocessError, StopIteration, tarfile.TarError) as error:
            print(f"Pillow's own images can't be fetched ({type(error).__name__}); without them.")
    return len(pillows_images())


def pillows_images() -> list[Path]:
    """Pillow's images that are in the cache, in order."""
    return sorted((_CACHE / f"pillow-{PIL.__version__}").glob("*"))


def fetch_gdk_pixbufs(timeout_s: float = 60) -> int:
    """Fetch Debian's package of gdk-pixbuf's test images, unless it is in the cache.

    apt does it, where there is one.

    Returns:
        How many images there are.
    """
    folder = _CACHE / "gdk-pixbuf"
    if not folder.is_dir() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        _CACHE.mkdir(parents=True, exist_ok=True)
        part = folder.with_suffix(".part")
        try:
            _call("apt-get", "--quiet", "download", "gdk-pixbuf-tests", timeout_s=timeout_s)
            package = next(_CACHE.glob("gdk-pixbuf-tests_*.deb"))
            _call("dpkg-deb", "--extract", str(package), str(part), timeout_s=timeout_s)
            part.rename(folder)
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            print(f"gdk-pixbuf's images can't be fetched ({type(error).__name__}); without them.")
    return len(gdk_pixbufs_images())


def _call(*command: str, timeout_s: float) -> None:
    subprocess.run(command, cwd=_CACHE, check=True, timeout=timeout_s, capture_output=True)


def gdk_pixbufs_images() -> list[Path]:
    """gdk-pixbuf's images that are in the cache, in order; those of other formats too."""
    folder = _CACHE / "gdk-pixbuf"
    files = [path for path in folder.rglob("*") if "test-images" in path.parts and path.is_file()]
    return sorted(path for path in files if path.suffix not in _TEXTS)


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the images of formats that are read, under names of their own."""
    part = folder.with_suffix(".part")
    part.mkdir(exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, name = member.name.partition("/Tests/images/")
            is_wanted = name.rpartition(".")[2].lower() in _PARTS or name.startswith(
                ("crash-", "timeout-", "oom-", "decompression")
            )
            file = tar.extractfile(member) if name and is_wanted and member.isfile() else None
            if file is not None and member.size <= _MAX_BYTES:
                (part / name.replace("/", "_")).write_bytes(file.read())
    part.rename(folder)


def made_images() -> list[bytes]:
    """An image in each format and mode that is read."""
    return list(_made())


def _made() -> Iterator[bytes]:
    picture = Image.fromarray(make_picture(48, 40))
    grey16 = Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50)
    floats = Image.fromarray(np.linspace(0, 1, 1200, dtype=np.float32).reshape(30, 40))
    for mode in ("RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "YCbCr"):
        image = picture.convert(mode)
        for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"):
            yield from _encoded(image, kind)
    yield from _encoded(picture, "JPEG", progressive=True)
    yield from _encoded(picture, "PNG", interlace=True)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"):
        image = picture.convert("1") if compression == "group4" else picture
        yield from _encoded(image, "TIFF", compression=compression)
    for kind in ("PNG", "TIFF"):
        yield from _encoded(grey16, kind)
    yield from _encoded(floats, "TIFF")
    frames = [picture.rotate(angle) for angle in (10, 20)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        yield from _encoded(picture, kind, save_all=True, append_images=frames)


def _encoded(image: Image.Image, kind: str, **options: object) -> Iterator[bytes]:
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **options)
    except (OSError, ValueError):
        return  # the format has no such mode
    yield buffer.getvalue()


def large_images(folder: Path) -> list[bytes]:
    """Images of 49 megapixels, in each format and in modes that take much memory.

    Another process makes them, so that what it takes for that is not this one's peak.
    """
    command = [sys.executable, "-m", "tests.fuzz.corpus", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=180)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def _write_large(folder: Path) -> None:
    side = 7000
    ramp = np.linspace(0, 255, side, dtype=np.float32)
    grey = np.add.outer(ramp, ramp) / 2
    picture = Image.fromarray(grey.astype(np.uint8))
    deep = Image.fromarray((grey * 257).astype(np.uint16))
    floats = Image.fromarray(grey)
    colour = Image.merge("RGB", (picture, picture.transpose(Image.Transpose.ROTATE_90), picture))
    kinds: list[tuple[Image.Image, str, dict[str, object]]] = [
        (colour, "JPEG", {}),
        (colour, "JPEG", {"progressive": True}),
        (colour.convert("CMYK"), "JPEG", {}),
        (picture, "PNG", {"compress_level": 1}),
        (colour.convert("RGBA"), "PNG", {"compress_level": 1}),
        (deep, "PNG", {"compress_level": 1}),
        (colour, "WEBP", {"method": 0, "quality": 50}),
        (picture, "GIF", {}),
        (colour, "TIFF", {"compression": "tiff_deflate"}),
        (deep, "TIFF", {"compression": "tiff_deflate"}),
        (floats, "TIFF", {"compression": "tiff_deflate"}),
    ]
    for number, (image, kind, options) in enumerate(kinds):
        image.save(folder / f"{number:02}.{kind.lower()}", kind, **options)


if __name__ == "__main__":
    _write_large(Path(sys.argv[1]))
