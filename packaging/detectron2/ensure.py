"""Make sure that `import detectron2` works in the environment of the Python that runs this file.

    python packaging/detectron2/ensure.py

A detectron2 that is already there is used as it is: a release, upstream's main, compiled or not, or
a checkout on the path. Where there is none, or an older one of ours, the pure-Python wheel of this
folder is built and installed, without its dependencies (they are in the project's own extra
"detectron2"). Needs only the standard library, and uv or pip.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
_OURS = "+segwidgets."


@dataclass(frozen=True)
class Found:
    """A detectron2 that Python would import: its folder and, where it was installed as a package,
    its version."""

    folder: Path
    version: str | None

    def is_ours_and_older_than(self, version: str) -> bool:
        """Tell whether this is an earlier wheel of ours, by the number in its local version."""
        numbers = [text.partition(_OURS)[2] for text in (self.version or "", version)]
        return all(number.isdigit() for number in numbers) and int(numbers[0]) < int(numbers[1])


def find() -> Found | None:
    """Return the detectron2 that would be imported, without importing it, or None."""
    spec = importlib.util.find_spec("detectron2")
    # No origin: a mere folder of that name, such as the one a clone lies in.
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).resolve().parent
    for distribution in importlib.metadata.distributions(name="detectron2"):
        installed_as = Path(str(distribution.locate_file("detectron2"))).resolve()
        if installed_as == folder:
            return Found(folder, distribution.version)
    return Found(folder, None)


def install_command() -> list[str] | None:
    """Return the command that builds and installs our wheel here, or None where there is neither uv
    nor pip."""
    uv = (
        [sys.executable, "-m", "uv"]
        if importlib.util.find_spec("uv")
        else [shutil.which("uv") or ""]
    )
    if uv[0]:
        return [
            *uv,
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--python",
            sys.executable,
            str(PROJECT),
        ]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", str(PROJECT)]
    return None


def main() -> int:
    """Look, install if need be, say which; the exit status is 0 where detectron2 is there in the
    end."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted: str = project["version"]
    found = find()
    if found and not found.is_ours_and_older_than(wanted):
        print(
            f"detectron2 {found.version or 'of unknown version'} in {found.folder} is used as it "
            "is."
        )
        return 0
    command = install_command()
    if command is None:
        return _fail(
            f"neither uv nor pip is here for {sys.executable}. Install one of them and try again."
        )
    print(f"Building and installing detectron2 {wanted}: pure Python, no compiler.", flush=True)
    if subprocess.run(command, check=False).returncode:
        return _fail(
            "the reason is above. If it is the network, name your index in UV_DEFAULT_INDEX or "
            "PIP_INDEX_URL, and try again."
        )
    # The finders remember which files were there.
    importlib.invalidate_caches()
    installed = find()
    if installed is None or installed.version != wanted:
        return _fail(f"{command[-1]} was installed, but Python would import {installed or 'none'}.")
    print(f"detectron2 {wanted} is installed in {installed.folder}.")
    return 0


def _fail(reason: str) -> int:
    print(f"detectron2 was not installed: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
