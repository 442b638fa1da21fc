"""PEP 517 backend: detectron2 0.6 as a pure-Python wheel, from the package index's sdist and a
table of patches.

    sdist.py (fetch, verify, read) → patches.py (asserted edits) → wheel.py (metadata, RECORD, zip)

An installer prints what a hook writes to stderr, so a `BuildError` leaves as one message, without a
traceback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import BuildError
from .sdist import cached_sdist, fetch_sdist, read_sdist
from .wheel import dist_info_files, dist_info_folder, wheel_files, write_wheel

__all__ = [
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
]

_Settings = Mapping[str, object] | None


def get_requires_for_build_wheel(config_settings: _Settings = None) -> list[str]:
    """Ask for pypi-simple where the sdist has to be fetched, and for nothing where it is in the
    cache."""
    return [] if cached_sdist() else ["pypi-simple>=1.6"]


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: _Settings = None
) -> str:
    """Write the metadata, which is known without the sdist, and return the name of its folder."""
    for path, content in dist_info_files().items():
        target = Path(metadata_directory, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return dist_info_folder()


def build_wheel(
    wheel_directory: str, config_settings: _Settings = None, metadata_directory: str | None = None
) -> str:
    """Fetch, patch and pack detectron2, and return the wheel's file name."""
    with _one_clear_message():
        return write_wheel(wheel_files(read_sdist(fetch_sdist())), Path(wheel_directory))


def build_sdist(sdist_directory: str, config_settings: _Settings = None) -> str:
    """Refuse: the sdist is the package index's own."""
    with _one_clear_message():
        raise BuildError(
            "There is no sdist of this to build. Build the wheel: uv build --wheel "
            "packaging/detectron2"
        )


@contextmanager
def _one_clear_message() -> Iterator[None]:
    try:
        yield
    except BuildError as error:
        raise SystemExit(f"detectron2 was not built. {error}") from None
