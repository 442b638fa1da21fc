"""What a model found in one image, whatever model it was."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError, SettingError
from .plotting import ColorBy, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RLE", "Instance", "MaskCrop", "Prediction", "SortKey"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_Array = TypeVar("_Array", bound=npt.NDArray[Any])
SortKey = Literal["score", "area", "class"]

# A table longer than a screen hides what comes after it; the rest is counted instead.
_TABLE_ROWS = 30


class RLE(TypedDict):
    """A mask in COCO's compressed run-length encoding, as pycocotools and the COCO results format
    take it."""

    size: list[int]
    counts: str


@dataclass(frozen=True)
class MaskCrop:
    """One mask, kept as the bits inside the smallest rectangle that holds it.

    `x`, `y`: the rectangle's left and top pixel. `width`, `height`: its size in pixels (0 × 0: an
    empty mask). `bits`: width · height bits, row by row, packed eight to a byte, most significant
    bit first (`numpy.packbits`).
    """

    x: int
    y: int
    width: int
    height: int
    bits: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if min(self.x, self.y, self.width, self.height) < 0:
            raise PredictionError(
                f"A mask's rectangle has a negative part: {self.x, self.y, self.width, self.height}."
            )
        if len(self.bits) != (self.width * self.height + 7) // 8:
            raise PredictionError(
                f"A mask of {self.width}×{self.height} needs {(self.width * self.height + 7) // 8} bytes "
                f"of bits, but has {len(self.bits)}."
            )

    @classmethod
    def from_array(cls, mask: npt.NDArray[Any], x: int = 0, y: int = 0) -> MaskCrop:
        """Cut an H×W array (non-zero: inside) down to its content; its corner lies at (`x`, `y`) in
        the image."""
        if mask.ndim != 2:
            raise PredictionError(
                f"A mask is an H×W array, but this one has the shape {mask.shape}."
            )
        inside = mask.astype(bool, copy=False)
        rows = np.flatnonzero(inside.any(axis=1))
        if rows.size == 0:
            return cls(0, 0, 0, 0, b"")
        columns = np.flatnonzero(inside.any(axis=0))
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        bits = np.packbits(inside[top:bottom, left:right]).tobytes()
        return cls(x + left, y + top, right - left, bottom - top, bits)

    def to_array(self) -> BoolArray:
        """The rectangle's content as a boolean height×width array."""
        flat = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=self.width * self.height)
        return flat.reshape(self.height, self.width).astype(bool)

    @cached_property
    def area(self) -> int:
        """The number of pixels inside."""
        # As one number, so that the bits which pad the last byte can be shifted away: they are no
        # pixels.
        return (int.from_bytes(self.bits, "big") >> (-self.width * self.height) % 8).bit_count()

    def rle(self, image_size: tuple[int, int]) -> RLE:
        """COCO's compressed RLE of the mask in an image of `image_size` (height, width), made from
        the crop alone."""
        from pycocotools import mask as coco_mask

        height, width = image_size
        if self.width == 0 or self.height == 0:
            counts = [height * width]
        else:
            counts = _column_runs(self.to_array(), self.x, self.y, height, width)
        encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
        return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _column_runs(crop: BoolArray, x: int, y: int, height: int, width: int) -> list[int]:
    """Uncompressed COCO runs (column by column, outside first) of a crop placed in a height×width
    image."""
    # Padding each column with one empty pixel makes every run inside a column start and end there;
    # a run that touches the image's bottom and the next column's top is joined again below.
    padded = np.zeros((crop.shape[1], crop.shape[0] + 1), np.int8)
    padded[:, :-1] = crop.T
    edges = np.diff(padded, axis=1, prepend=0)
    start_column, start_row = np.nonzero(edges == 1)
    end_column, end_row = np.nonzero(edges == -1)
    starts = (start_column + x) * height + start_row + y
    ends = (end_column + x) * height + end_row + y
    joined = starts[1:] == ends[:-1]
    starts = starts[np.concatenate(([True], ~joined))]
    ends = ends[np.concatenate((~joined, [True]))]
    bounds = np.concatenate(([0], np.stack((starts, ends), axis=1).ravel(), [height * width]))
    runs: list[int] = np.diff(bounds).tolist()
    if runs[-1] == 0:
        runs.pop()
    return runs


