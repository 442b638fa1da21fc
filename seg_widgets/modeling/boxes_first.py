"""An R-CNN's answer in two halves: all boxes with their scores first, then masks, a few at a time.

Most of what a model finds scores less than a person looks at. Its masks can wait until the others
are on screen.

Masks are drawn in groups of `GROUP` in the order of their scores, whichever group comes first. So a
group's numbers go through the same operations in the same shapes, and a mask has the same bits
whether it was drawn early, late, or all at once.

Importing this module is cheap; torch is imported when a network is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..prediction import MaskCrop, PartialPrediction, Prediction, quantized
from .mask_pasting import paste_mask

if TYPE_CHECKING:
    import torch

__all__ = ["GROUP", "BoxesFirst", "box_arrays", "clip_boxes", "has_halves"]

GROUP: Final = 16
"""Instances whose masks are drawn together."""

_FEW: Final = 8
"""Where no more than so many masks would wait, they are drawn with the others: a second step costs
more than it spares."""

_NOT_DRAWN: Final = MaskCrop(0, 0, 0, 0, b"")

_META_ARCHITECTURES: Final = ("GeneralizedRCNN", "TwoScaleRCNN")
_HEADS: Final = ("StandardROIHeads", "CascadeROIHeads", "GroupedROIHeads")
_MODULES: Final = ("detectron2.modeling.", "seg_widgets.modeling.")


def has_halves(model: torch.nn.Module) -> bool:
    """Whether a model's answer can be had in two halves.

    Args:
        model: detectron2's R-CNN or the starter, with detectron2's own heads. A subclass may do
            something else, and whoever has hooks in it waits for its own order of calls.
    """
    heads: Any = getattr(model, "roi_heads", None)
    return (
        _is_known(model, _META_ARCHITECTURES)
        and _is_known(heads, _HEADS)
        and bool(heads.mask_on)
        and type(heads.mask_head).__module__.startswith(_MODULES)
        and not heads.keypoint_on
        and not any(
            module._forward_hooks or module._forward_pre_hooks for module in model.modules()
        )
    )


def _is_known(module: object, names: tuple[str, ...]) -> bool:
    kind = type(module)
    return kind.__name__ in names and kind.__module__.startswith(_MODULES)


class BoxesFirst:
    """What an R-CNN has found in one image, with as many masks as were drawn so far."""

    def __init__(self, network: Any, given: dict[str, Any], class_names: tuple[str, ...]) -> None:
        """Find the boxes.

        Args:
            network: in evaluation mode; `has_halves` says whether it fits.
            given: the image as detectron2's models take it.
            class_names: the names in the order of the class ids.
        """
        self._found, self._draw = _boxes_of(network, given)
        self._masks: dict[int, MaskCrop] = {}
        self._soft: dict[int, npt.NDArray[np.uint8]] = {}
        self._image_size = given["height"], given["width"]
        boxes, self.scores, class_ids = box_arrays(self._found)
        scaled_height, scaled_width = given["image"].shape[1:]
        scale = self._image_size[1] / scaled_width, self._image_size[0] / scaled_height
        boxes *= np.array([*scale, *scale], np.float32)
        self._kept = clip_boxes(boxes, *self._image_size)
        kept = self._kept
        self.boxes = Prediction(
            self._image_size, boxes[kept], self.scores[kept], class_ids[kept], class_names
        )
        """All that was found, a `Prediction` without masks."""

    @property
    def waits(self) -> bool:
        """Whether there are masks that were not drawn yet."""
        return len(self._masks) < len(self._kept)

    def draw(self, wanted: npt.NDArray[np.bool_]) -> None:
        """Draw the masks of some instances, and of those that are in a group with them.

        Args:
            wanted: N booleans, by the index in `boxes`. Few others are drawn, too.
        """
        todo = self._groups_of(wanted)
        rest = [start for start in self._groups_of(~wanted) if start not in todo]
        if sum(len(self._group(start)) for start in rest) <= _FEW:
            todo += rest
        for start in todo:
            self._draw_group(start)

    def draw_rest(self) -> None:
        """Draw all masks that were not drawn yet."""
        self.draw(np.ones(len(self._kept), bool))

    def partial(self) -> PartialPrediction:
        """What there is so far."""
        return PartialPrediction(self.boxes, dict(sorted(self._masks.items())))

    def whole(self) -> Prediction:
        """All instances with their masks; one that still waits has an empty one."""
        boxes = self.boxes
        masks = tuple(self._masks.get(index, _NOT_DRAWN) for index in range(len(boxes)))
        # Only of all instances: one that was not drawn has none.
        soft = None
        if self._soft and not self.waits:
            soft = np.stack([self._soft[index] for index in range(len(boxes))])
        return Prediction(
            boxes.image_size,
            boxes.boxes,
            boxes.scores,
            boxes.class_ids,
            boxes.class_names,
            masks,
            soft_masks=soft,
        )

    def _groups_of(self, wanted: npt.NDArray[np.bool_]) -> list[int]:
        """Where the groups begin that have a wanted mask, and are still to be drawn."""
        indices = np.flatnonzero(wanted)
        left = [index for index in indices.tolist() if index not in self._masks]
        return sorted({index - index % GROUP for index in left})

    def _group(self, start: int) -> npt.NDArray[np.intp]:
        """Which of the instances that the model gave a group has."""
        return self._kept[start : start + GROUP]

    def _draw_group(self, start: int) -> None:
        import torch

        group = self._group(start)
        some = self._draw(self._found[torch.from_numpy(group)])
        soft = some.pred_masks[:, 0].float().numpy()
        for index, mask in enumerate(soft, start):
            self._masks[index] = paste_mask(mask, self.boxes.boxes[index], self._image_size)
            self._soft[index] = quantized(mask)


def _boxes_of(network: Any, given: dict[str, Any]) -> tuple[Any, Callable[[Any], Any]]:
    """The instances of an image without masks, and what gives some of them their masks."""
    inputs = [given]
    if getattr(network, "second_scale", None) is not None:
        found, draw_all = network.boxes_first(inputs)
        return found[0], lambda some: draw_all([some])[0]
    # What `GeneralizedRCNN.inference` does, up to the masks.
    images = network.preprocess_image(inputs)
    features = network.backbone(images.tensor)
    proposals, _ = network.proposal_generator(images, features, None)
    heads = network.roi_heads
    found = heads._forward_box(features, proposals)
    return found[0], lambda some: heads.forward_with_given_boxes(features, [some])[0]


def box_arrays(
    instances: Any,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Boxes (N×4), scores and class ids of detectron2's instances, as arrays of their own.

    Args:
        instances: detectron2's.
    """
    boxes = instances.pred_boxes.tensor.float().cpu().numpy().copy()
    scores = instances.scores.float().cpu().numpy().clip(0, 1)
    return boxes, scores, instances.pred_classes.cpu().numpy()


def clip_boxes(boxes: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.intp]:
    """Clip boxes to the image, in place.

    Args:
        boxes: N×4, XYXY in pixels.
        height: of the image, in pixels.
        width: of the image, in pixels.

    Returns:
        The indices of those that are not empty then.
    """
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
    return np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
