"""Fine-tuning on a folder in COCO's format: short runs of the real starter on drawn images."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch

from seg_widgets import load_predictor
from seg_widgets.cli import main
from seg_widgets.errors import ConfigError, DatasetError, InferenceError, SettingError
from seg_widgets.finetuning import FinetuneResult, finetune, read_dataset
from seg_widgets.finetuning.transfer import adapt_config

from ..shapes import write_shapes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
    pytest.mark.filterwarnings("ignore:.*floordiv.*"),
]


def _quiet(line: str) -> None:
    """Hears nothing."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    write_shapes(folder, 20)
    return folder


@pytest.fixture(scope="module")
def tuned(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[FinetuneResult, list[str]]:
    told: list[str] = []
    out = tmp_path_factory.mktemp("models") / "shapes"
    # To the end: what starts from the starter may be at its best long before.
    return finetune(
        data, out, steps=24, patience=0, min_size=96, device="cpu", report=told.append
    ), told


def test_it_learns_and_the_folder_opens(
    tuned: tuple[FinetuneResult, list[str]], data: Path
) -> None:
    result, told = tuned
    assert result.why_ended == "steps"
    assert result.steps == 24
    assert result.figures["AP50"] > 0.6  # 0.98 in the run that this was written with
    assert len(result.history) == 12
    assert max(ap for _, ap in result.history) > result.history[0][1]
    assert {path.name for path in result.folder.iterdir()} == {
        "classes.json",
        "config.yaml",
        "finetune.json",
        "log.csv",
        "model.safetensors",
    }
    assert (result.folder / "model.safetensors").stat().st_mode & 0o777 == 0o644
    predictor = load_predictor(result.folder, device="cpu")
    assert predictor.class_names == ("disc", "box")
    unseen = json.loads((result.folder / "finetune.json").read_text())["validation_pictures"]
    assert len(unseen) == 4
    picture = next(image for image in read_dataset(data).images if image.path.name == unseen[0])
    found = predictor(picture.load()).filter(
        0.3
    )  # eight objects to measure on are too few to put the threshold at 0.5
    assert set(found.counts()) == {"disc", "box"}
    assert "16 images to learn from, 4 to measure on" in told
    assert any(line.startswith("step 24 of 24: loss") for line in told)


def test_a_class_that_the_base_knows_starts_with_what_it_knows(tmp_path: Path) -> None:
    write_shapes(tmp_path, 3, ("animal", "crate"))
    told: list[str] = []
    result = finetune(
        tmp_path, tmp_path / "out", steps=1, min_size=64, device="cpu", report=told.append
    )
    assert any("classes that it knows already: animal" in line for line in told)
    assert result.figures == {}  # three images are too few to set any aside
    starter = load_predictor(device="cpu")
    tuned = load_predictor(tmp_path / "out", device="cpu")
    name = "roi_heads.box_predictor.1.cls_score.weight"
    before = starter.model.state_dict()[name][starter.class_names.index("animal")]
    after = tuned.model.state_dict()[name]
    assert torch.allclose(after[0], before, atol=2e-3)
    assert not torch.allclose(after[1], before, atol=2e-3)


def test_the_rows_follow_the_names_also_where_both_have_as_many_classes(
    tuned: tuple[FinetuneResult, list[str]], tmp_path: Path
) -> None:
    write_shapes(tmp_path, 3, ("box", "cone"))
    finetune(
        tmp_path,
        tmp_path / "out",
        model=tuned[0].folder,
        steps=1,
        min_size=64,
        device="cpu",
        report=_quiet,
    )
    name = "roi_heads.box_predictor.1.cls_score.weight"
    before, after = (
        load_predictor(folder, device="cpu").model.state_dict()[name]
        for folder in (tuned[0].folder, tmp_path / "out")
    )
    assert torch.allclose(after[0], before[1], atol=2e-3)  # "box" was the second
    assert torch.allclose(after[2], before[2], atol=2e-3)  # the background
    assert not torch.allclose(after[1], before[1], atol=2e-3)
    assert not torch.allclose(after[1], before[0], atol=2e-3)


def test_it_ends_when_it_gets_no_better(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "seg_widgets.finetuning.validation.BETTER", 2.0
    )  # so that nothing is ever better
    result = finetune(
        data, tmp_path, steps=12, patience=2, min_size=64, device="cpu", report=_quiet
    )
    assert result.why_ended == "no better"
    assert result.steps == 3
    assert load_predictor(tmp_path, device="cpu").class_names == ("disc", "box")


def test_without_an_object_to_measure_on_all_steps_are_run(tmp_path: Path) -> None:
    content = write_shapes(tmp_path, 8)
    content["annotations"] = content["annotations"][4:6]  # of one image
    (tmp_path / "instances.json").write_text(json.dumps(content))
    lines: list[str] = []
    result = finetune(
        tmp_path,
        tmp_path / "out",
        steps=14,
        patience=1,
        min_size=64,
        device="cpu",
        report=lines.append,
    )
    assert (result.why_ended, result.steps) == ("steps", 14)
    assert result.figures["AP"] is None
    assert result.history == []
    assert any("AP can't be measured: all steps are run" in line for line in lines)
    assert load_predictor(tmp_path / "out", device="cpu").class_names == ("disc", "box")


def test_an_interrupt_keeps_what_was_learnt(data: Path, tmp_path: Path) -> None:
    def report(line: str) -> None:
        if line.startswith("step 1 of"):
            os.kill(os.getpid(), signal.SIGINT)

    result = finetune(data, tmp_path, steps=40, min_size=64, device="cpu", report=report)
    assert result.why_ended == "stopped"
    assert result.steps == 1
    assert load_predictor(tmp_path, device="cpu").class_names == ("disc", "box")


def test_what_cannot_be_is_refused_before_it_begins(data: Path, tmp_path: Path) -> None:
    for wrong, words in (
        ({"steps": 0}, "steps is 1 or more"),
        ({"validation": 1.0}, "validation is a share"),
        ({"patience": -1}, "patience"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"min_size": 5}, "min_size"),
    ):
        with pytest.raises(SettingError, match=words):
            finetune(data, tmp_path / "out", device="cpu", report=_quiet, **wrong)
    with pytest.raises(DatasetError, match="There is no data set"):
        finetune(tmp_path / "nowhere", tmp_path / "out")


