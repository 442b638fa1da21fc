"""What a prediction is compared with, as the browser gets it: the truth, or a second prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..prediction import GroundTruth, MaskCrop, Overlaps, Prediction, overlaps
from ..style import class_color, hex_color

__all__ = ["Compared"]


@dataclass(frozen=True, eq=False)
class Compared:
    """The other side of a comparison, with the overlaps of both."""

    kind: Literal["truth", "versus"]
    """Whether it is the truth, or a second prediction, whose scores count, too."""

    name: str
    """What it is called."""

    other: GroundTruth | Prediction
    """The true instances, or the second prediction."""

    pairs: Overlaps
    """The overlaps of the prediction with it."""

    @classmethod
    def of(cls, found: Prediction, other: GroundTruth | Prediction, name: str = "") -> Compared:
        """The other side of a prediction.

        Args:
            found: the prediction.
            other: the truth, or a second prediction.
            name: what to call it; "": by its kind.

        Returns:
            It, with the overlaps.

        Raises:
            PredictionError: the images have different sizes.
        """
        is_truth = isinstance(other, GroundTruth)
        called = name or ("truth" if is_truth else "second model")
        return cls("truth" if is_truth else "versus", called, other, overlaps(found, other))

    @property
    def prediction(self) -> Prediction:
        """The instances of the other side."""
        return self.other.prediction if isinstance(self.other, GroundTruth) else self.other

    @property
    def masks(self) -> tuple[MaskCrop, ...]:
        """Their masks; none for boxes only."""
        return self.prediction.masks or ()

    def header(self, found: Prediction) -> dict[str, Any]:
        """What the content message says of it; `viewer/protocol.md` lists the keys.

        Args:
            found: the prediction that it is compared with.
        """
        other = self.prediction
        crowd = self.other.crowd if isinstance(self.other, GroundTruth) else np.zeros(0, bool)
        used = sorted(set(other.class_ids.tolist()))
        return {
            "kind": self.kind,
            "name": self.name,
            "hasMasks": other.masks is not None,
            "classes": [self._class(found, class_id) for class_id in used],
            "classIds": other.class_ids.tolist(),
            "scores": other.scores.tolist(),
            "areas": other.areas.tolist(),
            "boxes": np.round(other.boxes.astype(np.float64), 1).tolist(),
            "crops": [(crop.x, crop.y, crop.width, crop.height) for crop in self.masks],
            "crowd": np.flatnonzero(crowd).tolist(),
            "pairs": [
                self.pairs.detections.tolist(),
                self.pairs.truths.tolist(),
                self.pairs.ious.tolist(),
            ],
        }

    def _class(self, found: Prediction, class_id: int) -> dict[str, Any]:
        name = self.prediction.class_names[class_id]
        # A class has the colour that it has in the prediction.
        known = found.class_names
        place = known.index(name) if name in known else len(known) + class_id
        return {"id": class_id, "name": name, "color": hex_color(class_color(place))}
