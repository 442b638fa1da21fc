"""What the starter learns from: photographs with masks, cut-out objects, backgrounds; and how they
are split.

Every photograph and every cut-out belongs to exactly one of three parts: `train`, `validation`
(from the training side, for choices such as which weights to keep) and `heldout` (for the figures
in the model card, and for nothing else). A cut-out taken from a photograph belongs to the
photograph's part.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from seg_widgets.finetuning.augmentation import Photo, PhotoObject, Pixels
from training.classes import CLASSES
from training.cutouts import (
    Cutout,
    load_clipart,
    load_drawings,
    load_emoji,
    load_people,
    load_stamps,
    photo_cutouts,
    without_copies,
)

Part = Literal["train", "validation", "heldout"]
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


def require_folders(data: Path, names: Sequence[str]) -> None:
    """Raise FileNotFoundError, saying what should be there, where folders of photographs are
    missing under `data`."""
    missing = [
        name
        for name in names
        if not (data / name / "instances.json").is_file() or not (data / name / "images").is_dir()
    ]
    if missing:
        raise FileNotFoundError(
            f"no photographs in {data} of {', '.join(missing)}: training needs `instances.json` "
            "(COCO's format) and `images/` in each of these folders; name the folder above them "
            "with --data"
        )


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
    require_folders(data, ["coco446"])
    for part, photo in load_photos(data / "coco446", photo_limit):
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
