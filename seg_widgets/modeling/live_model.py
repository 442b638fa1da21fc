"""A source of models that live in this process already, such as one that is being trained."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._text import plural
from ..errors import InferenceError, PredictionError, SettingError
from ..prediction import (
    Prediction,
    Predictor,
    check_rgb,
    convert,
    is_known_model,
    predictor_of,
)
from .class_names import check_count, count_classes, dataset_names, known_names
from .config import config_of
from .detectron2_predictor import Detectron2Predictor, to_prediction
from .devices import import_detectron2
from .limits import best_first
from .source import BuildOptions, Given, ModelSource
from .torchvision_predictor import TorchvisionPredictor, is_torchvision_model

if TYPE_CHECKING:
    from typing import Self

    import torch

__all__ = ["FunctionPredictor", "LiveModel", "as_predictor"]


def as_predictor(model: Any) -> Any:
    """What a session is given as its predictor, wrapped where it is another library's model.

    Args:
        model: a `Predictor`; or a model of detectron2, torchvision, or a library that
            `predictor_of` knows, which is wrapped as `wrap` does. So is any other
            `torch.nn.Module` without `class_names`: a network takes tensors, never an image.

    Returns:
        The predictor. Anything else is returned as it is.

    Raises:
        SettingError: the model's class names are not known.
        DependencyError: detectron2 or torch is missing or broken.
    """
    is_detectron2 = any(
        base.__module__.partition(".")[0] == "detectron2" for base in type(model).__mro__
    )
    is_known = is_detectron2 or is_torchvision_model(model) or is_known_model(model)
    if is_known or _is_bare_network(model):
        return LiveModel(model).build(BuildOptions())
    return model


def _is_bare_network(model: Any) -> bool:
    # Whoever has a network has imported torch.nn whole. Another thread may be about to.
    modules = sys.modules.get("torch.nn.modules.module")
    module = getattr(modules, "Module", None)
    is_module = module is not None and isinstance(model, module)
    return is_module and not hasattr(model, "class_names")


class LiveModel(ModelSource):
    """A `torch.nn.Module`, detectron2's `DefaultPredictor`, a model of another library, or a
    function that answers like one."""

    def __init__(self, model: Any, config: Any = None) -> None:
        """Take the model as it is.

        Args:
            model: the model; it is used and not copied.
            config: its `CfgNode`; None: the one that a `DefaultPredictor` carries, if it is one.
        """
        self.model = model
        self.config = getattr(model, "cfg", None) if config is None else config
        self.name = type(model).__name__

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        """Recognise all that is neither a name nor a path."""
        if isinstance(given.model, (str, Path)):
            return None
        return cls(given.model, given.config)

    def locate(self) -> None:
        """Do nothing: the model is here."""

    def build(self, options: BuildOptions) -> Predictor:
        """Wrap the model; of the options, its class names and its name count.

        Raises:
            SettingError: it is no model, or its class names are not known.
            ConfigError: there are more or fewer names than classes.
            DependencyError: detectron2 or torch is missing or broken.
        """
        if is_torchvision_model(self.model):
            return TorchvisionPredictor(
                self.model,
                options.class_names,
                name=options.name,
                max_instances=options.max_instances,
            )
        if is_known_model(self.model):
            return predictor_of(self.model, options.class_names, name=options.name)
        import_detectron2()
        import torch

        module = self.model
        if not isinstance(module, torch.nn.Module):
            module = getattr(module, "model", None)
        if isinstance(module, torch.nn.Module):
            return self._wrap_module(module, options)
        return self._wrap_function(options)

    def _wrap_function(self, options: BuildOptions) -> FunctionPredictor:
        function = self.model
        if not callable(function):
            raise SettingError(
                f"wrap takes a torch.nn.Module, a DefaultPredictor or a function, not {self.name}."
            )
        if options.class_names is None:
            raise SettingError(
                "A function doesn't tell its class names; give them: wrap(function, classes=[…]). "
                "If its answers have them, the panel takes the function as it is (with RGB images)."
            )
        name = options.name or getattr(function, "__name__", self.name)
        return FunctionPredictor(function, options.class_names, name, options.max_instances)

    def _wrap_module(self, module: torch.nn.Module, options: BuildOptions) -> Detectron2Predictor:
        config = None if self.config is None else config_of(self.config)
        count = config.classes if config is not None else count_classes(module)
        names = options.class_names or known_names(getattr(self.model, "metadata", None), count)
        if names is None and config is not None:
            names = dataset_names(config)
        name = type(module).__name__
        if names is None:
            raise SettingError(
                f"The class names of this {name} are not known; give them: "
                "wrap(model, classes=[…])."
            )
        check_count(names, count, "The model")

        if config is None:
            input_format = getattr(module, "input_format", None) or "BGR"
            return Detectron2Predictor(
                module,
                names,
                name=options.name or name,
                input_format=input_format,
                max_instances=options.max_instances,
            )
        return Detectron2Predictor(
            module,
            names,
            name=options.name or name,
            min_size=config.min_size,
            max_size=config.max_size,
            input_format=config.input_format,
            config=config.text(),
            max_instances=options.max_instances,
        )


class FunctionPredictor:
    """A `Predictor` around a function of BGR images that answers as detectron2's `DefaultPredictor`
    does, or with anything else that `Prediction.of` takes.

    Attributes:
        class_names: the names in the order of the class ids.
        name: what it is called.
        description: a line for people.
    """

    def __init__(
        self,
        function: Callable[[npt.NDArray[np.uint8]], Any],
        class_names: Sequence[str],
        name: str,
        max_instances: int | None = None,
    ) -> None:
        """Wrap the function.

        Args:
            function: takes an H×W×3 uint8 BGR image; returns a dict with "instances", or anything
                that `Prediction.of` takes.
            class_names: the names in the order of the class ids.
            name: what to call it.
            max_instances: the most instances that are kept; None: all.
        """
        self._function = function
        self._max_instances = max_instances
        self.class_names = tuple(class_names)
        self.name = name
        number = len(self.class_names)
        self.description = f"{name} ({number} {plural(number, 'class', 'classes')})"

    def __repr__(self) -> str:
        return f"wrap({self.description})"

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in an H×W×3 uint8 RGB image.

        Raises:
            SettingError: the image is something else, such as a path.
            InferenceError: the function's answer can't be taken.
        """
        check_rgb(image)
        answer = self._function(np.ascontiguousarray(image[:, :, ::-1]))
        if not isinstance(answer, dict) or "instances" not in answer:
            return self._converted(answer, image)
        size = (image.shape[0], image.shape[1])
        return to_prediction(answer["instances"], size, self.class_names, self._max_instances)

    def _converted(self, answer: Any, image: npt.NDArray[np.uint8]) -> Prediction:
        """What other libraries answer."""
        try:
            conversion = convert(answer, image, class_names=self.class_names)
        except PredictionError as error:
            raise InferenceError(
                f"{self.name} answered with {type(answer).__name__} instead of a dict that has "
                f'detectron2\'s "instances", as DefaultPredictor does. {error}'
            ) from None
        best, notes = best_first(conversion.prediction.scores, self._max_instances)
        found = conversion.prediction.select(best)
        return replace(found, notes=(*found.notes, *notes))
