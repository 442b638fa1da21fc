"""What is chosen on the validation part when a run is over.

It is the weights, the image's size, the NMS threshold, test-time augmentation and the scores'
temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor

from seg_widgets.finetuning.calibration import Matches, best_threshold, match, shift_scores
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, evaluate
from training.classes import CLASSES
from training.config import START, Inference
from training.evaluate import detect
from training.model import build

Find = Callable[
    [Mapping[str, Tensor], Sequence[Truth], Inference], Sequence[Sequence[FoundInstance]]
]
"""What weights find in images, by group, best first."""

WEIGHTS = ("average", "model", "blend")
SIZES = ((320, 512), (384, 640), (448, 720), (512, 820))
NMS_THRESHOLDS = (0.3, 0.4, 0.5)
TEMPERATURES = (1.0, 1.25, 1.5)


@dataclass(frozen=True, eq=False)  # arrays have no one answer to whether they are equal
class Trial:
    """One way to use a run's weights, and mask AP (0 to 1) on the validation part's photographs and
    composites.

    `temperature` is None before the scores were shifted.
    """

    weights: str
    inference: Inference
    temperature: float | None
    photos: float
    composites: float
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


def blend(average: Mapping[str, Tensor], begun: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean of a run's averaged weights and those that it began with.

    What was tuned from one point and back lies in one basin, where means of weights err less than
    either (https://arxiv.org/abs/2203.05482).
    """
    return {
        name: value.lerp(begun[name].to(value.dtype), 0.5) if value.is_floating_point() else value
        for name, value in average.items()
    }


def with_blend(
    checkpoint: Mapping[str, Any], begun: Mapping[str, Tensor] | None
) -> Mapping[str, Any]:
    """Return a checkpoint that also holds the mean with the weights that its run began with, if
    with any."""
    return (
        checkpoint
        if begun is None
        else {**checkpoint, "blend": blend(checkpoint["average"], begun)}
    )


def taken(
    checkpoint: Mapping[str, Any],
    former: Mapping[str, Any],
    begun: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Any], Inference]:
    """Return a run's weights as a former run's choice would have them, and how they are to be used.

    `former` is what that run's `figures.json` holds under `choice`. `begun` are the weights that
    the run at hand began with; they are needed where the mean with these was kept.
    """
    kept = former["trials"][former["kept"]]
    checkpoint = with_blend(checkpoint, begun)
    inference = Inference(**{item.name: kept[item.name] for item in fields(Inference)})
    return shift_scores(
        checkpoint[kept["weights"]], former["threshold"], kept["temperature"]
    ), inference


def find_groups(
    state: Mapping[str, Tensor], truths: Sequence[Truth], inference: Inference
) -> list[list[FoundInstance]]:
    """Return what a starter of groups finds in each image, best first.

    Args:
        state: its weights.
        truths: the images.
        inference: how they are shown to it.
    """
    model = build(None)
    model.load_state_dict(dict(state))
    return detect(model, truths, inference)


def choose(
    checkpoint: Mapping[str, Any],
    photos: Sequence[Truth],
    composites: Sequence[Truth],
    begun: Mapping[str, Tensor] | None = None,
    find: Find = find_groups,
) -> tuple[dict[str, Any], Choice]:
    """Choose weights, then the image's size, the NMS threshold, and test-time augmentation.

    The weights' scores are shifted: the threshold that is best on these images becomes 0.5. Last
    comes the scores' temperature, since a shift down costs what then lies below the floor.

    Args:
        checkpoint: the weights, under one or more of `WEIGHTS`.
        photos: of the validation part, with their objects by group.
        composites: of the validation part.
        begun: the weights that the run began with: their mean with the averaged ones is tried, too.
        find: what weights find in images, by group.

    Returns:
        The shifted weights, and what was tried.
    """
    trials: list[Trial] = []
    checkpoint = with_blend(checkpoint, begun)

    def attempt(weights: str, inference: Inference, temperature: float | None = None) -> Trial:
        for trial in trials:
            if (trial.weights, trial.inference, trial.temperature) == (
                weights,
                inference,
                temperature,
            ):
                return trial
        state = checkpoint[weights]
        if temperature is not None:
            state = shift_scores(state, threshold, temperature)
        truths = [*photos, *composites]
        found = find(state, truths, inference)
        parts = (slice(None, len(photos)), slice(len(photos), None))
        figures = [float(evaluate(truths[part], found[part], CLASSES)["AP"] or 0) for part in parts]
        trials.append(
            Trial(weights, inference, temperature, figures[0], figures[1], match(truths, found))
        )
        return trials[-1]

    # `max` keeps the first of equals: the average, the smaller image, the lower threshold, no
    # augmentation, no temperature.
    best = max(
        (attempt(weights, START) for weights in WEIGHTS if weights in checkpoint),
        key=lambda trial: trial.figure,
    )
    ways = [replace(START, min_size=least, max_size=most) for least, most in SIZES]
    best = max((attempt(best.weights, way) for way in ways), key=lambda trial: trial.figure)
    ways = [replace(best.inference, nms_threshold=threshold) for threshold in NMS_THRESHOLDS]
    best = max((attempt(best.weights, way) for way in ways), key=lambda trial: trial.figure)
    ways = [replace(best.inference, two_scales=both) for both in (False, True)]
    best = max((attempt(best.weights, way) for way in ways), key=lambda trial: trial.figure)
    threshold = best_threshold(best.matches)
    shifted = [
        (temperature, attempt(best.weights, best.inference, temperature))
        for temperature in TEMPERATURES
    ]
    temperature, best = max(shifted, key=lambda pair: pair[1].figure)
    return shift_scores(checkpoint[best.weights], threshold, temperature), Choice(
        trials, best, threshold
    )
