"""How cost grows: with an image's pixels, its instances, the images of a session, the panels of a
kernel; and whether memory stays flat.

The model is a stand-in that finds ellipses: its own cost is in other parts. Each size has a process
of its own, and the sizes take turns.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from .figures import Curve
from .measuring import ROUNDS, worker

TITLE = "How cost grows"

_MODULE = "benchmarks.growth_cases"
_PIXELS = {0.3: (640, 480), 1.2: (1280, 960), 6: (3000, 2000), 12: (4000, 3000), 25: (5770, 4333)}
_INSTANCES = (1, 10, 100, 500, 2000)
_IMAGES = (1, 10, 50, 200, 500)
_PANELS = (1, 2, 5, 10)
_REPETITIONS = (5, 20, 60)

Line = list[tuple[float, float]]


def main(quick: bool = False) -> list[Curve]:
    """Measure all curves.

    Args:
        quick: the small sizes, in one round.

    Returns:
        Milliseconds over pixels, instances, images and panels; MB over panels and repetitions.
    """
    rounds = 1 if quick else ROUNDS
    last = 3 if quick else None
    pixels = {
        x: {"width": width, "height": height, "instances": 30}
        for x, (width, height) in list(_PIXELS.items())[:last]
    }
    instances = {
        float(n): {"width": 1280, "height": 960, "instances": n} for n in _INSTANCES[:last]
    }
    images = {float(n): {"images": n} for n in _IMAGES[:last]}
    panels = {float(n): {"count": n} for n in _PANELS[:last]}
    curves = [
        _milliseconds("time over pixels", "megapixels", _lines("stages", pixels, rounds)),
        _milliseconds("time over instances", "instances", _lines("stages", instances, rounds)),
        _milliseconds("time over images", "images in a session", _lines("session", images, rounds)),
    ]
    lines = _lines("panels", panels, rounds)
    memory = lines.pop("MB")
    curves += [
        _milliseconds("time over panels", "panels in one kernel", lines),
        Curve("memory of panels", "panels in one kernel", "MB", {"all of them": memory}),
    ]
    repeated = {float(n): {"repetitions": n} for n in _REPETITIONS[: 2 if quick else None]}
    lines = _lines("memory", repeated, 1)
    curves.append(
        Curve("memory after warm-up", "images of 6 MP one after the other", "MB", _named(lines))
    )
    return curves


def _named(lines: dict[str, Line]) -> dict[str, Line]:
    return {"the process": lines["MB"]}


def _milliseconds(name: str, x: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Curve:
    scaled = {line: [(at, value * 1e3) for at, value in points] for line, points in lines.items()}
    return Curve(name, x, "ms", scaled)


def _lines(case: str, sizes: Mapping[float, Mapping[str, int]], rounds: int) -> dict[str, Line]:
    """Of each thing that a case measures, its median over the sizes, which take turns."""
    with ExitStack() as stack:
        workers = {
            x: stack.enter_context(worker(_MODULE, case, **dict[str, Any](arguments)))
            for x, arguments in sizes.items()
        }
        taken: dict[float, list[dict[str, float]]] = {x: [] for x in workers}
        for _ in range(1 + rounds):
            for x, process in workers.items():
                taken[x].append(process.result())
    names = next(iter(taken.values()))[0]
    return {
        name: [
            (x, statistics.median(each[name] for each in values[1:])) for x, values in taken.items()
        ]
        for name in names
    }
