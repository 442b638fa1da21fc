"""Models: which there are, where their files are, and how a predictor is built; loads torch at
first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .catalogue import (
        STARTER,
        ModelCard,
        ModelFiles,
        available_models,
        cache_folder,
        find_card,
        find_model,
        model_files,
        model_name,
        models,
        weight_folders,
    )
    from .checkpoint import Checkpoint, load_into, read_checkpoint
    from .config import ZOO_KEY, Recipe, read_recipe, recipe_of
    from .detectron2_predictor import Detectron2Predictor, paste_mask, resolve_device, to_prediction
    from .downloads import CHECKSUMS, BackgroundDownload, download, missing_card, verify
    from .folder import (
        CLASSES,
        CONFIG,
        WEIGHTS,
        ModelFolder,
        is_model_folder,
        read_classes,
        read_folder,
    )
    from .loading import is_folder_path, load_predictor, save_model, wrap
    from .starter_network import (
        EfficientNetLite0,
        TwoScaleRCNN,
        WideMaskHead,
        build_starter_backbone,
        fold_checkpoint,
    )

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "catalogue": [
            "ModelCard",
            "ModelFiles",
            "STARTER",
            "available_models",
            "cache_folder",
            "find_card",
            "find_model",
            "model_files",
            "model_name",
            "models",
            "weight_folders",
        ],
        "checkpoint": ["Checkpoint", "load_into", "read_checkpoint"],
        "config": ["Recipe", "ZOO_KEY", "read_recipe", "recipe_of"],
        "detectron2_predictor": [
            "Detectron2Predictor",
            "paste_mask",
            "resolve_device",
            "to_prediction",
        ],
        "downloads": ["BackgroundDownload", "CHECKSUMS", "download", "missing_card", "verify"],
        "folder": [
            "CLASSES",
            "CONFIG",
            "ModelFolder",
            "WEIGHTS",
            "is_model_folder",
            "read_classes",
            "read_folder",
        ],
        "loading": ["is_folder_path", "load_predictor", "save_model", "wrap"],
        "starter_network": [
            "EfficientNetLite0",
            "TwoScaleRCNN",
            "WideMaskHead",
            "build_starter_backbone",
            "fold_checkpoint",
        ],
    },
)

__all__ = [
    "CHECKSUMS",
    "CLASSES",
    "CONFIG",
    "STARTER",
    "WEIGHTS",
    "ZOO_KEY",
    "BackgroundDownload",
    "Checkpoint",
    "Detectron2Predictor",
    "EfficientNetLite0",
    "ModelCard",
    "ModelFiles",
    "ModelFolder",
    "Recipe",
    "TwoScaleRCNN",
    "WideMaskHead",
    "available_models",
    "build_starter_backbone",
    "cache_folder",
    "download",
    "find_card",
    "find_model",
    "fold_checkpoint",
    "is_folder_path",
    "is_model_folder",
    "load_into",
    "load_predictor",
    "missing_card",
    "model_files",
    "model_name",
    "models",
    "paste_mask",
    "read_checkpoint",
    "read_classes",
    "read_folder",
    "read_recipe",
    "recipe_of",
    "resolve_device",
    "save_model",
    "to_prediction",
    "verify",
    "weight_folders",
    "wrap",
]
