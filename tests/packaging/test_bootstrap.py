"""What is built and installed: the wheel on its own, the bootstrap, the lock, the Makefile's
promises."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from seg_widgets import samples


def _run(command: Sequence[object], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _script(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_works_alone_in_an_empty_environment(root: Path, tmp_path: Path) -> None:
    uv = (sys.executable, "-m", "uv")
    _run([*uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path / "wheels", root], tmp_path)
    _run(
        [
            *uv,
            "build",
            "--quiet",
            "--wheel",
            "--out-dir",
            tmp_path / "wheels",
            root / "packaging/detectron2",
        ],
        tmp_path,
    )
    wheels = sorted((tmp_path / "wheels").glob("*.whl"))
    assert [wheel.name.split("-")[0] for wheel in wheels] == ["detectron2", "seg_widgets"]
    with zipfile.ZipFile(wheels[1]) as archive:
        names = set(archive.namelist())
    for name in (
        "weights/starter.safetensors",
        "weights/starter.yaml",
        "viewer/static/canvas/index.js",
        "viewer/static/css/tokens.css",
        "viewer/static/filmstrip.js",
        "viewer/static/shared/dom.js",
        "viewer/static/webpage.js",
        "py.typed",
    ):
        assert f"seg_widgets/{name}" in names
    assert {f"seg_widgets/samples/{path.name}" for path in samples().values()} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)

    # The same versions as in the lock, so that all but these two wheels is linked from uv's cache.
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    _run([*uv, "venv", "--quiet", "--python", sys.executable, venv], tmp_path)
    pins = root / "packaging" / "requirements.txt"
    _run(
        [*uv, "pip", "install", "--quiet", "--python", python, "--constraint", pins, *wheels],
        tmp_path,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [
        python,
        "-I",
        "-m",
        "seg_widgets",
        "segment",
        samples()["coffee"],
        "--threshold",
        "0.3",
    ]
    shown = _run(command, elsewhere, SEG_WIDGETS_WEIGHTS="")
    assert "wrote out/coffee-overlay.png" in shown
    assert json.loads((elsewhere / "out" / "coffee-coco.json").read_text())["images"]
    where = _run(
        [python, "-I", "-c", "import seg_widgets; print(seg_widgets.samples()['cat'])"], elsewhere
    )
    assert Path(where.strip()).is_relative_to(venv)


def test_a_wheel_without_the_starter_is_not_built(root: Path, tmp_path: Path) -> None:
    hook = _script(root, "hatch_build").CustomBuildHook(str(tmp_path), {}, None, None, "", "wheel")
    with pytest.raises(FileNotFoundError, match="make starter"):
        hook.initialize("standard", {"force_include": {}})
    hook.initialize("editable", {"force_include": {}})


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("requirements.lock", 90),
        ("ipywidgets7.lock", 90),
        ("peers.lock", 90),
        ("ray.lock", 30),
        ("readers.lock", 90),
        ("mutants.lock", 20),
    ],
)
def test_the_locks_hold_names_versions_and_hashes_only(
    root: Path, name: str, at_least: int
) -> None:
    lock = (root / "packaging" / name).read_text()
    assert not re.search(r"https?:|--index|--find-links| @ ", lock)
    entries = re.findall(r"^([\w.-]+)==\S+", lock, re.MULTILINE)
    assert len(entries) > at_least
    assert lock.count("--hash=sha256:") > len(entries)


def test_the_lock_without_hashes_is_the_same(root: Path) -> None:
    lock = (root / "packaging" / "requirements.lock").read_text()
    entries = re.findall(r"^([\w.-]+)==\S+", lock, re.MULTILINE)
    plain = (root / "packaging" / "requirements.txt").read_text()
    assert re.findall(r"^([\w.-]+)==\S+", plain, re.MULTILINE) == entries
    assert plain == _script(root, "lock").without_hashes(lock)


def test_every_dependency_is_locked(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    # Ray is locked for its tests alone.
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(name for extra, names in extras.items() if extra != "ray" for name in names),
    ]
    locked = (root / "packaging" / "requirements.txt").read_text()
    for requirement in wanted:
        name = re.split(r"[<>=!~ ;\[]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), (
            f"{name} is not locked; run make lock"
        )


def test_the_environment_of_ipywidgets_7_is_colabs(root: Path) -> None:
    lock = (root / "packaging" / "ipywidgets7.lock").read_text()
    for pin in (
        "ipywidgets==7.7.1",
        "widgetsnbextension==3.",
        "jupyterlab-widgets==1.",
        "anywidget==",
        "traitlets==5.7.1",
    ):
        assert re.search(rf"^{re.escape(pin)}", lock, re.MULTILINE), pin
    assert not re.search(r"^torch", lock, re.MULTILINE)


def test_another_torch_leaves_cuda_and_hashes_out(root: Path) -> None:
    plain = _script(root, "bootstrap").without_cuda(
        (root / "packaging" / "requirements.txt").read_text()
    )
    assert re.search(r"^torch==", plain, re.MULTILINE)
    assert not re.search(r"^(nvidia|cuda|triton)", plain, re.MULTILINE)
    assert "--hash" not in plain


def test_conda_installs_the_same_set(root: Path) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text())
    # What conda takes in such a file: nothing else, and packages by their match specifications.
    assert set(environment) == {"name", "channels", "dependencies"}
    assert re.fullmatch(r"[a-z][a-z0-9-]*", environment["name"])
    assert environment["channels"] == ["conda-forge"]
    packages = [entry for entry in environment["dependencies"] if not isinstance(entry, dict)]
    for package in packages:
        assert re.fullmatch(r"[a-z0-9_.-]+(=[0-9.]+)?", package), package
    assert "pip" in packages, (
        "conda warns, and takes a pip of its own choice, when the section's pip is not named"
    )
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-r packaging/requirements.txt", "./packaging/detectron2", "--editable ."]
    python = next(
        entry for entry in environment["dependencies"] if str(entry).startswith("python=")
    )
    assert python == "python=3.12"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_condas_pip_section_makes_a_whole_environment(root: Path, tmp_path: Path) -> None:
    # As conda does it: the section's lines in a file beside environment.yml, read from that folder.
    # A copy of the checkout's files, so that the editable install and the detectron2 that is built
    # are not those of this one.
    checkout = tmp_path / "seg-widgets"
    tracked = _run(["git", "ls-files", "-z"], root).split("\0")
    for name in filter(None, tracked):
        if (root / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, checkout / name)
    environment = yaml.safe_load((checkout / "environment.yml").read_text())
    (lines,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    (checkout / "condaenv.requirements.txt").write_text("\n".join(lines))
    uv, venv = (sys.executable, "-m", "uv"), tmp_path / "venv"
    python = venv / "bin" / "python"
    _run([*uv, "venv", "--quiet", "--python", sys.executable, venv], tmp_path)
    _run(
        [*uv, "pip", "install", "--quiet", "--python", python, "-r", "condaenv.requirements.txt"],
        checkout,
    )
    shown = _run([python, "-m", "seg_widgets", "doctor"], tmp_path, SEG_WIDGETS_WEIGHTS="")
    assert "Ready to segment." in shown
    assert str(checkout / "weights" / "starter.safetensors") in shown
    assert (venv / "bin" / "jupyter-lab").is_file()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_environment_like_colabs_keeps_what_it_has(root: Path, tmp_path: Path) -> None:
    # Colab's widgets and what goes with them; torch and all else as locked.
    of_7 = (
        _script(root, "lock")
        .without_hashes((root / "packaging" / "ipywidgets7.lock").read_text())
        .splitlines()
    )
    names = tuple(f"{pin.partition('==')[0]}==" for pin in of_7)
    pins = (root / "packaging" / "requirements.txt").read_text().splitlines()
    pins = [*of_7, *(pin for pin in pins if not pin.startswith(names))]
    (tmp_path / "pins.txt").write_text("\n".join(pins))
    venv, uv = tmp_path / "venv", (sys.executable, "-m", "uv")
    python = venv / "bin" / "python"
    _run([*uv, "venv", "--quiet", "--seed", "--python", sys.executable, venv], tmp_path)
    has = (
        "torch",
        "torchvision",
        "matplotlib",
        "requests",
        "tqdm",
        "ipykernel",
        "ipywidgets",
        "jupyterlab-widgets",
    )
    _run(
        [
            *uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--constraint",
            tmp_path / "pins.txt",
            *has,
        ],
        tmp_path,
    )
    before = _versions(python, tmp_path)
    _run([python, root / "packaging" / "bootstrap.py", "--here"], tmp_path)
    after = _versions(python, tmp_path)
    assert {name: after[name] for name in before} == before
    assert {"detectron2", "seg-widgets", "anywidget", "pycocotools"} <= after.keys() - before.keys()
    assert "Ready to segment." in _run(
        [python, "-I", "-m", "seg_widgets", "doctor"], tmp_path, SEG_WIDGETS_WEIGHTS=""
    )


def _versions(python: Path, folder: Path) -> dict[str, str]:
    listed = _run(
        [sys.executable, "-m", "uv", "pip", "list", "--format", "json", "--python", python], folder
    )
    return {
        package["name"]: package["version"] for package in json.loads(listed[listed.index("[") :])
    }


def test_each_notebook_says_what_colab_needs_first(root: Path) -> None:
    # On Colab each notebook has a machine of its own, so what one of them has installed the next
    # one lacks.
    line = "\n!python seg-widgets/packaging/bootstrap.py --here\n"
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        told = [
            cell
            for cell in cells
            if cell["cell_type"] == "markdown" and line in "".join(cell["source"])
        ]
        assert len(told) == 1, path.name


def test_make_help_lists_every_target(root: Path) -> None:
    shown = _run(["make", "help"], root)
    for target in ("lab", "demo", "test", "bench", "docs", "setup"):
        assert f"make {target} " in shown
    assert "UV_TORCH_BACKEND=cpu" in shown


def test_a_python_that_is_too_old_is_one_clear_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bootstrap = _script(root, "bootstrap")
    monkeypatch.setattr(sys, "version_info", (3, 9, 0))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "--venv", str(tmp_path / "venv")])
    assert bootstrap.main() == 1
    assert not (tmp_path / "venv").exists()


def test_a_failing_step_says_which(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap = _script(root, "bootstrap")

    def fail(*command: object) -> None:
        raise subprocess.CalledProcessError(3, [str(part) for part in command])

    monkeypatch.setattr(bootstrap, "_run", fail)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "--venv", str(tmp_path / "venv")])
    assert bootstrap.main() == 1
    assert "-m venv" in capsys.readouterr().err


def test_house_rules_hold_in_every_tracked_file(root: Path) -> None:
    # In pieces, so that this file names none itself.
    hosts = ("py pi.org", "python hosted.org", "registry.npm js.org", "deb.deb ian.org")
    paths = ("/wo rk/", "/fa rm/", "/ro ot/")
    forbidden = "|".join(re.escape(text.replace(" ", "")) for text in (*hosts, *paths))
    tracked = _run(["git", "ls-files", "-z"], root).split("\0")
    for name in filter(None, tracked):
        path = root / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        assert len(content) <= 25e6, name
        if b"\0" not in content[:8000]:
            found = re.search(forbidden, content.decode("utf-8", "replace"), re.IGNORECASE)
            assert found is None, f"{name}: {found and found.group()}"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/panel.md",
        "docs/models.md",
        "docs/performance.md",
        "benchmarks/README.md",
    ],
)
def test_the_links_of_the_docs_lead_somewhere(root: Path, name: str) -> None:
    page = root / name
    text = page.read_text()
    links = [*re.findall(r"\]\(([^)#]+)[^)]*\)", text), *re.findall(r'src="([^"]+)"', text)]
    assert links or name != "README.md"
    for link in links:
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link


def test_the_images_of_the_docs_are_all_used(root: Path) -> None:
    pages = (root / "README.md", root / "docs" / "panel.md", root / "weights" / "starter.md")
    text = "".join(page.read_text() for page in pages)
    for picture in (root / "docs" / "images").iterdir():
        assert picture.name in text
