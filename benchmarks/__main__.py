"""Run the benchmarks and print their tables: `make bench`.

`python -m benchmarks weights canvas` runs these alone; `--runs` says how often weights are loaded.
`python -m benchmarks page` is run by its name only: it takes both cores for minutes, and 4 GB.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.browser import chromium

from . import canvas, first_light, page, weights

PARTS = ("first_light", "weights", "canvas")
BY_NAME = ("page",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are named, or all; the exit status is 1 if there is no browser for them.

    Args:
        arguments: of the command line. Default: those of this process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time seg_widgets beside the baseline."
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join((*PARTS, *BY_NAME))}; all but the last when none is named",
    )
    parser.add_argument(
        "--runs", type=int, default=3, help="how often weights are loaded (default 3)"
    )
    parser.add_argument(
        "--visitors", type=int, default=20, help="how many visit the page (default 20)"
    )
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - {*PARTS, *BY_NAME})
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join((*PARTS, *BY_NAME))}")
    parts = options.parts or PARTS

    # Before anything is timed: a browser that is missing should not end a long run.
    if "canvas" in parts and chromium.main():
        return 1
    if "first_light" in parts:
        first_light.main()
    if "weights" in parts:
        print("\nFrom a file of weights to a model that has them:")
        weights.main(options.runs)
    if "canvas" in parts:
        print("\nFrom a key on the threshold slider to the drawn frame, in JupyterLab:")
        canvas.main()
    if "page" in parts:
        print("\nVisitors of the web page on this machine, with the starter:")
        page.main(options.visitors)
    return 0


if __name__ == "__main__":
    sys.exit(main())
