"""What a model's config says, and how the model is built from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError, DependencyError
from .yaml_files import shortened

if TYPE_CHECKING:
    import torch

__all__ = ["WRAP_IT", "ModelConfig", "check_architecture"]

WRAP_IT: Final = "build the model in Python and give it to seg_widgets.wrap"
"""The way out for a config that is not read."""

# What a config may build that finds no instances, and why it is refused.
_REFUSED: Final = {
    "PanopticFPN": "it labels every pixel (panoptic), which this panel doesn't show; use the Mask "
    f"R-CNN config of the same backbone, or {WRAP_IT} for its instances alone",
    "PanopticDeepLab": "it labels every pixel (panoptic) and finds no boxes",
    "SemanticSegmentor": "it labels every pixel by class (semantic segmentation) and finds no "
    "single objects",
    "ProposalNetwork": "it only proposes boxes and names nothing",
}
# What detectron2 raises for a config that it can't build; PyTorch's are RuntimeErrors.
_BUILD_ERRORS: Final = (
    *(LookupError, AssertionError, ValueError, AttributeError, TypeError, NameError),
    *(ArithmeticError, RuntimeError, MemoryError),
)
_MAX_MODEL_BYTES: Final = 4_300_000_000  # twice the largest file of weights, in half precision
_MAX_TENSORS: Final = 50_000


class ModelConfig(ABC):
    """What a model's config says.

    Attributes:
        classes: how many classes the model has.
        datasets: names of the data sets that it was trained on, maybe none.
        min_size: pixels of the image's shorter side, as detectron2's `ResizeShortestEdge` takes
            them; may be changed.
        max_size: pixels that the longer side has at most; may be changed.
        input_format: the order of the channels, "BGR" or "RGB".
    """

    classes: int
    datasets: Sequence[str]
    min_size: int
    max_size: int
    input_format: str

    def build(self, device: str) -> torch.nn.Module:
        """Build the model; its tensors hold nothing until weights are loaded.

        Args:
            device: such as "cpu" or "cuda:0".

        Raises:
            ConfigError: detectron2 can't build it, or it is no model that finds instances.
            DependencyError: it needs a package that is not installed.
        """
        try:
            with _skipped_initialisation():
                model = self._build(device)
        except _BUILD_ERRORS as error:
            raise ConfigError(f"detectron2 can't build this config: {shortened(error)}") from error
        except ImportError as error:
            if "_C" in str(error) and "detectron2" in str(error):
                raise DependencyError(
                    "The config needs detectron2's compiled operators, and this detectron2 was "
                    "built without them. Install the wheel that `make setup` builds, or compile "
                    "detectron2 where its sources are."
                ) from error
            raise DependencyError(f"The config needs what is not installed: {error}") from error
        check_architecture(type(model).__name__)
        return model

    @abstractmethod
    def text(self) -> str:
        """Return the config as YAML that `read_config` reads again; "" where it has none."""

    @abstractmethod
    def _build(self, device: str) -> torch.nn.Module:
        """Build the model as detectron2 does."""


def check_architecture(name: str) -> None:
    """Refuse a meta-architecture of detectron2's that finds no instances.

    Raises:
        ConfigError: it is one of these; the message says why.
    """
    if name in _REFUSED:
        raise ConfigError(f"The config is for a {name}: {_REFUSED[name]}.")


@contextmanager
def _skipped_initialisation() -> Iterator[None]:
    """Build modules without the random numbers that the weights replace (0.65 s for R50-FPN).

    It is PyTorch's own recipe: https://docs.pytorch.org/docs/stable/notes/extending.html. What the
    modules make is counted before it is made, so that no config takes all memory.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    factories = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}

    class SkipInit(TorchFunctionMode):
        tensors = total_bytes = 0

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            if getattr(func, "__module__", None) == "torch.nn.init":
                return kwargs["tensor"] if "tensor" in kwargs else args[0]
            if func in factories:
                self.count(func(*args, **{**kwargs, "device": "meta"}))
            return func(*args, **kwargs)

        def count(self, tensor: torch.Tensor) -> None:
            self.tensors += 1
            self.total_bytes += tensor.nbytes
            if self.tensors > _MAX_TENSORS or self.total_bytes > _MAX_MODEL_BYTES:
                raise ConfigError(
                    f"The config describes a model of more than {_MAX_MODEL_BYTES / 1e9:.0f} GB or "
                    f"{_MAX_TENSORS:,} tensors, which no weights fill. Look for a size in it that "
                    f"is too large, or {WRAP_IT}."
                )

    with SkipInit():
        yield
