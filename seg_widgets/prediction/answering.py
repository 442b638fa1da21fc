"""A `Predictor` around a model of another library, whose library is not imported for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import InferenceError, SegWidgetsError, SettingError
from .adapters import convert, read_names
from .prediction import Prediction
from .predictor import SCORE_FLOOR

__all__ = ["AnsweringPredictor", "InputFormat", "predictor_of"]

InputFormat = Literal["rgb", "bgr", "pil"]


@dataclass(frozen=True)
class _Library:
    """How a library's models are called: the method ("": the model itself), what image they take,
    where their class names are, and the settings that let them answer down to the score floor."""

    method: str
    input_format: InputFormat
    names: str
    settings: dict[str, Any]


# By the top-level name of the module that a model's class lies in.
_LIBRARIES = {
    "ultralytics": _Library("", "bgr", "names", {"conf": SCORE_FLOOR, "verbose": False}),
    "transformers": _Library("", "pil", "model.config.id2label", {"threshold": SCORE_FLOOR}),
    "rfdetr": _Library("predict", "rgb", "class_names", {"threshold": SCORE_FLOOR}),
    "segment_anything": _Library("generate", "rgb", "", {}),
    "sam2": _Library("generate", "rgb", "", {}),
}


class AnsweringPredictor:
    """A `Predictor` that calls a function and converts its answer, as `Prediction.of` does.

    Attributes:
        name: What the panel calls the model.
        class_names: The names that are given to each conversion, or () for the answer's own.
        notes: What the conversion of the last answer reports, one sentence each.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        class_names: Any = None,
        *,
        name: str = "",
        input_format: InputFormat = "rgb",
    ) -> None:
        if not callable(function):
            raise SettingError(
                f"A model is something that is called with an image, but this is "
                f"{type(function).__name__}. Give a function: predictor_of(lambda image: …)."
            )
        if input_format not in ("rgb", "bgr", "pil"):
            raise SettingError(f'input_format is "rgb", "bgr" or "pil", not {input_format!r}.')
        self.name = name or _name_of(function)
        self.notes: tuple[str, ...] = ()
        self._function = function
        self._names = class_names
        self._input_format = input_format

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names in the order of their ids; () where only the answers have them."""
        names = read_names(self._names)
        return () if names is None else tuple(names.names)

    def __repr__(self) -> str:
        return f"AnsweringPredictor({self.name!r})"

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in one image.

        Args:
            image: H×W×3 uint8, RGB.

        Returns:
            The instances that score `SCORE_FLOOR` or more, best first. What was changed on the way
            is in `notes`, and one `UserWarning`.

        Raises:
            PredictionError: The answer can't be taken.
            InferenceError: The function failed.
        """
        try:
            answer = self._function(_as(image, self._input_format))
        except SegWidgetsError:
            raise
        except Exception as error:
            raise InferenceError(
                f"The model {self.name} failed on this image: {type(error).__name__}: {error}"
            ) from error
        conversion = convert(answer, image, class_names=self._names)
        self.notes = conversion.notes
        if self.notes:
            warnings.warn(" ".join(self.notes), UserWarning, stacklevel=2)
        return conversion.prediction.filter(SCORE_FLOOR).sort()


def predictor_of(
    model: Any,
    class_names: Any = None,
    *,
    name: str = "",
    input_format: InputFormat | None = None,
) -> AnsweringPredictor:
    """A predictor around a model of another library, or a function, that answers anything which
    `Prediction.of` takes.

    Args:
        model: A function of an image; or an Ultralytics model, a Hugging Face pipeline, an RF-DETR
            model or SAM's mask generator, which are called as they need it, down to the score
            floor.
        class_names: As for `Prediction.of`; None: the model's or the answers' own names.
        name: What the panel calls it; "": the function's or the class's name.
        input_format: What the function takes: "rgb" or "bgr" (H×W×3 uint8 arrays), or "pil". None:
            as the library needs it, and RGB for a function.

    Returns:
        The predictor.

    Raises:
        SettingError: It can't be called, or the input format is unknown.
    """
    library = _LIBRARIES.get(type(model).__module__.partition(".")[0])
    if library is None:
        return AnsweringPredictor(model, class_names, name=name, input_format=input_format or "rgb")
    ask = getattr(model, library.method, model) if library.method else model

    def function(image: Any) -> Any:
        return ask(image, **library.settings)

    return AnsweringPredictor(
        function,
        class_names if class_names is not None else _names_in(model, library.names),
        name=name or _name_of(model),
        input_format=input_format or library.input_format,
    )


def _names_in(model: Any, path: str) -> Any:
    """What lies at an attribute's path, or None."""
    for part in path.split(".") if path else ():
        model = getattr(model, part, None)
    return model if path else None


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", "")
    return type(function).__name__ if name in ("", "<lambda>") else str(name)


def _as(image: npt.NDArray[np.uint8], input_format: InputFormat) -> Any:
    if input_format == "pil":
        from PIL import Image

        return Image.fromarray(image)
    # A copy: the model may write into it.
    return np.ascontiguousarray(image[..., ::-1]) if input_format == "bgr" else image.copy()
