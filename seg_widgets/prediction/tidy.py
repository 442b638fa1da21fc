"""Tidying up what a model found: overlaps, small objects, objects at the border, loose pieces and
holes. The browser does the same in `canvas/tidy.js`; one generated table holds both."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from .checks import as_fraction
from .own_overlaps import OwnOverlaps, rectangles_of
from .pieces import filled, largest_piece
from .soft_masks import MASK_THRESHOLD, at_mask_threshold

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["NO_TIDY", "OverlapBy", "Tidy", "check_tidy", "tidy"]

OverlapBy = Literal["iou", "smaller"]
"""What an overlap is measured by."""

# Of each prediction; a slider makes one for each of its steps.
_KEPT_RESHAPED: Final = 4
_SWITCHES: Final = ("across_classes", "drop_at_border", "largest_piece", "fill_holes")


@dataclass(frozen=True)
class Tidy:
    """How a prediction is tidied up; without arguments, not at all.

    First the masks change, then small instances and those at the border are left out, and then, of
    instances that overlap, those with lower scores. An instance that is not shown for another
    reason takes away none. Scores and boxes stay the model's.

    Raises:
        SettingError: a value is out of its range.
    """

    max_overlap: float = 1.0
    """Of two instances that overlap by more than this, 0 to 1, the one with the lower score is left
    out (of equal ones the later one). 1: none is."""

    overlap_by: OverlapBy = "iou"
    """What an overlap is measured by: "iou", the shared pixels as a share of those that any of the
    two has, or "smaller", as a share of the smaller one's."""

    across_classes: bool = False
    """Whether instances of different classes take each other away, too."""

    min_area: int = 0
    """The pixels of the smallest instance that is shown, 0 or more."""

    drop_at_border: bool = False
    """Whether instances that touch the border of the image are left out."""

    largest_piece: bool = False
    """Whether only the largest connected piece of each mask is kept."""

    fill_holes: bool = False
    """Whether the holes of each mask are filled."""

    mask_threshold: float = MASK_THRESHOLD
    """The probability from which on a pixel belongs to a mask, 0 to 1; what has no soft masks keeps
    its masks."""

    def __post_init__(self) -> None:
        # The dataclass is frozen; this is the one moment at which its parts are set.
        put = object.__setattr__
        put(self, "max_overlap", as_fraction("max_overlap", self.max_overlap))
        if self.overlap_by not in get_args(OverlapBy):
            raise SettingError(f'overlap_by is "iou" or "smaller", not {self.overlap_by!r}.')
        put(self, "mask_threshold", as_fraction("mask_threshold", self.mask_threshold))
        put(self, "min_area", _pixels("min_area", self.min_area))
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise SettingError(f"{name} is True or False, not {getattr(self, name)!r}.")
            put(self, name, bool(getattr(self, name)))

    @property
    def drops(self) -> bool:
        """Whether it can leave instances out."""
        return self.max_overlap < 1 or self.min_area > 0 or self.drop_at_border

    @property
    def reshapes(self) -> bool:
        """Whether it can change masks."""
        return self.largest_piece or self.fill_holes or self.mask_threshold != MASK_THRESHOLD

    def changes(self) -> dict[str, Any]:
        """The settings that are not the default ones, by name."""
        return {
            part.name: getattr(self, part.name)
            for part in fields(self)
            if getattr(self, part.name) != part.default
        }

    def to_trait(self) -> dict[str, Any]:
        """All settings by name, as JSON takes them."""
        return asdict(self)

    def reshaped(self, prediction: Prediction) -> Prediction:
        """A prediction with its masks as they are shown.

        Args:
            prediction: what was found.

        Returns:
            All its instances, those that `keep` leaves out among them; the prediction itself where
            no mask changes.
        """
        if not self.reshapes or prediction.masks is None:
            return prediction
        key = replace(self, max_overlap=1.0, min_area=0, drop_at_border=False)
        known = prediction.reshaped_masks.get(key)
        if known is None:
            known = prediction
            if self.mask_threshold != MASK_THRESHOLD and prediction.soft_masks is not None:
                known = at_mask_threshold(prediction, self.mask_threshold)
            masks = before = known.masks or ()
            if self.largest_piece:
                masks = tuple(map(largest_piece, masks))
            if self.fill_holes:
                masks = tuple(map(filled, masks))
            if any(one is not other for one, other in zip(masks, before, strict=True)):
                known = replace(known, masks=masks)
            if len(prediction.reshaped_masks) >= _KEPT_RESHAPED:
                prediction.reshaped_masks.clear()
            prediction.reshaped_masks[key] = known
        return known

    def keep(
        self, prediction: Prediction, shown: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Which instances stay.

        Args:
            prediction: what was found, as the model gave it.
            shown: N booleans: the instances that nothing else hides; None: all.

        Returns:
            N booleans, True for none beside those that are shown.

        Raises:
            SettingError: `shown` is of another length.
        """
        keep = np.ones(len(prediction), bool) if shown is None else np.array(shown, bool)
        if keep.shape != (len(prediction),):
            raise SettingError(
                f"shown has a boolean for each of the {len(prediction)} instances, but these are "
                f"of shape {keep.shape}."
            )
        if not self.drops or not keep.any():
            return keep
        changed = self.reshaped(prediction)
        if self.min_area:
            keep &= changed.areas >= self.min_area
        if self.drop_at_border:
            keep &= ~_at_border(changed)
        if self.max_overlap < 1:
            keep = self._without_overlaps(changed, keep)
        return keep

    def _without_overlaps(
        self, prediction: Prediction, keep: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """The best score of those that overlap, one after the other, as NMS does it."""
        rivals = _rivals(self, prediction.own_overlaps, prediction.class_ids)
        kept = np.zeros(len(prediction), bool)
        for index in np.argsort(-prediction.scores, kind="stable").tolist():
            kept[index] = keep[index] and not any(kept[one] for one in rivals.get(index, ()))
        return kept


def tidy(prediction: Prediction, settings: Tidy | None = None, **changes: Any) -> Prediction:
    """The prediction tidied up.

    Args:
        prediction: what was found.
        settings: how; None: a `Tidy()`.
        **changes: settings of `Tidy` by name, such as `fill_holes=True`.

    Returns:
        The instances that stay, with their masks changed.

    Raises:
        SettingError: a setting is unknown or out of its range.
    """
    chosen = check_tidy({**check_tidy(settings).to_trait(), **changes})
    keep = chosen.keep(prediction)
    changed = chosen.reshaped(prediction)
    return changed if keep.all() else changed.select(keep)


def check_tidy(value: object) -> Tidy:
    """Check how a prediction is to be tidied up.

    Args:
        value: a `Tidy`, or a mapping of its settings by name; None: not at all.

    Returns:
        It as a `Tidy`.

    Raises:
        SettingError: it is something else, or has a setting that is unknown or out of its range.
    """
    if isinstance(value, Tidy):
        return value
    if value is None:
        return NO_TIDY
    names = tuple(part.name for part in fields(Tidy))
    if not isinstance(value, Mapping):
        raise SettingError(
            f"tidy is a Tidy, such as Tidy(fill_holes=True), or a dict of its settings, "
            f"not {value!r}."
        )
    for name in value:
        if name not in names:
            raise SettingError(f"Tidy has no setting {name!r}. It takes {', '.join(names)}.")
    return Tidy(**value)


def _rivals(settings: Tidy, overlaps: OwnOverlaps, class_ids: npt.NDArray[np.int64]) -> _Rivals:
    """Which instances overlap each one by too much."""
    by_iou = settings.overlap_by == "iou"
    too_much = (overlaps.iou() if by_iou else overlaps.share_of_smaller()) > settings.max_overlap
    if not settings.across_classes:
        too_much &= class_ids[overlaps.first] == class_ids[overlaps.second]
    rivals: dict[int, list[int]] = {}
    pairs = overlaps.first[too_much].tolist(), overlaps.second[too_much].tolist()
    for first, second in zip(*pairs, strict=True):
        rivals.setdefault(first, []).append(second)
        rivals.setdefault(second, []).append(first)
    return rivals


_Rivals = Mapping[int, Iterable[int]]


def _at_border(prediction: Prediction) -> npt.NDArray[np.bool_]:
    """Which instances have a pixel in the image's first or last row or column."""
    height, width = prediction.image_size
    x, y, columns, rows = rectangles_of(prediction).T
    touches = (x == 0) | (y == 0) | (x + columns == width) | (y + rows == height)
    return touches & (columns > 0) & (rows > 0)  # type: ignore[no-any-return]


def _pixels(name: str, value: object) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SettingError(f"{name} is a whole number of pixels, not {value!r}.") from None
    if number < 0:
        raise SettingError(f"{name} is 0 or more pixels, not {number}.")
    return number


NO_TIDY: Final = Tidy()
"""Nothing is tidied up."""
