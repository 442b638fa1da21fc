"""What a model found in one image, whatever model it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError
from . import checks, plotting
from .checks import as_rows, read_only
from .filter import Filter, check_threshold
from .masks import RLE, MaskCrop, paste
from .selection import Chosen, SortKey, class_ids_of, indices_of, sorted_indices
from .table import html_table, text_table

__all__ = ["Instance", "Prediction"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Instance:
    """One object of a prediction."""

    index: int
    """Which one of the prediction it is, 0 for the first."""

    box: tuple[float, float, float, float]
    """(x1, y1, x2, y2), absolute pixels."""

    score: float
    """How sure the model is, 0 to 1."""

    class_id: int
    """An index into the prediction's `class_names`."""

    class_name: str
    """The name of the class."""

    mask: MaskCrop | None
    """The mask; None where the model gives boxes only."""

    area: int
    """Pixels of the mask, or of the box where there is no mask."""


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """What a model found in one image; it never changes, and its arrays are read-only.

    Raises:
        PredictionError: the parts don't fit together.
    """

    image_size: tuple[int, int]
    """(height, width) of the image in pixels."""

    boxes: FloatArray
    """N×4 float32, XYXY in absolute pixels."""

    scores: FloatArray
    """N float32, 0 to 1."""

    class_ids: IntArray
    """N int64, each an index into `class_names`."""

    class_names: tuple[str, ...]
    """The model's whole vocabulary."""

    masks: tuple[MaskCrop, ...] | None = None
    """N masks, or None for a model that gives boxes only."""

    notes: tuple[str, ...] = ()
    """What a person should know of this result, one sentence each, such as that a limit cut it."""

    def __post_init__(self) -> None:
        # The dataclass is frozen; this is the one moment at which its parts are set.
        put = object.__setattr__
        put(self, "image_size", (int(self.image_size[0]), int(self.image_size[1])))
        put(self, "boxes", as_rows("boxes", self.boxes, np.float32, (4,)))
        put(self, "scores", as_rows("scores", self.scores, np.float32))
        put(self, "class_ids", as_rows("class_ids", self.class_ids, np.int64))
        put(self, "class_names", tuple(str(name) for name in self.class_names))
        if self.masks is not None:
            put(self, "masks", tuple(self.masks))
        put(self, "notes", tuple(str(note) for note in self.notes))
        checks.check_parts(self)

    # ── making one ────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def empty(cls, image_size: tuple[int, int], class_names: Sequence[str] = ()) -> Prediction:
        """A prediction without instances.

        Args:
            image_size: (height, width) of the image in pixels.
            class_names: the model's whole vocabulary.

        Returns:
            The prediction; its masks are an empty tuple.
        """
        none = np.zeros(0, np.float32)
        no_ids = np.zeros(0, np.int64)
        return cls(image_size, none.reshape(0, 4), none, no_ids, tuple(class_names), ())

    @classmethod
    def from_dense(
        cls,
        masks: npt.NDArray[Any],
        scores: npt.ArrayLike,
        class_ids: npt.ArrayLike,
        class_names: Sequence[str],
        boxes: npt.ArrayLike | None = None,
    ) -> Prediction:
        """A prediction from masks of the image's size.

        Args:
            masks: N×H×W of any type; what is not zero is inside.
            scores: N, 0 to 1.
            class_ids: N, each an index into `class_names`.
            class_names: the model's whole vocabulary.
            boxes: N×4, XYXY in absolute pixels; None: each box is drawn around its mask.

        Returns:
            The prediction.

        Raises:
            PredictionError: the parts don't fit together.
        """
        if masks.ndim != 3:
            raise PredictionError(
                f"Dense masks are an N×H×W array, but these have the shape {masks.shape}."
            )
        crops = tuple(MaskCrop.from_array(mask) for mask in masks)
        if boxes is None:
            boxes = [(crop.x, crop.y, crop.x + crop.width, crop.y + crop.height) for crop in crops]
        return cls(
            (masks.shape[1], masks.shape[2]),
            np.asarray(boxes, np.float32),
            np.asarray(scores, np.float32),
            np.asarray(class_ids, np.int64),
            tuple(class_names),
            crops,
        )

    @classmethod
    def of(cls, result: Any, image: Any = None, *, class_names: Any = None) -> Prediction:
        """Any model's answer for one image, recognised by its shape; no library is imported for it.

        Scores that are left out become 1, soft masks are cut at 0.5, boxes are clipped to the
        image, and instances with numbers that are not finite are left out. Whatever was changed so
        is said in one `UserWarning`.

        Args:
            result: supervision's Detections (RF-DETR's too); Ultralytics Results; Hugging Face's
                pipelines and `post_process_…` dicts; torchvision's dict; detectron2's Instances;
                SAM's list of masks; COCO results of one image; N×H×W masks; a label image (H×W
                integers, 0 outside); a `Prediction`, which is returned as it is. A list of one of
                them is taken, too.
            image: The H×W×3 array or PIL image that the model was given, or its (height, width).
                Needed where the result doesn't know the size; checked where it does.
            class_names: A list, a dict id → name (`id2label`), COCO's categories, or one name for
                all. None: the result's own names, else "class 7" for the id 7.

        Returns:
            The prediction, in the order of the result.

        Raises:
            PredictionError: The result can't be taken, or belongs to an image of another size. The
                message says what it is and what can be taken.
        """
        from .adapters import prediction_of

        return prediction_of(result, image, class_names=class_names)

    # ── reading it ────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Instance]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Instance:
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no instance {index}; this prediction has {len(self)}.")
        index %= len(self)
        x1, y1, x2, y2 = self.boxes[index].tolist()
        class_id = int(self.class_ids[index])
        return Instance(
            index=index,
            box=(x1, y1, x2, y2),
            score=float(self.scores[index]),
            class_id=class_id,
            class_name=self.class_names[class_id],
            mask=None if self.masks is None else self.masks[index],
            area=int(self.areas[index]),
        )

    @cached_property
    def areas(self) -> IntArray:
        """N int64: the pixels of each mask, or of each box (rounded) where there are no masks."""
        if self.masks is not None:
            return read_only(np.array([crop.area for crop in self.masks], np.int64))
        sides = np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 0).astype(np.float64)
        return read_only(np.rint(sides[:, 0] * sides[:, 1]).astype(np.int64))

    def counts(self) -> dict[str, int]:
        """How many instances each class has.

        Returns:
            Class name → count, of the classes that occur, the most frequent first.
        """
        ids, numbers = np.unique(self.class_ids, return_counts=True)
        pairs = list(zip(numbers.tolist(), ids.tolist(), strict=True))
        pairs.sort(key=lambda pair: (-pair[0], pair[1]))
        return {self.class_names[class_id]: number for number, class_id in pairs}

    def masks_dense(self) -> BoolArray:
        """The masks at the image's size.

        They take N · H · W bytes (100 instances at 12 MP: 1.2 GB), so prefer the crops.

        Returns:
            N×H×W booleans, a new array.

        Raises:
            PredictionError: the prediction has no masks.
        """
        crops = checks.require_masks(self)
        dense = np.zeros((len(self), *self.image_size), bool)
        for plane, crop in zip(dense, crops, strict=True):
            paste(crop, plane)
        return dense

    def rle(self) -> list[RLE]:
        """Each mask in COCO's compressed RLE, lossless.

        Returns:
            N dicts with `size` and `counts`.

        Raises:
            PredictionError: the prediction has no masks.
        """
        return [crop.rle(self.image_size) for crop in checks.require_masks(self)]

    # ── choosing from it ──────────────────────────────────────────────────────────────────────────

    def select(self, indices: Chosen) -> Prediction:
        """Some of the instances.

        Args:
            indices: which ones: indices, from the end where negative, or N booleans.

        Returns:
            A prediction of these instances, in the order given.

        Raises:
            SettingError: one is not here.
        """
        chosen = self.indices(indices)
        masks = None if self.masks is None else tuple(self.masks[index] for index in chosen)
        return replace(
            self,
            boxes=self.boxes[chosen],
            scores=self.scores[chosen],
            class_ids=self.class_ids[chosen],
            masks=masks,
        )

    def indices(self, chosen: Chosen) -> IntArray:
        """The indices of the instances that were chosen.

        Args:
            chosen: indices, from the end where negative, or N booleans.

        Returns:
            int64, each from 0 to N - 1, in the order given.

        Raises:
            SettingError: one is not here.
        """
        return indices_of(chosen, len(self))

    def keep(
        self,
        threshold: float | Filter = 0.0,
        hidden_classes: Iterable[str] = (),
        class_thresholds: Mapping[str, float] | None = None,
        hidden_instances: Iterable[int] = (),
    ) -> BoolArray:
        """Which instances meet their threshold and are not hidden.

        Names of classes and indices of instances that are not here are passed over: they may belong
        to another model or image.

        Args:
            threshold: the lowest score that counts, 0 to 1; or a `Filter`, in place of everything.
            hidden_classes: names of classes that are not shown.
            class_thresholds: thresholds of single classes (name → 0 to 1) in place of `threshold`.
            hidden_instances: indices of single instances that are not shown.

        Returns:
            N booleans.

        Raises:
            SettingError: a threshold is out of range.
        """
        if isinstance(threshold, Filter):
            return threshold.keep(self)
        chosen = Filter(
            threshold, tuple(hidden_classes), class_thresholds or {}, tuple(hidden_instances)
        )
        return chosen.keep(self)

    def filter(
        self,
        min_score: float = 0.0,
        classes: Iterable[str | int] | None = None,
        hidden_classes: Iterable[str | int] = (),
        class_thresholds: Mapping[str, float] | None = None,
    ) -> Prediction:
        """The instances that score enough and are of the right classes.

        Args:
            min_score: the lowest score that counts, 0 to 1.
            classes: names or ids of the classes to keep; None: all.
            hidden_classes: names or ids of classes to leave out.
            class_thresholds: thresholds of single classes (name → 0 to 1) in place of `min_score`.

        Returns:
            A prediction of these instances.

        Raises:
            SettingError: a score is out of range, or the model doesn't know a class.
        """
        thresholds = class_thresholds or {}
        chosen = Filter(check_threshold(min_score), class_thresholds=thresholds)
        class_ids_of(thresholds, self.class_names)  # only to name the unknown one
        keep = chosen.keep(self)
        if classes is not None:
            keep &= np.isin(self.class_ids, class_ids_of(classes, self.class_names))
        keep &= ~np.isin(self.class_ids, class_ids_of(hidden_classes, self.class_names))
        return self.select(keep)

    def sort(self, by: SortKey = "score", descending: bool = True) -> Prediction:
        """The same instances in another order; equal ones keep theirs.

        Args:
            by: "score", "area" or "class" (the name).
            descending: the largest first.

        Returns:
            The sorted prediction.

        Raises:
            SettingError: `by` is something else.
        """
        return self.select(sorted_indices(self, by, descending))

    # ── showing it ────────────────────────────────────────────────────────────────────────────────

    check_image = checks.check_image
    plot = plotting.plot

    def __repr__(self) -> str:
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)
