"""A detectron2 model as a `Predictor`: built once, no `DefaultPredictor`, no N×H×W stage.

Importing this module is cheap; torch and detectron2 are imported when a predictor is built.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .catalogue import STARTER, find_model
from .checkpoint import Checkpoint, load_into, read_checkpoint
from .errors import ConfigError, DependencyError, DeviceError, InferenceError, OutOfMemoryError, SettingError
from .prediction import MaskCrop, Prediction
from .predictor import MAX_INSTANCES, SCORE_FLOOR

if TYPE_CHECKING:
    import torch

__all__ = ["Detectron2Predictor", "load_predictor", "paste_mask", "resolve_device"]

log = logging.getLogger(__name__)

# Rows of a mask that are sampled at once: about 16 MB of float32, however large the box is.
_PASTE_PIXELS = 4_000_000
_MASK_THRESHOLD = 0.5
_INSTALL_HINT = (
    "In a checkout, `make setup` builds and installs it; elsewhere install the wheel that packaging/detectron2 builds."
)


def load_predictor(
    name: str = STARTER,
    *,
    config: str | Path | None = None,
    weights: str | Path | None = None,
    classes: Sequence[str] | None = None,
    device: str = "auto",
    min_size: int | None = None,
) -> Detectron2Predictor:
    """Build a detectron2 model once, ready to be called with pictures.

    `name`: a model of the catalogue ("starter", "coco-r50-fpn-3x", …; `models()` lists them). Or your own: `config`, a
    detectron2 YAML file or one of the model zoo's ("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"), with
    `weights` (.safetensors, .pth or .pkl) and `classes`, the names in the order of the class ids (left out: those that
    the weights carry, else those of the data set that the config names).
    `device`: "auto" (cuda, else mps, else cpu), "cpu", "cuda", "cuda:1", "mps". `min_size`: pixels to which the
    picture's shorter side is scaled for the model (None: as the config says).

    Raises `ConfigError`, `WeightsNotFoundError`, `WeightsError`, `DeviceError`, `DependencyError`, `SettingError`.
    """
    if (config is None) != (weights is None):
        lacking = "config" if config is None else "weights"
        raise SettingError(f"A model of your own needs both config= and weights=; {lacking}= is missing.")
    ours = config is None
    if config is None or weights is None:
        files = find_model(name)
        config, weights = files.config, files.weights
    else:
        name = Path(weights).stem
    if min_size is not None and not 32 <= min_size <= 4096:
        raise SettingError(f"min_size lies between 32 and 4096 pixels, but {min_size} was given.")
    _import_detectron2()
    chosen = resolve_device(device)
    checkpoint = read_checkpoint(weights)
    # The model zoo's Python configs are code, but they lie inside detectron2; those of others are refused.
    recipe = _lazy_recipe(str(config)) if ours and str(config).endswith(".py") else _yaml_recipe(config)
    if min_size is not None:
        recipe.min_size = min_size
    class_names = _class_names(recipe, checkpoint, classes)
    model = _build(recipe, chosen)
    load_into(model, checkpoint)
    return Detectron2Predictor(
        model,
        class_names,
        name=name,
        min_size=recipe.min_size,
        max_size=recipe.max_size,
        input_format=recipe.input_format,
    )


@dataclass
class _Recipe:
    """What a config says. `build` makes the model on a device; `datasets`: those that it was trained on."""

    build: Callable[[str], torch.nn.Module]
    classes: int
    datasets: Sequence[str]
    min_size: int
    max_size: int
    input_format: str


class Detectron2Predictor:
    """A `Predictor` on a detectron2 R-CNN that is already built and loaded; `load_predictor` makes one.

    `model`: a `GeneralizedRCNN` in evaluation mode. `class_names`: names in the order of the model's class ids.
    `min_size`, `max_size`: pixels, as detectron2's `ResizeShortestEdge` takes them. `input_format`: the order of the
    channels that the model wants, "BGR" or "RGB".

    Attributes: `name`, `class_names`, `device` (such as "cpu" or "cuda:0") and `description`, a line for people.
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
    ) -> None:
        if input_format not in ("BGR", "RGB"):
            raise ConfigError(f'INPUT.FORMAT is "BGR" or "RGB", but this config says {input_format!r}.')
        self.model = model.eval()
        self.name = name
        self.class_names = tuple(class_names)
        self.device = str(next(model.parameters()).device)
        self.min_size = min_size
        self.max_size = max_size
        self.input_format = input_format
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
        """Find the instances in an H×W×3 uint8 RGB picture, best first.

        On a device that runs out of memory the picture is tried once more at half the size.
        Raises `SettingError` for another kind of array, `OutOfMemoryError` and `InferenceError`.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SettingError(
                f"A predictor takes an H×W×3 uint8 RGB array, not {image.dtype} of shape {image.shape}; "
                "use seg_widgets.images.load to make one."
            )
        with self._lock:
            # The handlers only note what happened: a traceback that is still alive would hold the tensors.
            for size in (self.min_size, max(self.min_size // 2, 32)):
                prediction, failure = self._try(image, size)
                if prediction is not None:
                    return prediction
                self._empty_cache()
                log.warning("Out of memory on %s at %d px: %s", self.device, size, failure)
        raise OutOfMemoryError(
            f"The picture of {image.shape[1]}×{image.shape[0]} px needs more memory than {self.device} has free, "
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
            raise InferenceError(f"The model failed on this picture: {error}") from error

    def _predict(self, image: npt.NDArray[np.uint8], min_size: int) -> Prediction:
        import torch
        from PIL import Image

        height, width = image.shape[:2]
        new_width, new_height = _scaled_size(width, height, min_size, self.max_size)
        # Pillow's bilinear filter is the one that detectron2 trains and tests with.
        scaled = np.asarray(Image.fromarray(image).resize((new_width, new_height), Image.Resampling.BILINEAR))
        if self.input_format == "BGR":
            scaled = scaled[:, :, ::-1]
        tensor = torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))
        with torch.inference_mode():
            (found,) = self.model.inference([{"image": tensor}], do_postprocess=False)  # type: ignore[operator]
            boxes = found.pred_boxes.tensor.float().cpu().numpy().copy()
            scores = found.scores.float().cpu().numpy()
            class_ids = found.pred_classes.cpu().numpy()
            has_masks = found.has("pred_masks")
            soft = found.pred_masks[:, 0].float().cpu().numpy() if has_masks else None
        boxes *= np.array([width / new_width, height / new_height] * 2, np.float32)
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
        kept = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
        masks = None if soft is None else tuple(paste_mask(soft[i], boxes[i], (height, width)) for i in kept)
        return Prediction(
            (height, width), boxes[kept], scores[kept].clip(0, 1), class_ids[kept], self.class_names, masks
        )

    def _empty_cache(self) -> None:
        import torch

        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        elif self.device.startswith("mps"):
            torch.mps.empty_cache()


def paste_mask(mask: npt.NDArray[np.float32], box: npt.NDArray[np.float32], image_size: tuple[int, int]) -> MaskCrop:
    """Scale an M×M mask of probabilities into its box (XYXY, pixels) and keep what is 0.5 or more.

    The sampling is that of detectron2's `paste_masks_in_image` (bilinear, pixel centres, zero outside); because it is
    separable, it is two small matrix products per box instead of one N×H×W grid.
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
        np.greater_equal(down[row : row + step] @ half_way, _MASK_THRESHOLD, out=inside[row : row + step])
    return MaskCrop.from_array(inside, left, top)


