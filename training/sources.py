"""What the starter learns from: photographs with masks, cut-out objects, backgrounds; and how they
are split.

Every photograph and every cut-out belongs to exactly one of three parts: `train`, `validation`
(from the training side, for choices such as which weights to keep) and `heldout` (for the figures
in the model card, and for nothing else). A cut-out taken from a photograph belongs to the
photograph's part.
"""

import configparser
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from seg_widgets.finetuning.augmentation import Photo, PhotoObject, Pixels
from training.classes import CLASSES, emoji_class, tuxpaint_class

Part = Literal["train", "validation", "heldout"]
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
PHOTO_OBJECT_MIN_SHARE = (
    0.015  # of the photograph's area; smaller ones make blurred, unrecognisable cut-outs
)
# Backgrounds must show no object that goes without a label. Chosen by eye; a name that is not there
# is skipped.
BACKGROUND_NAMES = (
    "Bridge_by_Sander_Klootwijk.jpg",
    "Fossa_by_Jasper_Roks.jpg",
    "Infinite-Sea_by_Aury88.jpg",
    "Painting-Colors_by__herobrine7gamer.jpg",
    "aitzgorri_by_Aitzol_Berasategi.jpg",
    "analogpattern_by_Peter_Nerlich.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "sunset_by_Aitzol_Berasategi.jpg",
    "umang_by_Abhishek_Mudgal.jpg",
    "mate/abstract/Elephants.jpg",
    "mate/desktop/Ubuntu-Mate-Warm-no-logo.png",
    "mate/nature/Blinds.jpg",
    "mate/nature/Dune.jpg",
    "mate/nature/GreenMeadow.jpg",
    "mate/nature/RainDrops.jpg",
    "mate/nature/Storm.jpg",
    "mate/nature/Wood.jpg",
)


@dataclass(frozen=True)
class Cutout:
    """One object cut out of its image: RGBA, trimmed to its alpha."""

    key: str
    source: str
    class_id: int
    rgba: Pixels


@dataclass
class Material:
    """Everything one part may use."""

    photos: list[Photo] = field(default_factory=list)
    cutouts: list[Cutout] = field(default_factory=list)
    backgrounds: list[tuple[str, Pixels]] = field(default_factory=list)

    def keys(self) -> set[str]:
        """Every photograph, cut-out and background by name, for checking that parts share
        nothing."""
        names = {photo.key for photo in self.photos} | {cutout.key for cutout in self.cutouts}
        return names | {name for name, _ in self.backgrounds}


def part_of_rank(rank: int) -> Part:
    """Return the part of the object at this place in sorted order: every fifth held out, every
    tenth for validation."""
    if rank % 5 == 0:
        return "heldout"
    return "validation" if rank % 10 == 3 else "train"


def part_of_name(name: str) -> Part:
    """Return the part of an object by its name alone, so that adding images never moves the
    others."""
    return part_of_rank(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))


def require_coco(data: Path) -> Path:
    """Return the folder of the COCO subset under `data`, or raise FileNotFoundError saying what
    should be there."""
    folder = data / "coco446"
    if not (folder / "instances.json").is_file() or not (folder / "images").is_dir():
        raise FileNotFoundError(
            f"no COCO photographs in {folder}: training needs `instances.json` (COCO's format) and "
            "`images/` there; name the folder above it with --data"
        )
    return folder


def load_photos(folder: Path, limit: int | None = None) -> Iterator[tuple[Part, Photo]]:
    """Yield every photograph of a folder with COCO's `instances.json`, with the part it belongs
    to."""
    data = json.loads((folder / "instances.json").read_text())
    group = {entry["id"]: entry["supercategory"] for entry in data["categories"]}
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in data["annotations"]:
        annotations.setdefault(annotation["image_id"], []).append(annotation)
    images = sorted(data["images"], key=lambda entry: int(entry["id"]))
    for rank, entry in enumerate(images[:limit]):
        image = cv2.imread(str(folder / "images" / entry["file_name"]), cv2.IMREAD_COLOR)
        if image is None:
            raise FileNotFoundError(
                f"cannot read {entry['file_name']}, which {folder / 'instances.json'} names"
            )
        objects = []
        for annotation in annotations.get(entry["id"], []):
            found = decode_object(
                annotation, group[annotation["category_id"]], entry["height"], entry["width"]
            )
            if found is not None:
                objects.append(found)
        photo = Photo(
            f"photo/{entry['id']}", cv2.cvtColor(image, cv2.COLOR_BGR2RGB), tuple(objects)
        )
        yield part_of_rank(rank), photo


