"""What a benchmark returns: figures beside their peers, and curves. They are kept as JSON.

A part is a module of this folder with a `TITLE` and a function `main(quick)` that measures and
returns `Figure`s and `Curve`s. `python -m benchmarks` runs the parts, keeps what they return in
`results/<part>.json`, and writes the tables of `docs/performance.md` from those files.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["RESULTS", "Curve", "Figure", "Results", "Summary", "read_results"]

RESULTS: Final = Path(__file__).parent / "results"
"""The folder of the last results, one JSON file for each part."""

_DIGITS: Final = 4


@dataclass(frozen=True)
class Summary:
    """What several runs of the same thing gave."""

    median: float
    low: float
    """The smallest."""
    high: float
    """The largest."""
    runs: int
    """How many there were."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Sum up some values.

        Args:
            values: at least one, in any unit.

        Returns:
            Their median, smallest and largest.
        """
        return cls(statistics.median(values), min(values), max(values), len(values))

    def scaled(self, factor: float) -> Summary:
        """The same in another unit.

        Args:
            factor: what each value is multiplied by.

        Returns:
            A new summary.
        """
        return Summary(self.median * factor, self.low * factor, self.high * factor, self.runs)


@dataclass(frozen=True)
class Figure:
    """One thing that was measured for us and for our peers, in the same run."""

    name: str
    """What was measured, such as "overlay, 1280×960, 100 instances"; unique in its part."""

    unit: str
    """Of the values: "s", "ms", "MB", "images/s" …"""

    values: Mapping[str, Summary]
    """By who did it. The first is ours; the others are its peers."""

    more_is_better: bool = False
    """True for throughput; False for what takes time or memory."""

    target: float | None = None
    """How many times better than each peer it should be; None: there is no such aim."""

    compared: bool = True
    """Whether `make bench-check` compares its ratios with the kept ones."""

    @property
    def ours(self) -> str:
        """Who is compared with the others."""
        return next(iter(self.values))

    @property
    def ratios(self) -> dict[str, float]:
        """How many times better than each peer we are, from the medians."""
        ours = self.values[self.ours].median
        return {
            peer: _ratio(value.median, ours, self.more_is_better)
            for peer, value in list(self.values.items())[1:]
        }


@dataclass(frozen=True)
class Curve:
    """How something grows: one line for each of several things."""

    name: str
    """What it shows, such as "time of each stage"; unique in its part."""

    x: str
    """What grows, with its unit: "megapixels"."""

    unit: str
    """Of the values."""

    lines: Mapping[str, Sequence[tuple[float, float]]]
    """By name: (x, median), x rising and above 0."""

    def exponents(self) -> dict[str, float]:
        """How fast each line grows where it is large.

        Returns:
            By line the slope of log(value) over log(x) between the points of the upper half: 1 is
            linear, 0 is flat.
        """
        return {name: _slope(points[len(points) // 2 - 1 :]) for name, points in self.lines.items()}


@dataclass(frozen=True)
class Results:
    """All that one part measured, and where."""

    part: str
    measured: str
    """The date, as 2026-11-26."""
    machine: Mapping[str, str]
    figures: Sequence[Figure] = field(default_factory=tuple)
    curves: Sequence[Curve] = field(default_factory=tuple)

    def write(self, folder: Path = RESULTS) -> Path:
        """Keep them.

        Args:
            folder: where to.

        Returns:
            The file, `<part>.json`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.part}.json"
        path.write_text(json.dumps(_rounded(asdict(self)), indent=1, ensure_ascii=False) + "\n")
        return path


def read_results(part: str, folder: Path = RESULTS) -> Results | None:
    """The kept results of a part.

    Args:
        part: its name.
        folder: where they are.

    Returns:
        The results; None where there are none yet.
    """
    path = folder / f"{part}.json"
    if not path.is_file():
        return None
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    figures = [_figure(entry) for entry in kept.pop("figures")]
    curves = [Curve(**{**entry, "lines": _lines(entry["lines"])}) for entry in kept.pop("curves")]
    return Results(**kept, figures=figures, curves=curves)


def _figure(entry: dict[str, Any]) -> Figure:
    values = {name: Summary(**value) for name, value in entry["values"].items()}
    return Figure(**{**entry, "values": values})


def _lines(kept: Mapping[str, list[list[float]]]) -> dict[str, list[tuple[float, float]]]:
    return {name: [(x, y) for x, y in points] for name, points in kept.items()}


def _ratio(theirs: float, ours: float, more_is_better: bool) -> float:
    above, below = (ours, theirs) if more_is_better else (theirs, ours)
    return above / below if below else math.inf


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares on the logarithms."""
    known = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len(known) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*known, strict=True)).slope


def _rounded(value: Any) -> Any:
    """Floats with four digits: more is noise, and makes the files large."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value
