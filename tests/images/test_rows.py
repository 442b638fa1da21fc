"""Bands of rows, and what they are for: the memory that an image takes while it is opened."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seg_widgets.images.rows import ArrayRows, empty_turned, kept

from .tiffs import tiff

MOST_MB: Final = 400
"""What opening an image of 50 megapixels may take beside the process itself; its result alone takes
150 MB."""

WIDTH, HEIGHT = 10_000, 5_000

# The peak of a process never falls, so a process of its own measures each image.
MEASURE = """
import re, sys, warnings
from pathlib import Path
from seg_widgets.images import load
from seg_widgets.testing import make_jpeg

def peak_mb():
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024 / 1e6

warnings.simplefilter("ignore")
load(make_jpeg(40, 30))
content = Path(sys.argv[1]).read_bytes()
before = peak_mb()
pixels = load(content, max_bytes=10**9)
print(*pixels.shape, peak_mb() - before, pixels[::997, ::997].mean())
"""


@pytest.mark.parametrize("turn", [None, *Image.Transpose])
def test_what_is_written_as_it_lies_is_turned(turn: Image.Transpose | None) -> None:
    lies = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    image = Image.fromarray(lies)
    turned, view = empty_turned(4, 5, turn)
    view[:] = lies
    wanted = image if turn is None else image.transpose(turn)
    np.testing.assert_array_equal(turned, np.asarray(wanted))
    assert turned.flags.c_contiguous and turned.flags.owndata


def test_bands_are_all_rows_in_the_machines_byte_order() -> None:
    values = np.arange(3000 * 1000, dtype=">u2").reshape(3000, 1000, 1)
    rows = ArrayRows(values)
    bands = list(rows.bands())
    assert len(bands) == 2
    assert rows.dtype == bands[0][1].dtype == np.dtype("=u2")
    np.testing.assert_array_equal(np.concatenate([band for _, band in bands]), values)
    assert kept(rows, 5_999_999) is rows
    [(_, first), *_] = kept(rows, 6_000_000).bands()
    np.testing.assert_array_equal(first, bands[0][1])


# ── memory ────────────────────────────────────────────────────────────────────────────────────────


def _grey(dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[Any]:
    return np.repeat(np.arange(HEIGHT) % 256, WIDTH).astype(dtype).reshape(HEIGHT, WIDTH)


def _pillow(mode: str, kind: str, **options: Any) -> bytes:
    image = Image.fromarray(_grey())
    if mode == "P+clear":
        image, options = image.convert("P"), {**options, "transparency": 3}
    elif mode == "I;16":
        image = Image.fromarray(_grey(np.uint16))
    elif mode != "L":
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _turned(mode: str, kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _pillow(mode, kind, exif=exif)


def _animation() -> bytes:
    frames = [Image.fromarray(_grey()).convert("RGB"), Image.new("RGB", (WIDTH, HEIGHT), "red")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], quality=10, method=0)
    return buffer.getvalue()


def _deflated(values: npt.NDArray[Any], rows: int = 16) -> bytes:
    """A TIFF of strips, of which each is compressed."""
    strips = [
        zlib.compress(values[start : start + rows].tobytes(), 1) for start in range(0, HEIGHT, rows)
    ]
    kinds = {"u": 1, "i": 2, "f": 3}
    channels = 1 if values.ndim == 2 else values.shape[2]
    offsets = np.cumsum([8, *map(len, strips)])[:-1].tolist()
    return tiff(
        np.frombuffer(b"".join(strips), np.uint8),
        2 if channels == 3 else 1,
        size=(WIDTH, HEIGHT),
        bits=values.dtype.itemsize * 8,
        entries={
            258: (3, [values.dtype.itemsize * 8] * channels),
            259: (3, [8]),
            273: (4, offsets),
            277: (3, [channels]),
            278: (4, [rows]),
            279: (4, [len(strip) for strip in strips]),
            339: (3, [kinds[values.dtype.kind]] * channels),
        },
    )


def _rgb(dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.repeat(_grey(dtype)[..., None], 3, axis=2)


def _deep_png(channels: int) -> bytes:
    import cv2

    values = np.repeat(_grey(np.uint16)[..., None] * np.uint16(200), channels, axis=2)
    done, data = cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


CASES: dict[str, Callable[[], bytes]] = {
    **{
        f"png {mode}": lambda mode=mode: _pillow(mode, "PNG", compress_level=1)  # type: ignore[misc]
        for mode in ("1", "L", "LA", "P", "P+clear", "RGB", "RGBA", "I;16")
    },
    "png rgb of 16 bits": lambda: _deep_png(3),
    "png rgba of 16 bits": lambda: _deep_png(4),
    "png turned": lambda: _turned("RGB", "PNG"),
    **{
        f"jpeg {mode}": lambda mode=mode: _pillow(mode, "JPEG")  # type: ignore[misc]
        for mode in ("L", "RGB", "CMYK")
    },
    "jpeg progressive": lambda: _pillow("RGB", "JPEG", progressive=True),
    "jpeg turned": lambda: _turned("RGB", "JPEG"),
    "webp lossy": lambda: _pillow("RGB", "WEBP", quality=10, method=0),
    "webp lossy rgba": lambda: _pillow("RGBA", "WEBP", quality=10, method=0),
    "webp lossless": lambda: _pillow("RGB", "WEBP", lossless=True, quality=25, method=1),
    "webp animation": _animation,
    "gif": lambda: _pillow("P", "GIF"),
    "bmp": lambda: _pillow("RGB", "BMP"),
    **{
        f"tiff {mode}": lambda mode=mode: _pillow(mode, "TIFF", compression="tiff_lzw")  # type: ignore[misc]
        for mode in ("1", "L", "RGB", "RGBA", "CMYK")
    },
    "tiff turned": lambda: _turned("RGB", "TIFF"),
    "tiff float32": lambda: _deflated(_grey(np.float32) / np.float32(300)),
    "tiff float64": lambda: _deflated(_grey(np.float64)),
    "tiff uint32": lambda: _deflated(_grey(np.uint32)),
    "tiff rgb of float32": lambda: _deflated(_rgb(np.float32)),
    "tiff rgb of 16 bits": lambda: _deflated(_rgb(np.uint16)),
    "tiff float32, one strip": lambda: tiff(_grey(np.float32)),
}


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc elsewhere")
@pytest.mark.parametrize("case", CASES)
def test_the_peak_of_memory_is_bounded(case: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(CASES[case]())
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    height, width, channels, peak_mb, mean = (float(word) for word in done.stdout.split())
    assert sorted((height, width)) == [HEIGHT, WIDTH]
    assert channels == 3
    assert 1 < mean < 254
    assert 150 <= peak_mb <= MOST_MB
