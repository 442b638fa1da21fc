"""What a prediction is compared with, as the browser gets it: the truth, or a second prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..prediction import GroundTruth, MaskCrop, Overlaps, Prediction, overlaps
from ..style import class_color, hex_color
from .pairs import pack_pairs

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

    @property
    def crowd(self) -> npt.NDArray[np.bool_]:
        """M booleans: instances in which detections count neither way."""
        if isinstance(self.other, GroundTruth):
            return self.other.crowd
        return np.zeros(len(self.other), bool)

    @property
    def of_any_class(self) -> npt.NDArray[np.bool_]:
        """M booleans: those of them in which detections of any class do."""
        if isinstance(self.other, GroundTruth):
            return self.other.of_any_class
        return np.zeros(len(self.other), bool)

    def packed(
        self, found: Prediction, areas: npt.NDArray[np.int64]
    ) -> tuple[dict[str, Any], bytes]:
        """What the content message has of it, beside its masks.

        Args:
            found: the prediction that it is compared with.
            areas: the areas of its instances, as the message has them.

        Returns:
            What the header says of it (`viewer/protocol.md` lists the keys), and the overlaps.
        """
        other = self.prediction
        pairs, packed = pack_pairs(
            self.pairs, areas.astype(float), other.areas.astype(float), self.crowd
        )
        used = sorted(set(other.class_ids.tolist()))
        header = {
            "kind": self.kind,
            "name": self.name,
            "hasMasks": other.masks is not None,
            "classes": [self._class(found, class_id) for class_id in used],
            "classIds": other.class_ids.tolist(),
            "scores": other.scores.tolist(),
            "areas": other.areas.tolist(),
            "boxes": np.round(other.boxes.astype(np.float64), 1).tolist(),
            "crops": [(crop.x, crop.y, crop.width, crop.height) for crop in self.masks],
            "crowd": np.flatnonzero(self.crowd).tolist(),
            "ofAnyClass": np.flatnonzero(self.of_any_class).tolist(),
            "pairs": pairs,
        }
        return header, packed

    def _class(self, found: Prediction, class_id: int) -> dict[str, Any]:
        name = self.prediction.class_names[class_id]
        # A class has the colour that it has in the prediction.
        known = found.class_names
        place = known.index(name) if name in known else len(known) + class_id
        return {"id": class_id, "name": name, "color": hex_color(class_color(place))}
