"""The lowest score and the most instances that a model answers with, and what is said of a cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ..prediction import SCORE_FLOOR, kept_note, reached_note

if TYPE_CHECKING:
    import torch

__all__ = ["at_inference", "best_first", "limit_note"]

# What heads call the lowest score and the most instances that they give; the last of each is
# torchvision's.
_SCORES: Final = ("test_score_thresh", "score_thresh")
_COUNTS: Final = ("test_topk_per_image", "max_detections_per_image", "detections_per_img")


@contextmanager
def at_inference(model: torch.nn.Module, max_instances: int | None = None) -> Iterator[int | None]:
    """Evaluation mode, the score floor and a limit of instances, for as long as this lasts.

    Args:
        model: the model; afterwards it is as it was.
        max_instances: the most instances that it answers with; None: its own limit.

    Yields:
        The limit that holds, or None where the model has none that is known.
    """
    training = [module for module in model.modules() if module.training]
    settings = [
        (module, name, getattr(module, name))
        for module in model.modules()
        for name in (*_SCORES, *_COUNTS)
        if isinstance(getattr(module, name, None), (int, float))
    ]
    # A limit of 0 or less means "no limit" in some heads.
    own = [value for _, name, value in settings if name in _COUNTS and value > 0]
    limit = min(own, default=None) if max_instances is None else max_instances
    try:
        for module in training:
            module.training = False
        for module, name, _ in settings:
            if name in _SCORES:
                setattr(module, name, SCORE_FLOOR)
            elif max_instances is not None:
                setattr(module, name, max_instances)
        yield limit
    finally:
        for module in training:
            module.training = True
        for module, name, value in settings:
            setattr(module, name, value)


def best_first(
    scores: npt.NDArray[np.float32], max_instances: int | None
) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    """Choose the instances that are kept of an answer.

    Args:
        scores: N, 0 to 1.
        max_instances: how many are kept at most; None: all.

    Returns:
        The indices of those that score `SCORE_FLOOR` or more, the best first; and a note where
        `max_instances` left some of them out.
    """
    best = np.argsort(-scores, kind="stable")
    best = best[scores[best] >= SCORE_FLOOR]
    if max_instances is None or len(best) <= max_instances:
        return best, ()
    return best[:max_instances], (kept_note(len(best), max_instances),)


def limit_note(scores: npt.NDArray[np.float32], limit: int | None) -> tuple[str, ...]:
    """Say that a model's limit was reached, if it was.

    A model doesn't tell what it left out. As many instances as the limit, all of which score more
    than the floor, show that there may be more.

    Args:
        scores: those of all instances that the model gave.
        limit: how many it gives at most; None: not known.

    Returns:
        A sentence, or nothing.
    """
    if limit is None or len(scores) < limit or scores.min(initial=1) <= SCORE_FLOOR:
        return ()
    return (reached_note(limit),)
