"""What came of a whole run, for a person and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._text import PATH_LENGTH, plural, printable
from .part import PartSummary
from .plan import FAILURES

__all__ = ["RunSummary", "Totals", "left_nothing"]

_CLASSES_SHOWN = 20


@dataclass(frozen=True)
class RunSummary:
    """What came of a run over many images.

    Its text is a table of the objects by class.
    """

    out: str
    """The run's folder."""

    images: int
    """How many images there are."""

    done: int
    """How many of them are done, those that failed included."""

    done_before: int
    """How many of them were done by earlier runs."""

    failed: int
    """How many of them, and of what else was given, have no result; `failures.csv` says why."""

    objects: Mapping[str, int]
    """How many objects are in the results, by class, the most frequent first."""

    seconds: float = field(compare=False)
    """How long this run took."""

    left_out: tuple[str, ...] = field(default=(), compare=False)
    """A sentence for each folder of which something was left out: what is no image, and earlier
    results."""

    missing: int = field(default=0, compare=False)
    """How many exported files of earlier runs were not there any more; they are made anew."""

    only_left_out: str = field(default="", compare=False)
    """Where the choice of classes left nothing: what it left out, in a sentence."""

    @property
    def is_complete(self) -> bool:
        """Whether all images are done; the same call does the others."""
        return self.done == self.images

    def __repr__(self) -> str:
        lines = [self._headline()]
        width = max(map(len, self.objects), default=0)
        for name, number in list(self.objects.items())[:_CLASSES_SHOWN]:
            lines.append(f"  {printable(name):{width}}  {number:,}")
        hidden = len(self.objects) - _CLASSES_SHOWN
        if hidden > 0:
            lines.append(f"  … and {hidden} more {plural(hidden, 'class', 'classes')}")
        if self.only_left_out:
            lines.append(self.only_left_out)
        if self.failed:
            lines.append(f"{self.failed:,} failed: {self._shown_out}/{FAILURES} says why")
        if self.missing:
            was = plural(self.missing, "file was", "files were")
            are = plural(self.missing, "is", "are")
            lines.append(f"{self.missing:,} exported {was} missing, and {are} made anew")
        lines += self.left_out
        if not self.is_complete:
            left = self.images - self.done
            lines.append(f"stopped: {left:,} images are left; the same call does them")
        return "\n".join(lines)

    @property
    def _shown_out(self) -> str:
        return printable(self.out, PATH_LENGTH)

    def _headline(self) -> str:
        total = sum(self.objects.values())
        now = self.done - self.done_before
        rate = f", {now / self.seconds:.1f} images/s" if now and self.seconds > 0 else ""
        before = f" ({self.done_before:,} of them before)" if self.done_before else ""
        images, objects = plural(self.images, "image"), plural(total, "object")
        return (
            f"{self.done:,} of {self.images:,} {images}{before}, {total:,} {objects}{rate}: "
            f"{self._shown_out}"
        )


def left_nothing(objects: int, left_out: Mapping[str, int]) -> str:
    """What to say where a choice of classes left nothing of what was found.

    Args:
        objects: how many objects are in the results.
        left_out: how many objects score enough but are of other classes, by class.

    Returns:
        Such as "0 objects: the choice of classes left out 7 (animal 6, cat 1)"; "" where there is
        nothing to say.
    """
    if objects or not left_out:
        return ""
    ordered = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{printable(name)} {number:,}" for name, number in ordered[:_CLASSES_SHOWN]]
    more = ", …" if len(ordered) > _CLASSES_SHOWN else ""
    total = sum(left_out.values())
    return f"0 objects: the choice of classes left out {total:,} ({', '.join(shown)}{more})"


class Totals:
    """Sums up parts."""

    def __init__(self) -> None:
        self.done = 0
        self.failed = 0
        self._objects: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def add(self, part: PartSummary) -> None:
        """Count a part.

        Args:
            part: what came of it.
        """
        self.done += part.images
        self.failed += len(part.failures)
        self._objects.update(part.objects)
        self.left_out.update(part.left_out)

    @property
    def objects(self) -> dict[str, int]:
        """The objects by class, the most frequent first."""
        return dict(sorted(self._objects.items(), key=lambda pair: (-pair[1], pair[0])))
