"""Reading a detectron2 config, and nothing else that it asks for: no code, no file outside its
folder, no address.

A YAML config is read by the safe loader. A Python config is code: those inside detectron2 are run,
others only when the caller says that they may be.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError, DependencyError
from .catalogue import models

if TYPE_CHECKING:
    import torch

__all__ = ["ZOO_KEY", "Recipe", "read_recipe", "recipe_of"]

ZOO_KEY: Final = "zoo_config"
"""The key of a config file that stands for one of the model zoo's Python configs, which have no
YAML of their own."""

_MAX_BYTES: Final = 1_000_000
_MAX_NODES: Final = 100_000
_MAX_BASES: Final = 10

_WRAP_IT = "build the model in Python and give it to seg_widgets.wrap"
# What a config may build that finds no instances, and why it is refused.
_REFUSED: Final = {
    "PanopticFPN": "it labels every pixel (panoptic), which this panel doesn't show; use the Mask R-CNN config of the "
    f"same backbone, or {_WRAP_IT} for its instances alone",
    "PanopticDeepLab": "it labels every pixel (panoptic) and finds no boxes",
    "SemanticSegmentor": "it labels every pixel by class (semantic segmentation) and finds no single objects",
    "ProposalNetwork": "it only proposes boxes and names nothing",
}
_ROTATED: Final = ("RRPN", "RROIHeads", "RotatedAnchorGenerator")


@dataclass
class Recipe:
    """What a config says.

    `build` makes the model on a device, with weights that mean nothing yet. `classes`: how many it
    has. `datasets`: those that it was trained on. `min_size`, `max_size`: pixels, as detectron2's
    `ResizeShortestEdge` takes them; they may be changed. `input_format`: the order of the channels,
    "BGR" or "RGB". `text`: the config as YAML that this module reads again, "" where it has none.
    """

    build: Callable[[str], torch.nn.Module]
    classes: int
    datasets: Sequence[str]
    min_size: int
    max_size: int
    input_format: str
    text: Callable[[Recipe], str]


def read_recipe(config: str | Path, *, trust_code: bool = False) -> Recipe:
    """The recipe of a YAML file, of one of the model zoo's configs by its name there, or of a
    Python config.

    `trust_code`: whether a Python config (detectron2's LazyConfig) may be run; the model zoo's own
    always may. Raises `ConfigError` for a config that can't be read or isn't one of a model that
    finds instances.
    """
    name = str(config)
    path = Path(config).expanduser()
    if path.suffix == ".py":
        if name in _zoo_python_configs():
            return _zoo_recipe(name)
        if not trust_code:
            raise ConfigError(
                f"{path.name} is a Python config, and reading it would run its code. If you wrote it or know who did, "
                "say so with trust_code=True; else use a .yaml config."
            )
        return _python_recipe(path)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"A config is a .yaml file (or a .py one with trust_code=True), not {path.name!r}."
        )
    if not path.is_file():
        path = _zoo_file(name)
    data = _read_yaml(path)
    if ZOO_KEY in data:
        return _stand_in(path, data)
    _check_bases(path, data)
    return recipe_of(_merged(path, data))


def recipe_of(cfg: Any) -> Recipe:
    """The recipe of a detectron2 `CfgNode`; the node itself is not changed. Raises
    `ConfigError`."""
    cfg = cfg.clone()
    _check_supported(cfg)

    def build(device: str) -> torch.nn.Module:
        from detectron2.modeling import build_model

        _check_operators(cfg, device)
        built = cfg.clone()
        built.MODEL.DEVICE = device
        model: torch.nn.Module = build_model(built)
        return model

    def text(recipe: Recipe) -> str:
        told = cfg.clone()
        told.INPUT.MIN_SIZE_TEST, told.INPUT.MAX_SIZE_TEST = recipe.min_size, recipe.max_size
        told.MODEL.WEIGHTS = ""  # they lie beside it
        dumped: str = told.dump()
        return dumped

    dense = cfg.MODEL.META_ARCHITECTURE == "RetinaNet"
    return Recipe(
        _checked(build),
        int(cfg.MODEL.RETINANET.NUM_CLASSES if dense else cfg.MODEL.ROI_HEADS.NUM_CLASSES),
        cfg.DATASETS.TRAIN or cfg.DATASETS.TEST,
        int(cfg.INPUT.MIN_SIZE_TEST),
        int(cfg.INPUT.MAX_SIZE_TEST),
        str(cfg.INPUT.FORMAT),
        text,
    )


# ── YAML ──────────────────────────────────────────────────────────────────────────────────────────


def _zoo_file(name: str) -> Path:
    from detectron2.model_zoo import get_config_file

    try:
        return Path(get_config_file(name))
    except RuntimeError:
        raise ConfigError(
            f"There is no config {name}, neither as a file nor in detectron2's model zoo."
        ) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    """A file's keys and values, by the safe loader; one that unfolds to very much is refused before
    that."""
    import yaml

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(
                f"{path.name} is larger than any config ({path.stat().st_size:,} bytes)."
            )
        text = path.read_text("utf-8")
        if _unfolded(yaml.compose(text, yaml.SafeLoader), {}) > _MAX_NODES:
            raise ConfigError(
                f"{path.name} repeats itself by aliases (*) to more than any config has; it was refused."
            )
        data = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path.name} is not plain YAML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path.name} can't be read: {error.strerror or error}.") from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path.name} is not a config of detectron2: it holds a {type(data).__name__}."
        )
    return data


def _unfolded(node: Any, known: dict[int, int]) -> int:
    """How many values a YAML node stands for once its aliases are written out."""
    if node is None or isinstance(node.value, str):
        return 1
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what holds itself never ends
        parts = (
            part for item in node.value for part in (item if isinstance(item, tuple) else (item,))
        )
        known[id(node)] = 1 + sum(_unfolded(part, known) for part in parts)
    return known[id(node)]


def _check_bases(path: Path, data: Mapping[str, Any]) -> None:
    """Follow `_BASE_` before detectron2 does, which would also take it from anywhere on the machine
    or the network."""
    import detectron2.model_zoo

    zoo = Path(detectron2.model_zoo.__file__).resolve().parent / "configs"
    first = path.resolve()
    home = zoo if zoo in first.parents else first.parent
    for _ in range(_MAX_BASES):
        base = data.get("_BASE_")
        if base is None:
            return
        if not isinstance(base, str):
            raise ConfigError(f"{path.name}: _BASE_ is the name of one file, not {base!r}.")
        target = (path.parent / base).resolve()
        if "://" in base or base.startswith("~") or home not in target.parents:
            raise ConfigError(
                f"{first.name}: _BASE_ {base!r} leaves its folder, and is not followed. Put that file beside it, or "
                "write the whole config with detectron2's cfg.dump()."
            )
        if not target.is_file():
            raise ConfigError(
                f"{first.name}: its _BASE_ {base!r} is missing; put that file beside it."
            )
        path, data = target, _read_yaml(target)
    raise ConfigError(f"{first.name}: its _BASE_ files go on and on; one of them names itself.")


def _merged(path: Path, data: Mapping[str, Any]) -> Any:
    from detectron2.config import get_cfg

    cfg = get_cfg()
    if _mentions_point_rend(data):
        importlib.import_module("detectron2.projects.point_rend").add_pointrend_config(cfg)
    try:
        cfg.merge_from_file(str(path), allow_unsafe=False)
    except KeyError as error:
        raise ConfigError(
            f"{path.name} is not a config of detectron2's R-CNN models: {str(error.args[0]).strip()}. If a project's "
            f"own code knows this key, {_WRAP_IT}."
        ) from error
    except (ValueError, AssertionError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path.name} is not a config of detectron2's R-CNN models: {error}"
        ) from error
    return cfg


def _mentions_point_rend(data: Mapping[str, Any]) -> bool:
    """Whether the keys of PointRend, whose code comes with detectron2, are meant."""
    model = data.get("MODEL")
    if not isinstance(model, dict):
        return False
    head = model.get("ROI_MASK_HEAD")
    return "POINT_HEAD" in model or (isinstance(head, dict) and "POINT_HEAD_ON" in head)


def _check_supported(cfg: Any) -> None:
    architecture = str(cfg.MODEL.META_ARCHITECTURE)
    if architecture in _REFUSED:
        raise ConfigError(f"The config is for a {architecture}: {_REFUSED[architecture]}.")
    asked = (
        cfg.MODEL.PROPOSAL_GENERATOR.NAME,
        cfg.MODEL.ROI_HEADS.NAME,
        cfg.MODEL.ANCHOR_GENERATOR.NAME,
    )
    rotated = next((name for name in asked if name in _ROTATED), None)
    if rotated is not None:
        raise ConfigError(
            f"The config asks for {rotated}: rotated boxes, which need detectron2's compiled operators (_C) and which "
            "a Prediction can't hold. Train on upright boxes."
        )


def _check_operators(cfg: Any, device: str) -> None:
    if not any(cfg.MODEL.RESNETS.DEFORM_ON_PER_STAGE):
        return
    operator = (
        "modulated_deform_conv_forward"
        if cfg.MODEL.RESNETS.DEFORM_MODULATED
        else "deform_conv_forward"
    )
    compiled = importlib.import_module("detectron2._C")
    if not device.startswith("cuda") or not hasattr(compiled, operator):
        raise ConfigError(
            "The config has deformable convolutions (MODEL.RESNETS.DEFORM_ON_PER_STAGE), which need a CUDA device and "
            "detectron2's compiled operators (_C); this detectron2 is "
            f"{'compiled' if hasattr(compiled, operator) else 'pure Python'} and the device is {device}. Build "
            "detectron2 from its sources, or use a config without them."
        )


# ── Python ────────────────────────────────────────────────────────────────────────────────────────


def _zoo_python_configs() -> frozenset[str]:
    return frozenset(card.config for card in models() if card.config.endswith(".py"))


def _stand_in(path: Path, data: Mapping[str, Any]) -> Recipe:
    name, sizes = data[ZOO_KEY], {key: value for key, value in data.items() if key != ZOO_KEY}
    if name not in _zoo_python_configs():
        raise ConfigError(
            f"{path.name}: {ZOO_KEY} {name!r} is none of the model zoo's Python configs."
        )
    wrong = [
        key
        for key, value in sizes.items()
        if key not in ("min_size", "max_size") or type(value) is not int
    ]
    if wrong:
        raise ConfigError(
            f"{path.name}: beside {ZOO_KEY} it may have min_size and max_size, whole numbers: {wrong[0]!r}."
        )
    recipe = _zoo_recipe(name)
    recipe.min_size = sizes.get("min_size", recipe.min_size)
    recipe.max_size = sizes.get("max_size", recipe.max_size)
    return recipe


def _zoo_recipe(name: str) -> Recipe:
    from detectron2.model_zoo import get_config

    def text(recipe: Recipe) -> str:
        return f"{ZOO_KEY}: {name}\nmin_size: {recipe.min_size}\nmax_size: {recipe.max_size}\n"

    return _lazy_recipe(get_config(name), text)


def _python_recipe(path: Path) -> Recipe:
    from detectron2.config import LazyConfig

    if not path.is_file():
        raise ConfigError(f"There is no config {path}.")
    try:
        cfg = LazyConfig.load(str(path))
    except Exception as error:  # it is somebody's program
        raise ConfigError(
            f"{path.name} failed when it was run: {type(error).__name__}: {error}"
        ) from error
    if "model" not in cfg:
        raise ConfigError(f"{path.name} defines no `model`, which a config of detectron2 has.")
    return _lazy_recipe(cfg, lambda _: "")


def _lazy_recipe(cfg: Any, text: Callable[[Recipe], str]) -> Recipe:
    from detectron2.config import instantiate
    from omegaconf import OmegaConf

    def told(*keys: str) -> Any:
        """The first of some places in the config that says something; not all configs have all of
        them."""
        return next(
            (value for key in keys if (value := OmegaConf.select(cfg, key)) is not None), None
        )

    def build(device: str) -> torch.nn.Module:
        model: torch.nn.Module = instantiate(cfg.model).to(device)
        return model

    classes = told("model.roi_heads.num_classes", "model.num_classes", "model.head.num_classes")
    if classes is None:
        raise ConfigError(f"The config doesn't say how many classes its model has; {_WRAP_IT}.")
    dataset = told("dataloader.train.dataset.names", "dataloader.test.dataset.names")
    resize = told("dataloader.test.mapper.augmentations")
    first = resize[0] if resize else {}
    size = first.get("short_edge_length") or 800
    return Recipe(
        _checked(build),
        int(classes),
        () if dataset is None else (dataset,) if isinstance(dataset, str) else tuple(dataset),
        int(size if isinstance(size, int) else size[0]),
        int(first.get("max_size") or 1333),
        str(told("model.input_format") or "BGR"),
        text,
    )


# ── building ──────────────────────────────────────────────────────────────────────────────────────


def _checked(build: Callable[[str], torch.nn.Module]) -> Callable[[str], torch.nn.Module]:
    """The builder, with what detectron2 raises told in our words, and a look at what kind of model
    it is."""

    def checked(device: str) -> torch.nn.Module:
        try:
            with _skipped_initialisation():
                model = build(device)
        except (
            KeyError,
            AssertionError,
            ValueError,
            AttributeError,
            TypeError,
            NotImplementedError,
        ) as error:
            raise ConfigError(f"detectron2 can't build this config: {error}") from error
        except ImportError as error:
            raise DependencyError(f"The config needs what is not installed: {error}") from error
        kind = type(model).__name__
        if kind in _REFUSED:
            raise ConfigError(f"The config is for a {kind}: {_REFUSED[kind]}.")
        return model

    return checked


@contextmanager
def _skipped_initialisation() -> Iterator[None]:
    """Build modules without filling them with random numbers that the checkpoint replaces (0.65 s
    for R50-FPN).

    After PyTorch's own recipe: https://docs.pytorch.org/docs/stable/notes/extending.html
    """
    from torch.overrides import TorchFunctionMode

    class SkipInit(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            if getattr(func, "__module__", None) == "torch.nn.init":
                return kwargs["tensor"] if "tensor" in kwargs else args[0]
            return func(*args, **kwargs)

    with SkipInit():
        yield
