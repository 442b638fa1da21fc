"""The settings of a panel: which there are, what they take, and what a wrong one may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from .._samples import samples as own_samples
from ..errors import SettingError

__all__ = ["CONTROLS", "known_controls", "likely_fix", "sample_name", "sample_sources"]

CONTROLS: Final = (
    "upload",
    "url",
    "samples",
    "threshold",
    "model",
    "camera",
    "drop",
    "history",
    "legend",
    "table",
    "export",
)
"""What a panel is made of, beside the image."""

# What other tools call a setting, or what is set elsewhere.
_OTHER_NAMES: Final = {
    "model": "Did you mean 'predictor'?",
    "image": "Set panel.image once the panel is made.",
    "weights": "Give predictor=load_predictor(config=…, weights=…).",
    "config": "Give predictor=load_predictor(config=…, weights=…).",
    "score_threshold": "Did you mean 'threshold'?",
    "confidence": "Did you mean 'threshold'?",
}


def known_controls(controls: Iterable[str] | None) -> frozenset[str]:
    """The controls of a panel.

    Args:
        controls: Some of `CONTROLS`; None means all of them.

    Raises:
        SettingError: There is no such control, or it is one text instead of a list.
    """
    if controls is None:
        return frozenset(CONTROLS)
    if isinstance(controls, str):
        raise SettingError(f"controls is a list of names, such as [{controls!r}], not one text.")
    chosen = tuple(controls)
    for name in chosen:
        if name not in CONTROLS:
            close = difflib.get_close_matches(str(name), CONTROLS, 1, 0.5)
            fix = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(CONTROLS)}."
            raise SettingError(f"A panel has no control {name!r}. {fix}")
    return frozenset(chosen)


def likely_fix(name: str, settings: Iterable[str]) -> str:
    """What somebody who wrote an unknown setting may have meant, as a sentence.

    Args:
        name: What was written.
        settings: The settings that there are.
    """
    known = list(settings)
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    close = difflib.get_close_matches(name, known, 1, 0.6)
    return f"Did you mean {close[0]!r}?" if close else f"It takes {', '.join(known)}."


def sample_sources(given: Mapping[str, object] | Iterable[str | Path] | None) -> dict[str, object]:
    """The samples by the name that the picker shows.

    Args:
        given: Images by name, or paths, whose stems are the names; None means those that come
            along.

    Raises:
        SettingError: It is one path.
    """
    if given is None:
        return dict(own_samples())
    if isinstance(given, Mapping):
        return {str(name): source for name, source in given.items()}
    if isinstance(given, (str, Path)):
        raise SettingError(
            f"samples is a dict or a list of images, such as [{str(given)!r}], not one path."
        )
    return {Path(path).stem: path for path in given}


def sample_name(source: object, name: str) -> str:
    """What to call the image of a sample: its file name, or the name in the picker."""
    return Path(source).name if isinstance(source, (str, Path)) else name
