"""The truth of one image: what an annotator drew, with the regions that count neither way."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._files import expanded
from .._text import plural, printable
from ..annotations import AnnotationFile, annotations_of, read_annotation_file
from ..errors import PredictionError, SettingError
from .adapters import convert
from .checks import as_flags, as_size
from .filter import DEFAULT_THRESHOLD
from .prediction import Prediction
from .readers import check_truth_size, from_label_image, truth_from_coco
from .truth_classes import (
    IGNORE,
    ClassMapping,
    are_ignored,
    called_by_model,
    check_by_name,
    label_names,
    lacking_note,
)

__all__ = ["LABEL_IMAGES", "GroundTruth", "is_coco", "truth_file"]

BoolArray = npt.NDArray[np.bool_]

LABEL_IMAGES: Final = (".png", ".tif", ".tiff")
"""The ends of the names of files that are label images; all others are COCO's JSON."""

_OTHER_IMAGES: Final = (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".jp2", ".heic", ".avif")


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The true instances of one image; it never changes.

    Raises:
        PredictionError: the parts don't fit together.
    """

    prediction: Prediction
    """The instances; their scores are 1. What was skipped or mended is in its `notes`."""

    crowd: BoolArray
    """M booleans: the instance is a region (COCO's `iscrowd` or `ignore`) in which detections
    count neither way, as many as there are."""

    def __post_init__(self) -> None:
        if not isinstance(self.prediction, Prediction):
            raise PredictionError(
                f"The true instances are a Prediction, and no {type(self.prediction).__name__}; "
                "GroundTruth.of makes a truth of anything."
            )
        crowd = as_flags("crowd flags", self.crowd)
        if len(crowd) != len(self.prediction):
            raise PredictionError(
                f"There are {len(self.prediction)} true instances, but {len(crowd)} crowd flags."
            )
        object.__setattr__(self, "crowd", crowd)

    def __len__(self) -> int:
        return len(self.prediction)

    @property
    def of_any_class(self) -> BoolArray:
        """M booleans: the instance is a region in which detections of any class count neither way;
        in other crowds only those of its class do."""
        return self.crowd & are_ignored(self.prediction.class_names, self.prediction.class_ids)

    @classmethod
    def of(
        cls,
        source: Any,
        *,
        size: tuple[int, int],
        file_name: str | None = None,
        class_names: Sequence[str] | None = None,
        classes: ClassMapping | None = None,
    ) -> GroundTruth:
        """The truth of an image, from whatever holds it.

        In COCO's JSON, objects without a mask, with an empty or broken one, or of no category are
        skipped, polygons are cut at the image's edge, and both are listed in the notes. Where no
        object has a mask, the boxes are taken.

        Args:
            source: a `GroundTruth`, a `Prediction`, the path of COCO's JSON (or its content), a
                label image (H×W whole numbers, or the path of its PNG or TIFF), or what
                `Prediction.of` takes.
            size: (height, width) of the image in pixels.
            file_name: the image's file name, path or address; it finds the image in COCO's JSON.
                Folders count only where several images have the same name. None: the only one.
            class_names: the model's vocabulary; the truth's classes have to be in it. None: any.
            classes: the model's name of each class that the truth calls otherwise, such as
                `{"kitty": "cat"}`; None as a name leaves the class out, its own name keeps one
                that the model doesn't have. For a label image also by label, `{1: "cat"}`, or one
                name for all, "cat". `IGNORE` as a name makes a region of it in which detections of
                any class count neither way: `{255: IGNORE}` for Pascal VOC's void. Where labels are
                only left out or ignored, the others keep their names.

        Returns:
            The truth; its class names are the model's, and those that were kept, which its notes
            list.

        Raises:
            PredictionError: it has another size, classes that the model doesn't have, or nothing
                of this image.
            DatasetError: it is no COCO file, or its categories are damaged.
            SettingError: `classes` is no such mapping, or another argument is of another kind.
        """
        size = as_size(size)
        _check_names(file_name, class_names)
        given = cls._read(source, size, file_name, class_names, classes)
        if given is source or _has_names(source):
            check_by_name(classes)
        check_truth_size(given.prediction.image_size, size)
        return _renamed(given, class_names, classes)

    @classmethod
    def _read(
        cls,
        source: Any,
        size: tuple[int, int],
        file_name: str | None,
        class_names: Sequence[str] | None,
        classes: ClassMapping | None,
    ) -> GroundTruth:
        if isinstance(source, GroundTruth):
            return source
        if isinstance(source, Prediction):
            return _as_truth(source)
        if isinstance(source, AnnotationFile):
            return cls(*truth_from_coco(source, size, file_name))
        if isinstance(source, (str, os.PathLike)):
            path = expanded(source)
            if path.suffix.lower() not in LABEL_IMAGES:
                return cls(*truth_from_coco(truth_file(path), size, file_name))
            return _of_labels(path, *label_names(classes, class_names))
        if is_coco(source):
            content = annotations_of(dict(source), Path("This truth"))
            return cls(*truth_from_coco(content, size, file_name))
        if isinstance(source, np.ndarray) and source.ndim == 2 and source.dtype.kind in "iub":
            check_truth_size((int(source.shape[0]), int(source.shape[1])), size)
            return _of_labels(source, *label_names(classes, class_names))
        one_name = [classes] if isinstance(classes, str) else None
        conversion = convert(source, size, class_names=one_name)
        notes = (*conversion.prediction.notes, *conversion.notes)
        return _as_truth(replace(conversion.prediction, notes=tuple(dict.fromkeys(notes))))


def _check_names(file_name: object, class_names: object) -> None:
    if file_name is not None and not isinstance(file_name, (str, os.PathLike)):
        raise SettingError(f"file_name is the image's name, a text, not {file_name!r:.80}.")
    if class_names is None:
        return
    is_list = isinstance(class_names, Sequence) and not isinstance(class_names, (str, bytes))
    if not is_list or not all(isinstance(name, str) for name in class_names):  # type: ignore[attr-defined]
        raise SettingError(
            f"class_names is a list of the model's class names, not {class_names!r:.80}."
        )


def _has_names(source: Any) -> bool:
    """Whether the classes of a source have names of their own; the labels of an image have none."""
    if isinstance(source, (str, os.PathLike)):
        return Path(source).suffix.lower() not in LABEL_IMAGES
    return is_coco(source) or isinstance(source, (Prediction, AnnotationFile))


def is_coco(source: object) -> bool:
    """Whether a value is the content of COCO's JSON.

    Args:
        source: whatever there is.
    """
    return isinstance(source, Mapping) and {"images", "annotations"} <= set(source)


def truth_file(path: Path) -> AnnotationFile:
    """Read the truth of images from a file that is no label image.

    Args:
        path: the file.

    Raises:
        DatasetError: it is no COCO file.
        PredictionError: it is an image, but not of a kind that keeps labels.
    """
    if path.suffix.lower() in _OTHER_IMAGES:
        raise PredictionError(
            f"{printable(path.name)} is an image, and no truth. The truth is COCO's JSON, or a "
            "label image: a PNG or TIFF in which each pixel has the number of its object."
        )
    return read_annotation_file(path)


def _of_labels(
    source: Any, names: Mapping[int, str | None] | str | None, only_name: str | None
) -> GroundTruth:
    """The truth of a label image; `only_name` is that of all labels that have no other."""
    found = from_label_image(source, class_names=names)
    if only_name is not None:
        ids = are_ignored(found.class_names, found.class_ids).astype(np.int64)
        names_then = (only_name, IGNORE) if ids.any() else (only_name,)
        found = replace(found, class_ids=ids, class_names=names_then, category_ids=())
    return _as_truth(found)


def _as_truth(prediction: Prediction) -> GroundTruth:
    """A prediction as the truth: whatever it scored, it is there."""
    notes = (*prediction.notes, *_unsure_note(prediction))
    sure = replace(prediction, scores=np.ones(len(prediction), np.float32), notes=notes)
    return GroundTruth(sure, are_ignored(sure.class_names, sure.class_ids))


def _unsure_note(prediction: Prediction) -> tuple[str, ...]:
    """A sentence about a truth that is all that a model has found, faint detections included."""
    unsure = int(np.count_nonzero(prediction.scores < DEFAULT_THRESHOLD))
    if not unsure:
        return ()
    return (
        f"{unsure:,} of {len(prediction):,} {plural(len(prediction), 'object')} of this truth "
        f"{plural(unsure, 'has a score', 'have scores')} below {DEFAULT_THRESHOLD:g}, and all of "
        f"them count. Give prediction.filter({DEFAULT_THRESHOLD:g}) to leave the unsure ones out.",
    )


def _renamed(
    truth: GroundTruth, class_names: Sequence[str] | None, classes: ClassMapping | None
) -> GroundTruth:
    """The truth in the model's words."""
    found = truth.prediction
    own = found.class_names
    occurring = {own[number] for number in np.unique(found.class_ids).tolist()}
    called = called_by_model(own, occurring, class_names, classes)
    fixed = own if class_names is None and not classes else tuple(class_names or ())
    more = [called[name] for name in own if class_names is None or name in occurring]
    names = tuple(dict.fromkeys((*fixed, *(name for name in more if name is not None))))
    if names == own and all(called[name] == name for name in own):
        return truth

    wanted = [called[own[number]] for number in found.class_ids.tolist()]
    left = [index for index, name in enumerate(wanted) if name is not None]
    ids = [names.index(name) for name in wanted if name is not None]
    some = found.select(left)
    renamed = replace(some, class_ids=np.array(ids, np.int64), class_names=names, category_ids=())
    crowd = truth.crowd[left] | are_ignored(names, renamed.class_ids)
    notes = lacking_note(class_names or (), renamed.select(np.flatnonzero(~crowd)).counts())
    renamed = replace(renamed, notes=tuple(dict.fromkeys((*renamed.notes, *notes))))
    return GroundTruth(renamed, crowd)
