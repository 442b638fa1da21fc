"""A detectron2 model that is built and loaded, as a `Predictor`: no `DefaultPredictor`, no N×H×W
stage.

Importing this module is cheap; torch is imported when a predictor is made.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError, DeviceError, InferenceError, OutOfMemoryError, SettingError
from ..prediction import MAX_INSTANCES, SCORE_FLOOR, MaskCrop, Prediction
from .catalogue import STARTER

if TYPE_CHECKING:
    import torch

__all__ = ["Detectron2Predictor", "paste_mask", "resolve_device", "to_prediction"]

log = logging.getLogger(__name__)

# Rows of a mask that are sampled at once: about 16 MB of float32, however large the box is.
_PASTE_PIXELS = 4_000_000
_MASK_THRESHOLD = 0.5
# What detectron2's heads call the least score and the most instances that they give.
_LIMITS = {
    "test_score_thresh": SCORE_FLOOR,
    "test_topk_per_image": MAX_INSTANCES,
    "max_detections_per_image": MAX_INSTANCES,
}


class Detectron2Predictor:
    """A `Predictor` on a detectron2 model that is already built and loaded; `load_predictor` and
    `wrap` make one.

    `model`: one of detectron2's meta-architectures whose answers have "instances". While it runs it
    is in evaluation mode and gives all down to the score floor; before and after, it is as its
    owner left it. `class_names`: names in the order of the model's class ids. `min_size`,
    `max_size`: pixels, as detectron2's `ResizeShortestEdge` takes them. `input_format`: the order
    of the channels that the model wants, "BGR" or "RGB". `half`: compute in float16 where PyTorch's
    autocast says that it is safe (CUDA). `config`: the config as YAML, for `save_model`; ""
    without.

    Attributes: `name`, `class_names`, `device` (such as "cpu" or "cuda:0") and `description`, a
    line for people.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        class_names: Sequence[str],
        *,
        name: str = "detectron2 model",
        min_size: int = 800,
        max_size: int = 1333,
        input_format: str = "BGR",
        half: bool = False,
        config: str = "",
    ) -> None:
        if input_format not in ("BGR", "RGB"):
            raise ConfigError(
                f'INPUT.FORMAT is "BGR" or "RGB", but this config says {input_format!r}.'
            )
        self.model = model
        self.name = name
        self.class_names = tuple(class_names)
        self.device = str(next(model.parameters()).device)
        self.min_size = min_size
        self.max_size = max_size
        self.input_format = input_format
        self.half = half
        self.config = config
        self._stops_early = _stops_early(model)
        self._lock = threading.Lock()

    @property
    def description(self) -> str:
        """What a person should know of the model, such as "starter (small, 16 groups)"."""
        if self.name == STARTER:
            return f"{self.name} (small, {len(self.class_names)} groups)"
        return f"{self.name} ({len(self.class_names)} classes)"

    def __repr__(self) -> str:
        return f"Detectron2Predictor({self.description}, device={self.device!r}, min_size={self.min_size})"

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in an H×W×3 uint8 RGB image, best first.

        On a device that runs out of memory the image is tried once more at half the size.
        Raises `SettingError` for another kind of array, `OutOfMemoryError` and `InferenceError`.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SettingError(
                f"A predictor takes an H×W×3 uint8 RGB array, not {image.dtype} of shape {image.shape}; "
                "use seg_widgets.images.load to make one."
            )
        with self._lock:
            # The handlers only note what happened: a traceback that is still alive would hold the
            # tensors.
            for size in (self.min_size, max(self.min_size // 2, 32)):
                prediction, failure = self._try(image, size)
                if prediction is not None:
                    return prediction
                self._empty_cache()
                log.warning("Out of memory on %s at %d px: %s", self.device, size, failure)
        raise OutOfMemoryError(
            f"The image of {image.shape[1]}×{image.shape[0]} px needs more memory than {self.device} has free, "
            f"also at {size} px. Close other programs that use it, choose a smaller min_size, or use device='cpu'."
        )

    def _try(self, image: npt.NDArray[np.uint8], min_size: int) -> tuple[Prediction | None, str]:
        import torch

        try:
            return self._predict(image, min_size), ""
        except (torch.OutOfMemoryError, MemoryError) as error:
            return None, str(error)
        except RuntimeError as error:
            if "allocate memory" in str(error) or "out of memory" in str(error):
                return None, str(error)
            raise InferenceError(f"The model failed on this image: {error}") from error

    def _predict(self, image: npt.NDArray[np.uint8], min_size: int) -> Prediction:
        import torch
        from PIL import Image

        height, width = image.shape[:2]
        new_width, new_height = _scaled_size(width, height, min_size, self.max_size)
        # Pillow's bilinear filter is the one that detectron2 trains and tests with.
        scaled = np.asarray(
            Image.fromarray(image).resize((new_width, new_height), Image.Resampling.BILINEAR)
        )
        if self.input_format == "BGR":
            scaled = scaled[:, :, ::-1]
        tensor = torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))
        inputs = [{"image": tensor, "height": height, "width": width}]
        autocast = torch.autocast(torch.device(self.device).type, torch.float16, enabled=self.half)
        with torch.no_grad(), autocast, _at_inference(self.model):
            if not self._stops_early:
                return to_prediction(
                    _instances_in(self.model(inputs)), (height, width), self.class_names
                )
            (found,) = self.model.inference(inputs, do_postprocess=False)  # type: ignore[operator]
        boxes, scores, class_ids = _arrays(found)
        soft = found.pred_masks[:, 0].float().cpu().numpy() if found.has("pred_masks") else None
        boxes *= np.array([width / new_width, height / new_height] * 2, np.float32)
        kept = _clip(boxes, height, width)
        masks = (
            None
            if soft is None
            else tuple(paste_mask(soft[i], boxes[i], (height, width)) for i in kept)
        )
        return Prediction(
            (height, width), boxes[kept], scores[kept], class_ids[kept], self.class_names, masks
        )

    def _empty_cache(self) -> None:
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        elif self.device.startswith("mps"):
            torch.mps.empty_cache()


