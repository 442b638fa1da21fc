"""Writing a model as a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .._files import expanded, scratch_folder
from ..errors import ExportError, SettingError
from ..prediction import Predictor
from .detectron2_predictor import Detectron2Predictor
from .folder import CLASSES, CONFIG, WEIGHTS

__all__ = ["save_model"]


def save_model(predictor: Predictor, folder: str | Path) -> Path:
    """Write a model as a folder that `load_predictor` and the panel open.

    The folder has config, weights and class names. Each file is written whole or not at all. What
    is left there of an earlier save that was killed is removed.

    Args:
        predictor: one that `load_predictor` or `wrap` made.
        folder: is made if it is not there; a model that it holds is replaced.

    Returns:
        The folder.

    Raises:
        SettingError: the predictor's config is not known.
        ExportError: the folder can't be written.
    """
    if not isinstance(predictor, Detectron2Predictor):
        raise SettingError(
            f"A {type(predictor).__name__} can't be saved; save_model takes what load_predictor "
            "makes."
        )
    if not predictor.config:
        raise SettingError(
            f"The config of {predictor.name!r} is not known as YAML, so it could not be built "
            "again from a folder. Give it when you make the predictor: "
            "wrap(model, classes=…, config=cfg)."
        )
    from safetensors import SafetensorError

    target = expanded(folder)
    try:
        _write_all(_writers(predictor), target)
    except (OSError, SafetensorError) as error:  # a full disk is safetensors' own error
        raise ExportError(
            f"The model could not be written to {target} "
            f"({getattr(error, 'strerror', None) or error}). Free some space, or name another "
            "folder."
        ) from error
    return target


def _writers(predictor: Detectron2Predictor) -> dict[str, Callable[[Path], object]]:
    """What writes each file of the folder; the config, which makes it a model, comes last."""
    from safetensors.torch import save_file

    names = json.dumps(list(predictor.class_names), ensure_ascii=False)
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in predictor.model.state_dict().items()
    }
    return {
        WEIGHTS: lambda path: save_file(state, path, {"classes": names}),
        CLASSES: lambda path: path.write_text(names + "\n", "utf-8"),
        CONFIG: lambda path: path.write_text(predictor.config, "utf-8"),
    }


def _write_all(writers: dict[str, Callable[[Path], object]], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with scratch_folder(target) as scratch:
        for name, write in writers.items():
            write(scratch / name)
        for name in writers:
            # safetensors makes files that only their owner can read.
            (scratch / name).chmod(0o644)
            (scratch / name).replace(target / name)
