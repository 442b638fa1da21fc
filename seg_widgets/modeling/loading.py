"""Making predictors: by a model's name, from files of one's own, or around a model that is there
already.

Importing this module is cheap; torch and detectron2 are imported when a predictor is made.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import (
    ConfigError,
    DependencyError,
    DeviceError,
    ExportError,
    InferenceError,
    SettingError,
    WeightsFetchError,
    WeightsNotFoundError,
)
from ..net import Progress
from ..prediction import Prediction, Predictor
from .catalogue import STARTER, ModelFiles, cache_folder, find_model, model_files
from .checkpoint import Checkpoint, load_into, read_checkpoint
from .config import Recipe, read_recipe, recipe_of
from .detectron2_predictor import Detectron2Predictor, resolve_device, to_prediction
from .downloads import download, missing_card
from .folder import CLASSES, CONFIG, WEIGHTS, read_classes

if TYPE_CHECKING:
    import torch

__all__ = ["is_folder_path", "load_predictor", "save_model", "wrap"]

_INSTALL_HINT = "In a checkout, `make setup` builds and installs it; elsewhere install the wheel that packaging/detectron2 builds."


def load_predictor(
    name: str | Path = STARTER,
    *,
    config: str | Path | None = None,
    weights: str | Path | None = None,
    classes: Sequence[str] | str | Path | None = None,
    device: str = "auto",
    min_size: int | None = None,
    half: bool = False,
    trust_code: bool = False,
    fallback: str | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Detectron2Predictor:
    """Build a detectron2 model once, ready to be called with images.

    `name`: a model of the catalogue ("starter", "coco-r50-fpn-3x", …; `models()` lists them), whose
    weights are fetched if they are not on this machine, or the path of a model's folder, as
    `save_model` and detectron2's trainer write them. Or your own: `config`, a detectron2 YAML file
    or one of the model zoo's ("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"), with
    `weights` (.safetensors, .pth or .pkl). `classes`: the names in the order of the class ids, or a
    file of them (a .json list, a data set in COCO's format, a .txt with a name in each line); left
    out: those beside the weights or in them, else those of the data set that the config names.
    `device`: "auto" (cuda, else mps, else cpu), "cpu", "cuda", "cuda:1", "mps". `min_size`: pixels
    to which the image's shorter side is scaled for the model (None: as the config says). `half`:
    compute in float16 on a CUDA device. `trust_code`: let a config that is a Python file run; never
    for a file from a stranger. `fallback`: the model to take, with a warning, when the weights
    can't be fetched. `progress`, `cancel`: as for `downloads.download`; without `progress` a bar is
    drawn.

    Raises `ConfigError`, `WeightsNotFoundError`, `WeightsFetchError`, `WeightsError`,
    `DeviceError`, `DependencyError`, `SettingError`.
    """
    if (config is None) != (weights is None):
        lacking = "config" if config is None else "weights"
        raise SettingError(
            f"A model of your own needs both config= and weights=; {lacking}= is missing."
        )
    if min_size is not None and not 32 <= min_size <= 4096:
        raise SettingError(f"min_size lies between 32 and 4096 pixels, but {min_size} was given.")
    if config is not None and weights is not None:
        files = ModelFiles(Path(weights).stem, config, Path(weights))
    else:
        try:
            files = _files(name, progress, cancel)
        except (WeightsFetchError, WeightsNotFoundError) as error:
            if fallback is None or fallback == name or (cancel is not None and cancel.is_set()):
                raise
            warnings.warn(
                f"{error} Going on with the model {fallback!r} instead.", UserWarning, stacklevel=2
            )
            return load_predictor(fallback, device=device, min_size=min_size, half=half)
    _import_detectron2()
    chosen = resolve_device(device)
    if half and not chosen.startswith("cuda"):
        raise DeviceError(
            f"half=True is for CUDA devices; on {chosen} it would be slower. Leave it out."
        )
    recipe = read_recipe(files.config, trust_code=trust_code)
    checkpoint = read_checkpoint(files.weights, cache_folder() / "converted")
    if min_size is not None:
        recipe.min_size = min_size
    class_names = _class_names(recipe, checkpoint, _given_names(classes), files.classes)
    model = recipe.build(chosen)
    load_into(model, checkpoint)
    return Detectron2Predictor(
        model.eval(),
        class_names,
        name=files.name,
        min_size=recipe.min_size,
        max_size=recipe.max_size,
        input_format=recipe.input_format,
        half=half,
        config=recipe.text(recipe),
    )


def is_folder_path(name: str | Path) -> bool:
    """Whether a model is meant by the path of its folder, not by its name: "models/mine", "./mine",
    a `Path`."""
    return isinstance(name, Path) or any(sign in name for sign in ("/", os.sep, "~"))


def _files(
    name: str | Path, progress: Progress | None, cancel: threading.Event | None
) -> ModelFiles:
    if is_folder_path(name):
        return model_files(name)
    name = str(name)
    try:
        return find_model(name)
    except WeightsNotFoundError:
        if missing_card(name) is None:
            raise
    if progress is not None:
        download(name, progress=progress, cancel=cancel)
    else:
        with _bar(name) as tell:
            download(name, progress=tell, cancel=cancel)
    return find_model(name)


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """Draws how far a download is, in a notebook or on a terminal."""
    tqdm = importlib.import_module("tqdm.auto").tqdm  # detectron2 needs it too
    with tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1000) as bar:

        def tell(there: int, total: int | None) -> None:
            bar.total = total
            bar.update(there - bar.n)

        yield tell


def save_model(predictor: Predictor, folder: str | Path) -> Path:
    """Write a model as a folder that `load_predictor` and the panel open: config, weights and class
    names together.

    `predictor`: one that `load_predictor` or `wrap` made. `folder`: is made if it is not there; a
    model that it holds is replaced. Each file is written whole or not at all. Returns the folder.
    Raises `SettingError` for a predictor whose config is not known, `ExportError` when it can't be
    written.
    """
    from safetensors.torch import save_file

    if not isinstance(predictor, Detectron2Predictor):
        raise SettingError(
            f"A {type(predictor).__name__} can't be saved; save_model takes what load_predictor makes."
        )
    if not predictor.config:
        raise SettingError(
            f"The config of {predictor.name!r} is not known as YAML, so it could not be built again from a folder. "
            "Give it when you make the predictor: wrap(model, classes=…, config=cfg)."
        )
    target = Path(folder).expanduser()
    names = json.dumps(list(predictor.class_names), ensure_ascii=False)
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in predictor.model.state_dict().items()
    }
    writers: dict[str, Callable[[Path], object]] = {
        WEIGHTS: lambda path: save_file(state, path, {"classes": names}),
        CLASSES: lambda path: path.write_text(names + "\n", "utf-8"),
        CONFIG: lambda path: path.write_text(predictor.config, "utf-8"),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=target) as scratch:
            for name, write in writers.items():
                write(Path(scratch) / name)
            for name in writers:
                (Path(scratch) / name).chmod(
                    0o644
                )  # safetensors makes files that only their owner reads
                (Path(scratch) / name).replace(target / name)
    except OSError as error:
        raise ExportError(
            f"The model could not be written to {target} ({error.strerror or error})."
        ) from error
    return target


def wrap(
    model: torch.nn.Module | Callable[[npt.NDArray[np.uint8]], Any],
    classes: Sequence[str] | str | Path | None = None,
    *,
    config: Any = None,
    name: str = "",
) -> Predictor:
    """A predictor around a model that is there already, for the panel and everything else that
    takes one.

    `model`: detectron2's `DefaultPredictor`; a `torch.nn.Module` of one of its meta-architectures,
    on its device; or any function that takes an H×W×3 uint8 BGR image and answers as
    `DefaultPredictor` does. It is used, not copied, and left as it is: a model that still trains
    can be looked at between two steps. `classes`: as for `load_predictor`; left out: those that the
    model's own data set has. `config`: its `CfgNode` (of a `DefaultPredictor`: its own), whose
    sizes and channels are used. `name`: what to call it.

    Raises `SettingError` for something else or where the class names are not known, `ConfigError`
    where their number is not the model's, `DependencyError` without detectron2.
    """
    _import_detectron2()
    import torch

    given = _given_names(classes)
    module = model if isinstance(model, torch.nn.Module) else getattr(model, "model", None)
    if not isinstance(module, torch.nn.Module):
        if not callable(model):
            raise SettingError(
                f"wrap takes a torch.nn.Module, a DefaultPredictor or a function, not {type(model).__name__}."
            )
        if given is None:
            raise SettingError(
                "A function doesn't tell its class names; give them: wrap(function, classes=[…])."
            )
        return _Wrapped(model, given, name or getattr(model, "__name__", type(model).__name__))
    config = getattr(model, "cfg", None) if config is None else config
    recipe = None if config is None else recipe_of(config)
    count = recipe.classes if recipe is not None else _count_classes(module)
    names = given or _known_names(getattr(model, "metadata", None), count)
    if names is None and recipe is not None:
        names = _dataset_names(recipe)
    if names is None:
        raise SettingError(
            f"The class names of this {type(module).__name__} are not known; give them: wrap(model, classes=[…])."
        )
    _check_count(names, count, "The model")
    return Detectron2Predictor(
        module,
        names,
        name=name or type(module).__name__,
        min_size=recipe.min_size if recipe is not None else 800,
        max_size=recipe.max_size if recipe is not None else 1333,
        input_format=recipe.input_format
        if recipe is not None
        else getattr(module, "input_format", None) or "BGR",
        config=recipe.text(recipe) if recipe is not None else "",
    )


class _Wrapped:
    """A `Predictor` around a function that answers as detectron2's `DefaultPredictor` does."""

    def __init__(
        self,
        function: Callable[[npt.NDArray[np.uint8]], Any],
        class_names: Sequence[str],
        name: str,
    ) -> None:
        self._function = function
        self.class_names = tuple(class_names)
        self.name = name
        self.description = f"{name} ({len(self.class_names)} classes)"

    def __repr__(self) -> str:
        return f"wrap({self.description})"

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        answer = self._function(np.ascontiguousarray(image[:, :, ::-1]))
        if not isinstance(answer, dict) or "instances" not in answer:
            raise InferenceError(
                f"{self.name} answered with {type(answer).__name__} instead of a dict that has detectron2's "
                '"instances", as DefaultPredictor does.'
            )
        return to_prediction(
            answer["instances"], (image.shape[0], image.shape[1]), self.class_names
        )


# ── class names ───────────────────────────────────────────────────────────────────────────────────


def _given_names(classes: Sequence[str] | str | Path | None) -> tuple[str, ...] | None:
    if classes is None:
        return None
    if isinstance(classes, (str, Path)):
        if Path(classes).suffix.lower() in (".json", ".txt"):
            return read_classes(classes)
        raise SettingError(
            f"Give classes as a list of names, such as [{str(classes)!r}], or as a .json or .txt file."
        )
    names = tuple(classes)
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise SettingError(f"Class names are texts, but {wrong!r} is a {type(wrong).__name__}.")
    return names


def _class_names(
    recipe: Recipe, checkpoint: Checkpoint, given: tuple[str, ...] | None, beside: Path | None
) -> tuple[str, ...]:
    if given is None and beside is not None:
        given = read_classes(beside)
    names = given if given is not None else checkpoint.classes()
    if names is None:
        names = _dataset_names(recipe) or tuple(f"class {index}" for index in range(recipe.classes))
    _check_count(names, recipe.classes, "The config")
    return names


def _check_count(names: Sequence[str], count: int | None, what: str) -> None:
    if count is not None and len(names) != count:
        raise ConfigError(
            f"{what} has {count} classes, but {len(names)} names are given; they must be as many."
        )


def _dataset_names(recipe: Recipe) -> tuple[str, ...] | None:
    """The names of the data set that the config was trained on, as far as detectron2 knows them
    (COCO's 80, …)."""
    from detectron2.data import MetadataCatalog

    return (
        _known_names(MetadataCatalog.get(recipe.datasets[0]), recipe.classes)
        if recipe.datasets
        else None
    )


def _known_names(metadata: Any, count: int | None) -> tuple[str, ...] | None:
    names = None if metadata is None else metadata.get("thing_classes")
    return tuple(names) if names is not None and (count is None or len(names) == count) else None


def _count_classes(module: Any) -> int | None:
    """How many classes a model of detectron2 has, where it says so."""
    for owner in (getattr(module, "roi_heads", None), module, getattr(module, "head", None)):
        count = getattr(owner, "num_classes", None)
        if isinstance(count, int):
            return count
    return None


# ── what it needs ─────────────────────────────────────────────────────────────────────────────────


def _import_detectron2() -> None:
    for package in ("torch", "torchvision", "detectron2"):
        if importlib.util.find_spec(package) is None:
            raise DependencyError(f"The package {package} is not installed. {_INSTALL_HINT}")
    try:
        importlib.import_module("detectron2.modeling")
        # Registers the starter's backbone with detectron2, so that its config can be built.
        from . import starter_network  # noqa: F401 - registers the starter's parts with detectron2
    except ImportError as error:
        raise DependencyError(
            f"detectron2 is installed but can't be imported ({error}). {_INSTALL_HINT}"
        ) from error
