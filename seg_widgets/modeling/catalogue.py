"""Which models there are by name, and where their files are looked for.

The starter, and every instance-segmentation model of detectron2 0.6's model zoo that its
pure-Python parts can run: https://github.com/facebookresearch/detectron2/blob/v0.6/MODEL_ZOO.md,
from where the figures are.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from ..errors import ConfigError, ModelError, WeightsNotFoundError
from .folder import is_model_folder, read_folder

__all__ = [
    "STARTER",
    "ModelCard",
    "ModelFiles",
    "available_models",
    "cache_folder",
    "find_card",
    "find_model",
    "model_files",
    "model_name",
    "models",
    "weight_folders",
]

STARTER = "starter"

_PACKAGE = Path(__file__).resolve().parent.parent
_ZOO_ADDRESS: Final = "https://dl.fbaipublicfiles.com/detectron2/"


@dataclass(frozen=True)
class ModelFiles:
    """A model's files.

    `name`: what it is called. `config`: a detectron2 YAML file, or what the model zoo calls one of
    its own. `weights`: its tensors. `classes`: a file with its class names, where it has one.
    """

    name: str
    config: Path | str
    weights: Path
    classes: Path | None = None


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model that can be asked for by name.

    `name`: for `load_predictor`. `config`: its config in detectron2's model zoo ("": a file beside
    the weights). `classes`: how many it knows. `trained_on`: the data set. `box_ap`, `mask_ap`: on
    that data set's validation part, as published (None: not published, or not checked by us).
    `seconds`: for an image on a V100, as published. `megabytes`: of its weights (None: not known).
    `file`: where they lie below the zoo's address ("": inside the package). `licence`: of the
    weights.
    """

    name: str
    config: str
    classes: int
    trained_on: str
    box_ap: float | None
    mask_ap: float | None
    seconds: float | None
    megabytes: float | None
    file: str
    licence: str

    @property
    def address(self) -> str:
        """From where the weights can be fetched; "" where they are inside the package.

        SEG_WIDGETS_MIRROR names another server that has the zoo's files under the same paths.
        """
        base = os.environ.get("SEG_WIDGETS_MIRROR", "").strip() or _ZOO_ADDRESS
        return f"{base.rstrip('/')}/{self.file}" if self.file else ""

    @property
    def file_name(self) -> str:
        """What the zoo calls the weights, such as "model_final_f10217.pkl"."""
        return self.file.rpartition("/")[2]

    @property
    def md5_prefix(self) -> str:
        """The first digits of the file's MD5, which the zoo puts into its name."""
        return self.file_name.rpartition("_")[2].partition(".")[0]

    @property
    def speed(self) -> str:
        """ "fast", "medium" or "slow" on a GPU, or "" where nothing was published: up to 0.06 and
        0.1 s an image."""
        if self.seconds is None:
            return ""
        return "fast" if self.seconds <= 0.06 else "medium" if self.seconds <= 0.1 else "slow"

    @property
    def weights(self) -> Path | None:
        """Where its weights are on this machine, or None: they are not."""
        found = _find(self.name, self)
        return found.weights if found is not None else None


