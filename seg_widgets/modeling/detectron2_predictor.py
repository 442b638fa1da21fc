"""A detectron2 model that is built and loaded, as a `Predictor`.

The masks of an R-CNN are pasted box by box: there is never an N×H×W array.

Importing this module is cheap; torch is imported when a predictor is made.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from .._text import plural
from ..errors import ConfigError, InferenceError, OutOfMemoryError, SegWidgetsError, SettingError
from ..prediction import (
    MASK_THRESHOLD,
    Filter,
    Keep,
    MaskCrop,
    PartialPrediction,
    Prediction,
    check_rgb,
    quantized,
)
from .boxes_first import BoxesFirst, box_arrays, clip_boxes, has_halves
from .callers import as_raised, marked
from .catalogue import STARTER
from .inference_network import InferenceNetwork
from .limits import at_inference, best_first, limit_note
from .mask_pasting import paste_mask
from .source import check_max_instances
from .speeds import EXACT

if TYPE_CHECKING:
    import torch

__all__ = ["Detectron2Predictor", "scaled_size", "to_prediction"]

log = logging.getLogger(__name__)

_Step = PartialPrediction | Prediction
_Value = TypeVar("_Value")

_MAX_BATCH: Final = 8
"""Enough to keep a GPU busy; each image more only takes memory."""


class Detectron2Predictor:
    """A `Predictor` on a detectron2 model; `load_predictor` and `wrap` make one.

    While the model runs it is in evaluation mode and gives all down to the score floor; before and
    after, it is as its owner left it.

    Attributes:
        model: the model.
        name: what it is called.
        class_names: the names in the order of the class ids.
        device: where the model is, such as "cpu" or "cuda:0".
        min_size: pixels of the image's shorter side for the model.
        max_size: pixels that the longer side has at most.
        input_format: the order of the channels, "BGR" or "RGB".
        half: whether it computes in float16.
        config: the config as YAML; "": not known.
        max_instances: the most instances that it answers with; None: the model's own limit.
        speed: the one of `SPEEDS` that it was built for.
        weights: the file that the weights came from; None: a model that was in memory already.
    """

    weights: Path | None = None

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
        max_instances: int | None = None,
        optimize: bool = False,
        speed: str = EXACT,
    ) -> None:
        """Make a predictor.

        Args:
            model: one of detectron2's meta-architectures whose answers have "instances".
            class_names: the names in the order of the class ids.
            name: what to call it.
            min_size: pixels of the image's shorter side, as detectron2's `ResizeShortestEdge` has
                it.
            max_size: pixels that the longer side has at most.
            input_format: the order of the channels that the model wants, "BGR" or "RGB".
            half: compute in float16 where PyTorch's autocast says that it is safe (CUDA).
            config: the config as YAML, for `save_model`; "": not known.
            max_instances: the most instances that it answers with; None: the model's own limit.
            optimize: on a CPU, run an `InferenceNetwork` in the model's place. It gives the same
                in less time, but takes memory of its own, and changes how the model's weights are
                laid out in memory.
            speed: what `description` says of it; the sizes above are those that count.

        Raises:
            ConfigError: `input_format` is another.
            SettingError: `max_instances` is out of range.
        """
        check_max_instances(max_instances)
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
        self.max_instances = max_instances
        self.speed = speed
        self._stops_early = _stops_early(model)
        is_on_cpu = self.device == "cpu"
        self._network = InferenceNetwork(model) if optimize and is_on_cpu else None
        self._lock = threading.Lock()

    @cached_property
    def weights_sha256(self) -> str:
        """The SHA-256 of the file that the weights came from, in hexadecimal; "" where there is
        none."""
        if self.weights is None:
            return ""
        try:
            with self.weights.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""

    @property
    def description(self) -> str:
        """What a person should know of the model, such as "starter (small, 96 classes)"."""
        speed = "" if self.speed == EXACT else f", {self.speed}"
        number = len(self.class_names)
        classes = f"{number} {plural(number, 'class', 'classes')}{speed}"
        return f"{self.name} ({'small, ' if self.name == STARTER else ''}{classes})"

    def __repr__(self) -> str:
        return (
            f"Detectron2Predictor({self.description}, device={self.device!r}, "
            f"min_size={self.min_size})"
        )

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in an image, best first.

        When the memory is used up, the image is tried once more at half the size.

        Args:
            image: H×W×3 uint8 RGB.

        Raises:
            SettingError: the image is something else, such as a path.
            OutOfMemoryError: half the size is too much, too.
            InferenceError: the model failed.
        """
        return self._answer(image, None, None)

    @as_raised()
    def predict_in_steps(
        self,
        image: npt.NDArray[np.uint8],
        /,
        *,
        shown: Filter,
        on_first: Callable[[PartialPrediction], None],
    ) -> Prediction:
        """Find the instances in an image; those that are shown get their masks first.

        The answer is that of a call, bit by bit. There is one step alone on a GPU, for a model of
        one's own (`wrap`), for another kind than an R-CNN, and where few masks would wait.

        Args:
            image: as for a call.
            shown: what a person looks at.
            on_first: is called at most once, before the other masks are drawn. When these use up
                the memory, what it was given is out of date.

        Raises:
            SettingError: as for a call; so are the other errors.
        """
        return self._answer(image, shown.keep, on_first)

    @as_raised()
    def predict_kept(self, image: npt.NDArray[np.uint8], /, keep: Keep) -> Prediction:
        """Find the instances in an image, with the masks of those that are needed.

        Args:
            image: as for a call.
            keep: says of the boxes which instances are needed.

        Returns:
            What a call gives; but of the instances that are not needed, some have an empty mask.

        Raises:
            SettingError: as for a call, or `keep` does not give one boolean for each instance; so
                are the other errors. What `keep` raises is raised as it is.
        """
        return self._answer(image, keep, None)

    def _answer(
        self,
        image: npt.NDArray[np.uint8],
        first: Keep | None,
        on_first: Callable[[PartialPrediction], None] | None,
    ) -> Prediction:
        check_rgb(image)
        for size in (self.min_size, max(self.min_size // 2, 32)):
            steps = self._steps(image, size, first, on_first is not None)
            while (step := self._next(steps, size)) is not None:
                if isinstance(step, Prediction):
                    return step
                # Without the lock: whoever is told may take time.
                if on_first is not None:
                    on_first(step)
                first = None  # should another try follow, it comes whole
        raise OutOfMemoryError(
            f"The image of {image.shape[1]}×{image.shape[0]} px needs more memory than "
            f"{self.device} has free, also at {size} px. Close other programs that use it, choose "
            "a smaller min_size, or use device='cpu'."
        )

    def _next(self, steps: Iterator[_Step], size: int) -> _Step | None:
        """The next step; None when the memory is used up."""
        # The handlers only note what happened: a traceback that is still alive would hold the
        # tensors.
        with self._lock:
            step, failure = self._try(lambda: next(steps))
            if step is None:
                self._empty_cache()
                log.warning("Out of memory on %s at %d px: %s", self.device, size, failure)
        return step

    def _steps(
        self, image: npt.NDArray[np.uint8], min_size: int, first: Keep | None, rest: bool
    ) -> Iterator[_Step]:
        """The answer, and before it what there is when the first masks are drawn; without the
        rest, the answer has only those."""
        network = None if self._network is None else self._network.get()
        if network is None or not has_halves(self.model):
            yield self._predict([image], min_size)[0]
            return
        given = self._input(image, min_size)
        with self._at_inference(network) as limit:
            found = BoxesFirst(network, given, self.class_names)
            everything = np.ones(len(found.boxes), bool)
            found.draw(everything if first is None else _wanted(first, found.boxes))
        if rest and found.waits:
            yield found.partial()
            with self._at_inference(network):
                found.draw_rest()
        yield replace(found.whole(), notes=limit_note(found.scores, limit))

    @property
    def max_batch(self) -> int:
        """How many images `predict_batch` should be given; 1 where several are no faster, as on a
        CPU."""
        return _MAX_BATCH if self._stops_early and self.device.startswith("cuda") else 1

    def predict_batch(self, images: Sequence[npt.NDArray[np.uint8]], /) -> list[Prediction]:
        """Find the instances in several images at once.

        Images that the model sees at the same size run together. So none is padded for the sake of
        another, and each has the result that it has alone, up to rounding.

        Args:
            images: each H×W×3 uint8 RGB.

        Returns:
            A prediction for each.

        Raises:
            SettingError: an image is something else, such as a path.
            OutOfMemoryError: an image is too large, also alone.
            InferenceError: the model failed.
        """
        together: dict[tuple[int, int], list[int]] = {}
        for index, image in enumerate(images):
            check_rgb(image)
            size = scaled_size(image.shape[1], image.shape[0], self.min_size, self.max_size)
            together.setdefault(size, []).append(index)

        found: dict[int, Prediction] = {}
        for indices in together.values():
            group = [images[index] for index in indices]
            with self._lock:
                predictions, _ = self._try(partial(self._predict, group, self.min_size))
                if predictions is None:
                    self._empty_cache()
            if predictions is None:
                predictions = [self(image) for image in group]
            found.update(zip(indices, predictions, strict=True))
        return [found[index] for index in range(len(images))]

    def _try(self, work: Callable[[], _Value]) -> tuple[_Value | None, str]:
        """What a work gives; None and what was said when the memory is used up."""
        import torch

        try:
            return work(), ""
        except (torch.OutOfMemoryError, MemoryError) as error:
            return None, str(error)
        except SegWidgetsError:
            raise
        except Exception as error:
            if "allocate memory" in str(error) or "out of memory" in str(error):
                return None, str(error)
            kind = "" if isinstance(error, RuntimeError) else f"{type(error).__name__}: "
            raise InferenceError(f"The model failed on this image: {kind}{error}") from error

    @contextmanager
    def _at_inference(self, network: torch.nn.Module) -> Iterator[int | None]:
        """Within it, a network answers; the value is its limit of instances."""
        import torch

        autocast = torch.autocast(torch.device(self.device).type, torch.float16, enabled=self.half)
        with torch.no_grad(), autocast, at_inference(network, self.max_instances) as limit:
            yield limit

    def _predict(self, images: Sequence[npt.NDArray[np.uint8]], min_size: int) -> list[Prediction]:
        inputs = [self._input(image, min_size) for image in images]
        network: Any = self.model if self._network is None else self._network.get()
        with self._at_inference(network) as limit:
            if self._stops_early:
                answers = network.inference(inputs, do_postprocess=False)
            else:
                answers = [_instances_in(network([one])) for one in inputs]
        return [self._made(*pair, limit) for pair in zip(answers, inputs, strict=True)]

    def _input(self, image: npt.NDArray[np.uint8], min_size: int) -> dict[str, Any]:
        """An image as detectron2's models take it."""
        import torch
        from PIL import Image

        height, width = image.shape[:2]
        new_size = scaled_size(width, height, min_size, self.max_size)
        # Pillow's bilinear filter is the one that detectron2 trains and tests with.
        scaled = np.asarray(Image.fromarray(image).resize(new_size, Image.Resampling.BILINEAR))
        if self.input_format == "BGR":
            scaled = scaled[:, :, ::-1]
        tensor = torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))
        return {"image": tensor, "height": height, "width": width}

    def _made(self, found: Any, given: dict[str, Any], limit: int | None) -> Prediction:
        """What a model answered for one input, as a prediction."""
        size = given["height"], given["width"]
        notes = limit_note(found.scores.float().cpu().numpy(), limit)
        if not self._stops_early:
            prediction = to_prediction(found, size, self.class_names, self.max_instances)
            return replace(prediction, notes=prediction.notes or notes)
        scaled_height, scaled_width = given["image"].shape[1:]
        scale = size[1] / scaled_width, size[0] / scaled_height
        return replace(self._paste(found, scale, size), notes=notes)

    def _paste(
        self, found: Any, scale: tuple[float, float], image_size: tuple[int, int]
    ) -> Prediction:
        """What was found in the scaled image, in the image's own pixels."""
        height, width = image_size
        boxes, scores, class_ids = box_arrays(found)
        soft = found.pred_masks[:, 0].float().cpu().numpy() if found.has("pred_masks") else None
        boxes *= np.array([*scale, *scale], np.float32)
        kept = clip_boxes(boxes, height, width)
        masks = None
        if soft is not None:
            masks = tuple(paste_mask(soft[i], boxes[i], image_size) for i in kept)
        return Prediction(
            image_size,
            boxes[kept],
            scores[kept],
            class_ids[kept],
            self.class_names,
            masks,
            soft_masks=None if soft is None else quantized(soft[kept]),
        )

    def _empty_cache(self) -> None:
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        elif self.device.startswith("mps"):
            torch.mps.empty_cache()


