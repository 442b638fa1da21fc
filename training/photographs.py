"""Reads photographs of many sources, each with what its labels say and leave open.

`FOLDERS` says for each source what is labelled. Every folder has `images/` and COCO's
`instances.json`. What is held out: every fifth photograph by id, of `coco446` as ever and of each
folder labelled by people; the second and third of every five of `coco_new_full` are for validation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from seg_widgets.finetuning.augmentation import Photo, PhotoObject, Pixels
from training.classes import CLASSES
from training.cutouts import Cutout, photo_cutouts
from training.names import ANYTHING, NAMES, Label, exactly, group_of_target
from training.sources import Part, decode_object

SURE, LIKELY = 0.5, 0.4  # a detector's scores: right, and right more often than not
THUMBNAIL, COPY_DIFFERENCE = 16, 0.05


@dataclass(frozen=True)
class Folder:
    """What a source's labels are worth.

    Attributes:
        name: of the folder.
        background: how much of the loss counts where nothing is labelled, 0 to 1; 1: all there is
            is labelled.
        share: how often its photographs are drawn; 1 is usual.
        has_masks: whether its outlines are drawn by people.
        is_split: whether a fifth is held out.
        labels_all: whether COCO's names are all labelled where the photograph doesn't say more.
        least: a detector's score from which on a box counts.
        anything: whether its objects have no name that we know.
    """

    name: str
    background: float = 1.0
    share: float = 1.0
    has_masks: bool = True
    is_split: bool = True
    labels_all: bool = True
    least: float = LIKELY
    anything: bool = False


FOLDERS: Final = (
    Folder("coco446", share=2.0),
    Folder("coco_new_full", share=2.0),
    Folder("coco_new_partial", background=0.3),
    Folder("clothing_co_parsing", background=0.3, share=0.5),
    Folder("endangered_animals", background=0.3, share=0.3),
    Folder("fruits", background=0.3),
    Folder("balloons", background=0.2, share=0.5, anything=True),
    Folder("voc_boxes", background=0.4, has_masks=False, is_split=False, share=1.2),
    Folder("osie", background=0.4, has_masks=False, is_split=False, labels_all=False),
    Folder("voc_vehicles", background=0.4, has_masks=False, is_split=False, labels_all=False),
    Folder(
        "nips2017_ccby",
        background=0.3,
        has_masks=False,
        is_split=False,
        labels_all=False,
        share=0.6,
        least=SURE,
    ),
)


@dataclass(frozen=True)
class LabelledPhoto(Photo):
    """A photograph whose objects' class ids are packed labels.

    Attributes:
        background: see `Folder`.
        share: see `Folder`.
        labelled: the names whose objects are all labelled; the others may be there without a label.
    """

    background: float = 1.0
    share: float = 1.0
    labelled: frozenset[int] = frozenset(range(len(NAMES)))


@dataclass(frozen=True, eq=False)
class NamedCutout(Cutout):
    """A cut-out with a target; its class id is its group."""

    target: int = ANYTHING


def part_of_photo(folder: Folder, rank: int) -> Part:
    """Return the part of a folder's photograph by its place in the order of ids."""
    if not folder.is_split:
        return "train"
    if rank % 5 == 0:
        return "heldout"
    return "validation" if folder.name == "coco_new_full" and rank % 5 in (2, 3) else "train"


def read_folder(
    data: Path, folder: Folder, limit: int | None = None
) -> Iterator[tuple[Part, LabelledPhoto]]:
    """Yield a folder's photographs by id, each with its part.

    Args:
        data: holds the folder.
        folder: what its labels are worth.
        limit: at most so many; None: all.

    Raises:
        FileNotFoundError: an image is missing.
    """
    path = data / folder.name
    content = json.loads((path / "instances.json").read_text())
    categories = {
        entry["id"]: (entry["name"], entry["supercategory"]) for entry in content["categories"]
    }
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in content["annotations"]:
        annotations.setdefault(annotation["image_id"], []).append(annotation)
    entries = sorted(content["images"], key=lambda entry: int(entry["id"]))
    for rank, entry in enumerate(entries[:limit]):
        pixels = cv2.imread(str(path / "images" / entry["file_name"]), cv2.IMREAD_COLOR)
        if pixels is None:
            raise FileNotFoundError(
                f"cannot read {entry['file_name']}, which {path / 'instances.json'} names"
            )
        size = (entry["height"], entry["width"])
        objects = [
            read_object(annotation, *categories[annotation["category_id"]], size, folder)
            for annotation in annotations.get(entry["id"], [])
        ]
        photo = LabelledPhoto(
            f"{folder.name}/{entry['id']}",
            cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB),
            tuple(item for item in objects if item is not None),
            folder.background,
            folder.share,
            labelled_names(folder, entry, dict(categories.values())),
        )
        yield part_of_photo(folder, rank), photo


def labelled_names(
    folder: Folder, entry: Mapping[str, Any], groups: Mapping[str, str]
) -> frozenset[int]:
    """Return the names whose objects are all labelled in a photograph.

    Args:
        folder: where it is.
        entry: the photograph's, in `instances.json`.
        groups: of the folder's names.
    """
    if folder.anything:
        return frozenset()
    names = entry.get("labelled_categories", entry.get("human_categories"))
    if names is None:
        return frozenset(range(len(NAMES))) if folder.labels_all else frozenset()
    # A name that COCO hasn't (deer) says nothing of the others of its group (foxes).
    return frozenset(exactly(name, groups.get(name, "")) for name in names if name in NAMES)