def test_a_loss_that_is_not_finite_is_told_with_what_to_do(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Gradients are clipped, so that no rate which is allowed did it in a few steps.
    def diverge(training: object, batch: object) -> None:
        raise FloatingPointError("the loss is not finite at step 0")

    monkeypatch.setattr("seg_widgets.finetuning.loop.Training.train_step", diverge)
    with pytest.raises(
        SettingError, match=r"went astray at step 0: .* Use a smaller learning_rate than"
    ):
        finetune(data, tmp_path / "out", steps=30, min_size=64, device="cpu", report=_quiet)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_another_failure_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(training: object, batch: object) -> None:
        raise RuntimeError("sizes of tensors must match")

    monkeypatch.setattr("seg_widgets.finetuning.loop.Training.train_step", fail)
    with pytest.raises(InferenceError, match="failed at step 0: RuntimeError: sizes of tensors"):
        finetune(data, tmp_path / "out", steps=3, min_size=64, device="cpu", report=_quiet)
    with pytest.raises(SettingError, match="this data set is read already"):
        finetune(read_dataset(data), tmp_path / "out", images=data, report=_quiet)


def test_a_limit_of_detections_is_raised_to_the_objects_of_an_image(data: Path) -> None:
    starter = load_predictor(device="cpu")
    assert adapt_config(starter, 2, None, 20).TEST.DETECTIONS_PER_IMAGE == 100
    assert adapt_config(starter, 2, None, 150).TEST.DETECTIONS_PER_IMAGE == 150


def test_a_model_without_masks_is_refused(data: Path, tmp_path: Path) -> None:
    from detectron2.model_zoo import get_config
    from detectron2.modeling import build_model

    from seg_widgets import save_model, wrap

    cfg = get_config("COCO-Detection/retinanet_R_50_FPN_1x.yaml")
    cfg.MODEL.DEVICE = "cpu"
    saved = save_model(wrap(build_model(cfg), config=cfg, name="retina"), tmp_path / "retina")
    with pytest.raises(ConfigError, match="is no Mask R-CNN"):
        finetune(data, tmp_path / "out", model=saved, device="cpu", report=_quiet)


def test_a_data_sets_own_validation_part_is_measured_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "model"
    write_shapes(data / "train", 6)
    write_shapes(data / "valid", 3, names=("box", "disc"), seed=8)  # other ids for the same names
    copy = (data / "train" / "images" / "001.png").read_bytes()
    (data / "valid" / "images" / "002.png").write_bytes(copy)
    assert main(["finetune", str(data), "--check"]) == 0
    assert "to measure on: 3 images" in capsys.readouterr().out
    options = ["--steps", "2", "--min-size", "64", "--device", "cpu"]
    assert main(["finetune", str(data), "--out", str(out), *options]) == 0
    shown = capsys.readouterr().out
    assert "6 images to learn from, 2 to measure on" in shown
    assert "image 002.png" in shown
    told = json.loads((out / "finetune.json").read_text())
    assert told["validation_pictures"] == ["001.png", "003.png"]
    assert told["figures"]["per_class"]["disc"]["instances"] == 2
    # A share, or another data set, is taken in place of it.
    assert main(["finetune", str(data), "--out", str(out), "--validation", "0.5", *options]) == 0
    assert "3 images to learn from, 3 to measure on" in capsys.readouterr().out
    assert (
        main(
            [
                "finetune",
                str(data),
                "--out",
                str(out),
                "--validation",
                str(data / "train"),
                *options,
            ]
        )
        == 2
    )
    assert (
        "no object of a class that is learned, in an image that is not" in capsys.readouterr().err
    )


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = write_shapes(tmp_path / "data", 6)
    content["annotations"][0]["image_id"] = 77
    (tmp_path / "data" / "instances.json").write_text(json.dumps(content))
    data, out = str(tmp_path / "data"), tmp_path / "model"
    assert main(["finetune", data, "--check"]) == 1
    assert "annotation 1: its image_id is no image's" in capsys.readouterr().out
    assert main(["finetune", data]) == 2
    assert "--out DIR" in capsys.readouterr().err
    assert main(["finetune", str(tmp_path / "gone"), "--out", str(out)]) == 2
    assert "error: There is no data set" in capsys.readouterr().err
    options = ["--steps", "2", "--min-size", "64", "--device", "cpu"]
    assert main(["finetune", data, "--out", str(out), *options]) == 0
    shown = capsys.readouterr().out
    assert "1 × its image_id is no image's: annotation 1" in shown
    assert (out / "problems.csv").read_text().splitlines()[
        1
    ] == "annotation 1,its image_id is no image's"
    assert "2 steps in" in shown
    assert f"--model {out}" in shown
    picture = str(tmp_path / "data" / "images" / "001.png")
    assert (
        main(
            [
                "segment",
                picture,
                "--model",
                str(out),
                "--device",
                "cpu",
                "--out",
                str(tmp_path / "found"),
            ]
        )
        == 0
    )
