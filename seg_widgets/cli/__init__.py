"""The command line: `python -m seg_widgets segment PHOTO…`, `… serve`, `… weights …`,
`… finetune DATA`, `… export-html NOTEBOOK`, `… doctor`."""

from __future__ import annotations

from .doctor import Finding, findings, report
from .program import main

__all__ = ["Finding", "findings", "main", "report"]
