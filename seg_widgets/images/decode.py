"""Files and PIL images as upright RGB arrays; the only place where Pillow opens anything."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from ..errors import ImageDamagedError, ImageError, ImageFormatError, ImageTooLargeError
from .arrays import RGBArray, scale_uint16, stretch
from .formats import FIX, ImageFormat, detect
from .limits import Limits, megapixels
from .names import printable

__all__ = ["decode_bytes", "decode_pil"]

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

_PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


def decode_bytes(content: bytes, name: str, limits: Limits) -> RGBArray:
    """Decode the bytes of a file.

    Args:
        content: the whole file.
        name: what messages call the image.
        limits: how large it may be. They are checked before the pixels are decoded.

    Returns:
        An H×W×3 uint8 array: RGB, upright, on white.

    Raises:
        ImageFormatError: it is empty, or of no format that is read.
        ImageTooLargeError: it is over a limit, or memory is short.
        ImageDamagedError: its format is right, but it can't be decoded.
    """
    if not content:
        raise ImageFormatError(
            f"{name} is empty (0 bytes). Its copy or download may have failed: get it once more."
        )
    limits.check_bytes(len(content), name)

    found = _readable_format(content, name)
    # Pillow sets up a WebP decoder of the declared size before it says what that size is.
    declared = found.declared_size(content) if found.declared_size else None
    if declared is not None:
        limits.check_size(*declared, name)

    with (
        _pillow_errors(name, limits, f"begins like a {found.pillow} file, but is"),
        Image.open(io.BytesIO(content), formats=(found.pillow,)) as image,
    ):
        limits.check_size(*image.size, name)
        return _to_rgb(image, name)


def decode_pil(image: Image.Image, name: str, limits: Limits) -> RGBArray:
    """Decode a PIL image, which stays as it is.

    Args:
        image: of any mode that `load` takes. Its file may be decoded only now.
        name: what messages call the image.
        limits: how large it may be.

    Returns:
        An H×W×3 uint8 array: RGB, upright, on white.

    Raises:
        ImageFormatError: its mode can't be read.
        ImageTooLargeError: it is over a limit, or memory is short.
        ImageDamagedError: its file can't be decoded, or is closed.
    """
    limits.check_size(*image.size, name)
    with _pillow_errors(name, limits, ""):
        return _to_rgb(image, name)


def _readable_format(content: bytes, name: str) -> ImageFormat:
    found = detect(content)
    if found is None:
        raise ImageFormatError(f"{name} is not an image of a kind that can be read. {FIX}")
    if not found.pillow:
        raise ImageFormatError(f"{name} is {found.refusal}")
    return found


# ── what goes wrong inside Pillow ─────────────────────────────────────────────────────────────────


@contextmanager
def _pillow_errors(name: str, limits: Limits, begins: str) -> Iterator[None]:
    """Turn whatever Pillow raises into an error of ours; `begins` is "" for a PIL image."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata and of many pixels; the limits here are ours, and the
            # image counts.
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
            yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"{name} {_declared(error)}, over the limit of {megapixels(limits.max_pixels)}. "
            "Scale it down."
        ) from None
    except MemoryError:
        raise ImageTooLargeError(
            f"There is not enough memory to open {name}. Scale it down."
        ) from None
    # A broken file makes Pillow's parsers raise nearly anything: this is their one way out.
    except Exception as error:
        raise ImageDamagedError(_damaged(name, begins, error)) from None


def _declared(error: Image.DecompressionBombError) -> str:
    pixels = re.search(r"\d+", str(error))
    return f"declares {megapixels(int(pixels[0]))}" if pixels else "declares too many pixels"


def _damaged(name: str, begins: str, error: Exception) -> str:
    if begins:
        return (
            f"{name} {begins} damaged, cut short or of an unusual kind ({_reason(error)}). "
            "Copy or download it once more, or save it anew as a PNG."
        )
    return f"{name} is damaged, cut short or already closed ({_reason(error)}). Open it once more."


def _reason(error: Exception) -> str:
    text = printable(str(error).strip().splitlines()[0]) if str(error).strip() else ""
    # Pillow's own words for a file that it can't read name a buffer in memory, which helps nobody.
    return text.rstrip(".") if text and "0x" not in text else "its header makes no sense"


# ── pixels ────────────────────────────────────────────────────────────────────────────────────────


def _to_rgb(image: Image.Image, name: str) -> RGBArray:
    image.load()
    # The TIFF reader turns an image upright while loading, and then removes the tag: so this comes
    # after.
    turn = _UPRIGHT.get(_orientation(image))

    image = _to_8_bit(image, name)
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        image = _on_white(image)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if turn is not None:
        image = image.transpose(turn)
    return np.array(image, np.uint8)


def _to_8_bit(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "LAB":
        raise ImageFormatError(f"{name} is in LAB colour, which can't be read. Save it as RGB.")
    if image.mode.startswith("I;16"):
        native = image if image.mode == "I;16" else image.convert("I")
        return Image.fromarray(scale_uint16(np.asarray(native).astype(np.uint16)))
    if image.mode in ("I", "F"):
        return Image.fromarray(stretch(np.asarray(image), name))
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # broken metadata on a good image: it is shown as it lies
        return 1


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    elif image.mode not in _PLAIN_MODES:
        return image.convert("RGB")
    transparent = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(transparent, mask=transparent.getchannel("A"))
    return white
