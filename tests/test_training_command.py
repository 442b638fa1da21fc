"""The one command that makes the starter, from made-up photographs: stopped in each stage, it goes
on, and what it writes belongs together."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from seg_widgets import load_predictor
from tests.modeling.test_starter_network import imagenet_like
from tests.test_training import make_data
from tests.test_training_names import make_folder
from training import groups, learn, make_starter, release
from training.card import write_card
from training.config import Inference
from training.export import position_of
from training.names import GROUP_OF, NAMES
from training.photographs import FOLDERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
    pytest.mark.filterwarnings("ignore:.*floordiv.*"),
]
SMALL = Inference(96, 128, 0.5)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All folders of photographs, with a few in each."""
    data = make_data(tmp_path_factory.mktemp("data"))
    for folder in FOLDERS[1:]:
        make_folder(data, folder.name, 5, {})
    return data


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small images, and few ways to choose from."""
    imagenet = tmp_path / "lite0.pth"
    torch.save(imagenet_like(), imagenet)
    monkeypatch.setattr("training.packages.fetch_backbone", lambda cache: imagenet)
    monkeypatch.setattr("training.composites.SHAPES", ((96, 128),))
    monkeypatch.setattr("training.named_sampler.SHAPES", ((96, 128),))
    monkeypatch.setattr("training.learn.MONITORED", SMALL)
    monkeypatch.setattr("training.choices.START", SMALL)
    monkeypatch.setattr("training.choices.SIZES", ((96, 128),))
    monkeypatch.setattr("training.choices.NMS_THRESHOLDS", (0.5,))
    monkeypatch.setattr("training.choices.TEMPERATURES", (1.0, 1.5))
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (640, 480), "#667788").save(tmp_path / "pictures" / "sky.jpg")
    monkeypatch.setattr("training.charts.PICTURES", (tmp_path / "pictures",))


@pytest.mark.parametrize("missing", ["coco446", "osie"])
def test_missing_data_is_said_before_anything_is_fetched(
    data: Path,
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(make_starter, "fetch_all", lambda *_, **__: pytest.fail("fetched"))
    shutil.copytree(data, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / missing)
    assert make_starter.main(["--data", str(tmp_path / "data")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: no photographs in {tmp_path / 'data'} of {missing}: ")
    assert "--data" in said


def test_a_client_that_is_missing_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch_all(*_: Any, **__: Any) -> Path:
        raise RuntimeError("`npm` is not installed here")

    monkeypatch.setattr(make_starter, "fetch_all", fetch_all)
    assert make_starter.main(["--data", str(data)]) == 2
    assert capsys.readouterr().err == "error: `npm` is not installed here\n"


@pytest.mark.usefixtures("quick")
def test_the_one_command_goes_on_in_each_stage_and_writes_what_belongs_together(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {
        name: tmp_path / name for name in ("cache", "groups", "names", "again", "weights", "images")
    } | {"into": tmp_path / "figures.json"}
    command = ["--data", str(data), "--photos-only", "--steps", "2", "--limit", "5"]
    command += ["--composites", "2", "--threads", "1"]
    command += [word for name, place in places.items() for word in (f"--{name}", str(place))]
    states = [places[stage] / learn.STATE for stage in ("groups", "names", "again")]

    def run() -> tuple[list[float], str]:
        """How far each stage is, and what was said."""
        assert make_starter.main(command) == 0
        progress = [float(position_of(one)["progress"]) if one.is_file() else -1 for one in states]
        return progress, capsys.readouterr().out

    # SIGTERM in the first stage, the stop file in the others.
    with monkeypatch.context() as patch:
        patch.setattr(groups, "watch", lambda training: os.kill(os.getpid(), signal.SIGTERM))
        progress, said = run()
        assert progress == [-1, -1, -1]
        assert "the same command goes on" in said
    watch = learn.Monitor.__call__

    def touch_and_watch(monitor: learn.Monitor, training: Any) -> None:
        (monitor.options.run / learn.STOP).touch()
        watch(monitor, training)

    with monkeypatch.context() as patch:
        patch.setattr(learn.Monitor, "__call__", touch_and_watch)
        progress, said = run()
        assert progress == [1, 0.5, -1]
        assert "groups: training from step 1" in said
        progress, said = run()
        assert progress == [1, 1, 0.5]
        assert '"photographs"' in said, "outlines are drawn by the names' network"
    assert json.loads((places["again"] / "outlines.json").read_text())["step"] == 2
    with monkeypatch.context() as patch:
        patch.setattr("training.self_masks.main", lambda *_: pytest.fail("drawn again"))
        patch.setattr(release, "choose", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception, match="killed"):
            run()
    capsys.readouterr()
    progress, said = run()
    assert progress == [1, 1, 1]
    assert "training from step" not in said
    assert "wrote" in said
    assert "all is done" in run()[1]

    weights = places["weights"] / "starter.safetensors"
    monkeypatch.setenv("SEG_WIDGETS_WEIGHTS", str(places["weights"]))
    predictor: Any = load_predictor(device="cpu")
    assert predictor.class_names == NAMES
    assert predictor.description == "starter (small, 96 classes)"
    assert predictor.model.roi_heads.group_of.tolist() == GROUP_OF.tolist()

    facts = json.loads(places["into"].read_text())
    assert facts["position"] == position_of(states[2])
    assert facts["before"] == position_of(states[1])
    assert facts["bytes"] == weights.stat().st_size < 25_000_000
    assert facts["sha256"] == predictor.weights_sha256
    learned = facts["learned_from"]["coco446"]
    assert 0 < learned <= 4  # made-up photographs that look alike are left out
    kept = facts["choice"]["trials"][facts["choice"]["kept"]]
    assert kept["temperature"] in (1.0, 1.5)
    architecture = "TwoScaleRCNN" if kept["two_scales"] else "GeneralizedRCNN"
    assert f"META_ARCHITECTURE: {architecture}" in weights.with_suffix(".yaml").read_text()
    assert "bins" not in places["into"].read_text()

    card = (places["weights"] / "starter.md").read_text("utf-8")
    assert f"| {learned} photographs of everyday scenes (`coco446`) |" in card
    assert "learned for 4 steps in 0.00 hours" in card
    assert "- `appliance`: microwave, oven, toaster, sink, refrigerator" in card
    assert "| animal | " in card
    for name in ("starter-scores.png", "starter-gallery.jpg"):
        assert f"(../images/{name})" in card
        with Image.open(places["images"] / name) as picture:
            assert min(picture.size) > 300
    write_card(facts, tmp_path / "weights" / "again.md", places["images"])
    assert (tmp_path / "weights" / "again.md").read_text("utf-8") == card

    # Outlines that other weights drew are not learned from, nor is a mean of two runs taken that
    # don't belong together.
    kept_state = states[1].read_bytes()
    shutil.copyfile(states[0], states[1])
    assert make_starter.main(command) == 2
    assert f"was not drawn by {states[1]}; remove" in capsys.readouterr().err
    states[1].write_bytes(kept_state)
    with pytest.raises(ValueError, match="doesn't say how many steps"):
        release.main([str(states[2]), "--data", str(data), "--after", str(weights)])

    # Other weights in that folder, or another run, are released anew.
    weights.write_bytes(b"")
    assert not release.is_released(states[2], places["weights"], places["into"])
