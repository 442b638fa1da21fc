"""Try what may come from anybody for some minutes, and count: `make fuzz`.

`python -m tests.fuzz weights --minutes 1` tries one target; `--first 1234` begins at that case.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence

from .corpus import ROOT, fetch_gdk_pixbufs, fetch_pillows
from .report import render, write_table
from .runner import BAD, Tally, run_target
from .targets import TARGETS, Target, target_named

__all__ = ["main"]

_PAGE = ROOT / "docs" / "reliability.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets that are named, or all; the exit status is 1 where a case was bad.

    Args:
        arguments: of the command line. Default: those of this process.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=4, help="for all of them together")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.targets) - set(TARGETS))
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(TARGETS)}")

    images, others = fetch_pillows(), fetch_gdk_pixbufs()
    names = options.targets or TARGETS
    targets = [target_named(name) for name in names]
    seconds = options.minutes * 60 / sum(target.share for target in targets)
    tallies = {
        target.name: _run(target, seconds * target.share, options.first) for target in targets
    }
    note = (
        f"{datetime.datetime.now(datetime.UTC):%d %B %Y}, {options.minutes:g} minutes, "
        f"{os.cpu_count()} cores, {images:,} of Pillow's images, {others:,} of gdk-pixbuf's; the "
        f"cases from {options.first:,} on."
    )
    table = render(tallies, note)
    print(f"\n{table}")
    if list(names) == list(TARGETS):
        write_table(_PAGE, table)
        print(f"\nWritten to {_PAGE.relative_to(ROOT)}.")
    return 1 if any(tally.counts[outcome] for tally in tallies.values() for outcome in BAD) else 0


def _run(target: Target, seconds: float, first: int) -> Tally:
    print(f"{target.name} …", flush=True)
    tally = run_target(target, seconds, first=first)
    for number, outcome, detail in tally.faults:
        print(f"  case {number}: {outcome}: {detail}", flush=True)
    return tally


if __name__ == "__main__":
    sys.exit(main())
