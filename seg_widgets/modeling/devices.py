"""What a model runs on: the device, and the packages that it needs."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..errors import DependencyError, DeviceError

__all__ = ["import_detectron2", "keep_threads_passive", "resolve_device"]

_INSTALL_HINT: Final = (
    "In a checkout, `make setup` builds and installs it; elsewhere install the wheel that "
    "packaging/detectron2 builds."
)
log = logging.getLogger(__name__)


def keep_threads_passive() -> None:
    """Let torch's threads sleep while they wait; it counts only before torch is first imported.

    They spin otherwise. Beside other programs, such as the browser that draws the result, that
    makes a model half as fast or worse; `docs/performance.md` has the figures.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def import_detectron2() -> None:
    """Import torch and detectron2, and register the starter's network with it.

    Raises:
        DependencyError: one of them is missing or can't be imported.
    """
    keep_threads_passive()
    for package in ("torch", "torchvision", "detectron2"):
        if importlib.util.find_spec(package) is None:
            raise DependencyError(f"The package {package} is not installed. {_INSTALL_HINT}")
    try:
        with _paused_collector():
            _import()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pkg_resources":
            raise DependencyError(_broken(error)) from error
        raise DependencyError(
            "This detectron2 imports pkg_resources, which came with setuptools and is not in its "
            "releases from 82 on. Install an older one (pip install 'setuptools<82') and restart "
            "the kernel; or replace this detectron2 by the wheel that `make setup` builds, which "
            "doesn't need it."
        ) from error
    except Exception as error:  # whatever a broken or unsuitable build raises
        raise DependencyError(_broken(error)) from error


def _import() -> None:
    with warnings.catch_warnings():
        # What an older detectron2 or fvcore calls in torch and setuptools is not the person's
        # affair.
        for category in (FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
        for module in ("detectron2.modeling", "detectron2.model_zoo"):
            importlib.import_module(module)
        # Registers the starter's parts with detectron2.
        from . import starter_network  # noqa: F401


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Without the search for garbage, imports take a tenth less: what they make is all kept."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _broken(error: Exception) -> str:
    return (
        f"detectron2 is installed but can't be imported ({type(error).__name__}: {error}). "
        f"{_INSTALL_HINT}"
    )


def resolve_device(device: str = "auto") -> str:
    """Return the device to run on.

    Args:
        device: "auto" (the first of cuda, mps and cpu that works), or a device's name.

    Returns:
        The device's full name, such as "cuda:0".

    Raises:
        DeviceError: it is not here, or fails at a small test; the message lists those that are.
    """
    keep_threads_passive()
    import torch

    if device == "auto":
        return next((name for name in ("cuda", "mps") if _works(name)), "cpu")
    try:
        asked = torch.device(device)
    except RuntimeError:
        asked = None
    have = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        have.append("mps")
    if asked is None or asked.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(
            f"{device!r} is no device; use auto, or one of those here: {', '.join(have)}."
        )
    if asked.type == "cpu":
        return "cpu"
    name = f"cuda:{asked.index or 0}" if asked.type == "cuda" else "mps"
    if name not in have:
        raise DeviceError(
            f"The device {device!r} is not here; use auto, or one of: {', '.join(have)}."
        )
    if not _works(name):
        raise DeviceError(
            f"The device {device!r} is here, but fails at a small test; update its driver, "
            "or use cpu."
        )
    return name


def _works(device: str) -> bool:
    """Whether the operators that Mask R-CNN needs run on `device`."""
    import torch

    present = (
        torch.cuda.is_available()
        if device.startswith("cuda")
        else torch.backends.mps.is_available()
    )
    if not present:
        return False
    from detectron2.layers import nms, roi_align

    try:
        boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0]], device=device)
        nms(boxes, boxes[:, 3], 0.5)
        roi_align(torch.ones(1, 1, 8, 8, device=device), [boxes], 2)
    except (RuntimeError, NotImplementedError) as error:
        log.warning("The device %s is here but can't be used: %s", device, error)
        return False
    return True