def to_prediction(
    instances: Any,
    image_size: tuple[int, int],
    class_names: Sequence[str],
    max_instances: int | None = None,
) -> Prediction:
    """Make a `Prediction` of detectron2's finished `Instances`.

    Those over the score floor are kept, the best first. Where a model gives masks but no boxes
    (Mask2Former gives zeros), a box is that of its mask.

    Args:
        instances: detectron2's, with boxes and N×H×W masks in the image's own pixels.
        image_size: (height, width) in pixels.
        class_names: the names in the order of the class ids.
        max_instances: how many are kept at most; None: all.

    Raises:
        InferenceError: the masks are of another size.
    """
    height, width = image_size
    boxes, scores, class_ids = box_arrays(instances)
    best, notes = best_first(scores, max_instances)
    boxes, scores, class_ids = boxes[best], scores[best], class_ids[best]
    masks = None
    if instances.has("pred_masks"):
        # BitMasks have their tensor inside.
        full = getattr(instances.pred_masks, "tensor", instances.pred_masks)
        if tuple(full.shape[1:]) != (height, width):
            raise InferenceError(
                f"The model's masks have the shape {tuple(full.shape)} instead of "
                f"N×{height}×{width}; it should give them at the size that its input names as "
                "height and width."
            )
        masks = [MaskCrop.from_array((full[int(i)] > MASK_THRESHOLD).cpu().numpy()) for i in best]
        for i, mask in enumerate(masks):
            if boxes[i, 0] >= boxes[i, 2] or boxes[i, 1] >= boxes[i, 3]:
                boxes[i] = mask.x, mask.y, mask.x + mask.width, mask.y + mask.height
    kept = clip_boxes(boxes, height, width)
    crops = None if masks is None else tuple(masks[i] for i in kept)
    names = tuple(class_names)
    return Prediction(
        (height, width), boxes[kept], scores[kept], class_ids[kept], names, crops, notes
    )


