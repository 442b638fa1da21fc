"""Devices and packages: what is here, and what is said where it is not."""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

from seg_widgets import load_predictor
from seg_widgets.errors import DependencyError, DeviceError
from seg_widgets.modeling import import_detectron2
from seg_widgets.modeling.devices import resolve_device

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"


@pytest.mark.parametrize("before", [None, "ACTIVE"])
def test_threads_sleep_while_they_wait_unless_a_person_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    if before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    resolve_device("cpu")
    assert os.environ["OMP_WAIT_POLICY"] == (before or "PASSIVE")


def test_devices_that_are_not_here() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in {"cpu", "cuda", "mps"}
    for device in ("cuda:99", "gpu", "", "xpu"):
        with pytest.raises(DeviceError, match="cpu"):
            resolve_device(device)


def test_a_missing_detectron2_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "detectron2" else real(name)
    )
    with pytest.raises(DependencyError, match=r"detectron2 is not installed.*make setup"):
        load_predictor(config=R50_FPN, weights=tmp_path)


def _failing_import(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """detectron2 can't be imported, because of `error`."""
    real = importlib.import_module

    def fail(name: str, package: str | None = None) -> types.ModuleType:
        if name.startswith("detectron2"):
            raise error
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", fail)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ModuleNotFoundError("No module named 'pkg_resources'", name="pkg_resources"),
            r"pkg_resources.*pip install 'setuptools<82'.*make setup",
        ),
        (
            ModuleNotFoundError("No module named 'fvcore'", name="fvcore"),
            "can't be imported.*fvcore.*make setup",
        ),
        (ImportError("undefined symbol"), "can't be imported.*undefined symbol"),
        (AttributeError("module 'PIL.Image' has no attribute 'LINEAR'"), "can't be.*LINEAR"),
    ],
)
def test_a_detectron2_that_breaks_is_our_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    _failing_import(monkeypatch, error)
    with pytest.raises(DependencyError, match=words):
        import_detectron2()


def test_warnings_of_its_import_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def warn(name: str, package: str | None = None) -> Any:
        if name.startswith("detectron2"):
            warnings.warn("`torch.jit.script` is deprecated", FutureWarning, stacklevel=2)
            warnings.warn("`torch.jit.script` is deprecated", DeprecationWarning, stacklevel=2)
            warnings.warn("pkg_resources is deprecated as an API", UserWarning, stacklevel=2)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", warn)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        import_detectron2()
        warnings.warn("mine", FutureWarning, stacklevel=1)
    assert [str(one.message) for one in seen] == ["mine"]
    assert "detectron2.model_zoo" in sys.modules


@pytest.mark.parametrize("enabled", [True, False])
def test_the_search_for_garbage_goes_on_after_the_import(
    monkeypatch: pytest.MonkeyPatch, enabled: bool
) -> None:
    seen: list[bool] = []
    real = importlib.import_module

    def look(name: str, package: str | None = None) -> Any:
        seen.append(gc.isenabled())
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", look)
    (gc.enable if enabled else gc.disable)()
    try:
        import_detectron2()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert set(seen) == {False}


# What a first answer does without: each costs between a twentieth of a second and several.
_NOT_NEEDED = (
    *("torch._dynamo", "torch.distributed.tensor", "torchvision", "sympy", "matplotlib", "pandas"),
    *(
        "detectron2.engine",
        "detectron2.data",
        "detectron2.evaluation",
        "detectron2.utils.visualizer",
    ),
    *("omegaconf", "hydra", "tensorboard", "requests", "urllib3", "ipywidgets", "aiohttp"),
)
_FIRST_ANSWER = """
import json, sys
import numpy as np
from seg_widgets import load_predictor, overlay

image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
predictor = load_predictor(device="cpu", min_size=64)
prediction = predictor(image)
overlay(image, prediction)
loaded = sorted(set(json.loads(sys.argv[1])) & set(sys.modules))

# What others import later works as ever, with the operators that are there already.
import torch, torchvision
from torchvision.models.detection import maskrcnn_resnet50_fpn
from seg_widgets import wrap

torch.manual_seed(0)
model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=3, min_size=64)
classes = ["__background__", "cat", "dog"]
model.roi_heads.score_thresh = 0.0
found = wrap(model.eval(), classes)(image)
boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.9]])
kept = torchvision.ops.nms(boxes, boxes[:, 3], 0.5)
print(json.dumps([loaded, found.class_names, kept.tolist()]))
"""


def test_a_first_answer_loads_only_what_it_needs() -> None:
    ops = pytest.importorskip("detectron2._torchvision_ops", reason="not our wheel of detectron2")
    assert ops.nms is importlib.import_module("detectron2.layers").nms
    command = [sys.executable, "-W", "ignore", "-c", _FIRST_ANSWER, json.dumps(_NOT_NEEDED)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded, class_names, kept = json.loads(done.stdout)
    assert loaded == []
    assert class_names == ["cat", "dog"]
    assert kept == [0]
