"""What the README tells people to type is typed: its commands, and its lines of Python."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import matplotlib
import pytest

from seg_widgets import Prediction, SegmentationPanel, samples

from .browser.lab import wait_for_server

matplotlib.use("agg")

pytestmark = pytest.mark.slow

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")

# What another test runs, because it needs a stand-in or an environment of its own.
_BOOTSTRAP = "tests/packaging/test_bootstrap.py"
_START = "tests/packaging/test_start.py"
_BUILDS_AND_RUNS = f"{_START}::test_the_script_builds_and_runs"
ELSEWHERE = {
    "scripts/docker build": _BUILDS_AND_RUNS,
    "scripts/docker run": _BUILDS_AND_RUNS,
    "scripts/docker gpu": _BUILDS_AND_RUNS,
    "scripts/docker app": _BUILDS_AND_RUNS,
    "conda env create -f environment.yml": (
        f"{_BOOTSTRAP}::test_condas_pip_section_makes_a_whole_environment"
    ),
    "UV_TORCH_BACKEND=cpu make lab": (
        f"{_BOOTSTRAP}::test_another_torch_leaves_cuda_and_hashes_out"
    ),
    "python packaging/bootstrap.py --here": (
        f"{_BOOTSTRAP}::test_an_environment_like_colabs_keeps_what_it_has"
    ),
    "python -m seg_widgets finetune DATA --out model/": (
        "tests/finetuning/test_run.py::test_the_command"
    ),
    "python -m seg_widgets batch photos/ --only person --threshold 0.6": (
        "tests/cli/test_batch.py::test_the_objects_of_one_class_in_a_folder"
    ),
    "python -m seg_widgets batch": (
        "tests/cli/test_batch.py::test_a_signal_ends_it_and_the_same_command_goes_on"
    ),
    "python -m seg_widgets evaluate my-model/ data/ --report report.html": (
        "tests/cli/test_evaluate.py::test_a_model_on_a_data_set"
    ),
    "python -m seg_widgets evaluate MODEL DATA": (
        "tests/cli/test_evaluate.py::test_a_model_on_a_data_set"
    ),
    "python -m seg_widgets serve": "tests/serving/test_server.py::test_the_command",
    "make docs": "tests/test_docs.py::test_every_link_of_the_site_leads_somewhere",
}
SERVED = ("make lab", "make web")
RUN = (
    "make demo",
    "make bench",
    "python -m seg_widgets segment",
    "python -m seg_widgets segment photo.jpg holiday/ "
    "--out found --threshold 0.7 --format png,coco,csv",
    "python -m seg_widgets export-html notebooks/panel.ipynb --out panel.html",
    "python -m seg_widgets doctor",
)


def _commands() -> set[str]:
    """What is to be typed into a shell, in blocks and between single backquotes."""
    typed = [line.partition("#")[0].strip() for block in _blocks("") for line in block.splitlines()]
    begins = r"(?:make|python|scripts/docker|conda|git|docker|[A-Z_]+=\S+ make) "
    return {*filter(None, typed), *re.findall(rf"`({begins}[^`\n]+)`", README)}


def _blocks(language: str) -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [block for of, block in blocks if of == language]


def _run(command: str, folder: Path, **environment: str) -> str:
    """The command's output; `python` is the one that runs the tests, as the README says of the
    checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_command_is_run_by_a_test(root: Path) -> None:
    assert _commands() == {*RUN, *SERVED, *ELSEWHERE}
    for place in ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (root / file).read_text("utf-8"), place


