"""`evaluate`: how good predictions are, measured with the truth of many images."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._files import StrPath
from ..errors import SettingError
from ..prediction import ClassMapping, data_frame
from . import plots, report, result_table
from .arguments import whole_number
from .averages import MAX_DETECTIONS
from .curves import Curve, OperatingPoint
from .error_kinds import ErrorKinds
from .outcomes import Confusion, ImageScore
from .pictures import Images
from .pool import KINDS, Kind
from .scenes import Gathered, Predictions, Scene, gather
from .scores import Scores
from .true_images import Truths

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["Evaluation", "evaluate"]


class Evaluation:
    """How good predictions are; made by `evaluate`.

    In a notebook it is a table of figures. What is not about boxes is about masks, where there are
    any; `on("boxes")` has the same of boxes.

    Args:
        gathered: the images.
        kind: what is judged first; None: masks where there are any.
        max_detections: three rising limits of the detections of a class in an image.
    """

    def __init__(
        self,
        gathered: Gathered,
        kind: Kind | None = None,
        max_detections: tuple[int, int, int] = MAX_DETECTIONS,
    ) -> None:
        self._gathered = gathered
        one, ten, most = max_detections
        self._max_detections = int(one), int(ten), int(most)
        self.kind: Kind = ("masks" if gathered.has_masks else "boxes") if kind is None else kind
        if self.kind not in KINDS or (self.kind == "masks" and not gathered.has_masks):
            raise SettingError(
                f"{kind!r:.80} can't be judged here: "
                + ("give masks or boxes." if kind not in KINDS else "a side has boxes only.")
            )

    # ── what was given ────────────────────────────────────────────────────────────────────────────

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that are judged, in the truth's order."""
        return self._gathered.class_names

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The images, each with what was found and what is there."""
        return self._gathered.scenes

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the figures: what was left out, what counts as missed."""
        return self._gathered.notes

    @property
    def without_prediction(self) -> tuple[str, ...]:
        """Images of the truth that nothing was predicted for; their objects count as missed."""
        return self._gathered.without_prediction

    @property
    def without_truth(self) -> tuple[str, ...]:
        """Predictions of images that the truth doesn't have; they are left out."""
        return self._gathered.without_truth

    @property
    def max_detections(self) -> tuple[int, int, int]:
        """The limits of the detections of a class in an image, for AR and AP."""
        return self._max_detections

    @property
    def has_masks(self) -> bool:
        """Whether masks are judged; else a side has boxes only."""
        return self._gathered.has_masks

    # ── figures ───────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def scores(self) -> Scores:
        """All that is measured of masks, or of boxes."""
        return Scores(self.scenes, self.class_names, self.kind, self._max_detections)

    def on(self, kind: Kind) -> Evaluation:
        """The same evaluation of masks or of boxes.

        Args:
            kind: "masks" or "boxes".

        Returns:
            It; itself, where it is of this kind.

        Raises:
            SettingError: `kind` is something else, or a side has no masks.
        """
        if kind == self.kind:
            return self
        if kind not in KINDS:
            raise SettingError(f"{kind!r:.80} can't be judged: give masks or boxes.")
        if kind not in self._others:
            self._others[kind] = Evaluation(self._gathered, kind, self._max_detections)
        return self._others[kind]

    @cached_property
    def _others(self) -> dict[str, Evaluation]:
        return {}

    @property
    def figures(self) -> dict[str, float | None]:
        """COCO's twelve figures, 0 to 1, equal to pycocotools'; None: there is no such object."""
        return self.scores.figures

    @property
    def by_class(self) -> dict[str, dict[str, float | None]]:
        """COCO's twelve figures of each class."""
        return self.scores.averages.by_class()

    @property
    def error_kinds(self) -> ErrorKinds:
        """Where the errors come from, by TIDE's definitions."""
        return self.scores.error_kinds

    def curve(self, class_name: str | None = None) -> Curve:
        """Precision, recall and F1 over the threshold; see `Scores.curve`."""
        return self.scores.curve(class_name)

    def best_threshold(self, class_name: str | None = None) -> OperatingPoint | None:
        """The threshold with the highest F1, and its price; see `Scores.best_threshold`."""
        return self.scores.best_threshold(class_name)

    @property
    def best_thresholds(self) -> dict[str, float]:
        """The threshold with the highest F1 of each class, for `class_thresholds=`; see
        `Scores.best_thresholds`."""
        return self.scores.best_thresholds

    def threshold_for(
        self, precision: float, class_name: str | None = None
    ) -> OperatingPoint | None:
        """The threshold for a target precision, and its price; see `Scores.threshold_for`."""
        return self.scores.threshold_for(precision, class_name)

    def confusion(self, threshold: float | Mapping[str, float] | None = None) -> Confusion:
        """Which class was found as which; see `Scores.confusion`."""
        return self.scores.confusion(threshold)

    def images(
        self, threshold: float | Mapping[str, float] | None = None
    ) -> tuple[ImageScore, ...]:
        """Each image with its counts; see `Scores.images`."""
        return self.scores.images(threshold)

    def worst(
        self, number: int = 12, threshold: float | Mapping[str, float] | None = None
    ) -> tuple[ImageScore, ...]:
        """The images with the most errors, of equal ones those with the lowest F1.

        Args:
            number: at most so many; images without an error are none of them.
            threshold: as for `Scores.outcomes`.

        Returns:
            They, the worst first.

        Raises:
            SettingError: an argument is out of its range.
        """
        number = whole_number("The number of worst images", number)
        order = sorted(self.images(threshold), key=lambda one: (-one.errors, one.f1, one.place))
        return tuple(one for one in order if one.errors)[:number]

    # ── showing it ────────────────────────────────────────────────────────────────────────────────

    def to_df(self, library: Literal["pandas", "polars"] | None = None) -> Any:
        """The figures by class as a data frame.

        Args:
            library: "pandas" or "polars"; None: the one that is there.

        Returns:
            A `pandas.DataFrame` or a `polars.DataFrame`, with a row for each class.

        Raises:
            SettingError: `library` is something else.
            DependencyError: the library is not installed.
        """
        return data_frame(
            result_table.FIGURE_COLUMNS, result_table.columns_of(self.scores), library
        )

    def to_csv(self, path: StrPath) -> Path:
        """Write the figures by class as CSV, after a row of all classes.

        Args:
            path: where to.

        Returns:
            The file's path.

        Raises:
            ExportError: it can't be written.
        """
        return result_table.write_csv(self.scores, path)

    def plot(self, threshold: float | Mapping[str, float] | None = None) -> Figure:
        """Draw the curves, the confusion matrix and the kinds of errors.

        Args:
            threshold: of the confusion matrix, as for `Scores.outcomes`.

        Returns:
            A matplotlib figure.
        """
        return plots.overview(self.scores, threshold)

    def report(
        self,
        path: StrPath,
        images: Images | None = None,
        *,
        worst: int = 12,
        threshold: float | Mapping[str, float] | None = None,
        title: str = "Evaluation",
    ) -> Path:
        """Write all of it as a web page in one file; its worst images open in the canvas.

        Args:
            path: where to.
            images: the folder with the images, or where each of them is (a path or an H×W×3
                array) by its name in the truth; None: the page has no images. The page says which
                image could not be found or read, or doesn't fit its truth.
            worst: at most so many images.
            threshold: where the slider of the images and the confusion matrix begin, as for
                `Scores.outcomes`.
            title: the page's title.

        Returns:
            The file's path.

        Raises:
            ExportError: the file can't be written.
            SettingError: an argument is out of its range or of another kind.
        """
        return report.write_report(self, path, images, worst, threshold, title)

    def __repr__(self) -> str:
        return result_table.text(self)

    def _repr_html_(self) -> str:
        return result_table.html(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": result_table.text(self), "text/html": result_table.html(self)}


def evaluate(
    predictions: Predictions,
    truth: Truths,
    *,
    classes: ClassMapping | None = None,
    max_detections: tuple[int, int, int] = MAX_DETECTIONS,
) -> Evaluation:
    """Measure predictions with the truth: AP and AR as COCO has them, and what to do about them.

    Names are paired by the ends of their paths. An image without a prediction counts as one in
    which nothing was found; a prediction without a truth, and detections of classes that the truth
    doesn't have, are left out. `notes` lists all of them.

    Args:
        predictions: a table that `segment_folder` wrote (or its path), a mapping file name →
            `Prediction`, or a list in the truth's order, with None for no result. They should
            go down to a score of 0.05 or less: AP of what is left over a threshold is lower.
        truth: the path of COCO's JSON (or its content), a mapping file name → truth, or a list. A
            truth is a `GroundTruth`, a `Prediction` or a label image. Crowds count neither way.
        classes: the model's name of each class that the truth calls otherwise, such as
            `{"kitty": "cat"}`; None as a name leaves the class out, its own name keeps one that
            the model doesn't have, so that its objects count as missed, and `IGNORE` makes regions
            of its objects in which detections of any class count neither way.
        max_detections: three rising limits of the detections of a class in an image, for AR and
            AP; COCO's are 1, 10 and 100.

    Returns:
        The evaluation.

    Raises:
        PredictionError: names, sizes or classes don't fit; the message proposes close names.
        DatasetError: the truth's file can't be used.
        SettingError: an argument is nothing that can be used.
    """
    _check_limits(max_detections)
    return Evaluation(gather(predictions, truth, classes), None, max_detections)


def _check_limits(limits: object) -> None:
    three = list(limits) if isinstance(limits, (tuple, list)) and len(limits) == 3 else []
    is_whole = all(
        isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in three
    )
    if not three or not is_whole or not 0 < three[0] <= three[1] <= three[2]:
        raise SettingError(
            f"max_detections is three rising numbers, such as (1, 10, 100), not {limits!r:.80}."
        )
