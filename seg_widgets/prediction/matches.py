"""What came of matching: what became of each detection and true instance, as counts and a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from .._text import plural
from .arrow import data_frame, record_batch
from .columns import Column
from .truth_classes import lacking_note

if TYPE_CHECKING:
    from .prediction import Prediction
    from .truth import GroundTruth

__all__ = ["MATCH_COLUMNS", "Match", "Matches"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_NOBODY: Final = -1


class Match(IntEnum):
    """What became of a detection or of a true instance."""

    LEFT_OUT = 0
    """It is not shown: below the threshold, hidden, or of a hidden class."""

    HIT = 1
    """The detection and the true instance are matched."""

    FALSE_ALARM = 2
    """The detection has no true instance."""

    WRONG_CLASS = 3
    """The detection has a true instance that nobody found, of another class."""

    MISSED = 4
    """No detection of its class has the true instance."""

    IGNORED = 5
    """It counts neither way: a crowd, or a detection in one."""


MATCH_COLUMNS: Final = (
    Column("match", "string", "hit, false alarm, wrong class, missed, or ignored"),
    Column("class_name", "string", "the class that was found; null: nothing was", True),
    Column("true_class", "string", "the class that it is; null: there is nothing", True),
    Column("score", "float32", "how sure the model is, 0 to 1; NaN: nothing was found", True),
    Column("iou", "float32", "the IoU of both, 0 to 1; NaN: there is no pair", True),
    Column("instance", "int32", "the index of the detection; -1: there is none"),
    Column("truth", "int32", "the index of the true instance; -1: there is none"),
)
"""One row for each detection that is shown, then one for each true instance without one."""


@dataclass(frozen=True, eq=False, repr=False)
class Matches:
    """What of a prediction is right, at one threshold and one IoU threshold; its arrays are
    read-only.

    `len` is the number of rows of its table.
    """

    found: Prediction
    """The prediction."""

    truth: GroundTruth
    """What it is compared with."""

    iou: float
    """The IoU threshold, 0.1 to 1."""

    of_found: IntArray
    """N int64: the `Match` of each detection."""

    of_truth: IntArray
    """M int64: the `Match` of each true instance; one that was found with another class is
    missed."""

    partners: IntArray
    """N int64: the true instance that each detection has, also a crowd or one of another class;
    -1: none."""

    partners_of_truth: IntArray
    """M int64: the detection of each true instance; of a crowd the surest one; -1: none."""

    ious: FloatArray
    """N float64: the IoU of each detection with its partner; NaN where it has none."""

    @property
    def hits(self) -> int:
        """How many detections are right (true positives)."""
        return self._count(self.of_found, Match.HIT)

    @property
    def false_alarms(self) -> int:
        """How many detections have no true instance."""
        return self._count(self.of_found, Match.FALSE_ALARM)

    @property
    def wrong_classes(self) -> int:
        """How many detections have a true instance of another class; with the false alarms they
        are the false positives."""
        return self._count(self.of_found, Match.WRONG_CLASS)

    @property
    def misses(self) -> int:
        """How many true instances no detection of their class has (false negatives)."""
        return self._count(self.of_truth, Match.MISSED)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the counts: objects that count as missed, as the model
        lacks their class."""
        missed = np.flatnonzero(self.of_truth == Match.MISSED)
        return lacking_note(self.found.class_names, self.truth.prediction.select(missed).counts())

    @property
    def precision(self) -> float | None:
        """The share of the detections that is right, 0 to 1; None where none counts."""
        return _share(self.hits, self.hits + self.false_alarms + self.wrong_classes)

    @property
    def recall(self) -> float | None:
        """The share of the true instances that was found, 0 to 1; None where none counts."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall, 0 to 1; None where nothing counts."""
        wrong = self.false_alarms + self.wrong_classes + self.misses
        return _share(2 * self.hits, 2 * self.hits + wrong)

    def to_df(self, library: Literal["pandas", "polars"] | None = None) -> Any:
        """The matches as a data frame with the columns `MATCH_COLUMNS`.

        Args:
            library: "pandas" or "polars"; None: the one that is there.

        Returns:
            A `pandas.DataFrame` or a `polars.DataFrame`.

        Raises:
            SettingError: `library` is something else.
            DependencyError: the library is not installed.
        """
        return data_frame(MATCH_COLUMNS, self._columns(), library)

    def __len__(self) -> int:
        return len(self._rows())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        batch = record_batch(MATCH_COLUMNS, self._columns())
        from arro3.core import Table

        return Table.from_batches([batch], schema=batch.schema).__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        shares = ", ".join(
            f"{name} {'–' if value is None else format(value, '.3f')}"
            for name, value in (
                ("precision", self.precision),
                ("recall", self.recall),
                ("F1", self.f1),
            )
        )
        return (
            f"Matches at IoU {self.iou:g}: {self.hits} {plural(self.hits, 'hit')}, "
            f"{self.false_alarms} {plural(self.false_alarms, 'false alarm')}, "
            f"{self.wrong_classes} {plural(self.wrong_classes, 'wrong class', 'wrong classes')}, "
            f"{self.misses} missed; {shares}" + "".join(f"\n{note}" for note in self.notes)
        )

    @staticmethod
    def _count(states: IntArray, state: Match) -> int:
        return int(np.count_nonzero(states == state))

    def _rows(self) -> list[tuple[int, int, int]]:
        """(match, detection or -1, true instance or -1) of each row."""
        rows = [
            (state, index, partner)
            for index, (state, partner) in enumerate(
                zip(self.of_found.tolist(), self.partners.tolist(), strict=True)
            )
            if state != Match.LEFT_OUT
        ]
        with_row = {partner for _, _, partner in rows}
        alone = [
            (state, _NOBODY, index)
            for index, state in enumerate(self.of_truth.tolist())
            if state in (Match.MISSED, Match.IGNORED) and index not in with_row
        ]
        return rows + alone

    def _columns(self) -> dict[str, Any]:
        rows = self._rows()
        found, true = self.found, self.truth.prediction
        names = [
            None if index < 0 else found.class_names[found.class_ids[index]] for _, index, _ in rows
        ]
        true_names = [
            None if index < 0 else true.class_names[true.class_ids[index]] for _, _, index in rows
        ]
        scores = [float("nan") if index < 0 else found.scores[index] for _, index, _ in rows]
        ious = [float("nan") if index < 0 else self.ious[index] for _, index, _ in rows]
        return {
            "match": [Match(state).name.lower().replace("_", " ") for state, _, _ in rows],
            "class_name": names,
            "true_class": true_names,
            "score": np.array(scores, np.float32),
            "iou": np.array(ious, np.float32),
            "instance": np.array([index for _, index, _ in rows], np.int32),
            "truth": np.array([index for _, _, index in rows], np.int32),
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
