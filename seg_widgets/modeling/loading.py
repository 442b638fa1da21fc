"""Making predictors: by a model's name, from files of one's own, or around a live model.

Importing this module is cheap; torch and detectron2 are imported when a predictor is made.
"""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import SettingError, WeightsFetchError, WeightsNotFoundError
from ..net import Progress
from ..prediction import Predictor
from .catalogue import STARTER, model_name
from .class_names import given_names
from .config import is_node
from .detectron2_predictor import Detectron2Predictor
from .file_sources import NamedModel
from .live_model import LiveModel
from .source import BuildOptions, ModelSource
from .sources import find_source
from .speeds import EXACT

if TYPE_CHECKING:
    import torch

__all__ = ["load_predictor", "wrap"]


def load_predictor(
    name: str | Path | Any = STARTER,
    *,
    config: str | Path | Any = None,
    weights: str | Path | None = None,
    classes: Sequence[str] | str | Path | None = None,
    device: str = "auto",
    min_size: int | None = None,
    half: bool = False,
    max_instances: int | None = None,
    speed: str = EXACT,
    trust_code: bool = False,
    fallback: str | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Detectron2Predictor:
    """Build a detectron2 model once, ready to be called with images.

    Args:
        name: a model of the catalogue ("starter", "coco-r50-fpn-3x", …; `models()` lists them),
            whose weights are fetched if they are not on this machine. The names of detectron2's
            model zoo are taken, too ("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml",
            "mask_rcnn_R_50_FPN_3x", the weights' address). Or the path of a model's folder, as
            `save_model` and detectron2's trainer write it: "models/mine", or "mine" for a folder
            here, unless that is a model's name ("./mine" is a path always); or a `CfgNode` whose
            MODEL.WEIGHTS names the weights.
        config: for your own model: a detectron2 YAML file, the name of one of the model zoo's
            configs, or a `CfgNode`. Files need `weights`.
        weights: the weights for `config` (.safetensors, .pth or .pkl), or the address of weights in
            the model zoo.
        classes: the names in the order of the class ids, or a file of them (a .json list, a data
            set in COCO's format, a .txt with a name in each line). None: those beside the weights
            or in them, else those of the data set that the config names.
        device: "auto" (cuda, else mps, else cpu), "cpu", "cuda", "cuda:1" or "mps".
        min_size: pixels to which the image's shorter side is scaled for the model, 32 to 4096.
            None: as the config says.
        half: compute in float16 on a CUDA device.
        max_instances: the most instances that the model answers with. None: its own limit, which
            the config calls TEST.DETECTIONS_PER_IMAGE. Where the limit was reached, the
            prediction's `notes` say so.
        speed: "exact": the model as its config has it. "balanced": it sees the image at 0.75 times
            the size. "fast": at 0.6 times, and the starter looks once. Both find less, above all
            less of what is small; `docs/models.md` has figures.
        trust_code: let a config that is a Python file run; only for a file that you trust.
        fallback: the model to take, with a warning, when the weights can't be fetched.
        progress: called with the bytes fetched and the bytes in all (None: not known). Without it
            a progress bar is drawn.
        cancel: ends a download once it is set.

    Returns:
        The predictor. It is called with H×W×3 uint8 RGB images.

    Raises:
        ConfigError: the config is missing, unreadable, or doesn't fit the class names.
        WeightsNotFoundError: the weights are not here and can't be fetched.
        WeightsFetchError: they could not be fetched.
        WeightsError: they are damaged, unsafe, or those of another model.
        DeviceError: the device is not here.
        DependencyError: detectron2 or torch is missing or broken.
        SettingError: an argument is out of its range.
    """
    if config is None and is_node(name):
        name, config = STARTER, name
    if not isinstance(name, (str, Path)):
        raise SettingError(
            f"load_predictor takes a model's name, its folder or its config, not a "
            f"{type(name).__name__}; for a model in memory use wrap(model)."
        )
    if (config is None) != (weights is None) and not is_node(config):
        lacking = "config" if config is None else "weights"
        raise SettingError(
            f"A model of your own needs both config= and weights=; {lacking}= is missing. Without "
            "both, the starter is loaded."
        )
    options = BuildOptions(
        given_names(classes),
        device,
        min_size,
        half,
        trust_code,
        max_instances=max_instances,
        speed=speed,
    )
    source = find_source(name, config=config, weights=weights)
    try:
        _fetch_if_missing(source, progress, cancel)
        source.locate()
    except (WeightsFetchError, WeightsNotFoundError) as error:
        is_cancelled = cancel is not None and cancel.is_set()
        if fallback is None or fallback == source.name or is_cancelled:
            raise
        warnings.warn(
            f"{error} Going on with the model {fallback!r} instead.", UserWarning, stacklevel=2
        )
        return load_predictor(
            fallback,
            device=device,
            min_size=min_size,
            half=half,
            max_instances=max_instances,
            speed=speed,
        )
    _warn_of_folder(source)
    predictor = source.build(options)
    assert isinstance(predictor, Detectron2Predictor)
    return predictor


def _warn_of_folder(source: ModelSource) -> None:
    """Say which model a name means where a folder here is called the same."""
    folder = source.folder_passed_over() if isinstance(source, NamedModel) else None
    if folder is not None:
        path = model_name(folder)
        warnings.warn(
            f"{source.name!r} is the model of that name, not the folder {source.name} that is "
            f"here. For that one, give {path!r}.",
            UserWarning,
            stacklevel=3,
        )


def wrap(
    model: torch.nn.Module | Callable[[npt.NDArray[np.uint8]], Any],
    classes: Sequence[str] | str | Path | None = None,
    *,
    config: Any = None,
    name: str = "",
    max_instances: int | None = None,
) -> Predictor:
    """Make a predictor around a live model, for the panel and everything else that takes one.

    The model is used, not copied, and left as it is: a model that still trains can be looked at
    between two steps.

    Args:
        model: detectron2's `DefaultPredictor`; a `torch.nn.Module` of one of its
            meta-architectures, on its device; one of torchvision's detection models; an Ultralytics
            or RF-DETR model, a Hugging Face pipeline or SAM's mask generator; or any function that
            takes an H×W×3 uint8 BGR image and answers as `DefaultPredictor` does, or with anything
            that `Prediction.of` takes.
        classes: as for `load_predictor`; None: those that the model or its own data set has. For a
            torchvision model they begin with "__background__", or leave it out.
        config: its `CfgNode`, whose sizes and channels are used; None: of a `DefaultPredictor` its
            own.
        name: what to call it; "": its class or function's name.
        max_instances: the most instances that it answers with, the best ones. None: a model's own
            limit, and none for a function. Where a limit was reached, the prediction's `notes` say
            so.

    Returns:
        The predictor.

    Raises:
        SettingError: `model` is something else, its class names are not known, or `max_instances`
            is out of range.
        ConfigError: there are more or fewer names than the model has classes.
        DependencyError: detectron2 or torch is missing or broken.
    """
    options = BuildOptions(given_names(classes), name=name, max_instances=max_instances)
    return LiveModel(model, config).build(options)


def _fetch_if_missing(
    source: ModelSource, progress: Progress | None, cancel: threading.Event | None
) -> None:
    if not source.can_be_fetched or source.is_here:
        return
    if progress is not None:
        source.fetch(progress, cancel)
        return
    with _bar(source.name) as draw:
        source.fetch(draw, cancel)


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """Draws how far a download is, in a notebook or on a terminal."""
    tqdm = importlib.import_module("tqdm.auto").tqdm  # detectron2 needs it too
    with tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1000) as bar:

        def draw(there: int, total: int | None) -> None:
            bar.total = total
            bar.update(there - bar.n)

        yield draw
