"""The detectron2 wheel that packaging/detectron2 builds: its contents, its errors, `ensure.py`, and
the models it runs.

The sdist comes from the user's cache, or once from the package index. The index that lies is a
server on loopback.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib
import importlib.util
import io
import os
import re
import socket
import subprocess
import sys
import tarfile
import tomllib
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "packaging" / "detectron2"
ENSURE = PROJECT / "ensure.py"
VERSION = "0.6+segwidgets.4"
WHEEL = f"detectron2-{VERSION}-py3-none-any.whl"
DIST_INFO = f"detectron2-{VERSION}.dist-info"
SDIST = "pb1-detectron2-0.6.tar.gz"
PROJECT_PAGE = "/simple/pb1-detectron2/"
FILE_PATH = f"/files/{SDIST}"

# fvcore scripts two functions at import, and PyTorch announces the end of that.
pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)


# ── What the tests share ──────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def backend() -> Iterator[Any]:
    """The build backend, imported as an installer imports it: from its folder, by name."""
    sys.path.insert(0, str(PROJECT))
    try:
        yield importlib.import_module("build_detectron2")
    finally:
        sys.path.remove(str(PROJECT))


@pytest.fixture(scope="module")
def sdist(backend: Any) -> bytes:
    """The genuine sdist."""
    content: bytes = backend.fetch_sdist()
    return content


@pytest.fixture(scope="module")
def sources(backend: Any, sdist: bytes) -> dict[str, bytes]:
    """The sdist's files by path."""
    files: dict[str, bytes] = backend.read_sdist(sdist)
    return files