def decode_object(
    annotation: dict[str, Any], group: str, height: int, width: int
) -> PhotoObject | None:
    """Decode one COCO annotation (polygons or RLE) into a boxed mask; None when it covers no
    pixel."""
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, list):
        rle = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        rle = coco_mask.frPyObjects(segmentation, height, width)
    else:
        rle = segmentation
    mask = np.asarray(coco_mask.decode(rle), dtype=np.uint8)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    crop = np.ascontiguousarray(mask[y0:y1, x0:x1])
    return PhotoObject(CLASSES.index(group), x0, y0, crop, bool(annotation.get("iscrowd", 0)))


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
            entry = entries.get(code_points.get(name, ""))
            if entry is None or entry["skintone"]:
                continue
            group = emoji_class(str(entry["subgroups"]), str(entry["annotation"]))
            if group is None:
                continue
            width, height = (icon.get(side, icons.get(side, 16)) for side in ("width", "height"))
            svg = (
                '<svg xmlns="http://www.w3.org/2000/svg" '
                'xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
                f"{icon['body']}</svg>"
            )
            png = np.frombuffer(
                svg_to_bytes(svg_string=svg, width=DRAWN_SIDE, skip_system_fonts=True), np.uint8
            )
            cutout = make_cutout(
                cv2.imdecode(png, cv2.IMREAD_UNCHANGED), f"drawn/{artist}/{name}", "drawn", group
            )
            if cutout is not None:
                yield cutout


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


def joined(train: Material, validation: Material, heldout: Material) -> Material:
    """Return what two parts hold together, without what shows a held-out image."""
    return Material(
        [*train.photos, *validation.photos],
        [*train.cutouts, *without_copies(validation.cutouts, heldout.cutouts)],
        [*train.backgrounds, *validation.backgrounds],
    )


def load_backgrounds(folder: Path) -> Iterator[tuple[str, Pixels]]:
    """Yield the wallpapers that show no object, shrunk to 640 px, by name."""
    for name in BACKGROUND_NAMES:
        image = (
            cv2.imread(str(folder / name), cv2.IMREAD_COLOR) if (folder / name).is_file() else None
        )
        if image is not None:
            scale = 640 / max(image.shape[:2])
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            yield f"background/{name}", cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def load_material(
    data: Path, packages: Path | None, photo_limit: int | None = None
) -> dict[Part, Material]:
    """Load all sources, each object in exactly one part.

    `data` holds `coco446/` and, if there, `person_cutouts/`; `packages` is what `training.packages`
    unpacked, or None to train on photographs alone.
    """
    parts: dict[Part, Material] = {
        "train": Material(),
        "validation": Material(),
        "heldout": Material(),
    }
    for part, photo in load_photos(require_coco(data), photo_limit):
        parts[part].photos.append(photo)
        parts[part].cutouts.extend(photo_cutouts(photo))
    extra: list[Cutout] = []
    sources: list[Iterator[Cutout]] = [load_people(data / "person_cutouts")]
    if packages is not None:
        sources.append(load_stamps(packages / "debian/usr/share/tuxpaint/stamps"))
        index = packages / "npm/openmoji/package/data/openmoji.json"
        sources.append(load_emoji(packages / "npm/fluent/package/assets", index))
        extra = [
            *load_drawings(packages / "npm", index, packages / "resvg"),
            *load_clipart(packages / "debian/usr/share/openclipart/png"),
        ]
        for rank, (name, image) in enumerate(
            load_backgrounds(packages / "debian/usr/share/backgrounds")
        ):
            parts["heldout" if rank % 5 == 4 else "train"].backgrounds.append((name, image))
    for source in sources:
        for cutout in source:
            parts[part_of_name(cutout.key)].cutouts.append(cutout)
    # For training alone, so that what is held out does not change.
    parts["train"].cutouts.extend(
        without_copies(extra, [*parts["validation"].cutouts, *parts["heldout"].cutouts])
    )
    return parts