# Name, config, box AP, mask AP, seconds, the megabytes of its tensors, the weights' id and file.
_Row = tuple[str, str, float | None, float | None, float | None, float, str]
_COCO: Final[tuple[_Row, ...]] = (
    ("coco-r50-c4-1x", "mask_rcnn_R_50_C4_1x", 36.8, 32.2, 0.110, 144.1, "137259246/9243eb"),
    ("coco-r50-dc5-1x", "mask_rcnn_R_50_DC5_1x", 38.3, 34.2, 0.076, 689.8, "137260150/4f86c3"),
    ("coco-r50-fpn-1x", "mask_rcnn_R_50_FPN_1x", 38.6, 35.2, 0.043, 177.8, "137260431/a54504"),
    ("coco-r50-c4-3x", "mask_rcnn_R_50_C4_3x", 39.8, 34.4, 0.111, 144.1, "137849525/4ce675"),
    ("coco-r50-dc5-3x", "mask_rcnn_R_50_DC5_3x", 40.0, 35.9, 0.076, 689.8, "137849551/84107b"),
    ("coco-r50-fpn-3x", "mask_rcnn_R_50_FPN_3x", 41.0, 37.2, 0.043, 177.8, "137849600/f10217"),
    ("coco-r101-c4-3x", "mask_rcnn_R_101_C4_3x", 42.6, 36.7, 0.145, 220.2, "138363239/a2914c"),
    ("coco-r101-dc5-3x", "mask_rcnn_R_101_DC5_3x", 41.9, 37.3, 0.092, 766.0, "138363294/0464b7"),
    ("coco-r101-fpn-3x", "mask_rcnn_R_101_FPN_3x", 42.9, 38.6, 0.056, 254.0, "138205316/a3ec72"),
    (
        "coco-x101-fpn-3x",
        "mask_rcnn_X_101_32x8d_FPN_3x",
        44.3,
        39.5,
        0.103,
        431.3,
        "139653917/2d9806",
    ),
)
_LSJ: Final[tuple[_Row, ...]] = tuple(
    (f"coco-{name}-fpn-lsj-{epochs}", f"mask_rcnn_{backbone}_FPN_{epochs}ep_LSJ", *figures)
    for name, backbone, epochs, *figures in (
        ("r50", "R_50", 100, 44.6, 40.3, 0.069, 185.5, "42047764/bb69de"),
        ("r50", "R_50", 200, None, None, 0.069, 185.5, "42047638/89a8d3"),
        ("r50", "R_50", 400, 47.4, 42.5, 0.069, 185.5, "42019571/14d201"),
        ("r101", "R_101", 100, 46.4, 41.6, None, 261.6, "42025812/4f7b58"),
        ("r101", "R_101", 200, None, None, None, 261.6, "42131867/0bb7ae"),
        ("r101", "R_101", 400, 48.9, 43.7, None, 261.6, "42073830/f96b26"),
        ("regnetx4gf", "regnetx_4gf_dds", 100, 46.0, 41.3, 0.071, 172.9, "42047771/b7fbab"),
        ("regnetx4gf", "regnetx_4gf_dds", 200, None, None, 0.071, 172.9, "42132721/5d87c1"),
        ("regnetx4gf", "regnetx_4gf_dds", 400, 48.6, 43.5, 0.071, 172.9, "42025447/f1362d"),
        ("regnety4gf", "regnety_4gf_dds", 100, 46.1, 41.6, 0.073, 167.7, "42047784/6ba57e"),
        ("regnety4gf", "regnety_4gf_dds", 200, None, None, 0.073, 167.7, "42047642/27b9c1"),
        ("regnety4gf", "regnety_4gf_dds", 400, 48.2, 43.3, 0.073, 167.7, "42045954/ef3a80"),
    )
)
_LVIS: Final[tuple[_Row, ...]] = (
    ("lvis-r50-fpn-1x", "mask_rcnn_R_50_FPN_1x", 23.6, 24.4, 0.107, 202.6, "144219072/571f7c"),
    ("lvis-r101-fpn-1x", "mask_rcnn_R_101_FPN_1x", 25.6, 25.9, 0.114, 278.7, "144219035/824ab5"),
    (
        "lvis-x101-fpn-1x",
        "mask_rcnn_X_101_32x8d_FPN_1x",
        26.7,
        27.1,
        0.151,
        456.1,
        "144219108/5e3439",
    ),
)
_CITYSCAPES: Final[tuple[_Row, ...]] = (
    ("cityscapes-r50-fpn", "mask_rcnn_R_50_FPN", None, 36.5, 0.078, 176.2, "142423278/af9cf5"),
)
_MISC: Final[tuple[_Row, ...]] = (
    (
        "coco-r50-fpn-cascade-1x",
        "cascade_mask_rcnn_R_50_FPN_1x",
        42.1,
        36.4,
        0.052,
        288.4,
        "138602847/e9d89b",
    ),
    (
        "coco-r50-fpn-cascade-3x",
        "cascade_mask_rcnn_R_50_FPN_3x",
        44.3,
        38.5,
        0.053,
        288.4,
        "144998488/480dd8",
    ),
    (
        "coco-r50-fpn-gn-3x",
        "mask_rcnn_R_50_FPN_3x_gn",
        42.6,
        38.6,
        0.060,
        182.8,
        "138602888/dc5d9e",
    ),
    (
        "coco-r50-fpn-syncbn-3x",
        "mask_rcnn_R_50_FPN_3x_syncbn",
        41.9,
        37.8,
        0.053,
        183.1,
        "169527823/3b3c51",
    ),
)
_FAMILIES: Final = (
    ("COCO-InstanceSegmentation", ".yaml", 80, "COCO", _COCO),
    ("new_baselines", ".py", 80, "COCO", _LSJ),
    ("Misc", ".yaml", 80, "COCO", _MISC),
    ("LVISv0.5-InstanceSegmentation", ".yaml", 1230, "LVIS v0.5", _LVIS),
    ("Cityscapes", ".yaml", 8, "Cityscapes", _CITYSCAPES),
)
_CARDS: Final = {
    card.name: card
    for card in (
        ModelCard(
            STARTER,
            "",
            17,
            "446 COCO photographs and composites",
            None,
            None,
            None,
            16.0,
            "",
            "Apache-2.0",
        ),
        *(
            ModelCard(
                name,
                f"{folder}/{config}{ending}",
                classes,
                data,
                box_ap,
                mask_ap,
                seconds,
                megabytes,
                f"{folder}/{config}/{file.replace('/', '/model_final_')}.pkl",
                "CC BY-SA 3.0",
            )
            for folder, ending, classes, data, rows in _FAMILIES
            for name, config, box_ap, mask_ap, seconds, megabytes, file in rows
        ),
    )
}


