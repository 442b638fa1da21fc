"""What detectron2's layers need of torchvision, from its compiled operators alone.

Importing torchvision's Python package takes as long as importing PyTorch: its ROIAlign imports
PyTorch's compiler. Its compiled library takes milliseconds. What the operators alone can't do goes
to the package, which is imported then. Importing it later is as ever.

The functions have the signatures and the results of those in `torchvision.ops`.
"""

# PyTorch's JIT and torchvision have no types.
# mypy: disable-error-code="no-untyped-call, attr-defined, untyped-decorator, no-any-return"

import importlib.machinery
import importlib.util
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.jit.annotations import BroadcastingList2
from torch.nn.modules.utils import _pair

# torchvision's own limits: with more boxes, one NMS for each class is faster.
_MOST_NUMBERS_CPU = 4000
_MOST_NUMBERS_OTHER = 100_000


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Return the indices (int64) of the boxes that non-maximum suppression keeps, best first.

    Args:
        boxes: N×4, XYXY.
        scores: N.
        iou_threshold: a box that overlaps a better one by more than this is dropped.
    """
    if not torch.jit.is_scripting():
        _prepare_to_compile()
    return torch.ops.torchvision.nms(boxes, scores, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """Return the indices (int64) of the boxes that an NMS within each group keeps, best first.

    Args:
        boxes: N×4, XYXY.
        scores: N.
        idxs: N, the group of each box, such as its class.
        iou_threshold: a box that overlaps a better one of its group by more than this is dropped.
    """
    most = _MOST_NUMBERS_CPU if boxes.device.type == "cpu" else _MOST_NUMBERS_OTHER
    if boxes.numel() > most and not torch.jit.is_tracing():
        return _nms_in_each(boxes, scores, idxs, iou_threshold)
    return _nms_of_moved(boxes, scores, idxs, iou_threshold)


@torch.jit.script_if_tracing
def _nms_in_each(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """One NMS for each group."""
    is_kept = torch.zeros_like(scores, dtype=torch.bool)
    for group in torch.unique(idxs):
        members = torch.where(idxs == group)[0]
        is_kept[members[nms(boxes[members], scores[members], iou_threshold)]] = True
    kept = torch.where(is_kept)[0]
    return kept[scores[kept].sort(descending=True)[1]]


@torch.jit.script_if_tracing
def _nms_of_moved(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """One NMS over all boxes, after each group was moved to where no other is."""
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    distance = boxes.max() + torch.tensor(1).to(boxes)
    moved = boxes + (idxs.to(boxes) * distance)[:, None]
    return nms(moved, scores, iou_threshold)


def roi_align(
    input: Tensor,
    boxes: Tensor,
    output_size: BroadcastingList2[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Return the features inside boxes, bilinearly sampled to one size: K×C×height×width.

    Args:
        input: features, N×C×H×W.
        boxes: K×5: the index in the batch, and XYXY. Or a list of N tensors K×4.
        output_size: height and width, or one number for both.
        spatial_scale: by which the boxes are multiplied.
        sampling_ratio: samples along each side of a cell; 0 or less: as many as it has pixels.
        aligned: whether coordinates are shifted by half a pixel, as Mask R-CNN in detectron2 wants.
    """
    size = _pair(output_size)
    if not torch.jit.is_scripting():
        _prepare_to_compile()
        if not isinstance(boxes, Tensor) or _wants_deterministic(input) or _learns(input):
            return _package().roi_align(input, boxes, size, spatial_scale, sampling_ratio, aligned)
    return torch.ops.torchvision.roi_align(
        input, boxes, spatial_scale, size[0], size[1], sampling_ratio, aligned
    )


def deform_conv2d(*args: Any, **kwargs: Any) -> Tensor:
    """Call torchvision's deformable convolution."""
    return _package().deform_conv2d(*args, **kwargs)


def _wants_deterministic(input: Tensor) -> bool:
    # The compiled gradient of ROIAlign adds in any order on a GPU; the package has another one.
    return torch.are_deterministic_algorithms_enabled() and input.device.type != "cpu"


def _learns(input: Tensor) -> bool:
    # The package declares the gradient; without it PyTorch would silently take none.
    return torch.is_grad_enabled() and input.requires_grad


def _prepare_to_compile() -> None:
    # torch.compile and torch.export need to know the operators' shapes, which the package declares.
    if torch.compiler.is_compiling():
        _package()


def _package() -> Any:
    import torchvision.ops

    return torchvision.ops


def _load_operators() -> None:
    """Register torchvision's operators with PyTorch, as the package does when it is imported.

    Doing so twice is harmless.
    """
    path = _library()
    try:
        if path is not None:
            torch.ops.load_library(path)
            return
    except OSError:
        pass  # Built for another PyTorch: the package says what is wrong.
    _package()


def _library() -> str | None:
    """The path of the compiled library, or None where the package has to find it."""
    spec = importlib.util.find_spec("torchvision")
    # On Windows the package also says where the libraries are that this one needs.
    if spec is None or spec.origin is None or os.name == "nt":
        return None
    finder = importlib.machinery.FileFinder(
        str(Path(spec.origin).parent),
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
    )
    found = finder.find_spec("_C")
    return None if found is None else found.origin


_load_operators()
