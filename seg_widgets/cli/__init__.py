"""The command line: `python -m seg_widgets`."""

from __future__ import annotations

from .doctor import Finding, findings, report
from .main import main

__all__ = ["Finding", "findings", "main", "report"]
