"""What came of one image on its way through a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..images import LoadedImage
from ..prediction import Prediction

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """What came of one image."""

    source: Any
    """Its path or address, or what else it was opened from."""

    image: LoadedImage | None = None
    """The image; None: it could not be opened."""

    prediction: Prediction | None = None
    """All that the model found; None: `error` says why not. Where `segment_groups` was told what is
    kept, the others may have empty masks."""

    error: Exception | None = None
    """What was raised when it was opened, or by the model."""

    seconds: float = field(default=0.0, compare=False)
    """How long the model took; of images that went together, each one's share."""