def to_prediction(
    instances: Any, image_size: tuple[int, int], class_names: Sequence[str]
) -> Prediction:
    """A `Prediction` of detectron2's finished `Instances`, whose boxes and N×H×W masks lie in the
    image itself.

    `image_size`: (height, width) in pixels. The best `MAX_INSTANCES` are kept. Where a model gives
    masks but no boxes (Mask2Former gives zeros), a box is that of its mask. Raises `InferenceError`
    for masks of another size.
    """
    height, width = image_size
    boxes, scores, class_ids = _arrays(instances)
    best = np.argsort(-scores, kind="stable")[:MAX_INSTANCES]
    best = best[scores[best] >= SCORE_FLOOR]
    boxes, scores, class_ids = boxes[best], scores[best], class_ids[best]
    masks = None
    if instances.has("pred_masks"):
        # BitMasks have their tensor inside.
        full = getattr(instances.pred_masks, "tensor", instances.pred_masks)
        if tuple(full.shape[1:]) != (height, width):
            raise InferenceError(
                f"The model's masks have the shape {tuple(full.shape)} instead of N×{height}×{width}; it should give "
                "them at the size that its input names as height and width."
            )
        masks = [MaskCrop.from_array((full[int(i)] > _MASK_THRESHOLD).cpu().numpy()) for i in best]
        for i, mask in enumerate(masks):
            if boxes[i, 0] >= boxes[i, 2] or boxes[i, 1] >= boxes[i, 3]:
                boxes[i] = mask.x, mask.y, mask.x + mask.width, mask.y + mask.height
    kept = _clip(boxes, height, width)
    crops = None if masks is None else tuple(masks[i] for i in kept)
    return Prediction(
        (height, width), boxes[kept], scores[kept], class_ids[kept], tuple(class_names), crops
    )


def _instances_in(outputs: Any) -> Any:
    """The instances in a model's answer for one image."""
    answer = outputs[0] if isinstance(outputs, (list, tuple)) and outputs else outputs
    if isinstance(answer, dict) and "instances" in answer:
        return answer["instances"]
    found = ", ".join(map(str, answer)) if isinstance(answer, dict) else type(answer).__name__
    raise InferenceError(
        f"The model's answer has no instances (it has {found}); it is no instance segmentation model."
    )


