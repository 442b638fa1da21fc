"""`doctor`: what it says of this machine, and of one with problems."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.cli import doctor
from seg_widgets.modeling import PRICES, STARTER


def test_doctor_says_what_is_here() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seg_widgets", "doctor"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    prices = PRICES[STARTER].items()
    for word in (
        "detectron2",
        "torch ",
        "device",
        "driver",
        "starter",
        "starter: " + "; ".join(f"{name} AP {price.ap}, {price.gain:g}×" for name, price in prices),
        "GB free",
        "Ready to segment.",
    ):
        assert word in done.stdout


def test_doctor_names_a_problem_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("seg_widgets.modeling.catalogue.weight_folders", lambda: [tmp_path])
    stream = io.StringIO()
    assert doctor.report(stream) == 1
    assert "FAIL  starter" in stream.getvalue()
    assert "1 problem to solve first." in stream.getvalue()


def test_doctor_looks_at_the_detectron2_that_is_imported() -> None:
    detectron2 = importlib.import_module("detectron2")
    lines = {finding.what: finding for finding in doctor.findings()}
    assert lines["detectron2"].state == "ok"
    assert lines["detectron2"].found.startswith(f"{detectron2.__version__}, pure Python, in ")
    assert detectron2.__file__ is not None
    assert str(Path(detectron2.__file__).parent) in lines["detectron2"].found
    assert "is built: starter (small" in lines["starter"].found


def test_doctor_is_not_ready_where_detectron2_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def fail(name: str, package: str | None = None) -> Any:
        if name.startswith("detectron2"):
            raise ModuleNotFoundError("No module named 'pkg_resources'", name="pkg_resources")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", fail)
    stream = io.StringIO()
    assert doctor.report(stream) == 1
    assert "FAIL  detectron2" in stream.getvalue()
    assert "FAIL  starter" in stream.getvalue()
    assert "pip install 'setuptools<82'" in stream.getvalue()
    assert "Ready to segment" not in stream.getvalue()


def test_doctor_survives_a_look_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise RuntimeError("driver gone")

    monkeypatch.setattr(doctor, "nvidia_driver", broken)
    stream = io.StringIO()
    assert doctor.report(stream) == 1
    assert "RuntimeError: driver gone" in stream.getvalue()
    assert "memory" in stream.getvalue()