def test_a_clone_has_what_the_commands_need(root: Path, tmp_path: Path) -> None:
    _run(f"git clone --quiet {root} seg-widgets && cd seg-widgets && make help", tmp_path)
    clone = tmp_path / "seg-widgets"
    assert (clone / "weights" / "starter.safetensors").stat().st_size > 1e6
    assert (clone / "notebooks" / "panel.ipynb").is_file()


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("command", "page", "words"),
    [
        ("make lab", r"http://\S+:\d+/lab/tree/panel\.ipynb\?token=\w+", "JupyterLab"),
        ("make web", r"http://\S+:\d+/", "application/vnd.jupyter.widget-view+json"),
    ],
)
def test_make_serves_the_panel(
    root: Path, tmp_path: Path, command: str, page: str, words: str
) -> None:
    log = tmp_path / "log"
    environment = {
        **os.environ,
        "BROWSER": "true",
        "JUPYTER_CONFIG_DIR": str(tmp_path / "settings"),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command.split(),
            cwd=root,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(page, log.read_text())) and process.poll() is None:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert found, log.read_text()
        # It names its address a moment before it listens there.
        wait_for_server(urljoin(found[0], "/api"), process, log)
        with urllib.request.urlopen(found[0], timeout=120) as answer:
            assert words in answer.read().decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_make_demo_writes_what_it_says(root: Path) -> None:
    shown = _run("make demo", root)
    for name in ("cat-overlay.png", "cat-coco.json", "cat.csv"):
        assert name in shown
        assert (root / "out" / name).stat().st_size > 60


@pytest.mark.timeout(300)
def test_make_bench_prints_its_tables(root: Path) -> None:
    # One of its parts, in its short form, which keeps nothing; all of them take far longer.
    before = (root / "docs" / "performance.md").read_bytes()
    assert "Exponents over images" in _run("make bench-quick BENCH=growth", root)
    assert (root / "docs" / "performance.md").read_bytes() == before


def test_the_command_line(root: Path, tmp_path: Path) -> None:
    shutil.copy(samples()["cat"], tmp_path / "photo.jpg")
    (tmp_path / "holiday").mkdir()
    shutil.copy(samples()["coffee"], tmp_path / "holiday")
    (tmp_path / "notebooks").symlink_to(root / "notebooks")
    segment, export, doctor = RUN[-3:]
    shown = _run(segment, tmp_path)
    assert "found/photo-overlay.png" in shown
    assert {path.suffix for path in (tmp_path / "found").iterdir()} == {".png", ".json", ".csv"}
    _run(export, tmp_path)
    assert (
        "<canvas" in (tmp_path / "panel.html").read_text()
        or "sgw" in (tmp_path / "panel.html").read_text()
    )
    assert "Ready to segment." in _run(doctor, tmp_path)


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_the_lines_of_python(in_a_folder: Path) -> None:
    names: dict[str, object] = {}
    panels = []
    for block in _blocks("python"):
        if "model_final_f10217.pkl" in block:
            _write_r50(in_a_folder / "model_final_f10217.pkl")
        exec(block, names)
        if "panel = " in block:
            panels.append(names["panel"])
    assert isinstance(names["prediction"], Prediction)
    small, own = panels

    # What `save` wrote: one file for each format, and a mask for each object.
    results = {path.name for path in (in_a_folder / "results").iterdir()}
    alone = {"cat-overlay.png", "cat-labelme.json", "cat-labelstudio.json", "cat.html"}
    assert alone < results
    assert all("-mask-" in name for name in results - alone)

    for panel, classes in ((small, 96), (own, 80)):
        assert isinstance(panel, SegmentationPanel)
        panel.image = names["image"]
        panel.wait()
        assert panel.prediction is not None
        assert len(panel.prediction.class_names) == classes
        panel.close()


def _write_r50(path: Path) -> None:
    """A file like the model zoo's, of random weights."""
    from detectron2.model_zoo import get_config
    from detectron2.modeling import build_model

    cfg = get_config("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml")
    cfg.MODEL.DEVICE = "cpu"
    tensors = {name: tensor.numpy() for name, tensor in build_model(cfg).state_dict().items()}
    path.write_bytes(pickle.dumps({"model": tensors, "__author__": "Detectron2 Model Zoo"}))