@dataclass(frozen=True)
class Instance:
    """One object of a prediction.

    `index`: its place in the prediction. `box`: (x1, y1, x2, y2), absolute pixels. `score`: 0 to 1.
    `area`: pixels of the mask, or of the box where there is no mask.
    """

    index: int
    box: tuple[float, float, float, float]
    score: float
    class_id: int
    class_name: str
    mask: MaskCrop | None
    area: int


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """What a model found in one image; it never changes, and its arrays are read-only.

    `image_size`: (height, width) of the image in pixels. `boxes`: N×4 float32, XYXY in absolute
    pixels. `scores`: N float32, 0 to 1. `class_ids`: N int64, each an index into `class_names`, the
    model's whole vocabulary. `masks`: N `MaskCrop`s, or None for a model that gives boxes only.

    Raises `PredictionError` when the parts don't fit together.
    """

    image_size: tuple[int, int]
    boxes: FloatArray
    scores: FloatArray
    class_ids: IntArray
    class_names: tuple[str, ...]
    masks: tuple[MaskCrop, ...] | None = None

    def __post_init__(self) -> None:
        put = (
            object.__setattr__
        )  # the dataclass is frozen; this is the one moment at which its parts are set
        put(self, "image_size", (int(self.image_size[0]), int(self.image_size[1])))
        put(self, "boxes", _part("boxes", self.boxes, np.float32, (4,)))
        put(self, "scores", _part("scores", self.scores, np.float32))
        put(self, "class_ids", _part("class_ids", self.class_ids, np.int64))
        put(self, "class_names", tuple(str(name) for name in self.class_names))
        if self.masks is not None:
            put(self, "masks", tuple(self.masks))
        self._check()

    def _check(self) -> None:
        height, width = self.image_size
        if height < 1 or width < 1:
            raise PredictionError(
                f"An image is at least 1×1 pixel, but image_size is {self.image_size}."
            )
        lengths = {
            "boxes": len(self.boxes),
            "scores": len(self.scores),
            "class_ids": len(self.class_ids),
        }
        if self.masks is not None:
            lengths["masks"] = len(self.masks)
        if len(set(lengths.values())) > 1:
            parts = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise PredictionError(f"Each instance has one of each, but there are {parts}.")
        if not np.isfinite(self.boxes).all() or not np.isfinite(self.scores).all():
            raise PredictionError(
                "A box or a score is not a finite number; the model's weights may be damaged."
            )
        if len(self) and not (self.scores.min() >= 0 and self.scores.max() <= 1):
            low, high = self.scores.min(), self.scores.max()
            raise PredictionError(f"Scores lie in 0 to 1, but these go from {low} to {high}.")
        if len(self) and not (
            self.class_ids.min() >= 0 and self.class_ids.max() < len(self.class_names)
        ):
            raise PredictionError(
                f"A class id is an index into the {len(self.class_names)} class names, but these go from "
                f"{self.class_ids.min()} to {self.class_ids.max()}; give the names that belong to the weights."
            )
        for crop in self.masks or ():
            if crop.x + crop.width > width or crop.y + crop.height > height:
                raise PredictionError(
                    f"A mask leaves the image of {width}×{height} pixels: {crop}."
                )

    # ── making one ────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def empty(cls, image_size: tuple[int, int], class_names: Sequence[str] = ()) -> Prediction:
        """A prediction of nothing."""
        none = np.zeros(0, np.float32)
        return cls(
            image_size, none.reshape(0, 4), none, np.zeros(0, np.int64), tuple(class_names), ()
        )

    @classmethod
    def from_dense(
        cls,
        masks: npt.NDArray[Any],
        scores: npt.ArrayLike,
        class_ids: npt.ArrayLike,
        class_names: Sequence[str],
        boxes: npt.ArrayLike | None = None,
    ) -> Prediction:
        """A prediction from N×H×W masks (non-zero: inside); without `boxes` each box is drawn
        around its mask."""
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
            return _read_only(np.array([crop.area for crop in self.masks], np.int64))
        sides = np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 0).astype(np.float64)
        return _read_only(np.rint(sides[:, 0] * sides[:, 1]).astype(np.int64))

    def counts(self) -> dict[str, int]:
        """How many instances each class that occurs has, the most frequent first."""
        ids, numbers = np.unique(self.class_ids, return_counts=True)
        pairs = sorted(
            zip(numbers.tolist(), ids.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1])
        )
        return {self.class_names[class_id]: number for number, class_id in pairs}

    def masks_dense(self) -> BoolArray:
        """N×H×W booleans; this takes N · H · W bytes (100 instances at 12 MP: 1.2 GB), so prefer
        the crops.

        Raises `PredictionError` for a prediction without masks.
        """
        crops = self._need_masks()
        dense = np.zeros((len(self), *self.image_size), bool)
        for plane, crop in zip(dense, crops, strict=True):
            plane[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = crop.to_array()
        return dense

    def rle(self) -> list[RLE]:
        """Each mask in COCO's compressed RLE, lossless.

        Raises `PredictionError` for a prediction without masks.
        """
        return [crop.rle(self.image_size) for crop in self._need_masks()]

    def _need_masks(self) -> tuple[MaskCrop, ...]:
        if self.masks is None:
            raise PredictionError(
                "This prediction has boxes only; use a model with a mask head to get masks."
            )
        return self.masks

    # ── choosing from it ──────────────────────────────────────────────────────────────────────────

    def select(self, indices: Iterable[int] | npt.NDArray[Any]) -> Prediction:
        """The instances at `indices` (numbers, or N booleans), in that order."""
        chosen = self.indices(indices)
        masks = None if self.masks is None else tuple(self.masks[index] for index in chosen)
        return replace(
            self,
            boxes=self.boxes[chosen],
            scores=self.scores[chosen],
            class_ids=self.class_ids[chosen],
            masks=masks,
        )

    def indices(self, chosen: Iterable[int] | npt.NDArray[Any]) -> IntArray:
        """The places (int64) of the instances that `chosen` names: numbers, from the end where
        negative, or N booleans.

        Raises `SettingError` for one that is not here.
        """
        chosen = np.asarray(chosen if isinstance(chosen, np.ndarray) else list(chosen))
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise SettingError(
                    f"A selection by booleans has one for each of the {len(self)} instances."
                )
            chosen = np.flatnonzero(chosen)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise SettingError(
                "A selection is a list of whole numbers, or of a boolean for each instance."
            )
        chosen = chosen.astype(np.int64)
        if chosen.size and not (-len(self) <= chosen.min() and chosen.max() < len(self)):
            raise SettingError(
                f"The selection names an instance that is not among the {len(self)} here."
            )
        return np.where(chosen < 0, chosen + len(self), chosen)

    def keep(
        self,
        threshold: float = 0.0,
        hidden_classes: Iterable[str] = (),
        class_thresholds: Mapping[str, float] | None = None,
        hidden_instances: Iterable[int] = (),
    ) -> BoolArray:
        """Which instances meet their threshold and are not hidden: N booleans.

        A class in `class_thresholds` (name → 0 to 1) has that one in place of `threshold`. Names of
        classes and numbers of instances that are not here are passed over: they may belong to
        another model or image.
        """
        own, hidden = class_thresholds or {}, set(hidden_classes)
        least = np.array(
            [np.inf if name in hidden else own.get(name, threshold) for name in self.class_names],
            np.float32,
        )
        keep = self.scores >= least[self.class_ids] if len(self) else np.zeros(0, bool)
        keep[[index for index in hidden_instances if index < len(self)]] = False
        return keep

    def filter(
        self,
        min_score: float = 0.0,
        classes: Iterable[str | int] | None = None,
        hidden_classes: Iterable[str | int] = (),
        class_thresholds: Mapping[str, float] | None = None,
    ) -> Prediction:
        """The instances that score `min_score` (0 to 1) or more, of `classes`, and not of
        `hidden_classes`.

        Classes are names or ids; `classes=None` means all of them. A class in `class_thresholds`
        (name → 0 to 1) has that one in place of `min_score`. Raises `SettingError` for a score out
        of range or a class that the model doesn't know.
        """
        own = {name: check_threshold(value) for name, value in (class_thresholds or {}).items()}
        self._ids_of(own)  # says which one is unknown
        keep = self.keep(check_threshold(min_score), class_thresholds=own)
        if classes is not None:
            keep &= np.isin(self.class_ids, self._ids_of(classes))
        keep &= ~np.isin(self.class_ids, self._ids_of(hidden_classes))
        return self.select(keep)

    def sort(self, by: SortKey = "score", descending: bool = True) -> Prediction:
        """The same instances in the order of their score, area or class name; equal ones keep their
        order."""
        if by == "score":
            keys: Sequence[Any] = self.scores.tolist()
        elif by == "area":
            keys = self.areas.tolist()
        elif by == "class":
            keys = [self.class_names[class_id] for class_id in self.class_ids]
        else:
            raise SettingError(
                f'Instances are sorted by "score", "area" or "class", not by {by!r}.'
            )
        return self.select(sorted(range(len(self)), key=keys.__getitem__, reverse=descending))

    def _ids_of(self, classes: Iterable[str | int]) -> list[int]:
        if isinstance(classes, str):
            raise SettingError(f"Give classes as a list, such as [{classes!r}], not as one text.")
        known = {name: class_id for class_id, name in enumerate(self.class_names)}
        ids = []
        for entry in classes:
            class_id = known.get(entry) if isinstance(entry, str) else int(entry)
            if class_id is None or not 0 <= class_id < len(self.class_names):
                raise SettingError(
                    f"The model has no class {entry!r}; it knows {_list_names(self.class_names)}."
                )
            ids.append(class_id)
        return ids

    # ── showing it ────────────────────────────────────────────────────────────────────────────────

    def check_image(self, image: npt.NDArray[Any]) -> None:
        """Raise `SettingError` unless the image is an H×W×3 uint8 array, `PredictionError` unless
        it has our size."""
        if (
            not isinstance(image, np.ndarray)
            or image.ndim != 3
            or image.shape[2] != 3
            or image.dtype != np.uint8
        ):
            what = (
                f"{image.dtype} of shape {image.shape}"
                if isinstance(image, np.ndarray)
                else type(image).__name__
            )
            raise SettingError(
                f"The image is an H×W×3 uint8 RGB array, not {what}; images.load makes one."
            )
        if image.shape[:2] != self.image_size:
            height, width = self.image_size
            raise PredictionError(
                f"The prediction is for an image of {width}×{height} pixels, but this one has "
                f"{image.shape[1]}×{image.shape[0]}. Run the model on this image."
            )

    def plot(
        self,
        ax: Axes | None = None,
        image: npt.NDArray[np.uint8] | None = None,
        *,
        color_by: ColorBy = "class",
        masks: bool = True,
        opacity: float = 0.45,
        outlines: bool = True,
        boxes: bool = False,
        labels: bool = True,
        scores: bool = True,
        line_width: float = 1.2,
        font_size: float = 8,
    ) -> Axes:
        """Draw the instances on matplotlib axes, as shapes that stay sharp in PDF and SVG; returns
        the axes.

        `ax`: where to draw; None: the current axes of pyplot. `image`: H×W×3 uint8 RGB, shown below
        the instances; None leaves what is there, so that they can be drawn on an `imshow` of one's
        own (a pixel's centre is at whole numbers). The rest is as in `rendering.Style`, but
        `line_width` and `font_size` are in points.

        The shapes have the names of their classes as labels (coloured by instance: also their
        numbers), so that `ax.legend()` says which colour is which. Smaller instances are drawn over
        larger ones.

        Raises as `check_image` does, `SettingError` for a setting out of its range, and
        `DependencyError` where matplotlib is not installed.
        """
        if image is not None:
            self.check_image(image)
        return plot(
            self,
            ax,
            image,
            color_by=color_by,
            masks=masks,
            opacity=opacity,
            outlines=outlines,
            boxes=boxes,
            labels=labels,
            scores=scores,
            line_width=line_width,
            font_size=font_size,
        )

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                str(instance.index),
                instance.class_name,
                f"{instance.score:.2f}",
                str(instance.area),
                " ".join(f"{value:.0f}" for value in instance.box),
            )
            for instance in map(self.__getitem__, range(min(len(self), _TABLE_ROWS)))
        ]

    def _title(self) -> str:
        height, width = self.image_size
        noun = "instance" if len(self) == 1 else "instances"
        return f"{len(self)} {noun} in {width}×{height} px"

    def __repr__(self) -> str:
        lines = [f"Prediction: {self._title()}"]
        if len(self):
            table = [("#", "class", "score", "area px", "box x1 y1 x2 y2"), *self._rows()]
            widths = [max(len(row[column]) for row in table) for column in range(5)]
            for number, name, *numbers, box in table:
                aligned = [
                    cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=False)
                ]
                lines.append(
                    "  ".join(
                        [number.rjust(widths[0]), name.ljust(widths[1]), *aligned, box]
                    ).rstrip()
                )
        if len(self) > _TABLE_ROWS:
            lines.append(f"… and {len(self) - _TABLE_ROWS} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{name}</th>" for name in ("#", "class", "score", "area px", "box x1 y1 x2 y2")
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._rows()
        )
        more = f"<p>… and {len(self) - _TABLE_ROWS} more</p>" if len(self) > _TABLE_ROWS else ""
        return f"<p>{self._title()}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def check_threshold(value: object) -> float:
    """A score threshold as a float; raises `SettingError` unless it is a number from 0 to 1 (NaN is
    not)."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise SettingError(f"A threshold is a number from 0 to 1, not {value!r}.") from None
    if not 0 <= number <= 1:
        raise SettingError(
            f"A threshold lies between 0 and 1, but {number:g} was given; 0.5 is usual."
        )
    return number


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} … ({len(names)} in all)" if len(names) > 8 else shown or "no classes"


def _part(
    name: str, values: object, dtype: npt.DTypeLike, row: tuple[int, ...] = ()
) -> npt.NDArray[Any]:
    """A read-only copy of N rows (of shape `row`) of numbers."""
    try:
        array = np.array(values, dtype)
    except (TypeError, ValueError):
        raise PredictionError(f"The {name} are not numbers in rows of equal length.") from None
    if array.size == 0:
        array = array.reshape(0, *row)
    if array.ndim != 1 + len(row) or array.shape[1:] != row:
        wanted = "×".join(map(str, ("N", *row)))
        raise PredictionError(
            f"The {name} are an array of shape {wanted}, but these have the shape {array.shape}."
        )
    return _read_only(array)


def _read_only(array: _Array) -> _Array:
    array.setflags(write=False)
    return array
