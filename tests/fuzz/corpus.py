"""Images to begin with: Pillow's own test images, and one of ours in each format."""

from __future__ import annotations

import io
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

__all__ = ["ROOT", "fetch_pillows", "made_images", "pillows_images"]

ROOT: Final = Path(__file__).parents[2]
_CACHE: Final = ROOT / ".cache" / "fuzz"
_PARTS: Final = ("jpg", "jpeg", "png", "apng", "webp", "bmp", "tif", "tiff", "gif", "mpo", "raw")
_MAX_BYTES: Final = 2_000_000


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
