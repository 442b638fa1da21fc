"""Files and PIL images as upright RGB arrays; the only place where Pillow opens anything."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from ..errors import (
    ImageDamagedError,
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    SettingError,
)
from .arrays import RGBArray
from .bmp import is_long_runs, read_runs
from .choices import Choices
from .formats import FIX, RAW, ImageFormat, detect
from .gif import count_frames
from .jpeg import check_jpeg
from .limits import Limits, megapixels
from .names import printable
from .pillow_rows import ArrayColours, PillowColours, PillowSamples
from .png import fits_memory, has_deep_colours, read_deep_colours, without_much_metadata
from .samples import Samples
from .tiff import compression_name, is_ordinary, read_samples
from .tiff_tags import (
    DESCRIPTION,
    MOST_PIECES,
    ORIENTATION,
    PHOTOMETRIC,
    TiffPage,
    is_raw,
    is_sound,
    read_pages,
)
from .webp import read_webp

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

_8_BIT = ("RGB", "RGBA", "LA", "La", "RGBa")


def decode_bytes(
    content: bytes, name: str, limits: Limits, choices: Choices, notes: list[str]
) -> RGBArray:
    """Decode the bytes of a file.

    Args:
        content: the whole file.
        name: what messages call the image.
        limits: how large it may be. They are checked before the pixels are decoded.
        choices: which contrast, channels and page.
        notes: a sentence for each choice that was made is added.

    Returns:
        An H×W×3 uint8 array: RGB, upright, on white.

    Raises:
        ImageFormatError: it is empty, or of no format that is read.
        ImageTooLargeError: it is over a limit, or memory is short.
        ImageDamagedError: its format is right, but it can't be decoded.
        SettingError: a chosen page or channel is not there.
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

    with _pillow_errors(name, limits, f"begins like a {found.pillow} file, but is"):
        if found.pillow == "TIFF":
            return _decode_tiff(content, name, limits, choices, notes)
        if found.pillow == "PNG":
            content = without_much_metadata(content, name)
            deep = None
            if has_deep_colours(content):
                deep = _decode_deep_png(content, name, limits, choices, notes)
            if deep is not None:
                return deep
        elif found.pillow == "JPEG":
            check_jpeg(content, name)
        with Image.open(io.BytesIO(content), formats=(found.pillow,)) as image:
            limits.check_size(*image.size, name)
            count = count_frames(content) if found.pillow == "GIF" else None
            _choose_frame(image, name, choices, notes, count)
            if found.pillow == "WEBP" and not choices.page:
                pixels = read_webp(content, image.size)
                if pixels is not None:
                    turn = _UPRIGHT.get(_orientation(image))
                    return Samples(ArrayColours(pixels)).to_rgb(name, choices, notes, turn)
            if found.pillow == "BMP" and is_long_runs(content):
                pixels = read_runs(content, image.size)
                if pixels is None:
                    raise ImageDamagedError(_damaged(name, "begins like a BMP file, but is", ""))
                return Samples(ArrayColours(pixels)).to_rgb(name, choices, notes)
            return _to_rgb(image, name, choices, notes)


def _decode_deep_png(
    content: bytes, name: str, limits: Limits, choices: Choices, notes: list[str]
) -> RGBArray | None:
    """A PNG of 16 bits a channel; None where OpenCV reads no 16 bits of it."""
    found: list[str] = []
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        limits.check_size(*image.size, name)
        if not fits_memory(content, *image.size):
            notes.append("Its 16 bits were cut down to 8, as it is too large to keep all of them.")
            return None
        _choose_frame(image, name, choices, found)
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        size, clear = image.size, image.info.get("transparency")
    # Its pixels go before OpenCV reads those of 16 bits.
    del image
    samples = read_deep_colours(content, size, clear)
    if samples is None:
        return None
    notes += found
    return samples.to_rgb(name, choices, notes, turn)


def _decode_tiff(
    content: bytes, name: str, limits: Limits, choices: Choices, notes: list[str]
) -> RGBArray:
    pages = read_pages(content)
    if is_raw(content, pages, name):
        raise ImageFormatError(f"{name} is {RAW}")
    index = _choose_page(pages, name, choices, notes) if pages else 0
    if pages and pages[index].pieces > MOST_PIECES:
        raise ImageTooLargeError(
            f"{name} is a TIFF of more than {MOST_PIECES:,} strips or tiles, which would take long "
            "to decode. Save it with larger ones."
        )
    if pages and not is_ordinary(pages[index]):
        samples = read_samples(content, pages[index], name, limits)
        turn = _UPRIGHT.get(pages[index].number(ORIENTATION, 1))
        return samples.to_rgb(name, choices, notes, turn)

    try:
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
            if index:
                image.seek(index)
            limits.check_size(*image.size, name)
            return _to_rgb(image, name, choices, notes)
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        if pages and is_sound(content, pages[index]):
            raise ImageFormatError(
                f"{name} is a TIFF of a kind that can't be read (compressed with "
                f"{compression_name(pages[index])}; {_reason(error)}). "
                "Save it as an uncompressed TIFF, or as a PNG."
            ) from None
        raise


