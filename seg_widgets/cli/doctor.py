"""What is here and what is missing: versions, device, driver, weights and memory, each problem with
its remedy."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TextIO

from .. import __version__
from ..errors import SegWidgetsError
from ..modeling import STARTER, find_model, weight_folders

__all__ = ["Finding", "findings", "report"]

_PACKAGES = (
    "torch",
    "torchvision",
    "detectron2",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
    "numpy",
    "pillow",
)
_OPTIONAL = {"jupyterlab": "only needed to open notebooks here: pip install jupyterlab"}
_MARKS = {"ok": "ok  ", "note": "note", "problem": "FAIL"}
_LITTLE_MEMORY_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, how it is, what was found, and what to do about
    it ("": nothing)."""

    what: str
    state: Literal["ok", "note", "problem"]
    found: str
    remedy: str = ""


def report(stream: TextIO) -> int:
    """Write all findings to `stream`; 0 when nothing stands in the way of a first overlay, else
    1."""
    everything = list(findings())
    width = max(len(finding.what) for finding in everything)
    for finding in everything:
        print(f"{_MARKS[finding.state]}  {finding.what.ljust(width)}  {finding.found}", file=stream)
        if finding.remedy:
            print(f"      {' ' * width}→ {finding.remedy}", file=stream)
    problems = sum(finding.state == "problem" for finding in everything)
    verdict = (
        "Ready to segment."
        if not problems
        else f"{problems} problem{'s' if problems > 1 else ''} to solve first."
    )
    print(f"\n{verdict}", file=stream)
    return 1 if problems else 0


def findings() -> Iterator[Finding]:
    """Look at everything in turn; a look that fails is itself a finding, so that the rest is still
    shown."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (_versions, _device, _weights, _memory)
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # a doctor that breaks on a broken machine is of no use
            yield Finding(check.__name__.strip("_"), "problem", f"{type(error).__name__}: {error}")


def _versions() -> Iterator[Finding]:
    yield Finding("seg-widgets", "ok", __version__)
    yield Finding(
        "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    for package in _PACKAGES:
        try:
            yield Finding(package, "ok", importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            if package in _OPTIONAL:
                yield Finding(package, "note", "not installed", _OPTIONAL[package])
            elif package == "detectron2" and importlib.util.find_spec(package):
                yield Finding(package, "ok", "found on the path, without package metadata")
            else:
                remedy = "make setup" if package == "detectron2" else f"pip install {package}"
                yield Finding(package, "problem", "not installed", remedy)
    try:
        importlib.import_module("torchvision.ops")
    except (ImportError, RuntimeError) as error:
        remedy = "install the torchvision that was built for this torch (0.27.1 goes with 2.12.1), or run make setup"
        yield Finding("torchvision", "problem", f"can't be imported: {error}", remedy)


def _device() -> Iterator[Finding]:
    import torch

    from ..modeling import resolve_device

    driver = _nvidia_driver()
    built_for = torch.version.cuda
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(number)
            name = torch.cuda.get_device_name(number)
            yield Finding(
                f"cuda:{number}", "ok", f"{name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
            )
        yield Finding(
            "driver",
            "ok",
            f"NVIDIA {driver or 'of unknown version'}, torch is built for CUDA {built_for}",
        )
    elif driver and built_for:
        remedy = f"torch is built for CUDA {built_for}; update the driver to one that knows it, or go on with the CPU"
        yield Finding("driver", "note", f"NVIDIA {driver}, but torch can't use it", remedy)
    elif driver:
        yield Finding(
            "driver",
            "note",
            f"NVIDIA {driver}, but this torch has no CUDA",
            "unset UV_TORCH_BACKEND; make setup",
        )
    else:
        yield Finding(
            "driver", "ok", "no NVIDIA driver; the CPU serves (in Docker, a GPU needs --gpus all)"
        )
    yield Finding(
        "device", "ok", f"{resolve_device('auto')} ({torch.get_num_threads()} CPU threads)"
    )


def _nvidia_driver() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (
        done.stdout.strip().splitlines()[0]
        if done.returncode == 0 and done.stdout.strip()
        else None
    )


def _weights() -> Iterator[Finding]:
    from ..modeling import read_checkpoint

    try:
        files = find_model(STARTER)
        checkpoint = read_checkpoint(files.weights)
        size = files.weights.stat().st_size / 1e6
        yield Finding(
            STARTER, "ok", f"{files.weights} ({size:.1f} MB, {len(checkpoint.tensors)} tensors)"
        )
    except SegWidgetsError as error:
        yield Finding(
            STARTER, "problem", str(error), "reinstall seg-widgets, or check SEG_WIDGETS_WEIGHTS"
        )
    others = [
        str(path) for folder in weight_folders() for path in sorted(folder.glob("*.safetensors"))
    ]
    others = [path for path in others if not path.endswith(f"{STARTER}.safetensors")]
    if others:
        yield Finding("other weights", "ok", ", ".join(others))


def _memory() -> Iterator[Finding]:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    remedy = (
        "close other programs: a large model needs about 2 GB" if free < _LITTLE_MEMORY_GB else ""
    )
    yield Finding("memory", "note" if remedy else "ok", f"{free:.1f} GB free", remedy)
