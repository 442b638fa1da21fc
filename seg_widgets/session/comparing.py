"""What a prediction is compared with: the truth, or what a second model finds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import traitlets

from ..errors import SegWidgetsError, SettingError
from ..prediction import (
    DEFAULT_IOU,
    Filter,
    GroundTruth,
    Matches,
    Overlaps,
    Prediction,
    TruthSource,
    check_iou,
    match,
    overlaps,
)
from .model_slot import ModelChoice
from .problems import SIDES, Problems
from .result import Result
from .revisiting import Revisiting
from .second_model import RGBArray, SecondModel, is_model
from .traits import ByIdentity

__all__ = ["CompareWith", "Comparing", "Comparison", "IouThreshold"]


class IouThreshold(traitlets.TraitType):  # type: ignore[type-arg]
    """An IoU threshold, 0.1 to 1; anything else (NaN too) raises `SettingError`."""

    default_value = DEFAULT_IOU

    def validate(self, obj: Any, value: object) -> float:
        """The value as a float."""
        return check_iou(value)


class CompareWith(traitlets.TraitType):  # type: ignore[type-arg]
    """ "truth" or "versus"; anything else raises `SettingError`."""

    default_value = "truth"

    def validate(self, obj: Any, value: object) -> str:
        """The value itself."""
        if value not in SIDES:
            raise SettingError(f'{self.name} is "truth" or "versus", not {value!r:.80}.')
        return str(value)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the prediction on screen is compared with."""

    prediction: Prediction
    """The prediction on screen."""

    truth: GroundTruth | None = None
    """The truth of the image."""

    versus: Prediction | None = None
    """What the second model found in it."""

    versus_name: str = ""
    """What the second model is called; "" where it has no name."""

    @cached_property
    def _pairs(self) -> dict[str, Overlaps]:
        return {}

    def matches(self, name: str, iou: float, only: Filter) -> Matches | None:
        """What is shown, matched with one of the two.

        The overlaps are found once, and not for each threshold.

        Args:
            name: "truth" or "versus"; where only the other one is there, that one.
            iou: the IoU threshold, 0.1 to 1.
            only: what is shown.

        Returns:
            The matches; None where there is neither.
        """
        other = self.side(name)
        if other is None:
            return None
        kind = "truth" if other is self.truth else "versus"
        if kind not in self._pairs:
            self._pairs[kind] = overlaps(self.prediction, other)
        return match(self.prediction, other, iou=iou, only=only, pairs=self._pairs[kind])

    def side(self, name: str) -> GroundTruth | Prediction | None:
        """One of the two; the other one where it is not there.

        Args:
            name: "truth" or "versus".
        """
        first, second = (self.truth, self.versus)
        if name == "versus":
            return first if second is None else second
        return second if first is None else first


