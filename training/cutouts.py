"""Objects cut out of their images, from photographs and from packages of drawings and renders."""

import configparser
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from seg_widgets.finetuning.augmentation import Photo, Pixels
from training.classes import CLASSES, emoji_class, tuxpaint_class

CUTOUT_MAX_SIDE = 320
DRAWN_SETS = (
    "noto",
    "noto-v1",
    "twemoji",
    "emojione",
    "emojione-v1",
    "fxemoji",
    "openmoji-icons",
    "streamline",
)
DRAWN_SIDE = 224
CLIPART = Path(__file__).with_name("clipart.txt")
# Two packages may carry one image: thumbnails that differ less than this (root mean square of 0 to
# 1) are copies. Of what is not one, the two most alike differ by 0.079 (two artists' stop signs).
COPY_SIDE, COPY_DIFFERENCE = 24, 0.06
# Of the photograph's area; smaller objects make blurred, unrecognisable cut-outs.
PHOTO_OBJECT_MIN_SHARE = 0.015


@dataclass(frozen=True)
class Cutout:
    """One object cut out of its image: RGBA, trimmed to its alpha."""

    key: str
    source: str
    class_id: int
    rgba: Pixels


def photo_cutouts(photo: Photo) -> Iterator[Cutout]:
    """Yield the larger, whole-looking objects of a photograph as cut-outs (Simple Copy-Paste)."""
    height, width = photo.image.shape[:2]
    for index, item in enumerate(photo.objects):
        x0, y0, x1, y1 = item.box
        cut_off = (x0 <= 1) + (y0 <= 1) + (x1 >= width - 1) + (y1 >= height - 1)
        if (
            item.crowd
            or CLASSES[item.class_id] == "furniture"
            or cut_off > 1
            or min(x1 - x0, y1 - y0) < 32
        ):
            continue
        if item.mask.sum() < PHOTO_OBJECT_MIN_SHARE * height * width:
            continue
        rgba = np.dstack([photo.image[y0:y1, x0:x1], item.mask * 255])
        # COCO's polygons take a little background along: one pixel less, softly, hides the seam.
        alpha = cv2.erode(
            rgba[..., 3], np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
        )
        rgba[..., 3] = cv2.GaussianBlur(alpha, (3, 3), 0)
        yield Cutout(
            f"{photo.key}/object/{index}", "photo", item.class_id, np.ascontiguousarray(rgba)
        )


def load_cutout(path: Path, key: str, source: str, class_name: str) -> Cutout | None:
    """Read an image with alpha, trim and shrink it; None when it has no usable alpha (a rectangle
    is no outline)."""
    return make_cutout(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), key, source, class_name)


def make_cutout(pixels: Pixels | None, key: str, source: str, class_name: str) -> Cutout | None:
    """Make a cut-out of decoded BGRA pixels, as `load_cutout` says."""
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4:
        return None
    if pixels.dtype != np.uint8:
        pixels = (pixels / 257).astype(np.uint8)
    solid = pixels[..., 3] > 127
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if len(rows) < 24 or len(columns) < 24:
        return None
    pixels = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if (pixels[..., 3] > 127).mean() > 0.97 or (pixels[..., 3] > 127).mean() < 0.08:
        return None
    scale = CUTOUT_MAX_SIDE / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rgba = np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA))
    return Cutout(key, source, CLASSES.index(class_name), rgba)


def load_people(folder: Path) -> Iterator[Cutout]:
    """Yield the people of `person_cutouts` (RGBA images)."""
    for path in sorted(folder.glob("*.webp")):
        cutout = load_cutout(path, f"people/{path.stem}", "people", "person")
        if cutout is not None:
            yield cutout


def load_stamps(folder: Path) -> Iterator[Cutout]:
    """Yield tuxpaint's photographic stamps. `folder` is the package's `stamps` folder."""
    for path in sorted(folder.rglob("*.png")):
        name = path.relative_to(folder).as_posix()
        group = tuxpaint_class(name)
        # `_mirror` and numbered variants of one object must not end up on both sides of the split.
        key = "stamp/" + name.removesuffix(".png").removesuffix("_mirror").rstrip("0123456789-_")
        cutout = load_cutout(path, key, "stamp", group) if group else None
        if cutout is not None:
            yield cutout


def load_emoji(folder: Path, index: Path) -> Iterator[Cutout]:
    """Yield the usable 3-D emoji of `folder`; `index` is OpenMoji's `openmoji.json`, which says
    what each one is."""
    entries = {entry["hexcode"].lower(): entry for entry in json.loads(index.read_text())}
    for path in sorted(folder.glob("*.webp")):
        entry = entries.get(path.stem) or entries.get(path.stem.replace("-fe0f", ""))
        if entry is None or entry["skintone"]:
            continue
        group = emoji_class(str(entry["subgroups"]), str(entry["annotation"]))
        cutout = load_cutout(path, f"emoji/{path.stem}", "emoji", group) if group else None
        if cutout is not None:
            yield cutout


