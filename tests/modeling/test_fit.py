"""A checkpoint's tensors go into a model, or it is said why they don't fit."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save_file

from seg_widgets import images, samples, wrap
from seg_widgets.errors import WeightsError
from seg_widgets.modeling.checkpoint import Checkpoint, read_checkpoint
from seg_widgets.modeling.fit import load_into

from ..networks import assert_alike, built, spread_scores, zoo_config

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([0.5, -0.5])}


_SHORT = {"weight": "s", "bias": "b"}
_BRANCHES = {"shortcut": "branch1", "conv1": "branch2a", "conv2": "branch2b", "conv3": "branch2c"}


@pytest.fixture(scope="module")
def photo() -> npt.NDArray[np.uint8]:
    return images.load(samples()["astronaut"])


def _linear() -> torch.nn.Linear:
    return torch.nn.Linear(3, 2)


def test_half_precision_becomes_the_models_own(tmp_path: Path) -> None:
    save_file(
        {name: tensor.half() for name, tensor in TENSORS.items()}, tmp_path / "half.safetensors"
    )
    model = _linear()
    load_into(model, read_checkpoint(tmp_path / "half.safetensors"))
    assert model.weight.dtype == torch.float32
    assert torch.equal(model.weight, TENSORS["weight"])


def test_a_mismatch_lists_the_tensors_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(4, 3), "extra": torch.zeros(1)}, path)
    model = _linear()
    before = model.weight.clone()
    with pytest.raises(WeightsError) as caught:
        load_into(model, read_checkpoint(path))
    message = str(caught.value)
    assert "1 missing (bias)" in message
    assert "1 unexpected (extra)" in message
    assert "weight (4, 3) instead of (2, 3)" in message
    assert torch.equal(model.weight, before)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.safetensors"
    save_file({**TENSORS, "bias": torch.tensor([float("nan"), 0.0])}, path)
    with pytest.raises(WeightsError, match=r"not finite \(in bias\)"):
        load_into(_linear(), read_checkpoint(path))


def _detectron1_names(names: Iterator[str]) -> dict[str, str]:
    """What Detectron called the tensors of Mask R-CNN R50-FPN, by what detectron2 calls them."""
    last = {"2": 2, "3": 3, "4": 5, "5": 2}
    rules: list[tuple[str, Any]] = [
        (r"backbone\.bottom_up\.stem\.conv1\.weight", "conv1_w"),
        (
            r"backbone\.bottom_up\.stem\.conv1\.norm\.(weight|bias)",
            lambda m: f"res_conv1_bn_{_SHORT[m[1]]}",
        ),
        (
            r"backbone\.bottom_up\.res(\d)\.(\d+)\.(shortcut|conv[123])\.(norm\.)?(weight|bias)",
            lambda m: f"res{m[1]}_{m[2]}_{_BRANCHES[m[3]]}_{'bn_' + _SHORT[m[5]] if m[4] else 'w'}",
        ),
        (
            r"backbone\.fpn_lateral(\d)\.(weight|bias)",
            lambda m: (
                f"fpn_inner_res{m[1]}_{last[m[1]]}_sum{'' if m[1] == '5' else '_lateral'}_{m[2][0]}"
            ),
        ),
        (
            r"backbone\.fpn_output(\d)\.(weight|bias)",
            lambda m: f"fpn_res{m[1]}_{last[m[1]]}_sum_{m[2][0]}",
        ),
        (
            r"proposal_generator\.rpn_head\.conv\.(weight|bias)",
            lambda m: f"conv_rpn_fpn2_{m[1][0]}",
        ),
        (
            r"proposal_generator\.rpn_head\.objectness_logits\.(weight|bias)",
            lambda m: f"rpn_cls_logits_fpn2_{m[1][0]}",
        ),
        (
            r"proposal_generator\.rpn_head\.anchor_deltas\.(weight|bias)",
            lambda m: f"rpn_bbox_pred_fpn2_{m[1][0]}",
        ),
        (r"roi_heads\.box_head\.fc(\d)\.(weight|bias)", lambda m: f"fc{int(m[1]) + 5}_{m[2][0]}"),
        (
            r"roi_heads\.box_predictor\.(cls_score|bbox_pred)\.(weight|bias)",
            lambda m: f"{m[1]}_{m[2][0]}",
        ),
        (
            r"roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)",
            lambda m: f"_[mask]_fcn{m[1]}_{m[2][0]}",
        ),
        (r"roi_heads\.mask_head\.deconv\.(weight|bias)", lambda m: f"conv5_mask_{m[1][0]}"),
        (r"roi_heads\.mask_head\.predictor\.(weight|bias)", lambda m: f"mask_fcn_logits_{m[1][0]}"),
    ]
    found = {}
    for name in names:
        for pattern, old in rules:
            match = re.fullmatch(pattern, name)
            if match:
                found[name] = old if isinstance(old, str) else old(match)
    return found


def _as_detectron1(model: Any) -> dict[str, npt.NDArray[np.float32]]:
    """A model's tensors as Detectron stored them: its names, the background first, frozen
    BatchNorms without a mean."""
    state = model.state_dict()
    names = _detectron1_names(iter(state))
    assert {name for name in state if name not in names} == {n for n in state if "running_" in n}
    blobs = {old: state[name].numpy() for name, old in names.items()}
    for old in ("cls_score_w", "cls_score_b"):
        blobs[old] = np.concatenate([blobs[old][-1:], blobs[old][:-1]])
    for old, rows in (("bbox_pred", 4), ("mask_fcn_logits", 1)):
        for part in ("w", "b"):
            array = blobs[f"{old}_{part}"]
            blobs[f"{old}_{part}"] = np.concatenate([np.zeros_like(array[:rows]), array])
    return {**blobs, "conv1_w_momentum": blobs["conv1_w"], "lr": np.array([0.1], np.float32)}


@pytest.mark.slow
def test_detectrons_own_layout_gives_what_detectron2s_checkpointer_gives(
    tmp_path: Path, photo: npt.NDArray[np.uint8]
) -> None:
    from detectron2.checkpoint import DetectionCheckpointer

    cfg = zoo_config(R50_FPN)
    made = spread_scores(built(cfg))
    path, kept = tmp_path / "detectron.pkl", tmp_path / "kept"
    path.write_bytes(pickle.dumps({"blobs": _as_detectron1(made), "cfg": "MODEL: …"}, 2))
    theirs = built(cfg).eval()
    DetectionCheckpointer(theirs).load(str(path))
    for _ in range(2):  # as it is, and from the copy that was kept
        ours = built(cfg).eval()
        load_into(ours, read_checkpoint(path, kept))
        state = ours.state_dict()
        for name, tensor in theirs.state_dict().items():
            assert torch.equal(state[name], tensor), name
    ours_found = wrap(ours, config=cfg)(photo)
    assert len(ours_found) >= 10
    assert_alike(ours_found, wrap(theirs, config=cfg)(photo))


def test_converted_torchvision_names_are_matched_too(tmp_path: Path) -> None:
    """Files that detectron2's own converters wrote say so themselves."""
    from detectron2.checkpoint import DetectionCheckpointer

    cfg = zoo_config("COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", classes=2)
    made = built(cfg)
    short = {
        name.removeprefix("backbone.bottom_up.").removeprefix("proposal_generator."): tensor.numpy()
        for name, tensor in made.state_dict().items()
    }
    path = tmp_path / "converted.pkl"
    content = {"model": short, "__author__": "torchvision", "matching_heuristics": True}
    path.write_bytes(pickle.dumps(content))
    ours, theirs = built(cfg), built(cfg)
    for model in (ours, theirs):
        with torch.no_grad():
            for tensor in model.state_dict().values():
                tensor.zero_()
    load_into(ours, read_checkpoint(path))
    DetectionCheckpointer(theirs).load(str(path))
    for name, tensor in made.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name
        assert torch.equal(theirs.state_dict()[name], tensor), name


