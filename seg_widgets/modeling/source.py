"""What a source of models is: it recognises what was given, finds or fetches the model, builds it.

To add a source, write a subclass of `ModelSource` in a module of its own, and put it into
`sources.SOURCES`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError, SettingError
from ..net import Progress
from ..prediction import Predictor
from .catalogue import ModelCard
from .speeds import EXACT, check_speed

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "MAX_MIN_SIZE",
    "MIN_MIN_SIZE",
    "BuildOptions",
    "Given",
    "ModelSource",
    "check_max_instances",
    "check_min_size",
]

MIN_MIN_SIZE: Final = 32
MAX_MIN_SIZE: Final = 4096
"""Pixels; between these the image's shorter side may be scaled for a model."""


@dataclass(frozen=True)
class Given:
    """What somebody gave to say which model is meant.

    Attributes:
        model: a name, the path of a folder, or a model that lives already.
        config: the config of your own model, or None.
        weights: the weights that belong to `config`, or None.
    """

    model: Any = None
    config: Any = None
    weights: str | Path | None = None


@dataclass(frozen=True)
class BuildOptions:
    """How a predictor is to be built.

    Attributes:
        class_names: the names in the order of the class ids; None: as the model says.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        min_size: pixels of the image's shorter side for the model; None: as its config says.
        half: compute in float16 (CUDA only).
        trust_code: whether a config that is a Python file may be run.
        name: what to call the predictor; "": as the source calls it.
        max_instances: the most instances that it answers with; None: the model's own limit.
        speed: one of `SPEEDS`.
    """

    class_names: tuple[str, ...] | None = None
    device: str = "auto"
    min_size: int | None = None
    half: bool = False
    trust_code: bool = False
    name: str = ""
    max_instances: int | None = None
    speed: str = EXACT

    def __post_init__(self) -> None:
        check_speed(self.speed, self.min_size)
        check_min_size(self.min_size)
        check_max_instances(self.max_instances)


class ModelSource(ABC):
    """One model, and where it comes from.

    Attributes:
        name: what the model is called.
    """

    name: str

    @classmethod
    @abstractmethod
    def recognise(cls, given: Given) -> Self | None:
        """Return the source of the model that is meant, or None: it is not one of this kind.

        No file is opened and no network is used: names, types and whether a path exists decide.
        """

    @classmethod
    def listed(cls) -> Iterable[ModelCard]:
        """Yield the cards of the models that `models()` lists from this source."""
        return ()

    @property
    def card(self) -> ModelCard | None:
        """What is known of the model without opening it, or None."""
        return None

    @property
    def is_here(self) -> bool:
        """Whether the model is on this machine."""
        return True

    @property
    def can_be_fetched(self) -> bool:
        """Whether `fetch` can bring it here."""
        return False

    def fetch(self, progress: Progress | None, cancel: threading.Event | None) -> None:
        """Bring the model to this machine.

        Args:
            progress: called with the bytes that are here and the bytes in all (None: not known).
            cancel: ends it once it is set.

        Raises:
            ConfigError: models of this source can't be fetched.
            WeightsFetchError: it could not be fetched.
            WeightsError: what came is another file.
        """
        raise ConfigError(f"The model {self.name!r} can't be fetched.")

    @abstractmethod
    def locate(self) -> None:
        """Check that the model is here, as far as that can be seen without opening it.

        Raises:
            ConfigError: what was given can't be a model.
            WeightsNotFoundError: the model is not here; the message says where it was looked for.
        """

    @abstractmethod
    def build(self, options: BuildOptions) -> Predictor:
        """Build a predictor.

        Args:
            options: how.

        Raises:
            ModelError: the model can't be built; the subclass says why.
            SettingError: an option is not for this model.
        """


def check_min_size(min_size: int | None) -> None:
    """Check the pixels of the image's shorter side; None passes.

    Raises:
        SettingError: it is not between `MIN_MIN_SIZE` and `MAX_MIN_SIZE`.
    """
    if min_size is not None and not MIN_MIN_SIZE <= min_size <= MAX_MIN_SIZE:
        raise SettingError(
            f"min_size lies between {MIN_MIN_SIZE} and {MAX_MIN_SIZE} pixels, "
            f"but {min_size} was given."
        )


def check_max_instances(max_instances: int | None) -> None:
    """Check the most instances that a model may answer with; None passes.

    Raises:
        SettingError: it is no whole number of at least 1.
    """
    if max_instances is None:
        return
    if type(max_instances) is not int or max_instances < 1:
        raise SettingError(
            f"max_instances is a whole number of at least 1, but {max_instances!r} was given."
        )
