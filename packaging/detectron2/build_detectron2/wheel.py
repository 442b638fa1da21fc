"""The wheel: which files go in, its metadata, and the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .patches import apply_patches, change_note

_HERE = Path(__file__).parent
_PROJECT_FILE = _HERE.parent / "pyproject.toml"
_CHANGES_PATH = "detectron2/SEG_WIDGETS_CHANGES.txt"
# As upstream's setup.py does: three projects of the sdist are installed as detectron2.projects.*.
_FOLDERS = {
    "detectron2/": "detectron2/",
    "projects/PointRend/point_rend/": "detectron2/projects/point_rend/",
    "projects/DeepLab/deeplab/": "detectron2/projects/deeplab/",
    "projects/Panoptic-DeepLab/panoptic_deeplab/": "detectron2/projects/panoptic_deeplab/",
}
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE_0644 = 0o100644 << 16
_UNIX = 3


def read_project() -> dict[str, Any]:
    """Return the [project] table of our pyproject.toml, the one place that holds the wheel's
    metadata."""
    table: dict[str, Any] = tomllib.loads(_PROJECT_FILE.read_text(encoding="utf-8"))["project"]
    return table


def dist_info_folder() -> str:
    """Return the name of the wheel's .dist-info folder."""
    project = read_project()
    return f"{project['name']}-{project['version']}.dist-info"


def dist_info_files() -> dict[str, bytes]:
    """Return METADATA and WHEEL, by path inside the wheel."""
    folder = dist_info_folder()
    return {
        f"{folder}/METADATA": _metadata(read_project()).encode(),
        f"{folder}/WHEEL": (
            b"Wheel-Version: 1.0\n"
            b"Generator: seg-widgets build_detectron2\n"
            b"Root-Is-Purelib: true\n"
            b"Tag: py3-none-any\n"
        ),
    }


def wheel_files(sdist_files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return everything that goes into the wheel but RECORD, by path inside the wheel.

    Raises:
        BuildError: the sdist is not the one that the patches were written for.
    """
    package = {
        target + path.removeprefix(source): content
        for source, target in _FOLDERS.items()
        for path, content in sdist_files.items()
        if path.startswith(source)
    }
    files = apply_patches(package)
    for overlay in (_HERE / "overlay").glob("*.py"):
        files[f"detectron2/{overlay.name}"] = overlay.read_bytes()
    files[_CHANGES_PATH] = change_note().encode()
    return (
        files
        | dist_info_files()
        | {f"{dist_info_folder()}/licenses/LICENSE": sdist_files["LICENSE"]}
    )


def write_wheel(files: Mapping[str, bytes], folder: Path) -> str:
    """Write the wheel into the folder, whole or not at all, and return its file name."""
    project = read_project()
    name = f"{project['name']}-{project['version']}-py3-none-any.whl"
    record_path = f"{dist_info_folder()}/RECORD"
    # The .dist-info folder comes last, as the wheel specification recommends.
    ordered = sorted(files, key=lambda path: (path.startswith(dist_info_folder()), path))
    record = "".join(
        f"{path},sha256={_record_hash(files[path])},{len(files[path])}\n" for path in ordered
    )
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        partial = Path(unfinished, name)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in ordered:
                archive.writestr(_entry(path), files[path])
            archive.writestr(_entry(record_path), f"{record}{record_path},,\n")
        partial.replace(folder / name)
    return name


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = _REGULAR_FILE_0644
    return entry


def _record_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _metadata(project: Mapping[str, Any]) -> str:
    headers = [
        ("Metadata-Version", "2.4"),
        ("Name", project["name"]),
        ("Version", project["version"]),
        ("Summary", project["description"]),
        ("License-Expression", project["license"]),
        ("License-File", "LICENSE"),
        ("Requires-Python", project["requires-python"]),
        *(("Project-URL", f"{label}, {url}") for label, url in project["urls"].items()),
        *(("Classifier", classifier) for classifier in project["classifiers"]),
        *(("Requires-Dist", requirement) for requirement in project["dependencies"]),
        ("Description-Content-Type", "text/plain"),
    ]
    return "".join(f"{key}: {value}\n" for key, value in headers) + "\n" + change_note()
