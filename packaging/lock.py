"""Resolve the dependencies anew into packaging/requirements.lock: names, versions and hashes, no addresses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# torchvision needs the torch that it was built for, and there is no other way to say so.
_CONSTRAINTS = ROOT / "packaging" / "constraints.txt"


def main() -> int:
    """Write the lock; the exit status is uv's."""
    options = ["--all-extras", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    lock = ROOT / "packaging" / "requirements.lock"
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *options, "--no-header", "--quiet"]
    return subprocess.run([*command, "-c", str(_CONSTRAINTS.relative_to(ROOT)), "-o", str(lock)], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