def load_drawings(npm: Path, index: Path, resvg: Path) -> Iterator[Cutout]:
    """Yield the usable emoji of other artists, drawn from their vectors: the same kinds of things
    in other shapes.

    `npm` holds the Iconify sets, `index` is OpenMoji's `openmoji.json`, `resvg` the unpacked
    rasterizer.
    """
    sys.path.insert(0, str(resvg))
    try:
        svg_to_bytes = importlib.import_module("resvg_py").svg_to_bytes
    finally:
        sys.path.remove(str(resvg))
    entries = {
        entry["hexcode"].lower().replace("-fe0f", ""): entry
        for entry in json.loads(index.read_text())
    }
    for artist, name, code_point, svg in _drawings(npm):
        entry = entries.get(code_point)
        if entry is None or entry["skintone"]:
            continue
        group = emoji_class(str(entry["subgroups"]), str(entry["annotation"]))
        if group is None:
            continue
        png = svg_to_bytes(svg_string=svg, width=DRAWN_SIDE, skip_system_fonts=True)
        pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        cutout = make_cutout(pixels, f"drawn/{artist}/{name}", "drawn", group)
        if cutout is not None:
            yield cutout


def _drawings(npm: Path) -> Iterator[tuple[str, str, str, str]]:
    """Each icon of the Iconify sets: artist, name, code point ("": not known) and SVG."""
    tables = {
        table.parent.parent.name: {
            name: code_point.replace("-fe0f", "")
            for code_point, name in json.loads(table.read_text()).items()
        }
        for table in sorted(npm.glob("*/package/chars.json"))
    }
    common = {name: code_point for table in tables.values() for name, code_point in table.items()}
    for artist in DRAWN_SETS:
        # One set has no table of its own, but most names are common to all.
        code_points = common | tables.get(artist, {})
        icons = json.loads((npm / artist / "package" / "icons.json").read_text())
        for name, icon in sorted(icons["icons"].items()):
            width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
            svg = (
                '<svg xmlns="http://www.w3.org/2000/svg" '
                'xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
                f"{icon['body']}</svg>"
            )
            yield artist, name, code_points.get(name, ""), svg


def load_clipart(folder: Path) -> Iterator[Cutout]:
    """Yield the clip art that `clipart.txt` names under its class; `folder` is the package's `png`
    folder."""
    lists = configparser.ConfigParser(allow_no_value=True, delimiters=("=",), interpolation=None)
    lists.optionxform = str  # type: ignore[method-assign, assignment]  # file names keep their case
    lists.read(CLIPART, encoding="utf-8")
    for group in lists.sections():
        for name in lists[group]:
            cutout = load_cutout(folder / f"{name}.png", f"clipart/{name}", "clipart", group)
            if cutout is not None:
                yield cutout


def without_copies(cutouts: Sequence[Cutout], others: Sequence[Cutout]) -> list[Cutout]:
    """Return the cut-outs that show none of the images of `others`, in whatever size or in the
    mirror."""
    if not cutouts or not others:
        return list(cutouts)
    thumbnails = _thumbnails(cutouts)
    seen = [_thumbnails(others), _thumbnails(others, mirrored=True)]
    size = thumbnails.shape[1]
    nearest = np.full(len(cutouts), np.inf)
    for known in seen:
        squares = (
            (thumbnails**2).sum(1)[:, None] + (known**2).sum(1)[None] - 2 * thumbnails @ known.T
        )
        nearest = np.minimum(nearest, squares.min(1) / size)
    return [
        cutout
        for cutout, square in zip(cutouts, nearest, strict=True)
        if square > COPY_DIFFERENCE**2
    ]


def _thumbnails(cutouts: Sequence[Cutout], mirrored: bool = False) -> NDArray[np.float64]:
    """Small images on grey with their alpha, one row each, 0 to 1."""
    rows = []
    for cutout in cutouts:
        small = cv2.resize(cutout.rgba, (COPY_SIDE, COPY_SIDE), interpolation=cv2.INTER_AREA)
        pixels = (small[:, ::-1] if mirrored else small).astype(float) / 255
        alpha = pixels[..., 3:]
        rows.append(
            np.concatenate([(pixels[..., :3] * alpha + 0.5 * (1 - alpha)).ravel(), alpha.ravel()])
        )
    return np.stack(rows)
