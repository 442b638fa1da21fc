"""How long and how a model is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["TrainingConfig"]


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how to train. Exactly one of `seconds` and `steps` sets the length.

    Attributes:
        seconds: active time; pauses don't count.
        steps: number of steps.
        stop_at: an end by the clock, in seconds since the epoch, whatever happened before.
        learning_rate: the highest one, of the new layers.
        backbone_factor: the backbone's rate, as a multiple of that.
        mask_factor: the mask head's rate, as a multiple of that.
        weight_decay: AdamW's, for weights outside the backbone.
        warmup_steps: steps in which the rate rises.
        tune_backbone_from: progress (0 to 1) from which the backbone is trained, too.
        average_decay: of the running mean of the weights, per step.
        gradient_norm: gradients are clipped to it.
        save_every_s: seconds between checkpoints.
        seed: of all random draws.
        batch_size: images a step.
        input_format: the order of the model's channels, "BGR" or "RGB".
        workers: processes that make training images ahead; 0: none.
        bfloat16: compute in bfloat16, on processors that have it.
    """

    seconds: float | None = None
    steps: int | None = None
    stop_at: float = math.inf
    learning_rate: float = 8e-4
    backbone_factor: float = 0.1
    mask_factor: float = 1.0
    weight_decay: float = 0.02
    warmup_steps: int = 200
    tune_backbone_from: float = 0.25
    average_decay: float = 0.9993
    gradient_norm: float = 5.0
    save_every_s: float = 120.0
    seed: int = 446
    batch_size: int = 4
    input_format: str = "RGB"
    workers: int = 1
    bfloat16: bool = False

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("a training needs either `seconds` or `steps`")
