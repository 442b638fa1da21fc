"""What is chosen on the validation part when a run is over.

It is the image's size, the NMS threshold, test-time augmentation and the scores' temperature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from seg_widgets.finetuning.calibration import Matches, best_threshold, match, shift_scores
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, evaluate
from training.charts import THRESHOLD
from training.classes import CLASSES
from training.config import START, Inference
from training.named_model import build_named, detect_named, load_weights

SIZES = ((448, 720), (512, 820), (576, 920))  # larger ones find little more
NMS_THRESHOLDS = (0.3, 0.4, 0.5)
TEMPERATURES = (1.0, 1.25, 1.5)


@dataclass(frozen=True, eq=False)  # arrays have no one answer to whether they are equal
class Trial:
    """One way to use a run's weights, and mask AP (0 to 1) on the validation part's photographs and
    composites.

    `temperature` is None before the scores were shifted. `recall` is AR@100 of any class on the
    photographs.
    """

    inference: Inference
    temperature: float | None
    photos: float
    composites: float
    recall: float
    matches: Matches

    @property
    def figure(self) -> float:
        """The mean of both, not the figure on their union: photographs must not drown in easy
        composites."""
        return (self.photos + self.composites) / 2


@dataclass(frozen=True)
class Choice:
    """What was tried, in order, what was kept of it, and the score that becomes 0.5."""

    trials: list[Trial]
    kept: Trial
    threshold: float

    def as_facts(self) -> dict[str, Any]:
        """Return it as plain values, for the card."""
        trials = [
            {
                **asdict(trial.inference),
                "temperature": trial.temperature,
                "photos": trial.photos,
                "composites": trial.composites,
                "recall": trial.recall,
                "F1": trial.matches.f1_at(THRESHOLD),
            }
            for trial in self.trials
        ]
        return {
            "trials": trials,
            "kept": self.trials.index(self.kept),
            "threshold": self.threshold,
        }


def find(
    state: Mapping[str, Tensor], truths: Sequence[Truth], inference: Inference
) -> list[list[FoundInstance]]:
    """Return what weights find in each image, by group, best first.

    Args:
        state: the weights of a model with names.
        truths: the images.
        inference: how they are shown to it.
    """
    model = build_named()
    load_weights(model, state)
    return detect_named(model, [truth.image for truth in truths], inference)[0]


def choose(
    state: Mapping[str, Tensor], photos: Sequence[Truth], composites: Sequence[Truth]
) -> tuple[dict[str, Tensor], Choice]:
    """Choose the image's size, the NMS threshold, and test-time augmentation.

    The weights' scores are shifted: the threshold that is best on these images becomes 0.5. Last
    comes the scores' temperature, since a shift down costs what then lies below the floor.

    Args:
        state: the weights of a run, in half precision, too.
        photos: of the validation part, with their objects by group.
        composites: of the validation part.

    Returns:
        The shifted weights, and what was tried.
    """
    state = {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }
    truths = [*photos, *composites]
    trials: list[Trial] = []

    def attempt(inference: Inference, temperature: float | None = None) -> Trial:
        for trial in trials:
            if (trial.inference, trial.temperature) == (inference, temperature):
                return trial
        used = state if temperature is None else shift_scores(state, threshold, temperature)
        found = find(used, truths, inference)
        parts = (slice(None, len(photos)), slice(len(photos), None))
        of_photos, of_composites = (evaluate(truths[part], found[part], CLASSES) for part in parts)
        trials.append(
            Trial(
                inference,
                temperature,
                float(of_photos["AP"] or 0),
                float(of_composites["AP"] or 0),
                float(of_photos["agnostic_AR100"] or 0),
                match(truths, found),
            )
        )
        return trials[-1]

    def best_of(ways: Sequence[Inference]) -> Trial:
        # `max` keeps the first of equals: the smaller image, the lower threshold, one pass.
        return max(map(attempt, ways), key=lambda trial: trial.figure)

    # The smaller copy of the second pass shows large objects whole, so that the first pass can be
    # larger: the size is chosen with both.
    first = replace(START, nms_threshold=NMS_THRESHOLDS[-1], two_scales=True)
    best = best_of([replace(first, min_size=least, max_size=most) for least, most in SIZES])
    best = best_of([replace(best.inference, nms_threshold=one) for one in NMS_THRESHOLDS])
    best = best_of([replace(best.inference, two_scales=both) for both in (False, True)])
    threshold = best_threshold(best.matches)
    shifted = [(one, attempt(best.inference, one)) for one in TEMPERATURES]
    # It decides how much is above the floor, which AP hardly feels.
    temperature, best = max(shifted, key=lambda pair: pair[1].figure + pair[1].recall)
    return shift_scores(state, threshold, temperature), Choice(trials, best, threshold)
