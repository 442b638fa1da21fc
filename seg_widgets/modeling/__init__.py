"""Models: which there are, where their files are, and how a predictor is built.

Importing this folder loads neither torch nor detectron2; they are loaded when a predictor is built.
The starter's network is the one module that imports them at its top, so it is not exported here:
`import seg_widgets.modeling.starter_network` registers it with detectron2.
"""

from __future__ import annotations

from .background import BackgroundDownload
from .callers import as_raised, marked
from .catalogue import (
    STARTER,
    ModelCard,
    ModelFiles,
    cache_folder,
    find_model,
    model_name,
    weight_folders,
)
from .checkpoint import Checkpoint, read_checkpoint
from .config import ModelConfig, config_of, read_config
from .detectron2_predictor import Detectron2Predictor
from .devices import import_detectron2, keep_threads_passive, resolve_device
from .downloads import download, verify
from .fit import load_into
from .folder import read_classes
from .live_model import as_predictor
from .loading import load_predictor, wrap
from .saving import save_model
from .source import BuildOptions, Given, ModelSource, check_min_size
from .sources import SOURCES, find_source, missing_card, models
from .speeds import EXACT, PRICES, SPEEDS, Price, check_speed

__all__ = [
    "EXACT",
    "PRICES",
    "SOURCES",
    "SPEEDS",
    "STARTER",
    "BackgroundDownload",
    "BuildOptions",
    "Checkpoint",
    "Detectron2Predictor",
    "Given",
    "ModelCard",
    "ModelConfig",
    "ModelFiles",
    "ModelSource",
    "Price",
    "as_predictor",
    "as_raised",
    "cache_folder",
    "check_min_size",
    "check_speed",
    "config_of",
    "download",
    "find_model",
    "find_source",
    "import_detectron2",
    "keep_threads_passive",
    "load_into",
    "load_predictor",
    "marked",
    "missing_card",
    "model_name",
    "models",
    "read_checkpoint",
    "read_classes",
    "read_config",
    "resolve_device",
    "save_model",
    "verify",
    "weight_folders",
    "wrap",
]