@pytest.mark.parametrize("prefix", ["module.", "model.", "student.detector."])
def test_a_prefix_that_all_names_have_is_left_out(tmp_path: Path, prefix: str) -> None:
    layer = torch.nn.Linear(2, 3)
    model = torch.nn.Sequential(layer)
    state = {f"{prefix}{name}": tensor + 1 for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.pth")
    before = layer.bias.clone()
    load_into(model, read_checkpoint(tmp_path / "a.pth"))
    assert torch.equal(layer.bias, before + 1)


@pytest.mark.parametrize(
    ("given", "wanted", "words"),
    [
        ({"classes": 3}, {"classes": 80}, "trained with 3 classes, but this config has 80"),
        (
            {"name": "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml", "classes": 3},
            {"name": "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml"},
            "trained with 3 classes, but this config has 80",
        ),
        (
            {"name": "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x.yaml"},
            {},
            "those of a ResNet 101, but this config has a ResNet 50",
        ),
        (
            {"name": "COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml"},
            {},
            "a model without a mask head",
        ),
        ({}, {"name": "COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml"}, "a model with a mask head"),
        (
            {},
            {"name": "COCO-InstanceSegmentation/mask_rcnn_R_50_C4_3x.yaml"},
            r"with a feature pyramid \(FPN\)",
        ),
        ({}, {"name": "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml"}, "without a cascade of box heads"),
    ],
)
def test_weights_of_another_model_say_what_they_are(
    tmp_path: Path, given: dict[str, Any], wanted: dict[str, Any], words: str
) -> None:
    def make(name: str = R50_FPN, classes: int = 80) -> Any:
        return zoo_config(name, classes)

    weights = {
        name: torch.zeros(()).expand(tensor.shape)
        for name, tensor in built(make(**given)).state_dict().items()
    }
    with pytest.raises(WeightsError, match=words):
        load_into(built(make(**wanted)), Checkpoint(tmp_path / "other.pth", weights))


def test_a_backbone_alone_is_told_from_abuilt(tmp_path: Path) -> None:
    model = built(zoo_config(R50_FPN))
    backbone = {
        name: t for name, t in model.state_dict().items() if name.startswith("backbone.bottom_up.")
    }
    with pytest.raises(WeightsError, match="a backbone alone, from which a training starts"):
        load_into(model, Checkpoint(tmp_path / "r50.pkl", backbone))
    with pytest.raises(WeightsError, match="Not one name is the same"):
        load_into(model, Checkpoint(tmp_path / "yolo.pt", {"head.0.conv.weight": torch.zeros(1)}))