@pytest.fixture(scope="module")
def wheel(
    backend: Any, sources: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    name: str = backend.write_wheel(backend.wheel_files(sources), folder)
    return folder / name


@pytest.fixture
def empty_cache(tmp_path: Path) -> Path:
    """A cache folder, XDG_CACHE_HOME, with nothing in it."""
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


@pytest.fixture
def warm_cache(empty_cache: Path, sdist: bytes) -> Path:
    """A cache folder with the genuine sdist in it."""
    _cached(empty_cache).parent.mkdir()
    _cached(empty_cache).write_bytes(sdist)
    return empty_cache


def _cached(cache: Path) -> Path:
    return cache / "seg-widgets" / SDIST


@contextmanager
def _served(pages: Mapping[str, bytes]) -> Iterator[str]:
    """Serve the pages on loopback; anything else is a 404. Gives the address of the index."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header(
                "Content-Type",
                "text/html" if self.path.endswith("/") else "application/octet-stream",
            )
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()


def _page(filename: str = SDIST, sha256: str = "") -> bytes:
    anchor = f"#sha256={sha256}" if sha256 else ""
    return f'<!DOCTYPE html><a href="/files/{filename}{anchor}">{filename}</a>'.encode()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(cache: Path, **variables: str) -> dict[str, str]:
    """This environment with another cache and without what would choose an index or a proxy."""
    kept = {
        k: v for k, v in os.environ.items() if not re.match(r"(?i)UV_|PIP_|PYTHON|.*_proxy$", k)
    }
    # uv keeps its cache there too, so that no wheel of an earlier build is used.
    return kept | {"XDG_CACHE_HOME": str(cache), "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | variables


def _uv_build(
    folder: Path, environment: Mapping[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("uv")
    command = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--wheel",
        "--python",
        sys.executable,
        "--out-dir",
        str(folder),
    ]
    return _run([*command, *options, str(PROJECT)], environment)


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, timeout=120, check=False
    )


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"{DIST_INFO}/METADATA"))


def _requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~; \[]", requirement)[0] for requirement in requirements}


# ── The wheel ─────────────────────────────────────────────────────────────────────────────────────


def test_the_record_names_each_file_with_its_hash_and_size(wheel: Path) -> None:
    assert wheel.name == WHEEL
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name) for name in archive.namelist()}
        assert len(contents) == len(archive.namelist())
    rows = {
        row[0]: row[1:] for row in csv.reader(io.StringIO(contents[f"{DIST_INFO}/RECORD"].decode()))
    }
    assert rows.keys() == contents.keys()
    assert rows.pop(f"{DIST_INFO}/RECORD") == ["", ""]
    for name, (digest, size) in rows.items():
        expected = (
            base64.urlsafe_b64encode(hashlib.sha256(contents[name]).digest()).rstrip(b"=").decode()
        )
        assert (digest, size) == (f"sha256={expected}", str(len(contents[name]))), name


def test_the_metadata_is_honest(wheel: Path) -> None:
    metadata = _metadata(wheel)
    assert (metadata["Name"], metadata["Version"]) == ("detectron2", VERSION)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("Apache-2.0", "LICENSE")
    names = _requirement_names(metadata.get_all("Requires-Dist", []))
    assert {
        "torch",
        "torchvision",
        "numpy",
        "pillow",
        "pyyaml",
        "pycocotools",
        "matplotlib",
    } <= names
    assert not names & {"black", "tensorboard", "setuptools", "future", "pydot"}
    assert "loggers' warn() became warning()" in str(metadata.get_payload())


def test_the_metadata_is_valid_for_an_installer(wheel: Path) -> None:
    parsing = pytest.importorskip("packaging.metadata")
    with zipfile.ZipFile(wheel) as archive:
        parsing.Metadata.from_email(archive.read(f"{DIST_INFO}/METADATA"), validate=True)


def test_the_project_asks_for_what_the_wheel_needs(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = set(project["dependencies"]) | set(project["optional-dependencies"]["detectron2"])
    needed = _requirement_names(_metadata(wheel).get_all("Requires-Dist", []))
    assert needed <= _requirement_names(list(ours))


def test_the_project_and_the_wheel_ask_for_the_same_versions(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = set(project["optional-dependencies"]["detectron2"])
    assert extra <= set(_metadata(wheel).get_all("Requires-Dist", []))


def test_each_import_at_the_top_of_a_module_is_required(wheel: Path) -> None:
    """Nothing that `import detectron2` loads is left out of the metadata."""
    modules = {"PIL": "pillow", "yaml": "pyyaml", "hydra": "hydra-core"}
    # Optional, as upstream: the caffe2 export; panopticapi's data sets; and OpenCV for what imports
    # it.
    optional = {"caffe2", "onnx", "panopticapi", "cv2"}
    with zipfile.ZipFile(wheel) as archive:
        python_files = [
            name for name in archive.namelist() if name.endswith(".py") and "/configs/" not in name
        ]
        text = "\n".join(archive.read(name).decode() for name in python_files)
    found = set(re.findall(r"^(?:import|from) ([a-zA-Z_]\w*)", text, re.MULTILINE)) - set(
        sys.stdlib_module_names
    )
    # Sentences in docstrings begin with these words too.
    imported = {
        modules.get(name, name) for name in found if importlib.util.find_spec(name)
    } - optional
    assert imported - {"detectron2"} <= _requirement_names(
        _metadata(wheel).get_all("Requires-Dist", [])
    )


def test_licence_configs_and_change_note_are_inside(
    wheel: Path, sources: Mapping[str, bytes]
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.read(f"{DIST_INFO}/licenses/LICENSE") == sources["LICENSE"]
        assert b"Apache License" in sources["LICENSE"]
        note = archive.read("detectron2/SEG_WIDGETS_CHANGES.txt").decode()
    configs = {path for path in sources if path.startswith("detectron2/model_zoo/configs/")}
    assert len(configs) > 100
    assert configs <= set(names)
    assert "Copyright (c) Facebook" in note
    assert "detectron2/data/transforms/transform.py" in note


def test_only_the_files_of_the_note_differ_from_upstream_and_each_says_so(
    backend: Any, wheel: Path, sources: Mapping[str, bytes]
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    note = contents["detectron2/SEG_WIDGETS_CHANGES.txt"].decode()
    patches = importlib.import_module("build_detectron2.patches")
    changed = {path for path in sources if path in contents and contents[path] != sources[path]}
    assert len(changed) > 10
    for path in changed:
        assert f"    {path}\n" in note
        assert patches.NOTICE in contents[path].decode()
    new = {
        name
        for name in contents
        if name not in sources and not name.startswith((DIST_INFO, "detectron2/projects/"))
    }
    assert new == {
        "detectron2/_C.py",
        "detectron2/_torchvision_ops.py",
        "detectron2/SEG_WIDGETS_CHANGES.txt",
    }


def test_every_module_compiles_without_a_warning(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive, warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in archive.namelist():
            if name.endswith(".py"):
                compile(archive.read(name), name, "exec", dont_inherit=True)


def test_the_same_sources_give_the_same_bytes(
    backend: Any, sources: Mapping[str, bytes], wheel: Path, tmp_path: Path
) -> None:
    backwards = dict(reversed(list(sources.items())))
    again = tmp_path / backend.write_wheel(backend.wheel_files(backwards), tmp_path)
    assert again.read_bytes() == wheel.read_bytes()


def test_the_metadata_hook_agrees_with_the_wheel(backend: Any, wheel: Path, tmp_path: Path) -> None:
    assert backend.prepare_metadata_for_build_wheel(str(tmp_path)) == DIST_INFO
    with zipfile.ZipFile(wheel) as archive:
        assert (tmp_path / DIST_INFO / "METADATA").read_bytes() == archive.read(
            f"{DIST_INFO}/METADATA"
        )


# ── Installers, with and without an index ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_warm_cache_needs_no_network(
    installer: str, wheel: Path, warm_cache: Path, tmp_path: Path
) -> None:
    pytest.importorskip(installer)
    out = tmp_path / "out"
    commands = {
        "uv": [
            "build",
            "--wheel",
            "--offline",
            "--python",
            sys.executable,
            "--out-dir",
            str(out),
            str(PROJECT),
        ],
        "pip": ["wheel", "--no-deps", "--no-index", "--wheel-dir", str(out), str(PROJECT)],
    }
    result = _run([sys.executable, "-m", installer, *commands[installer]], _environment(warm_cache))
    assert result.returncode == 0, result.stderr
    assert (out / WHEEL).read_bytes() == wheel.read_bytes()


def test_pypi_simple_is_asked_for_only_when_something_must_be_fetched(
    backend: Any, warm_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(warm_cache))
    assert backend.get_requires_for_build_wheel() == []
    _cached(warm_cache).write_bytes(b"not the sdist")
    assert backend.get_requires_for_build_wheel() == ["pypi-simple>=1.6"]


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_the_sdist_is_fetched_from_the_index_of_the_environment_and_kept(
    variable: str, backend: Any, sdist: bytes, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cached(empty_cache).parent.mkdir()
    _cached(empty_cache).write_bytes(b"a broken download")
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty_cache))
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    with _served({PROJECT_PAGE: _page(), FILE_PATH: sdist}) as index:
        monkeypatch.setenv(variable, f"mirror={index}" if variable == "UV_DEFAULT_INDEX" else index)
        assert backend.fetch_sdist() == sdist
    assert backend.fetch_sdist() == sdist
    assert [path.name for path in _cached(empty_cache).parent.iterdir()] == [SDIST]


def _tampered(sdist: bytes) -> bytes:
    return sdist[:-1] + bytes([sdist[-1] ^ 1])


@pytest.mark.parametrize("kind", ["one bit", "endless", "empty"])
def test_a_tampered_sdist_is_refused(
    kind: str, sdist: bytes, empty_cache: Path, tmp_path: Path
) -> None:
    served = {"one bit": _tampered(sdist), "endless": sdist * 5, "empty": b""}[kind]
    page = _page(sha256=hashlib.sha256(served).hexdigest())
    with _served({PROJECT_PAGE: page, FILE_PATH: served}) as index:
        environment = _environment(empty_cache, UV_DEFAULT_INDEX=index)
        result = _uv_build(tmp_path / "out", environment, "--no-build-isolation")
    _assert_one_clear_error(result, tmp_path / "out", empty_cache)
    assert "is not the file that was reviewed" in result.stderr
    assert "Name an index that you trust in UV_DEFAULT_INDEX or PIP_INDEX_URL" in result.stderr


def test_an_unreachable_index_is_told_with_what_to_do_and_without_its_password(
    empty_cache: Path, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{_closed_port()}/simple"
    environment = _environment(empty_cache, UV_DEFAULT_INDEX=f"http://someone:s3cret@{address}")
    result = _uv_build(tmp_path / "out", environment, "--no-build-isolation")
    _assert_one_clear_error(result, tmp_path / "out", empty_cache)
    assert (
        f"cannot be fetched from the package index http://{address} (ConnectionError)"
        in result.stderr
    )
    assert f"Without a network, put {SDIST} into {empty_cache / 'seg-widgets'}" in result.stderr
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({}, "has no project pb1-detectron2"),
        (
            {PROJECT_PAGE: _page("pb1-detectron2-0.5.tar.gz")},
            f"has pb1-detectron2, but not the file {SDIST}",
        ),
        ({PROJECT_PAGE: _page()}, "(HTTP 404)"),
    ],
    ids=["no project", "no file on the page", "no file behind the link"],
)
def test_what_the_index_lacks_is_named(
    pages: Mapping[str, bytes], message: str, backend: Any, empty_cache: Path, tmp_path: Path
) -> None:
    with _served(pages) as index:
        result = _uv_build(
            tmp_path / "out",
            _environment(empty_cache, UV_DEFAULT_INDEX=index),
            "--no-build-isolation",
        )
    _assert_one_clear_error(result, tmp_path / "out", empty_cache)
    assert message in result.stderr


def test_pip_shows_the_same_message(empty_cache: Path, tmp_path: Path) -> None:
    pytest.importorskip("pip")
    environment = _environment(
        empty_cache, PIP_INDEX_URL=f"http://127.0.0.1:{_closed_port()}/simple"
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
    ]
    result = _run([*command, str(tmp_path / "out"), str(PROJECT)], environment)
    _assert_one_clear_error(result, tmp_path / "out", empty_cache)


def _assert_one_clear_error(
    result: subprocess.CompletedProcess[str], out: Path, cache: Path
) -> None:
    assert result.returncode != 0
    assert result.stderr.count("detectron2 was not built. ") == 1
    assert "Traceback" not in result.stderr
    assert not [path for path in out.rglob("*") if path.name != ".gitignore"]
    assert not list(cache.glob("seg-widgets/*"))


# ── Sources that are not the expected ones ────────────────────────────────────────────────────────


def test_a_changed_match_count_stops_the_build(
    backend: Any, sources: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "detectron2/structures/masks.py"
    newer = dict(sources) | {path: sources[path].replace(b"np.bool", b"bool", 1)}
    monkeypatch.setattr(backend, "fetch_sdist", lambda: b"")
    monkeypatch.setattr(backend, "read_sdist", lambda sdist: newer)
    with pytest.raises(
        SystemExit, match=rf"matches 2 times in {path}, and 3 were expected.*patches\.py"
    ):
        backend.build_wheel(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_gone_stops_the_build(backend: Any, sources: Mapping[str, bytes]) -> None:
    path = "detectron2/layers/nms.py"
    with pytest.raises(backend.BuildError, match=f"The patch of {path} has no file to change"):
        backend.wheel_files({name: content for name, content in sources.items() if name != path})


@pytest.mark.parametrize("name", ["pb1-detectron2-0.6/../../evil.py", "/evil.py"])
def test_an_archive_whose_names_lead_out_of_it_is_refused(name: str, backend: Any) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(backend.BuildError, match="leads out of it"):
        backend.read_sdist(target.getvalue())


def test_links_in_an_archive_are_not_followed(backend: Any) -> None:
    link = tarfile.TarInfo("pb1-detectron2-0.6/LICENSE")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        archive.addfile(link)
    assert backend.read_sdist(target.getvalue()) == {}


def test_a_broken_archive_is_told(backend: Any, sdist: bytes) -> None:
    with pytest.raises(backend.BuildError, match="cannot be read as an archive"):
        backend.read_sdist(sdist[: len(sdist) // 2])


def test_a_full_disk_leaves_no_half_written_wheel(
    backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: zipfile.ZipFile, *args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        backend.write_wheel({"detectron2/__init__.py": b""}, tmp_path)
    assert not list(tmp_path.iterdir())


# ── ensure.py ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def empty_venv(tmp_path: Path) -> Path:
    """The Python of a new, empty virtual environment, without pip."""
    folder = tmp_path / "venv"
    result = _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], os.environ)
    assert result.returncode == 0, result.stderr
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _ensure(python: Path, cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    # uv lies beside the Python that runs the tests, as it does in the project's .venv.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return _run([str(python), str(ENSURE)], _environment(cache, **({"PATH": path} | variables)))


def test_a_detectron2_that_is_there_is_used_as_it_is(
    empty_venv: Path, empty_cache: Path, tmp_path: Path
) -> None:
    package = tmp_path.resolve() / "checkout" / "detectron2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('looking must not import')")
    result = _ensure(empty_venv, empty_cache, PYTHONPATH=str(package.parent))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"detectron2 of unknown version in {package} is used as it is.\n"


def test_ensure_installs_once_and_replaces_an_older_one_of_ours(
    backend: Any, sources: Mapping[str, bytes], empty_venv: Path, warm_cache: Path, tmp_path: Path
) -> None:
    first = _ensure(empty_venv, warm_cache)
    assert first.returncode == 0, first.stderr
    assert f"detectron2 {VERSION} is installed in " in first.stdout
    second = _ensure(empty_venv, warm_cache, PATH=os.devnull)
    assert second.returncode == 0, second.stderr
    assert f"detectron2 {VERSION} in " in second.stdout
    assert "is used as it is." in second.stdout

    site = next(empty_venv.parent.parent.rglob("detectron2/__init__.py")).parent.parent
    (site / DIST_INFO / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: detectron2\nVersion: 0.6+segwidgets.0\n"
    )
    (site / DIST_INFO).rename(site / "detectron2-0.6+segwidgets.0.dist-info")
    record = site / "detectron2-0.6+segwidgets.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace(VERSION, "0.6+segwidgets.0"))
    third = _ensure(empty_venv, warm_cache)
    assert third.returncode == 0, third.stderr
    assert f"detectron2 {VERSION} is installed in " in third.stdout
    assert [path.name for path in site.glob("detectron2-*")] == [DIST_INFO]


def test_ensure_says_why_it_could_not_install(empty_venv: Path, empty_cache: Path) -> None:
    result = _ensure(empty_venv, empty_cache, PATH=os.devnull)
    assert result.returncode == 1
    assert "neither uv nor pip is here" in result.stderr
    result = _ensure(empty_venv, empty_cache, UV_OFFLINE="1")
    assert result.returncode == 1
    assert (
        "detectron2 was not installed: the reason is above. If it is the network, name your index"
        in result.stderr
    )
    assert "Traceback" not in result.stderr
    assert not list(empty_venv.parent.parent.rglob("detectron2*"))


# ── The stub of the compiled operators ────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def stub() -> ModuleType:
    path = PROJECT / "build_detectron2" / "overlay" / "_C.py"
    spec = importlib.util.spec_from_file_location("detectron2._C", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("operator", "needed_by"),
    [
        ("deform_conv_forward", "code that calls it by itself"),
        ("modulated_deform_conv_backward", "code that calls it by itself"),
        ("box_iou_rotated", "the overlap of rotated boxes"),
        ("nms_rotated", "non-maximum suppression of rotated boxes"),
        ("roi_align_rotated_forward", "ROIAlign on rotated boxes"),
        ("COCOevalAccumulate", "the fast COCO evaluator"),
        ("InstanceAnnotation", "the fast COCO evaluator"),
        ("a_new_operator", "compiled code"),
    ],
)
def test_a_missing_operator_says_which_why_and_what_to_do(
    operator: str, needed_by: str, stub: ModuleType
) -> None:
    with pytest.raises(NotImplementedError) as caught:
        getattr(stub, operator)
    message = str(caught.value)
    assert message.startswith(f"detectron2._C.{operator} is missing: {needed_by}")
    assert "build it from its own sources" in message


def test_the_stub_is_a_module_like_others_to_those_who_only_look(stub: ModuleType) -> None:
    assert not hasattr(stub, "nms_rotated")
    with pytest.raises(AttributeError, match="has no attribute '__path__'") as caught:
        _ = stub.__path__
    assert not isinstance(caught.value, NotImplementedError)
    assert stub.has_cuda() is False
    assert "pure-Python" in stub.get_compiler_version()
    assert "pure-Python" in stub.get_cuda_version()


# ── The installed detectron2 ──────────────────────────────────────────────────────────────────────


def _installed(module: str) -> Any:
    return importlib.import_module(module)


@pytest.fixture
def ours() -> None:
    """Skip a test about our own build where the user has another detectron2."""
    if not hasattr(_installed("detectron2._C"), "MissingOperatorError"):
        pytest.skip("the installed detectron2 is not the pure-Python build")


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["R_50_FPN", "R_50_C4", "R_50_DC5"])
def test_mask_rcnn_runs_on_the_cpu(backbone: str) -> None:
    torch = _installed("torch")
    model_zoo = _installed("detectron2.model_zoo")
    cfg = _installed("detectron2.config").get_cfg()
    cfg.merge_from_file(
        model_zoo.get_config_file(f"COCO-InstanceSegmentation/mask_rcnn_{backbone}_3x.yaml")
    )
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 0.0
    cfg.MODEL.RPN.POST_NMS_TOPK_TEST = 20
    cfg.TEST.DETECTIONS_PER_IMAGE = 5
    torch.manual_seed(0)
    model = _installed("detectron2.modeling").build_model(cfg).eval()
    # With random weights the frozen batch norms let the values grow until boxes are not finite;
    # this keeps them small.
    with torch.no_grad():
        for name, buffer in model.backbone.named_buffers():
            if name.endswith("conv3.norm.weight"):
                buffer.fill_(0.1)
    assert model.roi_heads.num_classes == 80
    image = torch.randint(0, 256, (3, 128, 128)).float()
    with torch.inference_mode():
        instances = model([{"image": image, "height": 96, "width": 120}])[0]["instances"]
    assert 0 < len(instances) <= 5
    assert instances.pred_masks.shape == (len(instances), 96, 120)
    assert instances.pred_masks.dtype == torch.bool
    assert instances.pred_boxes.tensor.isfinite().all()
    assert ((instances.scores >= 0) & (instances.scores <= 1)).all()
    assert ((instances.pred_classes >= 0) & (instances.pred_classes < 80)).all()


@pytest.mark.usefixtures("ours")
def test_what_was_patched_works() -> None:
    """The faults of 0.6 that fine-tuning meets; `make detectron2-test` tests all the rest."""
    torch = _installed("torch")
    mapped = _installed("detectron2.data").MapDataset([0, 1], lambda number: number or None)
    assert mapped[0] == 1
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    hook = _installed("detectron2.engine.hooks").LRScheduler(optimizer, schedule)
    optimizer.step()
    schedule.step()
    assert hook.state_dict()["last_epoch"] == 1


@pytest.mark.usefixtures("ours")
def test_deformable_convolutions_are_torchvisions() -> None:
    torch = _installed("torch")
    convolution = _installed("torchvision.ops").deform_conv2d
    layers = _installed("detectron2.layers")
    image, offset, mask = torch.randn(1, 4, 6, 6), torch.randn(1, 18, 6, 6), torch.rand(1, 9, 6, 6)
    plain = layers.DeformConv(4, 2, 3, padding=1)
    expected = convolution(image, offset, plain.weight, padding=1)
    assert torch.equal(plain(image, offset), expected)
    modulated = layers.ModulatedDeformConv(4, 2, 3, padding=1)
    expected = convolution(image, offset, modulated.weight, modulated.bias, padding=1, mask=mask)
    assert torch.equal(modulated(image, offset, mask), expected)
    assert _installed("detectron2._C").DEFORM_CONV_FROM_TORCHVISION is True


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("count", [0, 400, 1500])
def test_nms_gives_what_torchvisions_gives(count: int) -> None:
    """Few boxes go through one NMS, many through one for each class."""
    torch, theirs = _installed("torch"), _installed("torchvision.ops")
    ops = _installed("detectron2._torchvision_ops")
    generator = torch.Generator().manual_seed(1)
    corners = torch.rand(count, 2, generator=generator) * 100
    boxes = torch.cat([corners, corners + 1 + torch.rand(count, 2, generator=generator) * 60], 1)
    scores = torch.rand(count, generator=generator)
    classes = torch.randint(0, 5, (count,), generator=generator)
    expected = theirs.nms(boxes, scores, 0.5)
    assert torch.equal(ops.nms(boxes, scores, 0.5), expected)
    kept = ops.batched_nms(boxes, scores, classes, 0.5)
    assert torch.equal(kept, theirs.batched_nms(boxes, scores, classes, 0.5))
    assert (len(expected) < len(kept) < count) == (count > 0)


@pytest.mark.usefixtures("ours")
def test_roi_align_gives_what_torchvisions_gives() -> None:
    torch, theirs = _installed("torch"), _installed("torchvision.ops")
    ops = _installed("detectron2._torchvision_ops")
    features = torch.randn(2, 3, 20, 30, requires_grad=True)
    rois = torch.tensor([[0, 1.0, 2.0, 15.0, 12.0], [1, 3.0, 3.0, 9.5, 18.0]])
    for size, sampling, aligned in ((7, 0, True), ((4, 6), 2, False)):
        arguments = (features, rois, size, 0.5, sampling, aligned)
        ours = ops.roi_align(*arguments)
        assert torch.equal(ours, theirs.roi_align(*arguments))
        (gradient,) = torch.autograd.grad(ours.sum(), features)
        assert gradient.abs().sum() > 0
    # Boxes for each image, as torchvision takes them.
    lists = [rois[:1, 1:], rois[1:, 1:]]
    assert torch.equal(ops.roi_align(features, lists, 7), theirs.roi_align(features, rois, 7))


_LEARNS = """
import sys
import torch
from detectron2._torchvision_ops import roi_align

features = torch.arange(600.0).reshape(1, 1, 20, 30).requires_grad_()
rois = torch.tensor([[0, 1.0, 2.0, 15.0, 12.0]])
with torch.no_grad():
    roi_align(features, rois, 4)
assert "torchvision" not in sys.modules
(ours,) = torch.autograd.grad((roi_align(features, rois, 4) ** 2).sum(), features)
import torchvision
(theirs,) = torch.autograd.grad(
    (torchvision.ops.roi_align(features, rois, 4) ** 2).sum(), features
)
assert torch.equal(ours, theirs) and ours.abs().sum() > 0
"""


@pytest.mark.usefixtures("ours")
def test_a_training_has_the_gradient_though_nobody_imported_torchvision() -> None:
    command = [sys.executable, "-W", "error::UserWarning", "-c", _LEARNS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("ours")
def test_operators_of_another_pytorch_are_torchvisions_affair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch, ops = _installed("torch"), _installed("detectron2._torchvision_ops")
    library = ops._library()
    assert library is None or Path(library).parent.name == "torchvision"
    asked: list[str] = []

    def broken(path: str) -> None:
        raise OSError(f"{path}: undefined symbol")

    monkeypatch.setattr(torch.ops, "load_library", broken)
    monkeypatch.setattr(ops, "_package", lambda: asked.append("torchvision"))
    ops._load_operators()
    assert asked == ["torchvision"]


@pytest.mark.usefixtures("ours")
def test_what_is_imported_at_first_use_is_there() -> None:
    detectron2, modeling = _installed("detectron2"), _installed("detectron2.modeling")
    config = _installed("detectron2.config")
    assert (
        modeling.GeneralizedRCNNWithTTA.__module__ == "detectron2.modeling.test_time_augmentation"
    )
    assert modeling.mmdet_wrapper.MMDetDetector is modeling.MMDetDetector
    assert {"DatasetMapperTTA", "GeneralizedRCNN", "MMDetBackbone"} <= set(modeling.__all__)
    assert config.LazyCall is config.lazy.LazyCall
    assert detectron2.data.MetadataCatalog.get("coco_2017_val").thing_classes[0] == "person"
    for module in (detectron2, modeling, config):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = module.nothing


@pytest.mark.usefixtures("ours")
def test_rotated_boxes_say_what_is_missing() -> None:
    torch = _installed("torch")
    layers = _installed("detectron2.layers")
    with pytest.raises(NotImplementedError, match=r"detectron2\._C\.nms_rotated is missing"):
        layers.nms_rotated(torch.zeros(2, 5), torch.zeros(2), 0.5)
    boxes = _installed("detectron2.structures").RotatedBoxes(torch.zeros(1, 5))
    with pytest.raises(NotImplementedError, match=r"detectron2\._C\.box_iou_rotated is missing"):
        _installed("detectron2.structures.rotated_boxes").pairwise_iou(boxes, boxes)


@pytest.mark.usefixtures("ours")
def test_the_coco_evaluator_falls_back_to_pycocotools() -> None:
    evaluation = _installed("detectron2.evaluation.coco_evaluation")
    assert evaluation.COCOeval_opt is _installed("pycocotools.cocoeval").COCOeval


@pytest.mark.usefixtures("ours")
def test_the_environment_report_works(monkeypatch: pytest.MonkeyPatch) -> None:
    # PyTorch's own module of this name imports setuptools, which replaces distutils in the whole
    # process.
    paths = SimpleNamespace(CUDA_HOME=None, ROCM_HOME=None)
    monkeypatch.setitem(sys.modules, "torch.utils.cpp_extension", paths)
    report: str = _installed("detectron2.utils.collect_env").collect_env_info()
    assert re.search(r"Compiler +none \(pure-Python build\)", report)
