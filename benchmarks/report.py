"""Tables with bars and plots for `docs/performance.md`, made from the kept results.

In that page, what is between `<!-- figures: PART -->` and `<!-- end of figures -->` is written
here; the words around it are written by hand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .figures import Curve, Figure, Results, Summary, read_results
from .measuring import ROOT

__all__ = ["PAGE", "PLOTS", "file_name", "filled", "plot", "table", "write_page"]

PAGE: Final = ROOT / "docs" / "performance.md"
"""The page of all figures."""

PLOTS: Final = ROOT / "docs" / "performance"
"""Where the plots of the curves are."""

_MARKED: Final = re.compile(
    r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL
)
_BAR: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_COLORS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def write_page(page: Path = PAGE) -> None:
    """Write the tables of the page anew.

    Args:
        page: read and written.
    """
    page.write_text(filled(page.read_text("utf-8")), "utf-8")


def filled(text: str) -> str:
    """A page with the tables of the kept results between its marks.

    Args:
        text: of the page.

    Returns:
        The same with other tables.
    """

    def fill(found: re.Match[str]) -> str:
        results = read_results(found[2])
        missing = f"*No figures are kept yet: `make bench BENCH={found[2]}` makes them.*\n"
        body = missing if results is None else table(results)
        return f"{found[1]}{body}{found[3]}"

    return _MARKED.sub(fill, text)


def table(results: Results) -> str:
    """One part's results in Markdown.

    Args:
        results: of the part.

    Returns:
        A line about the machine, a table of all figures, and the plots.
    """
    lines = [_machine(results), ""]
    if results.figures:
        lines += [
            "| what | who | median | range | | ours is better by |",
            "|---|---|--:|--:|:--|--:|",
        ]
        for figure in results.figures:
            lines += _rows(figure)
        lines.append("")
    for curve in results.curves:
        lines += [_image(results.part, curve), "", _growth(curve), ""]
    return "\n".join(lines)


def _machine(results: Results) -> str:
    """Where and when, in one line."""
    kept = dict(results.machine)
    gpu = kept.pop("GPU", "none")
    hardware = f"{kept.pop('cores')} cores of {kept.pop('processor')}, {kept.pop('memory')}"
    with_gpu = "no GPU" if gpu == "none" else gpu
    rest = ", ".join(f"{name} {value}" for name, value in kept.items() if name != "system")
    return f"*{results.measured}: {hardware}, {with_gpu}; {rest}.*"


def _rows(figure: Figure) -> Iterator[str]:
    longest = max(value.median for value in figure.values.values())
    for number, (who, value) in enumerate(figure.values.items()):
        ratio = f"{_short(figure.ratios[who])}×" if number else ""
        spread = f"{_short(value.low)}–{_short(value.high)}" if value.runs > 1 else ""
        cells = (
            figure.name if not number else "",
            f"**{who}**" if not number else who,
            f"{_short(value.median)} {figure.unit}",
            spread,
            _bar(value, longest),
            ratio,
        )
        yield f"| {' | '.join(cells)} |"


def _bar(value: Summary, longest: float) -> str:
    """Blocks in proportion to the value; at least a sliver."""
    eighths = round(_BAR * 8 * value.median / longest) if longest else 0
    whole, rest = divmod(max(eighths, 1), 8)
    return "█" * whole + _EIGHTHS[rest].strip()


def _short(value: float) -> str:
    """Three digits, and no exponent."""
    if not math.isfinite(value):
        return "∞"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}" if digits < 6 else f"{value:.2g}"


def _image(part: str, curve: Curve) -> str:
    return f"![{curve.name}](performance/{file_name(part, curve)})"


def _growth(curve: Curve) -> str:
    exponents = ", ".join(f"{name} {value:.2f}" for name, value in curve.exponents().items())
    return f"*Exponents over {curve.x} (1 is linear, 0 is flat), from the upper half: {exponents}.*"


def file_name(part: str, curve: Curve) -> str:
    """Of a curve's plot.

    Args:
        part: whose curve it is.
        curve: what is drawn.

    Returns:
        The file's name in `PLOTS`.
    """
    return f"{part}-{re.sub(r'[^a-z0-9]+', '-', curve.name.lower()).strip('-')}.svg"


def plot(results: Results, folder: Path = PLOTS) -> list[Path]:
    """Draw the curves of a part, both axes logarithmic.

    Args:
        results: of the part.
        folder: where to.

    Returns:
        The SVG files.
    """
    if not results.curves:
        return []
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = results.part
    folder.mkdir(parents=True, exist_ok=True)
    return [_plot_one(curve, folder / file_name(results.part, curve)) for curve in results.curves]


def _plot_one(curve: Curve, path: Path) -> Path:
    from matplotlib import pyplot

    drawn, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, points) in enumerate(curve.lines.items()):
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", ms=3, color=_COLORS[number % len(_COLORS)], label=name)
    axes.set(xscale="log", yscale="log", xlabel=curve.x, ylabel=curve.unit, title=curve.name)
    _plain_ticks(axes, curve.lines)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    drawn.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(drawn)
    return path


def _plain_ticks(axes: Any, lines: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """The measured places, as numbers that a person writes."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    places = sorted({x for points in lines.values() for x, _ in points})
    axes.set_xticks(places, [f"{x:g}" for x in places])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
