"""Many images as flat arrays: all detections, all true objects, and the pairs of them that overlap.

COCO's rule goes image by image and class by class. In flat arrays the groups, which know nothing of
each other, are matched at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from ..prediction import LEAST_IOU, Prediction, overlaps
from .scenes import Scene

__all__ = ["KINDS", "Kind", "Pool", "pool_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Kind = Literal["masks", "boxes"]
KINDS: Final[tuple[Kind, ...]] = ("masks", "boxes")
"""What is compared."""


@dataclass(frozen=True)
class Pool:
    """N detections and M true objects of many images, with P pairs of them.

    Detections are ordered by image, class and falling score.
    """

    image: Ints
    """N: each detection's image."""

    class_id: Ints
    """N: each detection's class."""

    score: Floats
    """N: each detection's score, 0 to 1."""

    area: Floats
    """N: the pixels of each mask, or of each box."""

    index: Ints
    """N: where each detection is in its image's prediction."""

    rank: Ints
    """N: its place among the detections of its class in its image, 0 for the best."""

    true_image: Ints
    """M: each true object's image."""

    true_class: Ints
    """M: each true object's class; K, their number, for a region that is ignored for all."""

    true_area: Floats
    """M: each true object's area in pixels, by which it is small, medium or large."""

    crowd: Bools
    """M: whether it stands for many objects, so that it is neither found nor missed."""

    true_index: Ints
    """M: where each true object is in its image's truth."""

    pair_detection: Ints
    """P: the detections of the pairs."""

    pair_true: Ints
    """P: the true objects of the pairs."""

    pair_iou: Floats
    """P: the pairs' IoU, 0.1 to 1; of a crowd, the share of the detection that lies in it."""

    images: int
    """How many images there are."""

    class_names: tuple[str, ...]
    """The names of the classes."""

    def without_classes(self) -> Pool:
        """The same with one class, for figures that don't ask which class was found."""
        # COCO goes through the classes in their order, so ties are in this order.
        order = np.lexsort((self.index, self.class_id, -self.score, self.image))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        true_order = np.lexsort((self.true_index, self.true_class, self.true_image))
        true_place = np.empty_like(true_order)
        true_place[true_order] = np.arange(len(true_order))
        return replace(
            self,
            image=self.image[order],
            class_id=np.zeros(len(order), np.int64),
            score=self.score[order],
            area=self.area[order],
            index=self.index[order],
            rank=_ranks(self.image[order]),
            true_image=self.true_image[true_order],
            true_class=np.zeros(len(true_order), np.int64),
            true_area=self.true_area[true_order],
            crowd=self.crowd[true_order],
            true_index=self.true_index[true_order],
            pair_detection=place[self.pair_detection],
            pair_true=true_place[self.pair_true],
            class_names=("object",),
        )


def pool_of(scenes: Sequence[Scene], class_names: Sequence[str], kind: Kind) -> Pool:
    """Put what was found in many images, and what is there, into flat arrays.

    Args:
        scenes: the images.
        class_names: the names of the classes that the scenes' class ids stand for.
        kind: whether masks or boxes are compared.

    Returns:
        The arrays.
    """
    # Without any image there are arrays, too.
    nothing = Prediction.empty((1, 1), class_names)
    parts = [] if scenes else [_part(Scene.of("", nothing, nothing), kind)]
    for part in parts:
        part["image"] = part["true_image"] = np.zeros(0, np.int64)
    detections = trues = 0
    for number, scene in enumerate(scenes):
        part = _part(scene, kind)
        # Where the detections of this image lie behind those of the images before.
        part["pair_detection"] = part["pair_detection"] + detections
        part["pair_true"] = part["pair_true"] + trues
        part["image"] = np.full(len(part["score"]), number)
        part["true_image"] = np.full(len(part["crowd"]), number)
        detections += len(part["score"])
        trues += len(part["crowd"])
        parts.append(part)
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    group = arrays["image"] * (len(class_names) + 1) + arrays["class_id"]
    return Pool(**arrays, rank=_ranks(group), images=len(scenes), class_names=tuple(class_names))


def _part(scene: Scene, kind: Kind) -> dict[str, Any]:
    """The arrays of one image."""
    found, truth = scene.found, scene.truth.prediction
    order = np.lexsort((-found.scores.astype(np.float64), found.class_ids))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    true = scene.truth
    if kind == "boxes":
        found = replace(found, masks=None)
        boxes = scene.boxes.astype(np.float32)
        true = replace(true, prediction=replace(truth, boxes=boxes, masks=None))
    pairs = overlaps(found, true, least=LEAST_IOU)
    return {
        "class_id": found.class_ids[order],
        "score": found.scores.astype(np.float64)[order],
        "area": _areas(found)[order],
        "index": order.astype(np.int64),
        "true_class": truth.class_ids.astype(np.int64),
        "true_area": scene.areas,
        "crowd": scene.truth.crowd,
        "true_index": np.arange(len(truth)),
        "pair_detection": place[pairs.detections],
        "pair_true": pairs.truths,
        "pair_iou": pairs.ious,
    }


def _areas(found: Prediction) -> Floats:
    """The pixels of masks, or width · height of boxes, which pycocotools doesn't round."""
    if found.masks is not None:
        return found.areas.astype(np.float64)
    sides = found.boxes.astype(np.float64)
    return (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])


def _ranks(group: Ints) -> Ints:
    """The place of each entry in its group; groups lie together."""
    if not len(group):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    lengths = np.diff(np.concatenate((starts, [len(group)])))
    return np.arange(len(group)) - np.repeat(starts, lengths)