def _bilinear(start: int, stop: int, low: float, high: float, size: int) -> npt.NDArray[np.float32]:
    """Weights (pixels start…stop × `size` cells) that sample `size` cells spread over low…high, zero outside."""
    centers = (np.arange(start, stop, dtype=np.float32) + 0.5 - low) / (high - low) * size - 0.5
    cells = np.arange(size, dtype=np.float32)
    weights: npt.NDArray[np.float32] = np.maximum(1 - np.abs(centers[:, None] - cells[None, :]), 0)
    return weights


def resolve_device(device: str = "auto") -> str:
    """The device to run on: `device` itself if it is here, or for "auto" the first of cuda, mps and cpu that works.

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
        raise DeviceError(f"{device!r} is no device; use auto, or one of those here: {', '.join(have)}.")
    if asked.type == "cpu":
        return "cpu"
    name = f"cuda:{asked.index or 0}" if asked.type == "cuda" else "mps"
    if name not in have:
        raise DeviceError(f"The device {device!r} is not here; use auto, or one of: {', '.join(have)}.")
    if not _works(name):
        raise DeviceError(f"The device {device!r} is here, but fails at a small test; update its driver, or use cpu.")
    return name


def _works(device: str) -> bool:
    """Whether the operators that Mask R-CNN needs run on `device`; asking costs little where it is absent."""
    import torch

    present = torch.cuda.is_available() if device.startswith("cuda") else torch.backends.mps.is_available()
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
    """The size (width, height) that detectron2's `ResizeShortestEdge` gives; never under one pixel."""
    scale = min_size / min(width, height)
    new_width, new_height = (min_size, scale * height) if width < height else (scale * width, min_size)
    longest = max(new_width, new_height)
    if longest > max_size:
        new_width, new_height = new_width * max_size / longest, new_height * max_size / longest
    return max(int(new_width + 0.5), 1), max(int(new_height + 0.5), 1)


