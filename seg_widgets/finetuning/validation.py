"""Measuring a training on its validation part: figures, the best weights so far, an early end.

Where the part has no object there is nothing to measure, which is not the same as an AP of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..modeling import config_of, save_model, wrap
from ..prediction import Prediction
from .dataset import LabelledImage
from .evaluation import FoundInstance, Measured, Truth, encode, evaluate

if TYPE_CHECKING:
    import torch

__all__ = ["BETTER", "BestWeights", "Validation"]

BETTER: Final = 0.002
"""AP by which weights have to be better; less is chance."""


class BestWeights:
    """The best weights so far, by their AP.

    Attributes:
        state: the weights, or None.
        worse: how many in a row were no better.
    """

    def __init__(self) -> None:
        self.state: dict[str, torch.Tensor] | None = None
        self.worse = 0
        self._ap = -1.0

    def state_of(self) -> dict[str, Any]:
        """Return all of it, for a checkpoint."""
        return {"state": self.state, "ap": self._ap, "worse": self.worse}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state_of` returned.

        Args:
            state: from a checkpoint.
        """
        self.state, self._ap, self.worse = state["state"], state["ap"], state["worse"]

    def offer(self, state: dict[str, torch.Tensor], ap: float) -> bool:
        """Keep weights if they are better; return whether they are.

        As long as nothing was found, the newest are kept, and none counts as worse.

        Args:
            state: the weights; not copied.
            ap: their AP.
        """
        is_better = ap > self._ap + BETTER
        if is_better or self.state is None:
            self.state, self._ap, self.worse = state, ap, 0
        elif self._ap <= 0:
            self.state = state
        else:
            self.worse += 1
        return is_better


class Validation:
    """The validation part of a training.

    Attributes:
        truths: its images, and what is in them.
        is_measurable: whether there is an object to find; without one no weights are the best.
        unmeasured: the classes of which there is no object.
        history: (step, AP) of each evaluation.
        weights: the best so far.
    """

    def __init__(
        self, images: Sequence[LabelledImage], cfg: Any, class_names: tuple[str, ...], device: str
    ) -> None:
        """Prepare the measuring, with a network of its own.

        Args:
            images: the validation part.
            cfg: the model's `CfgNode`.
            class_names: the names in the order of the class ids.
            device: on which to measure.
        """
        self.truths = [_truth(image) for image in images]
        present = {
            item.class_id for truth in self.truths for item in truth.instances if not item.crowd
        }
        self.unmeasured = tuple(
            name for index, name in enumerate(class_names) if index not in present
        )
        self.is_measurable = bool(present)
        self.history: list[tuple[int, float]] = []
        self.weights = BestWeights()
        self._best: tuple[dict[str, torch.Tensor], Measured] | None = None
        self._class_names = class_names
        self._network = config_of(cfg).build(device).eval()
        self._predictor = wrap(self._network, class_names, config=cfg)

    def measure(self, state: dict[str, torch.Tensor]) -> Measured:
        """Return what a model with these weights finds, and the figures of it."""
        self._network.load_state_dict(state)
        found = [_instances(self._predictor(truth.image)) for truth in self.truths]
        return Measured(evaluate(self.truths, found, self._class_names), found)

    def of_best(self, state: dict[str, torch.Tensor]) -> Measured | None:
        """Return what these weights find, if they are the best and this process measured them."""
        return self._best[1] if self._best is not None and self._best[0] is state else None

    def save(self, folder: Path) -> None:
        """Write the weights that were measured last as a model's folder.

        Args:
            folder: is made if it is not there.

        Raises:
            ExportError: it can't be written.
        """
        save_model(self._predictor, folder)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        history = [list(entry) for entry in self.history]
        return {"history": history, "weights": self.weights.state_of()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` returned.

        Args:
            state: from a checkpoint.
        """
        self.history = [(int(step), float(ap)) for step, ap in state["history"]]
        self.weights.restore(state["weights"])

    def evaluate(
        self, step: int, state: dict[str, torch.Tensor], report: Callable[[str], None]
    ) -> bool:
        """Measure weights, and keep them if they are the best so far.

        Where nothing can be measured nothing is kept.

        Args:
            step: after which they were reached.
            state: the weights; not copied.
            report: is given a line with the figures.

        Returns:
            Whether they are the best so far.
        """
        if not self.is_measurable:
            return False
        measured = self.measure(state)
        figures = measured.figures
        ap, ap50 = float(figures["AP"]), float(figures["AP50"])
        self.history.append((step, ap))
        is_better = self.weights.offer(state, ap)
        if self.weights.state is state:
            self._best = state, measured
        report(f"step {step}: AP {ap:.3f}, AP50 {ap50:.3f}{' (best)' if is_better else ''}")
        return is_better


def _truth(image: LabelledImage) -> Truth:
    instances = [
        FoundInstance(item.class_id, encode(item.mask()), crowd=item.crowd)
        for item in image.objects
    ]
    return Truth(image.load(), instances)


def _instances(prediction: Prediction) -> list[FoundInstance]:
    found = []
    for index in range(len(prediction)):
        one = prediction[index]
        if one.mask is not None:
            rle = dict(one.mask.rle(prediction.image_size))
            found.append(FoundInstance(one.class_id, rle, one.score))
    return sorted(found, key=lambda one: -one.score)
