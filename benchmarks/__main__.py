"""Run the benchmarks: `make bench`, `make bench-quick`, `make bench-check`.

`python -m benchmarks drawing canvas` runs these alone. Each part has a process of its own. What is
measured in full is kept in `benchmarks/results/` and written into `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.browser import chromium

from . import checking, parts, report
from .figures import RESULTS, Results, read_results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are named, or all.

    Args:
        arguments: of the command line. Default: those of this process.

    Returns:
        The exit status: 1 if a part failed, a ratio became worse (`--check`), or there is no
        browser for those that need one.
    """
    known = parts.find_parts()
    options = _read(arguments, known)
    if options.page:
        report.write_page()
        return 0
    if options.alone:
        parts.measure(options.alone, options.quick).write(options.into)
        return 0
    chosen = options.parts or [
        name
        for name, part in known.items()
        if not part.by_name and (part.quick or not options.quick)
    ]
    # Before anything is timed: a browser that is missing should not end a long run.
    if any(known[name].needs_browser for name in chosen) and chromium.main():
        return 1
    return _run(chosen, options.quick, options.check)


def _read(arguments: Sequence[str] | None, known: dict[str, parts.Part]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time seg_widgets beside its peers."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="short forms; nothing is kept")
    parser.add_argument(
        "--check", action="store_true", help="compare ratios with the kept ones; nothing is kept"
    )
    parser.add_argument("--page", action="store_true", help="only write docs/performance.md anew")
    parser.add_argument("--alone", choices=known, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, default=RESULTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - set(known))
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(known)}")
    return options


def _run(chosen: Sequence[str], quick: bool, check: bool) -> int:
    failed, worse = [], []
    for name in chosen:
        started = time.monotonic()
        results = _in_own_process(name, quick)
        if results is None:
            failed.append(name)
            continue
        took_s = time.monotonic() - started
        print(f"\n{name} ({took_s:.0f} s)\n{report.table(results)}", flush=True)
        kept = read_results(name)
        if check and kept is not None:
            worse += checking.compare(kept, results)
        if not quick and not check:
            results.write()
            report.plot(results)
            report.write_page()
    for sentence in worse:
        print(f"seg-widgets: worse: {sentence}", file=sys.stderr)
    if failed:
        print(f"seg-widgets: failed: {', '.join(failed)} (see above)", file=sys.stderr)
    return 1 if failed or worse else 0


def _in_own_process(name: str, quick: bool) -> Results | None:
    """What a part measures; None: it failed, and has said why."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks", "--alone", name]
        command += ["--into", folder, *(["--quick"] if quick else [])]
        done = subprocess.run(command)
        return None if done.returncode else read_results(name, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
