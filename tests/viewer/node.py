"""Node, as `make lint` finds it."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def find_node() -> str:
    """The path of node; packaging/javascript.py says which one."""
    path = REPOSITORY / "packaging" / "javascript.py"
    spec = importlib.util.spec_from_file_location("packaging_javascript", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.find_node())


def run_node(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run node from the repository's root, with what is given on its input; its output is text."""
    return subprocess.run(
        [find_node(), *arguments],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        cwd=REPOSITORY,
    )
