"""The sdist: fetched by name from the package index once, checked by its sha256, read without being
unpacked."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .errors import BuildError

if TYPE_CHECKING:
    import requests

PROJECT = "pb1-detectron2"
VERSION = "0.6"
FILENAME = f"{PROJECT}-{VERSION}.tar.gz"
SHA256 = "5d2e9e51e523ec72f6a31cca04b0a515492e9514b773a3d134cedc0677170b29"
SIZE_BYTES = 518_688
TIMEOUT_S = 30.0

_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
# What uv and pip read; requests reads REQUESTS_CA_BUNDLE by itself.
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT")


def cache_folder() -> Path:
    """Return the folder that keeps the sdist: seg-widgets in the user's cache folder
    (XDG_CACHE_HOME)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seg-widgets"


def cached_sdist() -> bytes | None:
    """Return the sdist from the cache, or None where there is none with the right sha256."""
    try:
        content = (cache_folder() / FILENAME).read_bytes()
    except OSError:
        return None
    return content if _is_genuine(content) else None


def fetch_sdist() -> bytes:
    """Return the sdist, from the cache where it is there, else from the package index.

    Raises:
        BuildError: the index cannot be reached or has no such file, or the file is not the one that
        is expected.
    """
    content = cached_sdist()
    if content is None:
        content = _download()
        _store(content)
    return content


def read_sdist(sdist: bytes) -> dict[str, bytes]:
    """Return the sdist's regular files by path, without the folder they all lie in; nothing is
    written to disk.

    Raises:
        BuildError: the archive is broken, or one of its names leads out of its folder.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(sdist), mode="r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    files[_path_inside(member.name)] = content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BuildError(f"{FILENAME} cannot be read as an archive: {error}.") from error
    return files


def _path_inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BuildError(f"{FILENAME} holds a file whose name leads out of it: {name!r}.")
    return "/".join(path.parts[1:])


def _is_genuine(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256


def _index_url() -> str | None:
    for variable in _INDEX_VARIABLES:
        # uv allows "name=https://…".
        value = os.environ.get(variable, "").strip()
        if value:
            name, separator, url = value.partition("=")
            return url if separator and "/" not in name else value
    return None


def _without_password(url: str) -> str:
    return re.sub(r"//[^/]*@", "//", url)


def _download() -> bytes:
    try:
        import pypi_simple
        import requests
    except ImportError as error:
        raise BuildError(
            f"{FILENAME} has to be fetched, and {error.name} is not installed. Leave out "
            "--no-build-isolation, or install pypi-simple first."
        ) from error

    index = _index_url() or pypi_simple.PYPI_SIMPLE_ENDPOINT
    shown = _without_password(index)
    advice = (
        "Check the network, or name your index in UV_DEFAULT_INDEX or PIP_INDEX_URL. Without a "
        f"network, put {FILENAME} into {cache_folder()}."
    )
    try:
        with pypi_simple.PyPISimple(index) as client:
            client.s.verify = next(
                (os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), True
            )
            page = client.get_project_page(PROJECT, timeout=TIMEOUT_S)
            url = next(
                (package.url for package in page.packages if package.filename == FILENAME), None
            )
            if url is None:
                raise BuildError(
                    f"The package index {shown} has {PROJECT}, but not the file {FILENAME}. "
                    f"{advice}"
                )
            content = _read(client.s, url)
    except pypi_simple.NoSuchProjectError as error:
        raise BuildError(f"The package index {shown} has no project {PROJECT}. {advice}") from error
    # pypi-simple's other errors and pydantic's, for a page that is no index page, are ValueErrors,
    # all but one.
    except (
        requests.RequestException,
        ValueError,
        pypi_simple.UnsupportedRepoVersionError,
    ) as error:
        answer = getattr(error, "response", None)
        reason = type(error).__name__ if answer is None else f"HTTP {answer.status_code}"
        raise BuildError(
            f"{FILENAME} cannot be fetched from the package index {shown} ({reason}). {advice}"
        ) from error
    if not _is_genuine(content):
        raise BuildError(
            f"{FILENAME} from the package index {shown} is not the file that was reviewed: "
            f"{SIZE_BYTES} bytes with the sha256 {SHA256} are expected; it begins with "
            f"{len(content)} bytes with the sha256 {hashlib.sha256(content).hexdigest()}. Nothing "
            "was kept. Name an index that you trust in UV_DEFAULT_INDEX or PIP_INDEX_URL."
        )
    return content


def _read(session: requests.Session, url: str) -> bytes:
    content = bytearray()
    with session.get(url, stream=True, timeout=TIMEOUT_S) as response:
        response.raise_for_status()
        for chunk in response.iter_content(65_536):
            content += chunk
            # A server that never stops must not fill the memory.
            if len(content) > SIZE_BYTES:
                break
    return bytes(content)


def _store(content: bytes) -> None:
    folder = cache_folder()
    # A cache that cannot be written only costs the next build a download.
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            partial = Path(unfinished, FILENAME)
            partial.write_bytes(content)
            partial.replace(folder / FILENAME)
