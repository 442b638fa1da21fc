"""Whether a training that was interrupted can go on: only with the data and settings that it had.

With any others the order of the images, the schedule or the classes would be other ones, and what
came out would be neither the one training nor the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from .dataset import LabelledImage
from .split import Split

__all__ = ["BEST", "SUMMARY", "check_same", "read_summary", "run_settings", "set_aside"]

BEST: Final = "best"
"""The folder of the best weights so far, inside the model's folder."""

SUMMARY: Final = "finetune.json"
"""The file that says how a training went."""

_SHOWN: Final = "shown"
_ASIDE: Final = "checkpoint.before.pt"
_LONG: Final = 60  # characters of a value in a message


def run_settings(data: str, split: Split, **settings: Any) -> dict[str, Any]:
    """Return all that decides what is learned, in what order, as JSON has it.

    Args:
        data: what messages call the data set.
        split: its two parts.
        settings: numbers and texts by name.
    """
    classes = split.dataset.class_names
    parts = {"data": split.train, "validation": split.validation}
    return {
        **{name: _digest(images, split) for name, images in parts.items()},
        **settings,
        "classes": list(classes),
        _SHOWN: {name: f"{data} ({_counted(images)})" for name, images in parts.items()},
    }


def _counted(images: Sequence[LabelledImage]) -> str:
    objects = sum(len(image.objects) for image in images)
    return f"{len(images)} images, {objects} objects"


def _digest(images: Sequence[LabelledImage], split: Split) -> str:
    """A digest of images and their objects, in their order; where they lie doesn't count."""
    total = hashlib.sha256()
    for image in images:
        total.update(split.digests[image.path])
        objects = [(item.class_id, item.segmentation, item.crowd) for item in image.objects]
        text = json.dumps([image.size, image.upright, objects], default=str)
        total.update(text.encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Check that a training goes on with what it had.

    Args:
        before: the `run_settings` of the training that was interrupted.
        now: those of this one.
        folder: the model's.

    Raises:
        SettingError: they differ; each difference is named with both values.
    """
    differing = [name for name in now if name != _SHOWN and before.get(name) != now[name]]
    if not differing:
        return
    changes = "; ".join(_change(name, before, now) for name in differing)
    raise SettingError(
        f"The training in {folder} had other data or settings, so it can't go on with these: "
        f"{changes}. Give what it had, or another folder, or begin anew without resume=True "
        "(--resume)."
    )


def _change(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    was, is_now = (_shown(name, settings) for settings in (before, now))
    if was == is_now:
        return f"{name} was {was}, and its content has changed since"
    return f"{name} was {was}, and is {is_now}"


def _shown(name: str, settings: Mapping[str, Any]) -> str:
    value = settings.get(_SHOWN, {}).get(name, settings.get(name))
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 4 * _LONG else f"{text[: 3 * _LONG]}…{text[-_LONG:]}"


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return the summary of a training that ended, with its settings; None where there is none.

    Args:
        folder: the model's.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return summary if isinstance(summary, dict) and "settings" in summary else None


def set_aside(checkpoint: Path) -> Path | None:
    """Keep the checkpoint of a training that was interrupted, where another one begins.

    Args:
        checkpoint: its file.

    Returns:
        Where it is kept; None where there was none.
    """
    if not checkpoint.is_file():
        return None
    return checkpoint.replace(checkpoint.with_name(_ASIDE))
