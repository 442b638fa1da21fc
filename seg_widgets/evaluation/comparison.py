"""`compare`: two models on the same images, with intervals that say which difference is chance."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from .._text import plural, printable
from ..errors import SettingError
from ..prediction import Column, data_frame
from .arguments import real_number, whole_number
from .averages import by_class
from .bootstrap import ClassSample, resampled_ap, weights_of
from .evaluation import Evaluation
from .outcomes import ImageScore
from .result_table import html_rows
from .scenes import Scene

__all__ = ["Comparison", "Difference", "ImageDifference", "compare"]

Floats = npt.NDArray[np.float64]

RESAMPLES: Final = 1000
FEWEST_IMAGES: Final = 5
_SHOWN_IMAGES: Final = 5
_COLUMNS: Final = (
    Column("class_name", "string", "the class; null: all", True),
    Column("figure", "string", "AP or AP50"),
    Column("a", "float32", "of the first model"),
    Column("b", "float32", "of the second model"),
    Column("difference", "float32", "b - a"),
    Column("low", "float32", "the interval's lower end"),
    Column("high", "float32", "the interval's upper end"),
    Column("images", "int64", "how many images have an object of it"),
)


@dataclass(frozen=True)
class Difference:
    """How much better the second model is on one figure."""

    class_name: str | None
    """The class; None: the mean of all."""

    figure: str
    """"AP" or "AP50"."""

    a: float
    """The first model's, 0 to 1."""

    b: float
    """The second model's, 0 to 1."""

    low: float
    """The lower end of the difference's interval."""

    high: float
    """Its upper end."""

    images: int
    """How many images have an object that counts."""

    @property
    def difference(self) -> float:
        """The second model's less the first one's, -1 to 1."""
        return self.b - self.a

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out: other images would hardly turn the sign. With objects
        in fewer than five images nothing is clear, since so few can't show how much they vary."""
        return self.images >= FEWEST_IMAGES and (self.low > 0 or self.high < 0)

    @property
    def verdict(self) -> str:
        """What may be said of it: "clear", "may be chance" or "too few images"."""
        if self.images < FEWEST_IMAGES:
            return f"too few images ({self.images})"
        return "clear" if self.is_clear else "may be chance"

    def __str__(self) -> str:
        return (
            f"{self.figure} {self.a:.3f} → {self.b:.3f} ({self.difference:+.3f}, "
            f"{self.low:+.3f} to {self.high:+.3f}, {self.verdict})"
        )


@dataclass(frozen=True)
class ImageDifference:
    """One image as both models did it, each at its best threshold."""

    name: str
    """What it is called."""

    a: ImageScore
    """The first model's counts."""

    b: ImageScore
    """The second model's counts."""

    @property
    def difference(self) -> float:
        """The second model's F1 less the first one's, -1 to 1."""
        return self.b.f1 - self.a.f1


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two models on the same images."""

    a: Evaluation
    """The first model's evaluation."""

    b: Evaluation
    """The second model's evaluation."""

    differences: tuple[Difference, ...]
    """AP and AP50 of all classes, then of each that has an object; none without any object."""

    level: float
    """How sure the intervals are, 0 to 1."""

    @cached_property
    def images(self) -> tuple[ImageDifference, ...]:
        """The images, those first on which F1 differs most."""
        pairs = zip(self.a.images(), self.b.images(), strict=True)
        every = [ImageDifference(a.name, a, b) for a, b in pairs]
        every.sort(key=lambda one: (-abs(one.difference), -abs(one.a.errors - one.b.errors)))
        return tuple(every)

    def of(self, class_name: str | None = None, figure: str = "AP") -> Difference:
        """One difference.

        Args:
            class_name: the class; None: all.
            figure: "AP" or "AP50".

        Returns:
            The difference with its interval.

        Raises:
            SettingError: there is no such class, or no object of it.
        """
        for one in self.differences:
            if one.class_name == class_name and one.figure == figure:
                return one
        raise SettingError(
            f"There is no {printable(figure)} of {printable(class_name or 'all')!r} to compare."
        )

    def to_df(self, library: Literal["pandas", "polars"] | None = None) -> Any:
        """The differences as a data frame.

        Args:
            library: "pandas" or "polars"; None: the one that is there.

        Returns:
            A `pandas.DataFrame` or a `polars.DataFrame`.

        Raises:
            SettingError: `library` is something else.
            DependencyError: the library is not installed.
        """
        values: dict[str, Any] = {}
        for column in _COLUMNS:
            own = [getattr(one, column.name) for one in self.differences]
            types = {"float32": np.float32, "int64": np.int64}
            kind = types.get(column.kind)
            values[column.name] = own if kind is None else np.array(own, kind)
        return data_frame(_COLUMNS, values, library)

    def __repr__(self) -> str:
        head, *rows = self._table()
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)
        ]
        return "\n".join([f"Comparison: {self._title()}", *lines, *self._shown_images()])

    def _repr_html_(self) -> str:
        images = "".join(f"<p>{html.escape(line)}</p>" for line in self._shown_images())
        return f"<p>{html.escape(self._title())}</p>{html_rows(self._table())}{images}"

    def _title(self) -> str:
        images = len(self.a.scenes)
        return (
            f"{self.a.kind} in {images:,} {plural(images, 'image')}; intervals of "
            f"{self.level:.0%} over resampled images"
        )

    def _table(self) -> list[list[str]]:
        rows = [["class", "figure", "a", "b", "difference", "interval", ""]]
        for one in self.differences:
            name = "all" if one.class_name is None else printable(one.class_name)
            interval = f"{one.low:+.3f} to {one.high:+.3f}"
            values = [f"{one.a:.3f}", f"{one.b:.3f}", f"{one.difference:+.3f}"]
            rows.append([name, one.figure, *values, interval, one.verdict])
        return rows

    def _shown_images(self) -> list[str]:
        if not self.differences:
            return ["No image has an object, so there is nothing to compare."]
        differing = [one for one in self.images[:_SHOWN_IMAGES] if one.difference]
        if not differing:
            return ["F1 is the same in all images."]
        shown = (f"{printable(one.name)} ({one.difference:+.2f})" for one in differing)
        return [f"F1 differs most in: {', '.join(shown)}"]