def _import_detectron2() -> None:
    for package in ("torch", "torchvision", "detectron2"):
        if importlib.util.find_spec(package) is None:
            raise DependencyError(f"The package {package} is not installed. {_INSTALL_HINT}")
    try:
        importlib.import_module("detectron2.modeling")
        # Registers the starter's backbone with detectron2, so that its config can be built.
        importlib.import_module("seg_widgets.starter_network")
    except ImportError as error:
        raise DependencyError(f"detectron2 is installed but can't be imported ({error}). {_INSTALL_HINT}") from error


def _read_config(config: str | Path) -> Any:
    """A detectron2 config from a YAML file or a model-zoo name, read by the safe loader."""
    import yaml
    from detectron2.config import get_cfg
    from detectron2.model_zoo import get_config_file

    path = Path(config).expanduser()
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"A config is a .yaml file, not {path.name!r}; Python configs are code and are not run.")
    if not path.is_file():
        try:
            path = Path(get_config_file(str(config)))
        except RuntimeError:
            raise ConfigError(
                f"There is no config {config}, neither as a file nor in detectron2's model zoo."
            ) from None
    cfg = get_cfg()
    try:
        cfg.merge_from_file(str(path), allow_unsafe=False)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not plain YAML: {error}") from error
    except (KeyError, ValueError, AssertionError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path.name} is not a config of detectron2's R-CNN models: {error}") from error
    return cfg


def _yaml_recipe(config: str | Path) -> _Recipe:
    from detectron2.modeling import build_model

    cfg = _read_config(config)

    def build(device: str) -> torch.nn.Module:
        cfg.MODEL.DEVICE = device
        cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = SCORE_FLOOR
        cfg.TEST.DETECTIONS_PER_IMAGE = MAX_INSTANCES
        model: torch.nn.Module = build_model(cfg)
        return model

    return _Recipe(
        build,
        int(cfg.MODEL.ROI_HEADS.NUM_CLASSES),
        cfg.DATASETS.TRAIN or cfg.DATASETS.TEST,
        int(cfg.INPUT.MIN_SIZE_TEST),
        int(cfg.INPUT.MAX_SIZE_TEST),
        str(cfg.INPUT.FORMAT),
    )


def _lazy_recipe(name: str) -> _Recipe:
    """One of the model zoo's own Python configs, by its name there."""
    from detectron2.config import instantiate
    from detectron2.model_zoo import get_config

    cfg = get_config(name)
    resize = cfg.dataloader.test.mapper.augmentations[0]

    def build(device: str) -> torch.nn.Module:
        cfg.model.roi_heads.box_predictor.test_score_thresh = SCORE_FLOOR
        cfg.model.roi_heads.box_predictor.test_topk_per_image = MAX_INSTANCES
        model: torch.nn.Module = instantiate(cfg.model).to(device)
        return model

    return _Recipe(
        build,
        int(cfg.model.roi_heads.num_classes),
        (str(cfg.dataloader.train.dataset.names),),
        int(resize.short_edge_length),
        int(resize.max_size),
        str(cfg.model.input_format),
    )


def _class_names(recipe: _Recipe, checkpoint: Checkpoint, classes: Sequence[str] | None) -> tuple[str, ...]:
    number = recipe.classes
    if isinstance(classes, str):
        raise SettingError(f"Give classes as a list of names, such as [{classes!r}], not as one text.")
    names = tuple(classes) if classes is not None else checkpoint.classes()
    if names is None:
        names = _dataset_names(recipe) or tuple(f"class {index}" for index in range(number))
    if len(names) != number:
        raise ConfigError(f"The config has {number} classes, but {len(names)} names are given; they must be as many.")
    return names


def _dataset_names(recipe: _Recipe) -> tuple[str, ...] | None:
    """The names of the data set that the config was trained on, as far as detectron2 knows them (COCO's 80, …)."""
    from detectron2.data import MetadataCatalog

    names = MetadataCatalog.get(recipe.datasets[0]).get("thing_classes") if recipe.datasets else None
    return tuple(names) if names is not None and len(names) == recipe.classes else None


def _build(recipe: _Recipe, device: str) -> torch.nn.Module:
    with _skipped_initialisation():
        try:
            model = recipe.build(device)
        except (KeyError, AssertionError, ValueError, AttributeError) as error:
            raise ConfigError(f"detectron2 can't build this config: {error}") from error
    if not hasattr(model, "roi_heads"):
        kind = type(model).__name__
        raise ConfigError(f"The config makes a {kind}; instances come from an R-CNN such as Mask R-CNN.")
    return model


@contextmanager
def _skipped_initialisation() -> Iterator[None]:
    """Build modules without filling them with random numbers that the checkpoint replaces (0.65 s for R50-FPN).

    After PyTorch's own recipe: https://docs.pytorch.org/docs/stable/notes/extending.html
    """
    from torch.overrides import TorchFunctionMode

    class SkipInit(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if getattr(func, "__module__", None) == "torch.nn.init":
                return kwargs["tensor"] if "tensor" in kwargs else args[0]
            return func(*args, **kwargs)

    with SkipInit():
        yield