def decode_pil(
    image: Image.Image, name: str, limits: Limits, choices: Choices, notes: list[str]
) -> RGBArray:
    """Decode a PIL image, which stays as it is.

    Args:
        image: of any mode that `load` takes. Its file may be decoded only now. Of several frames
            the one that it stands at is taken.
        name: what messages call the image.
        limits: how large it may be.
        choices: which contrast and channels.
        notes: a sentence for each choice that was made is added.

    Returns:
        An H×W×3 uint8 array: RGB, upright, on white.

    Raises:
        ImageFormatError: its mode can't be read.
        ImageTooLargeError: it is over a limit, or memory is short.
        ImageDamagedError: its file can't be decoded, or is closed.
        SettingError: a page is chosen, or a channel that is not there.
    """
    limits.check_size(*image.size, name)
    if choices.page is not None:
        raise SettingError("page is for files. Call the PIL image's seek(page) before.")
    with _pillow_errors(name, limits, ""):
        # Pillow has decided already to keep 8 bits only.
        if any("16" in str(tile) for tile in getattr(image, "tile", ())) and image.mode in _8_BIT:
            notes.append(
                "Pillow cuts its 16 bits down to 8, and dark images become black. "
                "Give the file itself, not the PIL image."
            )
        return _to_rgb(image, name, choices, notes)


# ── pages and frames ──────────────────────────────────────────────────────────────────────────────


def _choose_page(pages: list[TiffPage], name: str, choices: Choices, notes: list[str]) -> int:
    """The index among all pages; those that are smaller copies of another don't count."""
    whole = [index for index, page in enumerate(pages) if page.is_whole] or [0]
    chosen = choices.page or 0
    _check_page(chosen, len(whole), name, "pages")
    if len(whole) > 1 and choices.page is None:
        notes.append(_first_of(len(whole), "pages", "page"))

    # ImageJ writes a large stack as one page with all images behind it.
    found = re.search(r"^images=(\d+)", pages[0].text(DESCRIPTION), re.MULTILINE)
    is_stack = len(pages) == 1 and pages[0].text(DESCRIPTION).startswith("ImageJ=")
    if is_stack and found and int(found[1]) > 1:
        notes.append(
            f"It is a stack of {int(found[1])} images in one page: the first is shown. "
            "Save the others as images of their own."
        )
    return whole[chosen]


def _choose_frame(
    image: Image.Image,
    name: str,
    choices: Choices,
    notes: list[str],
    count: int | None = None,
) -> None:
    """Go to the chosen frame; Pillow counts them where `count` is None."""
    # The other images of an MPO are previews and depth maps.
    if image.format == "MPO" and not choices.page:
        return
    try:
        count = int(getattr(image, "n_frames", 1)) if count is None else count
    # A damaged animation may still have a good first frame.
    except Exception:
        count = 1
    _check_page(choices.page or 0, count, name, "frames")
    if choices.page:
        image.seek(choices.page)
    elif count > 1 and choices.page is None:
        notes.append(_first_of(count, "frames", "frame"))


def _check_page(page: int, count: int, name: str, kind: str) -> None:
    if page >= count:
        there = f"{count} {kind}, 0 to {count - 1}" if count > 1 else f"one {kind[:-1]}"
        raise SettingError(f"{name} has {there}; there is no page={page}.")


def _first_of(count: int, kinds: str, kind: str) -> str:
    return f"It has {count} {kinds}: the first is shown. page=1 shows the second {kind}."


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
    except (ImageError, SettingError):
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


def _damaged(name: str, begins: str, error: Exception | str) -> str:
    if begins:
        return (
            f"{name} {begins} damaged, cut short or of an unusual kind ({_reason(error)}). "
            "Copy or download it once more, or save it anew as a PNG."
        )
    return f"{name} is damaged, cut short or already closed ({_reason(error)}). Open it once more."


def _reason(error: Exception | str) -> str:
    text = printable(str(error).strip().splitlines()[0]) if str(error).strip() else ""
    # Pillow's own words for a file that it can't read name a buffer in memory, which helps nobody.
    return text.rstrip(".") if text and "0x" not in text else "its header makes no sense"


# ── pixels ────────────────────────────────────────────────────────────────────────────────────────


def _to_rgb(image: Image.Image, name: str, choices: Choices, notes: list[str]) -> RGBArray:
    image.load()
    if image.mode == "LAB":
        raise ImageFormatError(f"{name} is in LAB colour, which can't be read. Save it as RGB.")
    # The TIFF reader turns an image upright while loading, and then removes the tag: so this comes
    # after loading.
    turn = _UPRIGHT.get(_orientation(image))
    deep = _deep_samples(image)
    if deep is not None:
        return deep.to_rgb(name, choices, notes, turn)
    count = 1 if image.mode in ("1", "L", "LA") and choices.indices is not None else 3
    return Samples(PillowColours(image, count)).to_rgb(name, choices, notes, turn)


def _deep_samples(image: Image.Image) -> Samples | None:
    """The samples of a mode of more than 8 bits; None for any other."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return None
    full = (0.0, 65535.0) if "16" in image.mode or image.format == "PNG" else None
    tags = getattr(image, "tag_v2", None) or {}
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        return Samples(PillowSamples(image, clear), alpha=True, full=full)
    return Samples(PillowSamples(image), inverted=tags.get(PHOTOMETRIC) == 0, full=full)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # broken metadata on a good image: it is shown as it lies
        return 1
