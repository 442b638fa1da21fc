"""Measure fresh processes: how long until a model is there, an overlay is drawn, a panel is on
screen: `python -m benchmarks first_start`.

Each value is a process of its own, with the files in the system's cache; the ways take turns. What
an import costs by package: `python -m benchmarks.first_start` (from `python -X importtime`).
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from .figures import Figure, Summary
from .measuring import ROUNDS, alternate

TITLE = "The first start"

_TIMED: Final = """
import time
started = time.perf_counter()
{work}
print(time.perf_counter() - started)
"""
_OVERLAY: Final = """
import time
from seg_widgets import images, load_predictor, overlay, samples
predictor = load_predictor(device="cpu")
started = time.perf_counter()
photograph = images.load(samples()["cat"])
overlay(photograph, predictor(photograph))
print(time.perf_counter() - started)
"""
_LOAD: Final = "from seg_widgets import load_predictor; load_predictor(device='cpu')"
_DETECTRON2: Final = (
    "import detectron2.engine, detectron2.model_zoo, detectron2.utils.visualizer, detectron2.data"
)
_PANEL: Final = "from seg_widgets import SegmentationPanel\nSegmentationPanel()"
_LOOK_S: Final = 0.02
_LOADING_S: Final = 8.0
_TIMEOUT_S: Final = 120.0


def main(quick: bool = False) -> list[Figure]:
    """Measure.

    Args:
        quick: one round, without warming up, as the files are in the cache anyway.

    Returns:
        Seconds from a new process to a model, an overlay and a panel.
    """
    rounds, warmups = (1, 0) if quick else (ROUNDS, 1)
    starts = alternate(
        {
            "load_predictor()": lambda: _process(_TIMED.format(work=_LOAD)),
            "import torch, torchvision": lambda: _process(
                _TIMED.format(work="import torch, torchvision")
            ),
            "import torch": lambda: _process(_TIMED.format(work="import torch")),
            "detectron2's engine, zoo and Visualizer": lambda: _process(
                _TIMED.format(work=_DETECTRON2)
            ),
        },
        rounds,
        warmups,
    )
    overlays = alternate({"ours": lambda: _process(_OVERLAY)}, rounds, warmups)
    panels: list[tuple[float, float]] = [_panel() for _ in range(rounds)]
    return [
        Figure("a model in a new process", "s", starts),
        Figure("then the first overlay (starter)", "s", overlays),
        Figure("a panel, from the cell's start", "s", _one("ours", [first for first, _ in panels])),
        Figure(
            "longest wait of the kernel while the model loads",
            "s",
            _one("ours", [longest for _, longest in panels]),
        ),
    ]


def _one(who: str, values: list[float]) -> dict[str, Summary]:
    return {who: Summary.of(values)}


def _process(code: str) -> float:
    """The number that a new process prints last."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


# ── a panel ───────────────────────────────────────────────────────────────────────────────────────


def _panel() -> tuple[float, float]:
    """Run a cell with a panel in a new kernel.

    Returns:
        Seconds until the front end is sent the panel; and the longest that the kernel lets a
        message wait afterwards, while it loads the model.
    """
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(startup_timeout=_TIMEOUT_S)
    try:
        started = time.perf_counter()
        request = client.execute(_PANEL)
        shown = _until(client.get_iopub_msg, request, _is_display) - started
        _until(client.get_iopub_msg, request, _is_idle)
        waits = []
        while time.perf_counter() - started < _LOADING_S:
            asked = time.perf_counter()
            question = client.kernel_info()
            answered = _until(client.get_shell_msg, question, lambda _: True)
            waits.append(answered - asked)
            time.sleep(_LOOK_S)
        return shown, max(waits)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _until(
    get: Callable[..., Mapping[str, Any]], request: str, fits: Callable[[Mapping[str, Any]], bool]
) -> float:
    """When the first fitting message about a request comes."""
    while True:
        message = get(timeout=_TIMEOUT_S)
        if message["msg_type"] == "error":
            raise RuntimeError("\n".join(message["content"]["traceback"]))
        if message["parent_header"].get("msg_id") == request and fits(message):
            return time.perf_counter()


def _is_display(message: Mapping[str, Any]) -> bool:
    return message["msg_type"] in ("display_data", "execute_result")


def _is_idle(message: Mapping[str, Any]) -> bool:
    return bool(message["content"].get("execution_state") == "idle")


# ── what the imports cost ─────────────────────────────────────────────────────────────────────────

_LINE: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


def import_ms(code: str) -> Counter[str]:
    """Milliseconds that the imports of a new process take, by package, from `-X importtime`.

    Args:
        code: what the process runs.
    """
    command = [sys.executable, "-W", "ignore", "-X", "importtime", "-c", code]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True)
    spent: Counter[str] = Counter()
    for microseconds, module in _LINE.findall(done.stderr):
        spent[_package_of(module)] += int(microseconds)
    return Counter({package: count // 1000 for package, count in spent.items()})


def _package_of(module: str) -> str:
    """The package; of torch's compiler and of detectron2's data sets the part, too."""
    for part in ("torch._dynamo", "detectron2.data", "detectron2.engine"):
        if module == part or module.startswith(f"{part}."):
            return part
    return module.partition(".")[0]


def print_imports(rounds: int = 5, at_least_ms: int = 15) -> None:
    """Print a table: what each package takes of three starts, in turns.

    Args:
        rounds: the values are medians of so many.
        at_least_ms: packages that take less everywhere are left out.
    """
    ways = {
        "`load_predictor()`": _LOAD,
        "`import torch, torchvision`": "import torch, torchvision",
        "detectron2's engine, zoo, Visualizer": _DETECTRON2,
    }
    seen: dict[str, list[Counter[str]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, code in ways.items():
            seen[name].append(import_ms(code))
    medians = {
        name: {
            package: round(statistics.median(each[package] for each in counts))
            for package in set().union(*counts)
        }
        for name, counts in seen.items()
    }
    packages = sorted(
        {package for each in medians.values() for package, ms in each.items() if ms >= at_least_ms},
        key=lambda package: -max(each.get(package, 0) for each in medians.values()),
    )
    print(f"| ms | {' | '.join(medians)} |\n|---|{'--:|' * len(medians)}")
    for package in packages:
        cells = (str(each[package]) if package in each else "–" for each in medians.values())
        print(f"| {package} | {' | '.join(cells)} |")
    totals = (str(sum(each.values())) for each in medians.values())
    print(f"| all | {' | '.join(totals)} |")


if __name__ == "__main__":
    print_imports()
