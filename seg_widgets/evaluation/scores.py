"""The scores of a model on masks, or on boxes: averages, curves, outcomes, kinds of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from ..prediction import DEFAULT_THRESHOLD, check_class_thresholds, check_threshold, no_such_class
from .averages import MAX_DETECTIONS, Averages, average
from .coco_matching import Matched, match_pool
from .curves import Curve, OperatingPoint, curve_of
from .error_kinds import ErrorKinds, error_kinds
from .outcomes import Confusion, ImageScore, Outcomes, outcomes
from .pool import Kind, Pool, pool_of
from .scenes import Scene

__all__ = ["IOU", "Scores"]

IOU: float = 0.5
"""The IoU from which on a detection is right, for all that is about a threshold of the score."""

_ANY_NUMBER = 2**31 - 1


class Scores:
    """How well masks, or boxes, fit the truth; what is asked for is computed once.

    Args:
        scenes: the images.
        class_names: the classes that are judged.
        kind: "masks" or "boxes".
        max_detections: three rising limits of the detections of a class in an image.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        class_names: Sequence[str],
        kind: Kind,
        max_detections: tuple[int, int, int] = MAX_DETECTIONS,
    ) -> None:
        self.kind = kind
        self.max_detections = max_detections
        self._scenes, self._class_names = tuple(scenes), tuple(class_names)

    @cached_property
    def pool(self) -> Pool:
        """All detections and objects as flat arrays."""
        return pool_of(self._scenes, self._class_names, self.kind)

    @cached_property
    def matched(self) -> Matched:
        """COCO's matching at all IoU thresholds and sizes."""
        return match_pool(self.pool, max_detections=self.max_detections[-1])

    @cached_property
    def averages(self) -> Averages:
        """COCO's AP and AR, by class, IoU threshold and size."""
        return average(self.pool, self.max_detections, self.matched)

    @cached_property
    def without_classes(self) -> Averages:
        """The same for whatever class was found: how well objects are found at all."""
        return average(self.pool.without_classes(), self.max_detections)

    @property
    def figures(self) -> dict[str, float | None]:
        """COCO's twelve figures, 0 to 1; None: there is no such object."""
        return self.averages.figures

    @cached_property
    def error_kinds(self) -> ErrorKinds:
        """Where the errors come from, by TIDE's definitions."""
        return error_kinds(self.pool, self.matched)

    @cached_property
    def _at_half(self) -> Matched:
        # As many detections as there are: what a person sees has no limit.
        return match_pool(self.pool, [IOU], ["all"], _ANY_NUMBER)

    def curve(self, class_name: str | None = None) -> Curve:
        """Precision, recall and F1 over the threshold, at an IoU of 0.5.

        Args:
            class_name: the class; None: all together, each detection and object counted once.

        Returns:
            The curve.

        Raises:
            SettingError: there is no such class.
        """
        number = None if class_name is None else self._number(class_name)
        if class_name not in self._curves:
            self._curves[class_name] = self._curve(number)
        return self._curves[class_name]

    @cached_property
    def _curves(self) -> dict[str | None, Curve]:
        return {}

    def _curve(self, number: int | None) -> Curve:
        pool, hit = self.pool, self._at_half.is_hit[0, 0]
        counts, objects = ~self._at_half.is_ignored[0, 0], ~pool.crowd
        if number is not None:
            counts = counts & (pool.class_id == number)
            objects = objects & (pool.true_class == number)
        return curve_of(pool.score[counts], hit[counts], int(objects.sum()))

    def best_threshold(self, class_name: str | None = None) -> OperatingPoint | None:
        """The threshold with the highest F1, and its price.

        Args:
            class_name: the class; None: all together.

        Returns:
            The threshold; None: nothing is right.

        Raises:
            SettingError: there is no such class.
        """
        return self.curve(class_name).best()

    @property
    def best_thresholds(self) -> dict[str, float]:
        """The threshold with the highest F1 of each class in which anything is right. The others
        have what stands beside them: `prediction.filter(t, class_thresholds=…)`."""
        best = {name: self.best_threshold(name) for name in self._class_names}
        return {name: point.threshold for name, point in best.items() if point is not None}

    def threshold_for(
        self, precision: float, class_name: str | None = None
    ) -> OperatingPoint | None:
        """The threshold that finds most, of those that reach a precision.

        Args:
            precision: over 0 to 1.
            class_name: the class; None: all together.

        Returns:
            The threshold with its price; None: no threshold reaches it.

        Raises:
            SettingError: an argument is out of its range.
        """
        return self.curve(class_name).for_precision(precision)

    def outcomes(self, threshold: float | Mapping[str, float] | None = None) -> Outcomes:
        """What came of each detection and object at a threshold, by the rule of the canvas.

        Args:
            threshold: the least score, 0 to 1, or that of classes by name, where the others have
                what None stands for; None: the one with the best F1, 0.5 where nothing is right.

        Returns:
            The outcomes.

        Raises:
            SettingError: a threshold is out of its range, or there is no such class.
        """
        rest, own = self.least_scores(threshold)
        least = {name: own.get(name, rest) for name in self._class_names} if own else rest
        return outcomes(self.pool, self._at_half.true[0, 0], least, IOU)

    def least_scores(
        self, threshold: float | Mapping[str, float] | None
    ) -> tuple[float, dict[str, float]]:
        """The least scores that count.

        Args:
            threshold: as for `outcomes`.

        Returns:
            That of all classes, 0 to 1, and those of classes that have their own.

        Raises:
            SettingError: a threshold is out of its range, or there is no such class.
        """
        if threshold is not None and not isinstance(threshold, Mapping):
            return check_threshold(threshold), {}
        own = check_class_thresholds("threshold", threshold or {})
        for name in own:
            self._number(name)
        best = self.best_threshold()
        return DEFAULT_THRESHOLD if best is None else best.threshold, own

    def confusion(self, threshold: float | Mapping[str, float] | None = None) -> Confusion:
        """Which class was found as which, with what is missed and what is background.

        Args:
            threshold: as for `outcomes`.

        Returns:
            The matrix.
        """
        return self.outcomes(threshold).confusion

    def images(
        self, threshold: float | Mapping[str, float] | None = None
    ) -> tuple[ImageScore, ...]:
        """Each image with its counts.

        Args:
            threshold: as for `outcomes`.

        Returns:
            They, in the truth's order.
        """
        return self.outcomes(threshold).images(tuple(scene.name for scene in self._scenes))

    def objects(self) -> npt.NDArray[np.int64]:
        """How many objects each class has.

        Returns:
            K counts.
        """
        counts: npt.NDArray[np.int64] = self.averages.objects[0]
        return counts

    def _number(self, class_name: str) -> int:
        if not isinstance(class_name, str):
            raise SettingError(f"A class is given by its name, a text, not {class_name!r:.80}.")
        if class_name not in self._class_names:
            raise SettingError(no_such_class(class_name, self._class_names))
        return self._class_names.index(class_name)
