"""What a model found in one image, whatever model it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from .._text import well_formed
from ..errors import PredictionError
from . import (
    arrow,
    checks,
    csv_table,
    equality,
    plotting,
    readers,
    selection,
    supervision,
)
from . import soft_masks as softness
from . import tidy as tidying
from .checks import as_rows, as_size, read_only
from .masks import RLE, MaskCrop, paste
from .own_overlaps import OwnOverlaps, overlaps_within
from .selection import Chosen
from .table import html_table, text_table
from .tidy import Tidy

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

    It is also a sequence of instances: `prediction[0]` and `prediction[-1]` are an `Instance`;
    `prediction[:5]`, `prediction[[0, 2]]` and `prediction[prediction.scores > 0.5]` are a
    `Prediction`. `len`, `for` and `reversed` go over the instances, and without any it is false in
    an `if`. `"person" in prediction` is whether an instance of that class is here.

    Predictions are equal if all but their notes is, and equal ones have the same hash. Copies, also
    those in another process, are read-only, too.

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

    category_ids: tuple[int, ...] = ()
    """The id that each of `class_names` has in its data set, such as COCO's; (): not known."""

    soft_masks: npt.NDArray[np.uint8] | None = None
    """N×M×M uint8: how probable it is that each cell of a box is inside, 255 for 1, as the model's
    mask head gave it; None where a model has none. Equality and hash leave them out. Files, tables
    and servers don't keep them."""

    def __post_init__(self) -> None:
        # The dataclass is frozen; this is the one moment at which its parts are set.
        put = object.__setattr__
        put(self, "image_size", as_size(self.image_size))
        put(self, "boxes", as_rows("boxes", self.boxes, np.float32, (4,)))
        put(self, "scores", as_rows("scores", self.scores, np.float32))
        put(self, "class_ids", as_rows("class_ids", self.class_ids, np.int64))
        put(self, "class_names", tuple(well_formed(str(name)) for name in self.class_names))
        if self.masks is not None:
            put(self, "masks", tuple(self.masks))
        put(self, "notes", tuple(str(note) for note in self.notes))
        put(self, "category_ids", tuple(int(number) for number in self.category_ids))
        checks.check_parts(self)
        if self.soft_masks is not None:
            # They go with the masks, so `replace(prediction, masks=None)` leaves the boxes alone.
            soft = softness.check_soft_masks(self.soft_masks, len(self))
            put(self, "soft_masks", None if self.masks is None else soft)

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

    from_coco = staticmethod(readers.from_coco)
    from_label_image = staticmethod(readers.from_label_image)
    from_labelme = staticmethod(readers.from_labelme)
    from_yolo = staticmethod(readers.from_yolo)

    # ── reading it ────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Instance]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> Instance: ...

    @overload
    def __getitem__(self, index: slice | Chosen) -> Prediction: ...

    def __getitem__(self, index: int | np.integer[Any] | slice | Chosen) -> Instance | Prediction:
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        number = selection.as_index(index)
        return self.select(index) if number is None else _instance(self, number)  # type: ignore[arg-type]

    def __contains__(self, item: object) -> bool:
        if isinstance(item, str):
            return item in self.counts()
        return any(instance == item for instance in self)

    __eq__ = equality.are_equal
    __hash__ = equality.content_hash
    __reduce__ = equality.reduced

    @cached_property
    def areas(self) -> IntArray:
        """N int64: the pixels of each mask, or of each box (rounded) where there are no masks."""
        if self.masks is not None:
            return read_only(np.array([crop.area for crop in self.masks], np.int64))
        sides = np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 0).astype(np.float64)
        return read_only(np.rint(sides[:, 0] * sides[:, 1]).astype(np.int64))

    @cached_property
    def own_overlaps(self) -> OwnOverlaps:
        """The pairs of instances that share pixels, as a sparse matrix; made when first asked
        for."""
        return overlaps_within(self)

    @cached_property
    def reshaped_masks(self) -> dict[Tidy, Prediction]:
        """What `Tidy.reshaped` has made of this prediction, kept because each step asks again."""
        return {}

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

    to_supervision = supervision.to_supervision
    to_df = arrow.to_df
    to_csv = csv_table.to_csv
    __arrow_c_stream__ = arrow.arrow_stream

    # ── choosing from it ──────────────────────────────────────────────────────────────────────────

    select = selection.select
    indices = selection.indices
    keep = selection.keep
    filter = selection.filter_instances
    sort = selection.sort
    tidy = tidying.tidy
    at_mask_threshold = softness.at_mask_threshold

    # ── showing it ────────────────────────────────────────────────────────────────────────────────

    check_image = checks.check_image
    plot = plotting.plot

    def __repr__(self) -> str:
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": text_table(self), "text/html": html_table(self)}


def _instance(prediction: Prediction, index: int) -> Instance:
    """One instance; its index may count from the end."""
    count = len(prediction)
    if not -count <= index < count:
        raise IndexError(f"There is no instance {index}; this prediction has {count}.")
    index %= count
    x1, y1, x2, y2 = prediction.boxes[index].tolist()
    class_id = int(prediction.class_ids[index])
    return Instance(
        index=index,
        box=(x1, y1, x2, y2),
        score=float(prediction.scores[index]),
        class_id=class_id,
        class_name=prediction.class_names[class_id],
        mask=None if prediction.masks is None else prediction.masks[index],
        area=int(prediction.areas[index]),
    )