def models() -> tuple[ModelCard, ...]:
    """All models that can be asked for by name: the starter, detectron2's model zoo, and those
    found beside them.

    What is in one of `weight_folders` under another name (NAME.safetensors with NAME.yaml, or a
    folder NAME with both) comes last; of such a model only the name is known.
    """
    others = [name for name in available_models() if name not in _CARDS]
    return (
        *_CARDS.values(),
        *(ModelCard(name, "", 0, "", None, None, None, None, "", "") for name in others),
    )


def find_card(name: str) -> ModelCard | None:
    """The card of a model of the zoo or of the starter, or None; unlike `models` it looks at no
    folder."""
    return _CARDS.get(name)


def weight_folders() -> list[Path]:
    """The folders that are looked through for weights, in order; not all of them need exist.

    First the one that the environment variable SEG_WIDGETS_WEIGHTS names, then `weights/` of the
    checkout, then the one inside the installed package (which carries the starter), then the cache,
    where fetched ones are.
    """
    folders = [_PACKAGE.parent / "weights", _PACKAGE / "weights", cache_folder()]
    named = os.environ.get("SEG_WIDGETS_WEIGHTS", "").strip()
    if named:
        folders.insert(0, Path(named).expanduser())
    return folders


def model_name(model: str | Path) -> str:
    """A model's name, or the path of its folder so written that it can't be taken for a name."""
    if isinstance(model, str):
        return model
    path = model.expanduser()
    return str(path) if path.is_absolute() else f".{os.sep}{path}"


def cache_folder() -> Path:
    """Where fetched weights are kept: what SEG_WIDGETS_CACHE names, else the person's own cache; it
    need not exist."""
    named = os.environ.get("SEG_WIDGETS_CACHE", "").strip()
    return (
        Path(named).expanduser()
        if named
        else Path(platformdirs.user_cache_dir("seg-widgets", appauthor=False))
    )


def available_models() -> list[str]:
    """The names of the models whose files are in one of `weight_folders`, the starter first."""
    found = {
        weights.stem
        for folder in weight_folders()
        for weights in folder.glob("*.safetensors")
        if weights.with_suffix(".yaml").is_file()
    }
    for folder in weight_folders():
        for path in folder.iterdir() if folder.is_dir() else ():
            if not path.name.startswith(".") and is_model_folder(path):
                with contextlib.suppress(ModelError):  # one without weights is none yet
                    found.add(model_files(path).name)
    found.update(name for name, card in _CARDS.items() if card.weights is not None)
    return sorted(found, key=lambda name: (name != STARTER, name))


def find_model(name: str) -> ModelFiles:
    """The files of the model called `name`: the first of `weight_folders` that has them wins.

    A model of your own is NAME.safetensors with NAME.yaml, or a folder NAME (`model_folder`). Of
    one of the model zoo only the weights are needed, as NAME.safetensors, as NAME.pkl, or under the
    zoo's own name for the file.

    Raises `ConfigError` for a name that can't be one, `WeightsNotFoundError` (it lists the places
    looked at) otherwise.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise ConfigError(
            f"{name!r} is no model name; use one such as {STARTER!r}, the path of a model's folder, or config= and "
            "weights= paths."
        )
    card = _CARDS.get(name)
    found = _find(name, card)
    if found is not None:
        return found
    places = ", ".join(str(folder) for folder in weight_folders())
    if card is not None and card.file:
        raise WeightsNotFoundError(
            f"The weights of {name!r} are not on this machine (looked for as {name}.safetensors, {name}.pkl and "
            f"{card.file_name} in {places}). Fetch them with `python -m seg_widgets weights get {name}`, or get "
            f"{card.address} and put it into one of these folders, or use the model {STARTER!r}, which comes along."
        )
    known = available_models()
    have = f"Found there: {', '.join(known)}." if known else "No weights are there at all."
    # A model of the zoo with a letter too many is likelier than a file that was forgotten.
    close = difflib.get_close_matches(name, _CARDS, 1, 0.75)
    meant = f"Did you mean {close[0]!r}? " if close and name not in _CARDS else ""
    raise WeightsNotFoundError(
        f"The model {name!r} was looked for as {name}.safetensors with {name}.yaml in {places}. {have} {meant}"
        "Reinstall seg_widgets to get the starter back, or set SEG_WIDGETS_WEIGHTS to the folder that has the files."
    )


def model_files(folder: str | Path) -> ModelFiles:
    """The files of the model in a folder of its own, called like the folder.

    Raises `ConfigError` and `WeightsNotFoundError` for a folder that has none.
    """
    found = read_folder(folder)
    name = Path(folder).expanduser().resolve().name
    return ModelFiles(name, found.config, found.weights, found.classes)


def _find(name: str, card: ModelCard | None) -> ModelFiles | None:
    for folder in weight_folders():
        weights, config = folder / f"{name}.safetensors", folder / f"{name}.yaml"
        if weights.is_file() and config.is_file():
            return ModelFiles(name, config, weights)
        if is_model_folder(folder / name):
            return model_files(folder / name)
        if card is None or not card.config:
            continue
        for path in (weights, folder / f"{name}.pkl", folder / card.file_name):
            if path.is_file():
                return ModelFiles(name, card.config, path)
    return None