def label_of(annotation: Mapping[str, Any], name: str, group: str, folder: Folder) -> Label:
    """Return what an annotation says: by people for sure, by a detector as sure as its score."""
    target = ANYTHING if folder.anything else exactly(name, group)
    score = annotation.get("score")
    if score is None:
        is_crowd = bool(annotation.get("iscrowd", 0))
        return Label(target, has_mask=folder.has_masks, is_ignored=is_crowd)
    weight = 1.0 if score >= SURE else float(score)
    return Label(target, weight, has_mask=False, is_ignored=score < folder.least)


def read_object(
    annotation: Mapping[str, Any], name: str, group: str, size: tuple[int, int], folder: Folder
) -> PhotoObject | None:
    """Return an annotation as an object with a packed label; None where it covers no pixel.

    Without an outline by people, the mask is all of the box.
    """
    label = label_of(annotation, name, group, folder)
    if label.has_mask:
        found = decode_object(dict(annotation), group, *size)
        return None if found is None else replace(found, class_id=label.pack(), crowd=False)
    x, y, width, height = annotation["bbox"]
    left, top = max(round(x), 0), max(round(y), 0)
    right, bottom = min(round(x + width), size[1]), min(round(y + height), size[0])
    if right - left < 2 or bottom - top < 2:
        return None
    return PhotoObject(label.pack(), left, top, np.ones((bottom - top, right - left), np.uint8))


def by_group(photo: LabelledPhoto) -> Photo:
    """Return a photograph with class indices of `CLASSES`, of the outlines by people alone."""
    objects = []
    for item in photo.objects:
        label = Label.unpack(item.class_id)
        group = group_of_target(label.target)
        if label.is_drawn and group >= 0:
            objects.append(replace(item, class_id=group, crowd=label.is_ignored))
    return Photo(photo.key, photo.image, tuple(objects))


def by_name(photo: LabelledPhoto) -> Photo:
    """Return a photograph with class indices of `NAMES`, of the outlines by people alone."""
    objects = []
    for item in photo.objects:
        label = Label.unpack(item.class_id)
        if label.is_drawn and label.target < len(NAMES):
            objects.append(replace(item, class_id=label.target, crowd=label.is_ignored))
    return Photo(photo.key, photo.image, tuple(objects))


def named_cutouts(photo: LabelledPhoto) -> Iterator[NamedCutout]:
    """Yield the larger objects of a photograph as cut-outs with their names."""
    named = by_name(photo)
    grouped = by_group(photo)
    whole = {item.box: item.class_id for item in named.objects}
    for cutout in photo_cutouts(grouped):
        item = grouped.objects[int(cutout.key.rsplit("/", 1)[1])]
        if item.box in whole:
            yield NamedCutout(
                cutout.key, "photo", cutout.class_id, cutout.rgba, target=whole[item.box]
            )


def thumbnails(images: Sequence[Pixels]) -> NDArray[np.float32]:
    """Return small grey images, one a row, with mean 0 and deviation 1."""
    rows = []
    for image in images:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        values = small.astype(np.float32)
        rows.append((values - values.mean()) / max(float(values.std()), 1.0))
    return np.stack(rows) if rows else np.zeros((0, THUMBNAIL, THUMBNAIL), np.float32)


def copies(images: Sequence[Pixels], others: Sequence[Pixels]) -> NDArray[np.bool_]:
    """Return which images are also among the others, in whatever size or in the mirror."""
    mine, theirs = thumbnails(images), thumbnails(others)
    result = np.zeros(len(images), bool)
    if not len(images) or not len(others):
        return result
    rows = mine.reshape(len(mine), -1) / THUMBNAIL
    for known in (theirs, theirs[:, :, ::-1]):
        # Of two rows with mean 0 and length 1 the product is their correlation.
        correlation = rows @ (known.reshape(len(known), -1) / THUMBNAIL).T
        result |= (1 - correlation).min(1) < COPY_DIFFERENCE
    return result


def read_photographs(
    data: Path, folders: Sequence[Folder] = FOLDERS, limit: int | None = None
) -> dict[Part, list[LabelledPhoto]]:
    """Return the photographs of all folders that are there, by part.

    No photograph for training is a copy of one that is held out or for validation, nor of another
    one for training.

    Args:
        data: holds the folders.
        folders: which ones.
        limit: at most so many photographs of each; None: all.
    """
    parts: dict[Part, list[LabelledPhoto]] = {"train": [], "validation": [], "heldout": []}
    for folder in folders:
        if (data / folder.name / "instances.json").is_file():
            for part, photo in read_folder(data, folder, limit):
                parts[part].append(photo)
    parts["validation"] = _without(parts["validation"], parts["heldout"])
    parts["train"] = _without(parts["train"], [*parts["heldout"], *parts["validation"]])
    parts["train"] = _without_doubles(parts["train"])
    return parts


def _without(photos: list[LabelledPhoto], others: list[LabelledPhoto]) -> list[LabelledPhoto]:
    doubles = copies([photo.image for photo in photos], [photo.image for photo in others])
    return [photo for photo, double in zip(photos, doubles, strict=True) if not double]


def _without_doubles(photos: list[LabelledPhoto]) -> list[LabelledPhoto]:
    """Of copies the first one is kept: folders with better labels come first."""
    rows = thumbnails([photo.image for photo in photos]) / THUMBNAIL
    flat = rows.reshape(len(rows), -1)
    mirrored = rows[:, :, ::-1].reshape(len(rows), -1)
    alike = np.maximum(flat @ flat.T, flat @ mirrored.T)
    doubles = np.asarray(np.triu(1 - alike < COPY_DIFFERENCE, 1).any(axis=0), dtype=bool)
    return [photo for photo, double in zip(photos, doubles, strict=True) if not double]


def group_names(targets: Sequence[int]) -> list[str]:
    """Return the groups of targets, for counting."""
    return [CLASSES[index] if index >= 0 else "anything" for index in map(group_of_target, targets)]