def _arrays(
    instances: Any,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Boxes (N×4), scores and class ids, as arrays of their own."""
    boxes = instances.pred_boxes.tensor.float().cpu().numpy().copy()
    scores = instances.scores.float().cpu().numpy().clip(0, 1)
    return boxes, scores, instances.pred_classes.cpu().numpy()


def _clip(boxes: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.intp]:
    """Clip boxes to the image, in place; returns the places of those of which something is left."""
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
    return np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))


def _stops_early(model: torch.nn.Module) -> bool:
    """Whether it is an R-CNN that can answer with its small masks, before they are pasted into the
    image."""
    inference = getattr(model, "inference", None)
    if inference is None or type(model).__name__ == "PanopticFPN":
        return False
    return "do_postprocess" in inspect.signature(inference).parameters


@contextmanager
def _at_inference(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode and the score floor, for as long as this lasts."""
    training = [module for module in model.modules() if module.training]
    limits = [
        (module, name, getattr(module, name))
        for module in model.modules()
        for name in _LIMITS
        if isinstance(getattr(module, name, None), (int, float))
    ]
    try:
        for module in training:
            module.training = False
        for module, name, _ in limits:
            setattr(module, name, _LIMITS[name])
        yield
    finally:
        for module in training:
            module.training = True
        for module, name, value in limits:
            setattr(module, name, value)


def paste_mask(
    mask: npt.NDArray[np.float32], box: npt.NDArray[np.float32], image_size: tuple[int, int]
) -> MaskCrop:
    """Scale an M×M mask of probabilities into its box (XYXY, pixels) and keep what is 0.5 or more.

    The sampling is that of detectron2's `paste_masks_in_image` (bilinear, pixel centres, zero
    outside); because it is separable, it is two small matrix products per box instead of one N×H×W
    grid.
    """
    height, width = image_size
    x1, y1, x2, y2 = (float(value) for value in box)
    left, right = max(int(np.floor(x1)) - 1, 0), min(int(np.ceil(x2)) + 1, width)
    top, bottom = max(int(np.floor(y1)) - 1, 0), min(int(np.ceil(y2)) + 1, height)
    across = _bilinear(left, right, x1, x2, mask.shape[1])
    down = _bilinear(top, bottom, y1, y2, mask.shape[0])
    half_way = mask @ across.T
    inside = np.empty((bottom - top, right - left), bool)
    step = max(_PASTE_PIXELS // max(right - left, 1), 1)
    for row in range(0, bottom - top, step):
        np.greater_equal(
            down[row : row + step] @ half_way, _MASK_THRESHOLD, out=inside[row : row + step]
        )
    return MaskCrop.from_array(inside, left, top)


def _bilinear(start: int, stop: int, low: float, high: float, size: int) -> npt.NDArray[np.float32]:
    """Weights (pixels start…stop × `size` cells) that sample `size` cells spread over low…high,
    zero outside."""
    centers = (np.arange(start, stop, dtype=np.float32) + 0.5 - low) / (high - low) * size - 0.5
    cells = np.arange(size, dtype=np.float32)
    weights: npt.NDArray[np.float32] = np.maximum(1 - np.abs(centers[:, None] - cells[None, :]), 0)
    return weights


def resolve_device(device: str = "auto") -> str:
    """The device to run on: `device` itself if it is here, or for "auto" the first of cuda, mps and
    cpu that works.

    Raises `DeviceError` with what is here instead.
    """
    import torch

    if device == "auto":
        return next((name for name in ("cuda", "mps") if _works(name)), "cpu")
    try:
        asked = torch.device(device)
    except RuntimeError:
        asked = None
    have = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        have.append("mps")
    if asked is None or asked.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(
            f"{device!r} is no device; use auto, or one of those here: {', '.join(have)}."
        )
    if asked.type == "cpu":
        return "cpu"
    name = f"cuda:{asked.index or 0}" if asked.type == "cuda" else "mps"
    if name not in have:
        raise DeviceError(
            f"The device {device!r} is not here; use auto, or one of: {', '.join(have)}."
        )
    if not _works(name):
        raise DeviceError(
            f"The device {device!r} is here, but fails at a small test; update its driver, or use cpu."
        )
    return name


def _works(device: str) -> bool:
    """Whether the operators that Mask R-CNN needs run on `device`; asking costs little where it is
    absent."""
    import torch

    present = (
        torch.cuda.is_available()
        if device.startswith("cuda")
        else torch.backends.mps.is_available()
    )
    if not present:
        return False
    from torchvision.ops import nms, roi_align

    try:
        boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0]], device=device)
        nms(boxes, boxes[:, 3], 0.5)
        roi_align(torch.ones(1, 1, 8, 8, device=device), [boxes], 2)
    except (RuntimeError, NotImplementedError) as error:
        log.warning("The device %s is here but can't be used: %s", device, error)
        return False
    return True


def _scaled_size(width: int, height: int, min_size: int, max_size: int) -> tuple[int, int]:
    """The size (width, height) that detectron2's `ResizeShortestEdge` gives; never under one
    pixel."""
    scale = min_size / min(width, height)
    new_width, new_height = (
        (min_size, scale * height) if width < height else (scale * width, min_size)
    )
    longest = max(new_width, new_height)
    if longest > max_size:
        new_width, new_height = new_width * max_size / longest, new_height * max_size / longest
    return max(int(new_width + 0.5), 1), max(int(new_height + 0.5), 1)
