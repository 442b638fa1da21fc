"""A detection model of torchvision as a `Predictor`; torchvision is not imported for it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from .._text import plural
from ..errors import ConfigError, InferenceError, OutOfMemoryError, SettingError
from ..prediction import Prediction, check_rgb, convert
from .limits import at_inference, best_first, limit_note
from .source import check_max_instances

if TYPE_CHECKING:
    import torch

__all__ = ["TorchvisionPredictor", "is_torchvision_model", "label_names"]

_DETECTION: Final = "torchvision.models.detection"
_BACKGROUND: Final = frozenset({"__background__", "background", "_background_", "bg"})

# All of torchvision's own weights for detection know these many labels: COCO's ids, from 0 to 90.
_COCO_LABELS: Final = 91


def is_torchvision_model(model: object) -> bool:
    """Whether it is one of torchvision's detection models, or a subclass of one."""
    return any(base.__module__.startswith(_DETECTION) for base in type(model).__mro__)


class TorchvisionPredictor:
    """A `Predictor` on one of torchvision's detection models; `wrap` makes one.

    While the model runs it is in evaluation mode; afterwards it is as its owner left it.

    Attributes:
        model: the model, on its device.
        name: what it is called.
        class_names: the names in the order of the labels, without the background.
        description: a line for people.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        class_names: Sequence[str] | None = None,
        *,
        name: str = "",
        max_instances: int | None = None,
    ) -> None:
        """Wrap the model.

        Args:
            model: it takes a list of 3×H×W tensors, 0 to 1, and answers with a list of dicts.
            class_names: the names in the order of the labels. Label 0 is the background: the list
                begins with "__background__" or "background", or leaves it out. None: COCO's, for a
                model of 91 labels.
            name: what to call it; "": its class's name.
            max_instances: the most instances that it answers with; None: the model's own limit.

        Raises:
            SettingError: the names are not known, the background is not the first of them, or
                `max_instances` is out of range.
            ConfigError: there are more or fewer names than labels.
        """
        self.model = model
        self.name = name or type(model).__name__
        self._names = label_names(class_names, _label_count(model))
        check_max_instances(max_instances)
        self.max_instances = max_instances
        self._lock = threading.Lock()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names in the order of the labels, without the background."""
        return tuple(self._names.values())

    @property
    def device(self) -> str:
        """Where the model is, such as "cpu" or "cuda:0"."""
        return str(next(self.model.parameters()).device)

    @property
    def description(self) -> str:
        """A line for people, such as "MaskRCNN (2 classes)"."""
        number = len(self._names)
        return f"{self.name} ({number} {plural(number, 'class', 'classes')})"

    def __repr__(self) -> str:
        return f"wrap({self.description})"

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in one image.

        Args:
            image: H×W×3 uint8 RGB.

        Returns:
            Those that score `SCORE_FLOOR` or more, the best first.

        Raises:
            SettingError: the image is something else, such as a path.
            OutOfMemoryError: the device has not enough memory for the image.
            InferenceError: the model failed.
            PredictionError: its answer can't be taken.
        """
        check_rgb(image)
        with self._lock:
            answer, limit = self._answer(image)
        conversion = convert(answer, image, class_names=self._names)
        if conversion.notes:
            warnings.warn(" ".join(conversion.notes), UserWarning, stacklevel=2)
        # What is dropped here scores less than the floor: the model's limit has done the rest.
        best, cut = best_first(conversion.prediction.scores, self.max_instances)
        notes = cut or limit_note(conversion.prediction.scores, limit)
        return replace(conversion.prediction.select(best), notes=(*conversion.notes, *notes))

    def _answer(self, image: npt.NDArray[np.uint8]) -> tuple[Any, int | None]:
        """What the model answers, and the limit of instances that held."""
        import torch

        first = next(self.model.parameters())
        # A copy: the image may be read-only, and a tensor can't be.
        tensor = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)
        try:
            with torch.no_grad(), at_inference(self.model, self.max_instances) as limit:
                return self.model([tensor.to(first.device, first.dtype)]), limit
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise OutOfMemoryError(
                f"The image of {image.shape[1]}×{image.shape[0]} px needs more memory than "
                f"{first.device} has free. Give the model a smaller min_size, or put it on the CPU."
            ) from error
        except Exception as error:
            raise InferenceError(
                f"The model {self.name} failed on this image: {type(error).__name__}: {error}"
            ) from error


def label_names(names: Sequence[str] | None, count: int | None) -> Mapping[int, str]:
    """The name of each label of a torchvision model, without the background.

    Args:
        names: with the background as the first, or without it; None: COCO's.
        count: how many labels the model has, the background included; None: not known.

    Returns:
        Label → name.

    Raises:
        SettingError: the names are not known, or the background is not the first of them.
        ConfigError: there are more or fewer names than labels.
    """
    if names is None:
        if count != _COCO_LABELS:
            raise SettingError(
                "The class names of this torchvision model are not known; give them: "
                'wrap(model, classes=["__background__", …]).'
            )
        from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

        names = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    has_background = bool(names) and names[0].strip().lower() in _BACKGROUND
    if count is not None and len(names) + (not has_background) != count:
        if len(names) == count:
            raise SettingError(
                f"Label 0 of a torchvision model is the background, but the first name is "
                f'{names[0]!r}. Give ["__background__", …] with {count - 1} names after it.'
            )
        raise ConfigError(
            f"The model has {count} labels with the background, but {len(names)} names are given; "
            f'give "__background__" and {count - 1} names.'
        )
    numbered = enumerate(names, 0 if has_background else 1)
    return {label: name for label, name in numbered if label > 0 and name != "N/A"}


def _label_count(model: Any) -> int | None:
    """How many labels a model has, the background included; None where it doesn't say."""
    predictor = getattr(getattr(model, "roi_heads", None), "box_predictor", None)
    count = getattr(getattr(predictor, "cls_score", None), "out_features", None)
    if count is None:
        head = getattr(getattr(model, "head", None), "classification_head", None)
        count = getattr(head, "num_classes", None)
    return count if isinstance(count, int) else None
