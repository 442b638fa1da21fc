"""Reading a data set in COCO's format: brought to one form, checked, and reported.

What is read is what fine-tuning needs: images, class names, and a mask for each object. Invalid
entries are skipped and listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from .._files import expanded
from ..annotations import (
    AnnotationFile,
    Identity,
    IdIndex,
    as_id,
    as_number,
    as_size,
    read_annotation_file,
    read_categories,
)
from ..errors import DatasetError, ImageError, ImageTooLargeError, SegWidgetsError
from ..images import MAX_BYTES, MAX_PIXELS, is_annotated_upright
from .dataset import Dataset, ImageLimits, LabelledImage, Problem
from .image_files import Found, ImageFinder, NotFound
from .labelling import labelling_gap
from .objects import ObjectReader
from .parts import find_parts

__all__ = ["find_parts", "read_dataset"]

_MISSING: Final = "its file is not there"
_AMBIGUOUS: Final = "several files have its name, so none is taken: name the folder (--images)"
_CROWD: Final = (
    "it is marked as a crowd (iscrowd=1), so it is not learned; CVAT marks brush masks so "
    "(--crowds-as-objects takes them)"
)


def read_dataset(
    path: str | Path,
    *,
    images: str | Path | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    crowds_as_objects: bool = False,
) -> Dataset:
    """Read a data set in COCO's format: a folder with its JSON and its images, or the JSON itself.

    In a folder the JSON is `instances.json`, `annotations.json`, `_annotations.coco.json`,
    `train.json`, or the only one that is there, or in `annotations/`; of a data set in parts it is
    the training part's (see `find_parts`). Images are looked for beside it, in `images`, `data`
    and the like, and in `images/X`, `X/images` and `X` for a JSON of part `X`; where none is
    there, a folder higher.

    What different tools write differently is brought to one form first: ids and numbers as texts,
    a polygon without its outer list, sizes that are missing, categories that are repeated.

    Skipped, and listed in `problems`, are images that are missing, can't be read, or have another
    size than the JSON says; and objects without a mask, with an empty or broken one, outside their
    image, there twice, or of an image or category that is not there. Polygons that reach over the
    image's edge are cut at it, and listed. Crowds are listed; they are neither learned nor
    measured. Where all objects are crowds, they are taken as objects.

    Args:
        path: the folder or the JSON file; `~` is expanded.
        images: the folder with the images; None: found as above.
        max_pixels: the largest width · height of an image (default: 50 million).
        max_bytes: the most bytes of an image's file (default: 25 MiB).
        crowds_as_objects: whether crowds (`iscrowd`) are objects like the others.

    Returns:
        The data set; it has at least one object.

    Raises:
        DatasetError: nothing can be used: there is no JSON, it is not COCO's format, its categories
            have no names or the same id twice, no image is found, or no object has a mask.
    """
    file, _ = find_parts(path)
    folder = expanded(images) if images is not None else None
    if folder is not None and not folder.is_dir():
        raise DatasetError(f"There is no folder {folder} to look for images in.")
    try:
        content = read_annotation_file(file)
        reader = _Reader(content, ImageLimits(max_pixels, max_bytes), crowds_as_objects)
        return reader.read(folder)
    except SegWidgetsError:
        raise
    except Exception as error:
        raise DatasetError(
            f"{file.name} could not be read ({type(error).__name__}: {error}). Check that its tool "
            "wrote it whole."
        ) from error


@dataclass
class _Reader:
    """Reads one file, and lists what is wrong on the way."""

    content: AnnotationFile
    limits: ImageLimits
    crowds_as_objects: bool
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def read(self, folder: Path | None) -> Dataset:
        """Read images, classes and objects, in this order."""
        file = self.content.path
        self.problems += self.content.problems
        used = [entry.get("category_id") for entry in self.content.annotations]
        classes = read_categories(file.name, self.content.categories, used)
        self.notes += classes.notes

        known, images = self._images(ImageFinder(file, folder))
        objects = ObjectReader(known, images, classes, self.problems)
        objects.read(self.content.annotations)
        labelled = self._labelled(images, objects)
        labelled = self._crowds(labelled)
        dataset = Dataset(labelled, classes.names, tuple(self.problems), tuple(self.notes))
        if not dataset.objects:
            why = f"\n{dataset.summary()}" if dataset.summary() else ""
            raise DatasetError(
                f"{file.name} has no object with a mask and an image that can be used.{why}"
            )
        return dataset

    def _images(self, finder: ImageFinder) -> tuple[IdIndex[int | None], dict[int, LabelledImage]]:
        """The number of each image by id (None: it was skipped), and the images by number."""
        known: IdIndex[int | None] = IdIndex()
        entries: dict[Identity, dict[str, Any]] = {}
        for entry in self.content.images:
            identity, name = as_id(entry.get("id")), _file_name(entry)
            where = f"image {name or entry.get('id')!r}" if not name else f"image {name}"
            if identity is None or not name:
                self.problems.append(Problem(where, "it has no id or no file_name"))
            elif identity in entries:
                self.problems.append(Problem(where, "its id is another image's"))
            else:
                entries[identity] = entry
                known.add(identity, None)

        names = [_file_name(entry) for entry in entries.values()]
        places = finder.find(names)
        self._report_places(finder, names, places)
        by_path: dict[Path, int] = {}
        images: dict[int, LabelledImage] = {}
        for number, (identity, entry) in enumerate(entries.items()):
            image = self._image(entry, names[number], places[number])
            if image is None:
                continue
            first = by_path.setdefault(image.path, number)
            if first != number and images[first].size != image.size:
                reason = "its file is another entry's, of another size"
                self.problems.append(Problem(f"image {names[number]}", reason))
                continue
            if first != number:
                reason = "its file is another entry's, too: their objects are taken together"
                self.problems.append(Problem(f"image {names[number]}", reason))
            images.setdefault(first, image)
            known.add(identity, first)
        return known, images

    def _report_places(
        self, finder: ImageFinder, names: list[str], places: list[Found | NotFound]
    ) -> None:
        """Refuse where no image is found; list files that several names lead to."""
        folders = ", ".join(str(folder) for folder in finder.looked_in if folder.is_dir())
        missing = [one for one in places if isinstance(one, NotFound) and not one.is_ambiguous]
        if names and len(missing) == len(names):
            near = {path.parent for one in missing for path in one.candidates}
            hint = f" Files of such names are in {', '.join(sorted(map(str, near))[:3])}."
            raise DatasetError(
                f"None of the {len(names)} images that {self.content.path.name} names was found. "
                f"It names {', '.join(names[:3])}; they were looked for in {folders}, and in "
                f"folders there such as images, data or train.{hint if near else ''} Say where "
                "they are with --images DIR (in Python: images=)."
            )
        if missing:
            self.notes.append(
                Problem(f"{len(missing)} of {len(names)} images", f"looked for in {folders}")
            )
        if finder.is_elsewhere:
            self.notes.append(
                Problem("images", "they are taken from the folder above the JSON's", folders)
            )

        # A file that one name leads to in full is not taken for a name that it only ends like.
        full = {one.path for one in places if isinstance(one, Found) and one.is_full}
        short: dict[Path, set[str]] = {}
        for name, place in zip(names, places, strict=True):
            if isinstance(place, Found) and not place.is_full:
                short.setdefault(place.path, set()).add(name)
        for number, place in enumerate(places):
            if not isinstance(place, Found) or place.is_full:
                continue
            if place.path in full or len(short[place.path]) > 1:
                places[number] = NotFound((place.path,))

    def _image(
        self, entry: dict[str, Any], name: str, place: Found | NotFound
    ) -> LabelledImage | None:
        """One image without its objects; None if it was skipped."""
        where = f"image {name}"
        if isinstance(place, NotFound):
            candidates = ", ".join(map(self._shown, place.candidates))
            detail = f"there is {candidates}" if candidates else ""
            reason = _AMBIGUOUS if place.is_ambiguous else _MISSING
            self.problems.append(Problem(where, reason, detail))
            return None
        if not place.is_full and not _is_foreign(name):
            reason = "its file is taken from another folder than its name has"
            self.notes.append(Problem(where, reason, self._shown(place.path)))
        image = self._open(place.path, name, entry)
        if isinstance(image, Problem):
            self.problems.append(image)
            return None
        return image

    def _shown(self, path: Path) -> str:
        folder = self.content.path.parent.parent
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    def _open(self, path: Path, name: str, entry: dict[str, Any]) -> LabelledImage | Problem:
        """The image, or what is wrong with it."""
        where = f"image {name}"
        try:
            # It is decoded once, with all limits: a broken file would end the training halfway.
            shown = self.limits.load(path).shape[:2]
        except ImageTooLargeError as error:
            reason = "it can't be read: it is over a limit, which --max-pixels or --max-mb raises"
            return Problem(where, reason, str(error))
        except (ImageError, OSError) as error:
            return Problem(where, f"it can't be read ({type(error).__name__})", str(error))
        height, width = as_size(entry.get("height")), as_size(entry.get("width"))
        if height is None or width is None:
            self.notes.append(
                Problem(where, "the JSON has no size for it: the file's own is taken")
            )
        size = (height or shown[0], width or shown[1])
        is_upright = is_annotated_upright(path, (shown[0], shown[1]), size)
        if is_upright is None:
            reason = "its size is not what the JSON says, so its outlines would not fit"
            detail = f"{shown[1]}×{shown[0]}, not {size[1]}×{size[0]}"
            return Problem(where, reason, detail)
        return LabelledImage(path, size, (), is_upright, name, self.limits)

    def _labelled(
        self, images: dict[int, LabelledImage], objects: ObjectReader
    ) -> tuple[LabelledImage, ...]:
        """The images with their objects; notes on what is not labelled in them."""
        gaps: dict[int, str] = {}
        for entry in self.content.images:
            number = objects.known.find(entry.get("id"))
            if number is not None and (gap := labelling_gap(entry, len(objects.classes.names))):
                gaps[number] = gap
        labelled = []
        for number, image in images.items():
            where, found = f"image {image.shown_name}", objects.found.get(number, [])
            if number in gaps:
                self.problems.append(Problem(where, gaps[number]))
                if not found:
                    continue  # nobody has looked for objects in it
            if objects.skipped[number]:
                share = f"{objects.skipped[number]} of {objects.skipped[number] + len(found)}"
                reason = "some of its objects are skipped, and count as background"
                self.notes.append(Problem(where, reason, share))
            elif not found:
                self.notes.append(Problem(where, "it has no object: it counts as background"))
            labelled.append(replace(image, objects=tuple(found)))
        return tuple(labelled)

    def _crowds(self, images: tuple[LabelledImage, ...]) -> tuple[LabelledImage, ...]:
        """Make objects of crowds where there are no others, or that was asked for; or list them."""
        crowds = sum(item.crowd for image in images for item in image.objects)
        others = sum(not item.crowd for image in images for item in image.objects)
        if not crowds:
            return images
        if others and not self.crowds_as_objects:
            for image in images:
                where = f"image {image.shown_name}"
                self.problems += [Problem(where, _CROWD) for item in image.objects if item.crowd]
            return images
        reason = (
            "marked as crowds (iscrowd=1), as CVAT marks brush masks; they are taken as objects"
        )
        kind = "objects" if others else "all objects"
        self.notes.append(Problem(f"{kind} ({crowds})", reason))
        return tuple(
            replace(image, objects=tuple(replace(item, crowd=False) for item in image.objects))
            for image in images
        )


def _file_name(entry: dict[str, Any]) -> str:
    """The image's name; LVIS has only an address."""
    for key in ("file_name", "coco_url"):
        value = entry.get(key)
        if as_number(value) is not None and not isinstance(value, str):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _is_foreign(name: str) -> bool:
    """Whether a name begins at the root of another machine, or is an address."""
    text = name.replace("\\", "/")
    return text.startswith("/") or ":/" in text
