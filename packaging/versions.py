"""Try the lowest and the newest versions of what seg_widgets needs: `make versions-test`.

Three environments are made and removed again: the lowest direct versions on the oldest Python, the
newest ones on the oldest, and the newest ones on the newest Python that is on this machine. In each
the starter finds what is on a sample, and a panel with a stub shows its result, without a warning;
a server with a stub answers.
Nothing is locked here; what each package index has today is what is tried.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bootstrap import NEWEST, OLDEST, ROOT

UV = (sys.executable, "-m", "uv")
SAMPLE = ROOT / "notebooks" / "images" / "cat.jpg"
SHOWN = re.compile(
    r"^(?:torch|torchvision|numpy|opencv-python-headless|pillow|matplotlib|ipywidgets|hydra-core)==.*",
    re.MULTILINE,
)
PANEL = """
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture

panel = SegmentationPanel(StubPredictor(), samples={})
panel.segment(make_picture(64, 48))
prediction = panel.wait(60)
assert len(prediction) == 12, prediction
panel.close()
"""
SERVER = """
import subprocess, sys
from seg_widgets import RemotePredictor
from seg_widgets.testing import make_picture

command = [sys.executable, "-m", "seg_widgets", "serve", "--port", "0"]
command += ["--predictor", "seg_widgets.testing:StubPredictor"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    remote = RemotePredictor(server.stdout.readline().split()[-1])
    assert len(remote(make_picture(64, 48))) == 12
    server.terminate()
"""
DETECTRON2 = """
import hydra, omegaconf
from detectron2 import model_zoo
from detectron2.config import LazyConfig

cfg = model_zoo.get_config("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.py")
LazyConfig.apply_overrides(cfg, ["train.max_iter=3"])
assert cfg.train.max_iter == 3
import detectron2.engine, detectron2.evaluation, detectron2.utils.visualizer
"""
# What others' packages do to one another at their oldest is not for us to mend.
QUIET = ("-W", "error::FutureWarning")


@dataclass(frozen=True)
class Case:
    """One environment: which end of the versions, on which Python."""

    resolution: str
    python: tuple[int, int]

    @property
    def name(self) -> str:
        """What it is called in the report."""
        return f"{self.resolution} on Python {self.python[0]}.{self.python[1]}"


def main() -> int:
    """Try each case; the exit status is 0 where all work."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--detectron2-tests", action="store_true", help="run its tests in each, too"
    )
    options = parser.parse_args()
    newest = newest_python()
    cases = [Case("lowest-direct", OLDEST), Case("highest", OLDEST), Case("highest", newest)]
    failed = [case.name for case in dict.fromkeys(cases) if not _works(case, options)]
    if newest != NEWEST:
        print(f"Python {NEWEST[0]}.{NEWEST[1]} is not on this machine, so it was not tried.")
    print(f"failed: {', '.join(failed)}" if failed else "all work")
    return len(failed)


def newest_python() -> tuple[int, int]:
    """The newest of the supported Pythons that uv finds here, without fetching one."""
    for minor in range(NEWEST[1], OLDEST[1], -1):
        command = [*UV, "python", "find", "--no-python-downloads", f"{OLDEST[0]}.{minor}"]
        if subprocess.run(command, capture_output=True, cwd=ROOT).returncode == 0:
            return OLDEST[0], minor
    return OLDEST


def _works(case: Case, options: argparse.Namespace) -> bool:
    print(f"── {case.name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="seg-widgets-versions-") as folder:
        try:
            python = _make(case, Path(folder))
            frozen = _run(*UV, "pip", "freeze", "--python", python)
            print(", ".join(SHOWN.findall(frozen)), flush=True)
            _try(python, Path(folder))
            if options.detectron2_tests:
                tests = ROOT / "packaging" / "detectron2" / "tests"
                pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", tests)
                print(_run(python, *pytest).splitlines()[-1])
        except subprocess.CalledProcessError as error:
            command = " ".join(str(part) for part in error.cmd)
            print(f"{error.stdout}\nstopped at: {command}", flush=True)
            return False
    print("works", flush=True)
    return True


def _make(case: Case, folder: Path) -> Path:
    """Make the environment; its Python."""
    venv = folder / "venv"
    version = f"{case.python[0]}.{case.python[1]}"
    _run(*UV, "venv", "--quiet", "--no-python-downloads", "--python", version, venv)
    python = next(
        path for path in (venv / "bin" / "python", venv / "Scripts" / "python.exe") if path.exists()
    )
    install = (*UV, "pip", "install", "--quiet", "--python", python)
    ends = ("--resolution", case.resolution, "--extra", "detectron2", "--extra", "serve")
    _run(*install, *ends, "-r", ROOT / "pyproject.toml")
    # These two ask for nothing that is not there now.
    _run(*install, "--no-deps", ROOT / "packaging" / "detectron2", "--editable", ROOT)
    _run(*install, "pytest", "pytest-timeout")
    return python


def _try(python: Path, folder: Path) -> None:
    """Use what a person uses, each in a process of its own."""
    starter = (python, "-m", "seg_widgets", "segment", SAMPLE, "--out", folder / "out")
    said = _run(*starter)
    if "Prediction: " not in said or "Warning" in said:
        raise subprocess.CalledProcessError(1, starter, said)
    for code in (PANEL, SERVER, DETECTRON2):
        _run(python, *QUIET, "-c", code)


def _run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    done.check_returncode()
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