def compare(
    a: Evaluation,
    b: Evaluation,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two models that were evaluated on the same images.

    Each interval is of a paired bootstrap: the images are drawn anew, with replacement, and both
    models are measured on the same draw. What lies outside is unlikely for other images like these.

    Args:
        a: the first model's evaluation.
        b: the second model's.
        resamples: how often the images are drawn, 20 or more.
        level: how sure the intervals are, over 0 and below 1.
        seed: of the random draws; the same gives the same intervals.

    Returns:
        The differences, positive where `b` is better.

    Raises:
        SettingError: the evaluations are of different truths, or a number is out of its range.
    """
    resamples = whole_number("The number of resamples", resamples, 20)
    seed = whole_number("The seed", seed)
    rule = "lies between 0 and 1"
    if not 0 < real_number("The level of an interval", level, rule) < 1:
        raise SettingError(f"The level of an interval {rule}, but {level!r} was given.")
    _check_same(a, b)
    weights = weights_of(len(a.scenes), resamples, seed)
    drawn = [_drawn(one, weights) for one in (a, b)]
    tail = (1 - level) / 2
    differences = []
    has_objects = np.flatnonzero(a.scores.objects())
    for class_id in (None, *has_objects) if has_objects.size else ():
        for figure in ("AP", "AP50"):
            of_a, of_b = (_of_class(one[figure], class_id) for one in drawn)
            spread = (of_b - of_a)[~np.isnan(of_b - of_a)]
            low, high = np.quantile(spread, [tail, 1 - tail]) if spread.size else (0.0, 0.0)
            name = None if class_id is None else a.class_names[class_id]
            values = [
                (one.figures if name is None else one.by_class[name])[figure] or 0.0
                for one in (a, b)
            ]
            number = _images_with(a, class_id)
            differences.append(
                Difference(name, figure, values[0], values[1], float(low), float(high), number)
            )
    return Comparison(a, b, tuple(differences), level)


def _images_with(one: Evaluation, class_id: int | None) -> int:
    """How many images have an object of a class, or of any."""
    pool = one.scores.pool
    own = ~pool.crowd if class_id is None else ~pool.crowd & (pool.true_class == class_id)
    return len(np.unique(pool.true_image[own]))


def _check_same(a: Evaluation, b: Evaluation) -> None:
    for one in (a, b):
        if not isinstance(one, Evaluation):
            raise SettingError(
                f"compare takes two evaluations, which evaluate makes, and no {type(one).__name__}."
            )
    if a.kind != b.kind:
        raise SettingError(
            f"One evaluation is of {a.kind}, the other of {b.kind}: compare a.on('boxes') with "
            "b.on('boxes')."
        )
    if a.max_detections != b.max_detections:
        raise SettingError(
            f"One evaluation has max_detections={a.max_detections}, the other "
            f"{b.max_detections}; give both the same."
        )
    if a.class_names != b.class_names:
        raise SettingError("The evaluations are of different classes; give both the same classes=.")
    is_same = len(a.scenes) == len(b.scenes) and all(map(_is_same_truth, a.scenes, b.scenes))
    if not is_same:
        raise SettingError(
            "The evaluations are of different images. Evaluate both models with the same truth."
        )


def _is_same_truth(one: Scene, other: Scene) -> bool:
    return (
        one.name == other.name
        and one.truth.prediction == other.truth.prediction
        and np.array_equal(one.truth.crowd, other.truth.crowd)
        and np.array_equal(one.areas, other.areas)
        and np.array_equal(one.boxes, other.boxes)
    )


def _drawn(one: Evaluation, weights: npt.NDArray[np.int64]) -> Mapping[str, Floats]:
    """AP and AP50 (R×K) of each draw."""
    every = np.stack([resampled_ap(sample, weights) for sample in _samples(one)], axis=-1)
    return {"AP": every.mean(axis=1), "AP50": every[:, 0]}


def _samples(one: Evaluation) -> Iterator[ClassSample]:
    pool, matched = one.scores.pool, one.scores.matched
    for class_id, order in by_class(pool):
        order = order[pool.rank[order] < one.scores.max_detections[-1]]
        own = ~pool.crowd & (pool.true_class == class_id)
        yield ClassSample(
            pool.image[order],
            matched.is_hit[0][:, order],
            matched.is_ignored[0][:, order],
            np.bincount(pool.true_image[own], minlength=pool.images),
        )


def _of_class(drawn: Floats, class_id: int | None) -> Floats:
    """R values: of a class, or the mean of those that have an object in the draw."""
    if class_id is not None:
        return drawn[:, class_id]
    known = ~np.isnan(drawn)
    count = known.sum(axis=1)
    total = np.where(known, drawn, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
