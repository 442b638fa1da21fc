"""Runs cases one after the other and prints what became of each; `runner` watches it."""

from __future__ import annotations

import faulthandler
import logging
import resource
import sys
import warnings

from seg_widgets.errors import SegWidgetsError

from .targets import Target, target_named

__all__ = ["main"]


def main(name: str, first: int) -> None:
    """Run the cases from `first` on, until somebody ends the process."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    target = target_named(name)
    target.prepare()
    _say("ready", "")
    base, number = _peak_mb(), first
    while True:
        _say("begin", str(number))
        outcome, detail = _outcome(target, number)
        # The peak never sinks: after a case that took too much, another process goes on.
        if _peak_mb() - base > target.memory_mb:
            outcome, detail = "memory", f"{_peak_mb() - base:.0f} MB"
        _say(outcome, detail)
        number += 1


def _outcome(target: Target, number: int) -> tuple[str, str]:
    try:
        target.run(number)
    except SegWidgetsError as error:
        # A message is for people: a cause, and not a page of it.
        is_message = 10 < len(str(error)) < 4000
        return ("refused", "") if is_message else ("foreign", f"no message: {str(error)[:200]!r}")
    except BaseException as error:
        return "foreign", ascii(f"{type(error).__name__}: {error}")[:300]
    return "right", ""


def _peak_mb() -> float:
    """The most memory that this process has taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _say(word: str, text: str) -> None:
    print(f"{word}\t{text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
