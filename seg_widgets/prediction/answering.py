"""A `Predictor` around a model of another library, whose library is not imported for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import InferenceError, PredictionError, SegWidgetsError, SettingError
from .adapters import convert, read_names
from .adapters.detections import is_instances
from .checks import check_rgb
from .prediction import Prediction
from .predictor import SCORE_FLOOR

__all__ = ["AnsweringPredictor", "InputFormat", "is_known_model", "predictor_of", "taken"]

InputFormat = Literal["rgb", "bgr", "pil"]


@dataclass(frozen=True)
class _Library:
    """How a library's models are called: the method ("": the model itself), what image they take,
    where their class names are, and the settings that let them answer down to the score floor.

    `instead`: What to give in place of a bare network, which has no pre- and postprocessing; "":
    the library's networks have theirs."""

    method: str
    input_format: InputFormat
    names: str
    settings: dict[str, Any]
    instead: str = ""


# By the top-level name of the module that a model's class lies in.
_LIBRARIES = {
    "ultralytics": _Library("", "bgr", "names", {"conf": SCORE_FLOOR, "verbose": False}),
    "transformers": _Library(
        "",
        "pil",
        "model.config.id2label",
        {"threshold": SCORE_FLOOR},
        'pipeline("image-segmentation", model=model, image_processor=processor)',
    ),
    "rfdetr": _Library("predict", "rgb", "class_names", {"threshold": SCORE_FLOOR}),
    "segment_anything": _Library("generate", "rgb", "", {}, "SamAutomaticMaskGenerator(model)"),
    "sam2": _Library("generate", "rgb", "", {}, "SAM2AutomaticMaskGenerator(model)"),
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
            SettingError: The image is something else, such as a path.
            PredictionError: The answer can't be taken.
            InferenceError: The function failed.
        """
        check_rgb(image)
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
        SettingError: It can't be called, it is a library's bare network, or the input format is
            unknown.
    """
    library = _library_of(model)
    if library is not None and library.instead and hasattr(model, "parameters"):
        raise SettingError(
            f"{type(model).__name__} is a bare network, which takes and gives tensors. Give "
            f"{library.instead}, which takes an image."
        )
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


def is_known_model(model: object) -> bool:
    """Whether `predictor_of` knows how the library of a model is called."""
    return _library_of(model) is not None


def taken(answer: Any, image: npt.NDArray[np.uint8]) -> Prediction:
    """The answer of a function that was called with an RGB image, as a prediction.

    Args:
        answer: A `Prediction`, which is returned as it is, or anything that `Prediction.of` takes.
        image: H×W×3 uint8.

    Returns:
        The prediction. What had to be changed is in its notes.

    Raises:
        PredictionError: The answer can't be taken; or it is detectron2's, whose functions take BGR.
    """
    if isinstance(answer, Prediction):
        return answer
    what = f"The predictor answered with {type(answer).__name__} and not with a Prediction."
    if is_instances(answer):
        raise PredictionError(
            f"{what} A function that answers as detectron2's DefaultPredictor does takes BGR "
            "images: give wrap(function, classes=[…]), which turns the channels round."
        )
    try:
        return convert(answer, image).prediction.filter(SCORE_FLOOR).sort()
    except PredictionError as error:
        raise PredictionError(f"{what} {error}") from None


def _library_of(model: object) -> _Library | None:
    tops = (base.__module__.partition(".")[0] for base in type(model).__mro__)
    return next((_LIBRARIES[top] for top in tops if top in _LIBRARIES), None)


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
