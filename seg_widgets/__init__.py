"""Explore instance segmentation in a notebook: a Jupyter panel on detectron2.

    from seg_widgets import SegmentationPanel
    SegmentationPanel()

Importing this package loads neither torch nor detectron2; they load when a predictor is built.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# A light module, so it is imported at once.
from ._samples import samples

if TYPE_CHECKING:
    from . import errors, images, testing
    from .batch import segment_dataset, segment_folder
    from .drawing import overlay
    from .errors import SegWidgetsError
    from .evaluation import Evaluation, compare, evaluate
    from .export import save
    from .finetuning import finetune
    from .images import load
    from .modeling import load_predictor, models, save_model, wrap
    from .prediction import GroundTruth, Instance, MaskCrop, Prediction, Predictor, Tidy, match
    from .serving import RemotePredictor
    from .session import SegmentationSession
    from .style import Style
    from .widgets import SegmentationCanvas, SegmentationPanel

__version__ = "0.1.0"

# Names are looked up in their modules at first use, so that `import seg_widgets` stays quick and
# each part can be used without what the other parts need (a batch job needs no widgets).
_HOMES = {
    "GroundTruth": "prediction",
    "Evaluation": "evaluation",
    "Instance": "prediction",
    "MaskCrop": "prediction",
    "Prediction": "prediction",
    "Predictor": "prediction",
    "RemotePredictor": "serving",
    "SegWidgetsError": "errors",
    "SegmentationCanvas": "widgets",
    "SegmentationPanel": "widgets",
    "SegmentationSession": "session",
    "Style": "style",
    "Tidy": "prediction",
    "compare": "evaluation",
    "errors": "",
    "evaluate": "evaluation",
    "finetune": "finetuning",
    "images": "",
    "load": "images",
    "load_predictor": "modeling",
    "match": "prediction",
    "models": "modeling",
    "overlay": "drawing",
    "save": "export",
    "save_model": "modeling",
    "segment_dataset": "batch",
    "segment_folder": "batch",
    "testing": "",
    "wrap": "modeling",
}

__all__ = [
    "Evaluation",
    "GroundTruth",
    "Instance",
    "MaskCrop",
    "Prediction",
    "Predictor",
    "RemotePredictor",
    "SegWidgetsError",
    "SegmentationCanvas",
    "SegmentationPanel",
    "SegmentationSession",
    "Style",
    "Tidy",
    "__version__",
    "compare",
    "errors",
    "evaluate",
    "finetune",
    "images",
    "load",
    "load_predictor",
    "match",
    "models",
    "overlay",
    "samples",
    "save",
    "save_model",
    "segment_dataset",
    "segment_folder",
    "testing",
    "wrap",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{home or name}")
    return getattr(module, name) if home else module


def __dir__() -> list[str]:
    return sorted(__all__)
