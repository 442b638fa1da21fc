"""Write the starter's weights file (safetensors, half precision) and read it back the way the
package does."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from training.classes import CLASSES
from training.config import START, Inference, write_config

NAME = "starter"
MAX_BYTES = 25_000_000


def export(
    state: Mapping[str, Tensor],
    folder: Path,
    inference: Inference = START,
    names: Sequence[str] | None = None,
) -> Path:
    """Write `starter.safetensors` and `starter.yaml`.

    Floating-point tensors become float16. The metadata says what the file is: `name`, `format`,
    `classes` (JSON list, in the order of class ids) and `made_with`.

    Args:
        state: the weights by name.
        folder: where to.
        inference: what was chosen for showing images to it.
        names: those of a model with names in groups; None: a model of groups alone.

    Returns:
        The weights' path.

    Raises:
        ValueError: the file is larger than the project allows, or a value does not fit half
            precision.
    """
    tensors = {}
    for name, value in state.items():
        tensor = value.detach().to("cpu")
        if tensor.is_floating_point():
            tensor = tensor.to(torch.float16)
            if not torch.isfinite(tensor).all():
                raise ValueError(f"{name} does not fit half precision")
        tensors[name] = tensor.contiguous()
    metadata = {
        "name": NAME,
        "format": "detectron2",
        "classes": json.dumps(list(CLASSES if names is None else names)),
        "made_with": "seg-widgets training/ (python -m training)",
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.safetensors"
    save_file(tensors, str(path), metadata=metadata)
    path.chmod(0o644)  # safetensors makes files that only their owner reads
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(
            f"{path} has {path.stat().st_size:,} bytes; the project allows {MAX_BYTES:,}"
        )
    write_config(folder / f"{NAME}.yaml", inference, None if names is None else len(names))
    return path


def park(checkpoint: Path, file: Path) -> None:
    """Write a run's averaged weights in half precision with its position, small enough to be
    committed."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in state["average"].items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        tensors, str(file), metadata={key: str(value) for key, value in state["position"].items()}
    )
    file.chmod(0o644)


def position_of(file: Path) -> dict[str, str]:
    """Return the position that `park` wrote: `step`, `progress` and `active_s`."""
    with safe_open(str(file), "pt") as opened:
        position: dict[str, str] = opened.metadata()
    return position


def load(weights: Path, config: Path) -> tuple[nn.Module, Any, list[str]]:
    """Build the model that a weights file and its config describe; return model, config node and
    class names."""
    from detectron2.config import get_cfg
    from detectron2.modeling import build_model

    # Registers the backbone and the heads.
    from seg_widgets.modeling import starter_network  # noqa: F401

    node = get_cfg()
    node.merge_from_file(str(config))
    node.MODEL.DEVICE = "cpu"
    model: nn.Module = build_model(node)
    model.load_state_dict(load_file(str(weights)), strict=True)
    model.eval()
    with safe_open(str(weights), "pt") as file:
        classes = json.loads(file.metadata()["classes"])
    return model, node, classes
