"""What is wrong with an entry of a data set, or worth knowing about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .._text import printable

__all__ = ["Problem", "summarize"]

_LONGEST: Final = 300  # characters of an entry or its detail


@dataclass(frozen=True)
class Problem:
    """An entry of a data set that was skipped or mended, or that needs a note.

    Attributes:
        where: the image or annotation.
        reason: what is wrong; the same words for the same fault.
        detail: what holds for this entry alone.
    """

    where: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self._shown(self.where)}: {self.reason}{self._in_brackets()}"

    @property
    def entry(self) -> str:
        """The entry with its detail, for a list of them."""
        return f"{self._shown(self.where)}{self._in_brackets()}"

    def _in_brackets(self) -> str:
        return f" ({self._shown(self.detail)})" if self.detail else ""

    @staticmethod
    def _shown(text: str) -> str:
        return printable(text, _LONGEST)


def summarize(problems: Iterable[Problem], examples: int = 3) -> str:
    """Return problems in a few lines: each reason with its number and first entries.

    Args:
        problems: in any order.
        examples: how many entries to name a reason.
    """
    by_reason: dict[str, list[Problem]] = {}
    for problem in problems:
        by_reason.setdefault(problem.reason, []).append(problem)
    lines = []
    for reason, entries in sorted(by_reason.items(), key=lambda entry: -len(entry[1])):
        shown = [one.entry for one in entries[:examples]]
        more = f", and {len(entries) - examples} more" if len(entries) > examples else ""
        lines.append(f"{len(entries)} × {reason}: {', '.join(shown)}{more}")
    return "\n".join(lines)
