"""Making predictors: from a folder, from weights of older layouts, around a live model; and writing
them down."""

from __future__ import annotations

import gc
import json
import resource
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from seg_widgets import images, load_predictor, samples, save_model, wrap
from seg_widgets.errors import (
    ConfigError,
    DeviceError,
    ExportError,
    InferenceError,
    SettingError,
    WeightsFetchError,
)
from seg_widgets.modeling.checkpoint import read_checkpoint
from seg_widgets.modeling.detectron2_predictor import Detectron2Predictor
from seg_widgets.testing import StubPredictor, make_picture

from ..networks import assert_same, built, spread_scores, zoo_config

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"


@pytest.fixture(scope="module")
def photo() -> npt.NDArray[np.uint8]:
    return images.load(samples()["astronaut"])


@pytest.fixture(scope="module")
def starter() -> Detectron2Predictor:
    return load_predictor(device="cpu")


# ── a folder of one's own ─────────────────────────────────────────────────────────────────────────


def test_a_model_that_was_saved_comes_back_the_same(
    tmp_path: Path,
    starter: Detectron2Predictor,
    photo: npt.NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = save_model(starter, tmp_path / "models" / "mine")
    assert sorted(path.name for path in folder.iterdir()) == [
        "classes.json",
        "config.yaml",
        "model.safetensors",
    ]
    assert json.loads((folder / "classes.json").read_text()) == list(starter.class_names)
    for name, tensor in starter.model.state_dict().items():
        assert torch.equal(load_file(folder / "model.safetensors")[name], tensor), name
    again = load_predictor(folder, device="cpu")
    assert again.name == "mine"
    assert again.min_size == starter.min_size
    assert_same(again(photo), starter(photo))
    assert load_predictor(str(folder), device="cpu").class_names == starter.class_names
    monkeypatch.setenv("SEG_WIDGETS_WEIGHTS", str(folder.parent))
    assert load_predictor("mine", device="cpu").class_names == starter.class_names
    # The weights alone know the names too, and a later save replaces all of it, with what one that
    # was killed has left.
    (folder / "classes.json").unlink()
    (folder / ".saving-abcd_123").mkdir()
    (folder / ".saving-abcd_123" / "model.safetensors").write_bytes(b"half")
    assert load_predictor(folder, device="cpu").class_names == starter.class_names
    save_model(load_predictor(folder, device="cpu", min_size=200, classes=["x"] * 96), folder)
    assert len([*folder.iterdir()]) == 3
    assert load_predictor(folder, device="cpu").min_size == 200
    assert load_predictor(folder, device="cpu").class_names == ("x",) * 96


def test_the_folder_that_detectron2s_trainer_leaves_is_opened(
    tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    from detectron2.checkpoint import DetectionCheckpointer

    cfg = zoo_config(R50_FPN, classes=2)
    model = built(cfg).eval()
    DetectionCheckpointer(model, str(tmp_path)).save("model_final", iteration=9)
    (tmp_path / "config.yaml").write_text(cfg.dump())
    (tmp_path / "coco.json").write_text(
        json.dumps({"categories": [{"id": 5, "name": "b"}, {"id": 1, "name": "a"}]})
    )
    predictor = load_predictor(tmp_path, classes=tmp_path / "coco.json", device="cpu")
    assert predictor.class_names == ("a", "b")
    names = ["a", "b"]
    loaded = wrap(predictor.model, classes=names, config=cfg)
    assert_same(loaded(photo), wrap(model, classes=names, config=cfg)(photo))
    assert load_predictor(tmp_path, device="cpu").class_names == ("class 0", "class 1")
    with pytest.raises(ConfigError, match="The config has 2 classes, but 3 names are given"):
        load_predictor(tmp_path, classes=["a", "b", "c"], device="cpu")
    (tmp_path / "classes.json").write_text('["only one"]')
    with pytest.raises(ConfigError, match="The config has 2 classes, but 1 names are given"):
        load_predictor(tmp_path, device="cpu")


def test_names_that_are_none_are_refused(tmp_path: Path, starter: Detectron2Predictor) -> None:
    folder = save_model(starter, tmp_path)
    with pytest.raises(SettingError, match=r"list of names.*or as a \.json"):
        load_predictor(folder, classes="person", device="cpu")
    with pytest.raises(SettingError, match="texts, but 1 is a int"):
        load_predictor(folder, classes=[1] * 96, device="cpu")  # type: ignore[list-item]


def test_what_cannot_be_saved_says_why(tmp_path: Path, starter: Detectron2Predictor) -> None:
    with pytest.raises(SettingError, match="StubPredictor can't be saved"):
        save_model(StubPredictor(), tmp_path)
    bare = wrap(starter.model, classes=starter.class_names)
    with pytest.raises(SettingError, match=r"config .* is not known.*config=cfg"):
        save_model(bare, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="could not be written"):
        save_model(starter, tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_full_disk_is_an_error_of_ours(tmp_path: Path, starter: Detectron2Predictor) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(ExportError, match=r"could not be written.*Free some space"):
            save_model(starter, tmp_path / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "model").iterdir()) == []


# ── weights of other layouts ──────────────────────────────────────────────────────────────────────


def test_class_names_in_a_checkpoint_are_known(tmp_path: Path) -> None:
    torch.save(
        {"model": {"a": torch.zeros(1)}, "class_names": ["cell", "débris"]}, tmp_path / "a.pth"
    )
    assert read_checkpoint(tmp_path / "a.pth").classes() == ("cell", "débris")
    assert read_checkpoint(tmp_path / "a.pth", tmp_path / "kept").classes() == ("cell", "débris")
    assert read_checkpoint(tmp_path / "a.pth", tmp_path / "kept").classes() == ("cell", "débris")


# ── a model that is there already ─────────────────────────────────────────────────────────────────


def test_a_default_predictor_is_wrapped_and_left_as_it_is(
    tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    from detectron2.engine import DefaultPredictor

    cfg = zoo_config(
        R50_FPN, MODEL__ROI_HEADS__SCORE_THRESH_TEST=0.02, TEST__DETECTIONS_PER_IMAGE=7
    )
    model = spread_scores(built(cfg))
    save_file(model.state_dict(), tmp_path / "a.safetensors")
    torch.save(model.state_dict(), tmp_path / "a.pth")
    cfg.MODEL.WEIGHTS = str(tmp_path / "a.pth")
    theirs = DefaultPredictor(cfg)
    before = theirs(photo[:, :, ::-1])["instances"]
    ours = wrap(theirs, name="live")
    assert isinstance(ours, Detectron2Predictor)
    assert (ours.name, ours.min_size, len(ours.class_names), ours.class_names[0]) == (
        "live",
        128,
        80,
        "person",
    )
    found = ours(photo)
    loaded = load_predictor(
        config=R50_FPN,
        weights=tmp_path / "a.safetensors",
        min_size=128,
        device="cpu",
        max_instances=7,
    )
    assert_same(found, wrap(loaded.model, config=cfg, max_instances=7)(photo))
    assert len(found) == 7, "its own limit holds"
    # Its own limits hold again, and it can be written down.
    assert len(before) == 7
    after = theirs(photo[:, :, ::-1])["instances"]
    assert torch.equal(after.scores, before.scores)
    assert theirs.model.roi_heads.box_predictor.test_score_thresh == 0.02
    again = load_predictor(save_model(ours, tmp_path / "saved"), device="cpu")
    assert_same(wrap(again.model, config=cfg)(photo), found)


def test_a_model_that_trains_still_trains_after_a_look(photo: npt.NDArray[np.uint8]) -> None:
    cfg = zoo_config(R50_FPN, classes=2)
    model = built(cfg).train()
    model.roi_heads.mask_head.eval()
    predictor = wrap(model, ["cell", "debris"])
    modes = [module.training for module in model.modules()]
    predictor(photo)
    assert [module.training for module in model.modules()] == modes
    assert model.training and not model.roi_heads.mask_head.training
    predictor.model.backbone.bottom_up.stem.conv1.weight.sum()  # type: ignore[attr-defined]
    loss = model.backbone(torch.rand(1, 3, 64, 64))["p2"].sum()
    loss.backward()
    assert model.backbone.fpn_output2.weight.grad is not None


def test_a_panoptic_model_can_be_wrapped_for_its_instances(photo: npt.NDArray[np.uint8]) -> None:
    from detectron2.model_zoo import get_config

    cfg = get_config("COCO-PanopticSegmentation/panoptic_fpn_R_50_1x.yaml")
    cfg.MODEL.DEVICE = "cpu"
    model = spread_scores(built(cfg))
    predictor = wrap(model, [f"class {index}" for index in range(80)])
    predictor.min_size = 128  # type: ignore[attr-defined]
    small = np.ascontiguousarray(photo[::4, ::4])
    found = predictor(small)
    assert len(found) > 10
    assert found.masks is not None
    model.eval()
    with torch.no_grad():
        model.roi_heads.box_predictor.test_score_thresh = 0.05
        inputs = {"image": torch.zeros(3, 128, 128), "height": 128, "width": 128}
        assert set(model([inputs])[0]) >= {"instances", "sem_seg"}


def test_a_function_that_answers_like_detectron2_is_wrapped() -> None:
    from detectron2.structures import Boxes, Instances

    seen: list[npt.NDArray[np.uint8]] = []

    def model(picture: npt.NDArray[np.uint8]) -> dict[str, Any]:
        seen.append(picture)
        found = Instances(picture.shape[:2])
        found.pred_boxes = Boxes(
            torch.tensor([[0.0, 0, 0, 0], [10, 10, 30, 20], [-5, 5, 500, 15], [1, 1, 2, 2]])
        )
        found.scores = torch.tensor([0.4, 0.9, 0.6, 0.01])
        found.pred_classes = torch.tensor([1, 0, 1, 0])
        masks = torch.zeros(4, 40, 60, dtype=torch.bool)
        masks[0, 30:35, 20:24] = True
        masks[1, 12:18, 12:28] = True
        found.pred_masks = masks
        return {"instances": found}

    predictor = wrap(model, classes=["cell", "debris"])
    assert repr(predictor) == "wrap(model (2 classes))"
    picture = make_picture(60, 40)
    found = predictor(picture)
    np.testing.assert_array_equal(seen[0], picture[:, :, ::-1])
    # Best first; the box that was none is that of its mask, one beyond the image is cut, one below
    # the floor is left.
    assert found.boxes.tolist() == [[10, 10, 30, 20], [0, 5, 60, 15], [20, 30, 24, 35]]
    assert found.masks is not None
    assert [mask.area for mask in found.masks] == [96, 0, 20]
    assert found.class_ids.tolist() == [0, 1, 1]
    with pytest.raises(SettingError, match=r"doesn't tell its class names.*classes=\["):
        wrap(model)
    with pytest.raises(InferenceError, match="answered with int instead of a dict"):
        wrap(lambda _: 7, classes=["a"])(picture)


def test_what_cannot_be_wrapped_is_named(starter: Detectron2Predictor) -> None:
    with pytest.raises(SettingError, match="not int"):
        wrap(7)  # type: ignore[arg-type]
    with pytest.raises(
        SettingError, match=r"class names of this TwoScaleRCNN are not known.*classes=\["
    ):
        wrap(starter.model)
    with pytest.raises(ConfigError, match="The model has 96 classes, but 2 names are given"):
        wrap(starter.model, classes=["a", "b"])
    with pytest.raises(InferenceError, match="no instances"):
        wrap(_Labels(1, 1), classes=["a"])(make_picture(40, 30))


class _Labels(torch.nn.Linear):
    """A model that labels pixels and finds no instances."""

    def forward(self, inputs: Any) -> Any:
        return [{"sem_seg": inputs[0]["image"]}]


# ── devices, memory, and what is not there ────────────────────────────────────────────────────────


def test_half_precision_is_for_cuda(starter: Detectron2Predictor) -> None:
    with pytest.raises(DeviceError, match=r"half=True is for CUDA.*on cpu"):
        load_predictor(device="cpu", half=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_half_precision_differs_little(photo: npt.NDArray[np.uint8]) -> None:
    full, half = (
        load_predictor(device="cuda")(photo),
        load_predictor(device="cuda", half=True)(photo),
    )
    assert len(full.filter(0.5)) == len(half.filter(0.5))
    np.testing.assert_allclose(full.filter(0.5).boxes, half.filter(0.5).boxes, atol=2)


def test_ten_models_after_each_other_leave_no_memory_behind(
    tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    cfg = zoo_config(R50_FPN)
    save_file(built(cfg).state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.yaml").write_text(cfg.dump())
    small = np.ascontiguousarray(photo[::8, ::8])
    process, used = psutil.Process(), []
    gc.collect()
    gc.disable()  # a circle of references would keep a model until somebody collects it
    try:
        for _ in range(10):
            predictor = load_predictor(tmp_path, device="cpu")
            predictor(small)
            model = weakref.ref(predictor.model)
            del predictor
            assert model() is None
            used.append(process.memory_info().rss / 1e6)
    finally:
        gc.enable()
    # A model has 178 MB: the eight after the first two add less than one between them.
    assert used[-1] - used[1] < 100, used


def test_weights_that_cannot_be_fetched_are_an_error_or_another_model(
    photo: npt.NDArray[np.uint8],
) -> None:
    with pytest.raises(WeightsFetchError, match=r"coco-r50-fpn-3x.*can't be reached"):
        load_predictor("coco-r50-fpn-3x", device="cpu")
    with pytest.warns(
        UserWarning, match=r"can't be reached.*Going on with the model 'starter' instead"
    ):
        predictor = load_predictor("coco-r50-fpn-3x", device="cpu", fallback="starter")
    assert predictor.name == "starter"
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(WeightsFetchError, match="cancelled"):
        load_predictor("coco-r50-fpn-3x", device="cpu", fallback="starter", cancel=cancelled)
