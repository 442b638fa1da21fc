"""The table of `docs/reliability.md`: written by `make fuzz`, read by a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .runner import OUTCOMES, Tally

__all__ = ["HEADS", "read_table", "render", "write_table"]

HEADS: Final = (
    *("what", "cases", "right", "refused with a message"),
    *("foreign exception", "hang", "memory over budget", "crash"),
)
"""The columns' heads."""

_BEGIN: Final = "<!-- begin: written by make fuzz -->\n"
_END: Final = "<!-- end -->"


def render(tallies: Mapping[str, Tally], note: str) -> str:
    """Return the table as Markdown, with a sentence before it.

    Args:
        tallies: by the targets' names.
        note: when and how it was made.
    """
    lines = [note, "", f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    for name, tally in tallies.items():
        counts = (tally.counts.total(), *(tally.counts[outcome] for outcome in OUTCOMES))
        lines.append(f"| {' | '.join((name, *(f'{count:,}' for count in counts)))} |")
    return "\n".join(lines)


def write_table(page: Path, table: str) -> None:
    """Put a table between the page's marks."""
    before, _, rest = page.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n{table}\n\n{_END}{after}", "utf-8")


def read_table(page: Path) -> dict[str, dict[str, int]]:
    """Return the page's counts by target and head."""
    text = page.read_text("utf-8").partition(_BEGIN)[2].partition(_END)[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    heads, *rest = rows
    return {
        row[0]: {
            head: int(cell.replace(",", "")) for head, cell in zip(heads[1:], row[1:], strict=True)
        }
        for row in rest
    }
