"""Resolve the dependencies anew: names and versions, with hashes (requirements.lock) and without (requirements.txt).

Neither file holds an address. The one without hashes is for conda's pip section, which can't mix hashes with a folder.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGING = Path(__file__).resolve().parent
LOCK, PLAIN = PACKAGING / "requirements.lock", PACKAGING / "requirements.txt"


def without_hashes(lock: str) -> str:
    """The lock's pins alone: no hashes, and none of the comments that say what needs each."""
    pins = re.sub(r" *\\\n +--hash=\S+", "", lock)
    return "\n".join(line for line in pins.splitlines() if line and not line.lstrip().startswith("#")) + "\n"


def main() -> int:
    """Write both files; the exit status is uv's."""
    options = ["--all-extras", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *options, "--no-header", "--quiet"]
    # torchvision needs the torch that it was built for, and only a constraint can say so.
    files = ["-c", "packaging/constraints.txt", "-o", str(LOCK.relative_to(PACKAGING.parent))]
    done = subprocess.run([*command, *files], cwd=PACKAGING.parent)
    if done.returncode == 0:
        PLAIN.write_text(without_hashes(LOCK.read_text()))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