class Comparing(Revisiting):
    """The part of a session that compares each result with the truth and with a second model.

    Args:
        threshold: The lowest score that is shown, 0 to 1.
    """

    truth = ByIdentity()
    """What is in the image, whatever `GroundTruth.of` takes: a path of COCO JSON (each image is
    found there by its name), a label image, a `Prediction`, or a mapping from file names to any of
    them; None (default) for nothing. What doesn't fit an image is said in `error`, and the
    prediction stays."""

    versus = ByIdentity()
    """What to compare with: a second `Prediction` of the image (or what `Prediction.of` takes), or
    a model (a name, a folder, a predictor), which runs on each image in the background; None
    (default) for nothing."""

    classes = ByIdentity()
    """The model's names of the truth's classes, a dict such as `{"kitty": "cat"}`; None (default)
    where they are the same."""

    iou_threshold = IouThreshold()
    """The IoU from which a detection and a true instance match, a float from 0.1 to 1; default
    0.5."""

    compare_with = CompareWith()
    """Which of them the canvas matches with, "truth" (default) or "versus"; where only one is
    there, that one."""

    comparison: traitlets.TraitType[Comparison | None, Comparison | None] = ByIdentity(
        read_only=True
    )
    """What the result on screen is compared with so far, a `Comparison`; None (default) for
    nothing."""

    _second: SecondModel | None = None
    # The result that was compared last.
    _compared: Result | None = None

    def __init__(self, threshold: float) -> None:
        self._problems = Problems()
        super().__init__(threshold)
        self._truths: TruthSource | None = None
        self.observe(self._take_truth, ["truth", "classes"])
        self.observe(self._take_versus, ["versus"])
        self.observe(self._compare_again, ["result"])
        self._take_truth()
        self._take_versus()

    @property
    def matches(self) -> Matches | None:
        """What is shown, matched with what it is compared with, a `Matches` with a table (`to_df`);
        None while there is nothing to match. The canvas shows the same."""
        with self._lock:
            result, comparison = self.result, self.comparison
            if result is None or comparison is None:
                return None
            return comparison.matches(self.compare_with, self.iou_threshold, self.filter)

    def _end_second(self) -> None:
        if self._second is not None:
            self._second.close()
        self._second = None

    def _take_truth(self, _change: object = None) -> None:
        truths = None
        with self._problems.taking("truth"):
            if self.truth is not None:
                # A file is read here, once, and not on the worker's thread with each result.
                truths = TruthSource(self.truth, self.classes)
        self._truths = truths
        self._compare_again()

    def _take_versus(self, _change: object = None) -> None:
        self._end_second()
        with self._problems.taking("versus"):
            if is_model(self.versus):
                choice = ModelChoice.of(self.versus)
                self._second = SecondModel(choice, self._on_second, self._on_second_failed)
        self._compare_again()

    def _compare_again(self, _change: object = None) -> None:
        """Compare the result on screen with what is there, and have the second model look at it."""
        with self._lock:
            result = self._compared = self.result
            self._problems.forget_image()
            if result is None:
                self._publish_comparison(None)
                return
            truth = versus = None
            with self._problems.fitting("truth"):
                if self._truths is not None:
                    truth = self._truths.of(result.prediction, result.uri or result.name)
            with self._problems.fitting("versus"):
                if self.versus is not None and not is_model(self.versus):
                    versus = Prediction.of(self.versus, result.image)
            if self._second is None:
                self._publish_comparison(Comparison(result.prediction, truth, versus))
                return
            versus = self._second.found_in(result.image)
            self._publish_comparison(
                Comparison(result.prediction, truth, versus, self._second.name)
            )
            if versus is None:
                self._second.look_at(result.image)

    def _standing_error(self, of_image: bool = True) -> str:
        """What keeps the result on screen from being compared, unless another one is on its way."""
        current = self._queue.current
        is_over = self.result is not self._compared or (current is not None and current.shown)
        return self._problems.told("", of_image and not is_over)

    def _publish_comparison(self, comparison: Comparison | None) -> None:
        if comparison is not None and comparison.truth is None and comparison.versus is None:
            comparison = None
        with self._reporting(), self.hold_trait_notifications():
            self.set_trait("comparison", comparison)
            self.set_trait("notes", self._notes())
            self.error = self._problems.told(self.error)

    def _notes(self) -> tuple[str, ...]:
        """The notes of the result on screen and of its truth."""
        result, comparison = self.result, self.comparison
        truth = None if comparison is None else comparison.truth
        of_truth = () if truth is None else truth.prediction.notes
        own = () if result is None else result.notes
        return (*own, *(f"truth: {note}" for note in of_truth if note not in own))

    def _on_second(self, image: RGBArray, found: Prediction) -> None:
        with self._lock:
            result = self.result
            if self._closed or result is None or result.image is not image:
                return
            truth = None if self.comparison is None else self.comparison.truth
            name = "" if self._second is None else self._second.name
            self._publish_comparison(Comparison(result.prediction, truth, found, name))

    def _on_second_failed(self, image: RGBArray, error: SegWidgetsError) -> None:
        with self._lock:
            result = self.result
            if self._closed or result is None or result.image is not image:
                return
            with self._problems.fitting("versus"):
                raise error
            self._publish_comparison(self.comparison)