def _wanted(keep: Keep, found: Prediction) -> npt.NDArray[np.bool_]:
    """Which instances the caller needs, checked."""
    answer = np.asarray(marked(keep)(found))
    if answer.shape != (len(found),) or answer.dtype != np.bool_:
        raise SettingError(
            f"keep gives one boolean for each of the {len(found)} instances, but this one gave "
            f"{answer.dtype} of the shape {answer.shape}."
        )
    return answer


def _instances_in(outputs: Any) -> Any:
    """The instances in a model's answer for one image."""
    answer = outputs[0] if isinstance(outputs, (list, tuple)) and outputs else outputs
    if isinstance(answer, dict) and "instances" in answer:
        return answer["instances"]
    found = ", ".join(map(str, answer)) if isinstance(answer, dict) else type(answer).__name__
    raise InferenceError(
        f"The model's answer has no instances (it has {found}); it is no instance segmentation "
        "model."
    )


def _stops_early(model: torch.nn.Module) -> bool:
    """Whether it is an R-CNN that can answer with its small masks, before they are pasted."""
    inference = getattr(model, "inference", None)
    if inference is None or type(model).__name__ == "PanopticFPN":
        return False
    return "do_postprocess" in inspect.signature(inference).parameters


def scaled_size(width: int, height: int, min_size: int, max_size: int) -> tuple[int, int]:
    """Return the size (width, height) that detectron2's `ResizeShortestEdge` gives, in pixels.

    Args:
        width: of the image, in pixels.
        height: of the image, in pixels.
        min_size: to which the shorter side is scaled.
        max_size: that the longer side has at most.
    """
    scale = min_size / min(width, height)
    new_width, new_height = (
        (min_size, scale * height) if width < height else (scale * width, min_size)
    )
    longest = max(new_width, new_height)
    if longest > max_size:
        new_width, new_height = new_width * max_size / longest, new_height * max_size / longest
    return max(int(new_width + 0.5), 1), max(int(new_height + 0.5), 1)
