"""`doctor`: what is here and what is missing, each problem with its remedy.

It looks at versions, device, driver, weights and memory.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from .. import __version__
from .._text import plural
from ..errors import DependencyError, SegWidgetsError
from ..modeling import PRICES, STARTER, find_model, weight_folders
from .common import EXIT_OK, EXIT_SOME_FAILED, Commands

__all__ = ["Finding", "add_parser", "findings", "nvidia_driver", "report", "run"]

_PACKAGES = (
    "torch",
    "torchvision",
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
    """One line of the report.

    Args:
        what: what was looked at.
        state: how it is.
        found: what was found.
        remedy: what to do about it; "": nothing.
    """

    what: str
    state: Literal["ok", "note", "problem"]
    found: str
    remedy: str = ""


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    return commands.add_parser(
        "doctor", help="show versions, device and weights, and what to do about each problem"
    )


def run(_: argparse.Namespace) -> int:
    """Print the report; the exit status is that of `report`."""
    return report(sys.stdout)


def report(stream: TextIO) -> int:
    """Write all findings.

    Args:
        stream: where to.

    Returns:
        0 when nothing stands in the way of a first overlay, else 1.
    """
    everything = list(findings())
    width = max(len(finding.what) for finding in everything)
    for finding in everything:
        print(f"{_MARKS[finding.state]}  {finding.what.ljust(width)}  {finding.found}", file=stream)
        if finding.remedy:
            print(f"      {' ' * width}→ {finding.remedy}", file=stream)

    problems = sum(finding.state == "problem" for finding in everything)
    noun = plural(problems, "problem")
    verdict = f"{problems} {noun} to solve first." if problems else "Ready to segment."
    print(f"\n{verdict}", file=stream)
    return EXIT_SOME_FAILED if problems else EXIT_OK


def findings() -> Iterator[Finding]:
    """Look at everything in turn.

    Yields:
        What was found. A check that fails is itself a finding, so that the rest is still shown.
    """
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _versions,
        _device,
        _weights,
        _speeds,
        _memory,
    )
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # a doctor that breaks on a broken machine is of no use
            yield Finding(check.__name__.strip("_"), "problem", f"{type(error).__name__}: {error}")


# ── packages ──────────────────────────────────────────────────────────────────────────────────────


def _versions() -> Iterator[Finding]:
    yield Finding("seg-widgets", "ok", __version__)
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("python", "ok", f"{platform.python_version()} on {system}")
    yield from map(_package, _PACKAGES)

    # The one pair of packages that is easily mismatched, which only an import shows.
    try:
        importlib.import_module("torchvision.ops")
    except (ImportError, RuntimeError) as error:
        remedy = (
            "install the torchvision that was built for this torch (0.27.1 goes with 2.12.1), "
            "or run make setup"
        )
        yield Finding("torchvision", "problem", f"can't be imported: {error}", remedy)
    yield _detectron2()


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
    if name in _OPTIONAL:
        return Finding(name, "note", "not installed", _OPTIONAL[name])
    return Finding(name, "problem", "not installed", f"pip install {name}")


def _detectron2() -> Finding:
    """What is really imported, which need not be what the package's metadata says."""
    from ..modeling import import_detectron2

    try:
        import_detectron2()
    except DependencyError as error:
        spec = importlib.util.find_spec("detectron2")
        where = f" ({Path(spec.origin).parent})" if spec is not None and spec.origin else ""
        return Finding("detectron2", "problem", f"{error}{where}", "make setup")
    package = importlib.import_module("detectron2")
    folder = Path(str(package.__file__)).parent
    return Finding("detectron2", "ok", f"{package.__version__}, {_operators()}, in {folder}")


def _operators() -> str:
    """Whether detectron2's operators are compiled, in words."""
    try:
        compiled = importlib.import_module("detectron2._C")
    except ImportError:
        return "without compiled operators"
    if getattr(compiled, "DEFORM_CONV_FROM_TORCHVISION", False):
        return "pure Python"
    has_cuda = getattr(compiled, "has_cuda", bool)()
    return f"compiled {'with' if has_cuda else 'without'} CUDA"


# ── device ────────────────────────────────────────────────────────────────────────────────────────


def _device() -> Iterator[Finding]:
    import torch

    from ..modeling import resolve_device

    driver = nvidia_driver()
    if torch.cuda.is_available():
        yield from map(_gpu, range(torch.cuda.device_count()))
    yield _driver(driver, torch.version.cuda, torch.cuda.is_available())
    device = resolve_device("auto")
    yield Finding("device", "ok", f"{device} ({torch.get_num_threads()} CPU threads)")


def _gpu(index: int) -> Finding:
    import torch

    free, total = torch.cuda.mem_get_info(index)
    name = torch.cuda.get_device_name(index)
    found = f"{name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    return Finding(f"cuda:{index}", "ok", found)


def _driver(driver: str | None, built_for: str | None, is_used: bool) -> Finding:
    """What the driver's version (None: there is none) means for a torch built for this CUDA."""
    if is_used:
        shown = driver or "of unknown version"
        return Finding("driver", "ok", f"NVIDIA {shown}, torch is built for CUDA {built_for}")
    if not driver:
        return Finding(
            "driver", "ok", "no NVIDIA driver; the CPU serves (in Docker, a GPU needs --gpus all)"
        )
    if built_for:
        remedy = (
            f"torch is built for CUDA {built_for}; update the driver to one that knows it, "
            "or go on with the CPU"
        )
        return Finding("driver", "note", f"NVIDIA {driver}, but torch can't use it", remedy)
    return Finding(
        "driver",
        "note",
        f"NVIDIA {driver}, but this torch has no CUDA",
        "unset UV_TORCH_BACKEND; make setup",
    )


def nvidia_driver() -> str | None:
    """Find out the version of the NVIDIA driver, without torch; None if nvidia-smi can't tell."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


# ── weights and memory ────────────────────────────────────────────────────────────────────────────


def _weights() -> Iterator[Finding]:
    from ..modeling import load_predictor

    try:
        files = find_model(STARTER)
        megabytes = files.weights.stat().st_size / 1e6
        predictor = load_predictor(STARTER, device="cpu")
        found = f"{files.weights} ({megabytes:.1f} MB) is built: {predictor.description}"
        yield Finding(STARTER, "ok", found)
    except DependencyError as error:
        yield Finding(STARTER, "problem", f"can't be built: {error}", "see the lines above")
    except SegWidgetsError as error:
        remedy = "reinstall seg-widgets, or check SEG_WIDGETS_WEIGHTS"
        yield Finding(STARTER, "problem", str(error), remedy)

    files_here = [path for folder in weight_folders() for path in folder.glob("*.safetensors")]
    others = sorted(str(path) for path in files_here if path.stem != STARTER)
    if others:
        yield Finding("other weights", "ok", ", ".join(others))


def _speeds() -> Iterator[Finding]:
    """What the speeds of `load_predictor(…, speed=…)` cost and gain."""
    for model, prices in PRICES.items():
        told = [f"{speed} AP {price.ap}, {price.gain:g}×" for speed, price in prices.items()]
        yield Finding("speeds", "ok", f"{model}: {'; '.join(told)}. Other models: not measured")


def _memory() -> Iterator[Finding]:
    import psutil

    free_gb = psutil.virtual_memory().available / 1e9
    is_little = free_gb < _LITTLE_MEMORY_GB
    remedy = "close other programs: a large model needs about 2 GB" if is_little else ""
    yield Finding("memory", "note" if is_little else "ok", f"{free_gb:.1f} GB free", remedy)
