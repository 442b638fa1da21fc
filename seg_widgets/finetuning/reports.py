"""What a fine-tuning says about its data before it begins."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from .._text import printable
from ..annotations import summarize
from .split import Split
from .validation import Validation

__all__ = ["report_data", "report_unmeasured"]


def report_data(split: Split, folder: Path, report: Callable[[str], None]) -> None:
    """Say what is in a data set, and what was left out; all of that goes into a file.

    Args:
        split: the data set.
        folder: where the file goes.
        report: is given the lines.
    """
    dataset = split.dataset
    counts = dataset.counts()
    listed = ", ".join(f"{printable(name)} {count}" for name, count in counts.items())
    report(f"{len(dataset.images)} images with {dataset.objects} objects: {listed}")
    if dataset.notes:
        report(f"worth knowing:\n{summarize(dataset.notes)}")
    if dataset.problems:
        report(f"left out or mended:\n{summarize(dataset.problems)}")
        rows = [
            (one.where, f"{one.reason} ({one.detail})" if one.detail else one.reason)
            for one in dataset.problems
        ]
        with (folder / "problems.csv").open(
            "w", newline="", encoding="utf-8", errors="replace"
        ) as file:
            csv.writer(file).writerows([("where", "reason"), *rows])
        report(f"all of them are in {folder / 'problems.csv'}")
    never = [name for name, count in counts.items() if not count]
    if never:
        report(f"no example of: {', '.join(never)}; the model won't find them")
    report(f"{len(split.train)} images to learn from, {len(split.validation)} to measure on")


def report_unmeasured(validation: Validation, report: Callable[[str], None]) -> None:
    """Say of what there is no object in the validation part.

    Args:
        validation: the part.
        report: is given the line.
    """
    if validation.is_measurable:
        names = ", ".join(validation.unmeasured)
        report(f"no object to measure on of: {names}; the figures say nothing about it")
        return
    report(
        "the images to measure on have no object, so AP can't be measured: all steps are run, and "
        "the last weights kept. Give images with objects by validation= (--validation)"
    )
