"""Resolve the dependencies anew: names and versions, with hashes (requirements.lock) and without
(requirements.txt).

No file holds an address. The one without hashes is for conda's pip section, which can't mix hashes
with a folder. ipywidgets7.lock, peers.lock, ray.lock, readers.lock and mutants.lock are for the
other environments that the tests use, sbom.lock for the one that lists all packages.
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
    return (
        "\n".join(line for line in pins.splitlines() if line and not line.lstrip().startswith("#"))
        + "\n"
    )


def _resolve(source: str, lock: str, *more: str) -> int:
    """Pin what `source` asks for in `lock`; uv's exit status."""
    options = [
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
    ]
    command = [sys.executable, "-m", "uv", "pip", "compile", source, *options, "--quiet", *more]
    return subprocess.run([*command, "-o", f"packaging/{lock}"], cwd=PACKAGING.parent).returncode


def main() -> int:
    """Write the files; the exit status is uv's."""
    # torchvision needs the torch that it was built for, and only a constraint can say so.
    failed = _resolve(
        "pyproject.toml",
        LOCK.name,
        "--all-extras",
        "--no-extra",
        "ray",
        "-c",
        "packaging/constraints.txt",
    )
    failed = failed or _resolve("packaging/ipywidgets7.in", "ipywidgets7.lock")
    failed = failed or _resolve("packaging/sbom.in", "sbom.lock")
    # The peers have the same torch as we do, and all else that both need, so that it is kept once.
    failed = failed or _resolve(
        "packaging/peers.in", "peers.lock", "-c", "packaging/requirements.txt"
    )
    # Ray's lock is small, as it has no torch; what both have is the same.
    failed = failed or _resolve("packaging/ray.in", "ray.lock", "-c", "packaging/requirements.txt")
    failed = failed or _resolve("packaging/readers.in", "readers.lock")
    failed = failed or _resolve("packaging/mutants.in", "mutants.lock")
    if not failed:
        PLAIN.write_text(without_hashes(LOCK.read_text()))
    return failed


if __name__ == "__main__":
    sys.exit(main())
