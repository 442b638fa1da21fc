"""Configs: what they may ask for, what they may not, and that detectron2 builds what they mean."""

from __future__ import annotations

import logging
import resource
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from seg_widgets.errors import ConfigError
from seg_widgets.modeling.config import ZOO_KEY, ModelConfig, config_of, read_config
from seg_widgets.modeling.detectron2_predictor import Detectron2Predictor
from seg_widgets.modeling.loading import load_predictor
from seg_widgets.testing import make_picture

from .hostile_configs import HOSTILE

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
# Small in everything that costs time, so that each can be built and run.
SMALL: dict[str, Any] = {
    "MODEL": {
        "WEIGHTS": "",
        "RESNETS": {"DEPTH": 18, "RES2_OUT_CHANNELS": 64},
        "RPN": {"POST_NMS_TOPK_TEST": 20},
        "ROI_HEADS": {"NUM_CLASSES": 3},
    },
    "INPUT": {"MIN_SIZE_TEST": 64},
}


def _write(path: Path, content: dict[str, Any], base: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({**({"_BASE_": base} if base else {}), **content}))
    return path


def _zoo_config(name: str, **changes: Any) -> Any:
    from detectron2.model_zoo import get_config

    cfg = get_config(name)
    cfg.merge_from_list(
        [part for key, value in changes.items() for part in (key.replace("__", "."), value)]
    )
    return cfg


def _predict(config: ModelConfig) -> tuple[str, ...]:
    """What an answer of the model holds; its weights are random."""
    torch.manual_seed(0)
    model = config.build("cpu")
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            # A variance below 0 would make everything after it NaN.
            if name.endswith("running_var"):
                tensor.fill_(1)
            elif tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape) * 0.02)
    names = [f"class {index}" for index in range(config.classes)]
    predictor = Detectron2Predictor(model, names, min_size=config.min_size)
    picture = make_picture(96, 64)
    prediction = predictor(picture)
    assert prediction.image_size == (64, 96)
    return ("boxes",) if prediction.masks is None else ("boxes", "masks")


# ── where `_BASE_` may lead ───────────────────────────────────────────────────────────────────────


def test_a_base_beside_the_config_is_followed(tmp_path: Path) -> None:
    from detectron2.model_zoo import get_config_file

    whole = _zoo_config(R50_FPN)
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "whole.yaml").write_text(whole.dump())
    _write(
        tmp_path / "middle.yaml",
        {"MODEL": {"ROI_HEADS": {"NUM_CLASSES": 5}}},
        base="bases/whole.yaml",
    )
    config = read_config(
        _write(tmp_path / "mine.yaml", {"INPUT": {"MIN_SIZE_TEST": 333}}, base="middle.yaml")
    )
    assert (config.classes, config.min_size, config.max_size) == (5, 333, 1333)
    # The zoo's own go up and down inside the zoo.
    assert read_config(get_config_file(R50_FPN)).classes == 80


@pytest.mark.parametrize(
    "base",
    [
        "../secret.yaml",
        "/etc/hostname",
        "~/secret.yaml",
        "https://example.org/base.yaml",
        "http://127.0.0.1:9/b.yaml",
    ],
)
def test_a_base_elsewhere_is_not_followed(tmp_path: Path, base: str) -> None:
    _write(tmp_path / "secret.yaml", {"MODEL": {"ROI_HEADS": {"NUM_CLASSES": 5}}})
    path = _write(tmp_path / "inside" / "mine.yaml", SMALL, base=base)
    with pytest.raises(ConfigError, match="leaves its folder") as caught:
        read_config(path)
    assert "mine.yaml" in str(caught.value)
    (tmp_path / "inside" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ConfigError, match="leaves its folder"):
        read_config(_write(tmp_path / "inside" / "mine.yaml", SMALL, base="link.yaml"))


def test_bases_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'gone\.yaml' is missing"):
        read_config(_write(tmp_path / "mine.yaml", SMALL, base="gone.yaml"))
    _write(tmp_path / "other.yaml", {}, base="mine.yaml")
    with pytest.raises(ConfigError, match="go on and on"):
        read_config(_write(tmp_path / "mine.yaml", SMALL, base="other.yaml"))
    (tmp_path / "mine.yaml").write_text("_BASE_: [a, b]")
    with pytest.raises(ConfigError, match="name of one file"):
        read_config(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    "name",
    [
        R50_FPN,
        "COCO-Keypoints/keypoint_rcnn_R_50_FPN_1x.yaml",
        "COCO-Detection/retinanet_R_50_FPN_1x.yaml",
        "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml",
    ],
)
def test_a_config_copied_from_the_zoo_finds_the_zoos_base(tmp_path: Path, name: str) -> None:
    from detectron2.model_zoo import get_config_file

    shutil.copy(get_config_file(name), tmp_path / "mine.yaml")
    assert read_config(tmp_path / "mine.yaml").text() == read_config(name).text()


def test_a_changed_base_outside_the_folder_is_not_replaced_by_the_zoos(tmp_path: Path) -> None:
    from detectron2.model_zoo import get_config_file

    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / "mine.yaml"
    shutil.copy(get_config_file(R50_FPN), path)
    base = tmp_path / "Base-RCNN-FPN.yaml"
    shutil.copy(Path(get_config_file(R50_FPN)).parents[1] / base.name, base)
    assert read_config(path).classes == 80, "it is the zoo's, word by word"
    base.write_text(base.read_text() + "\nINPUT: {MIN_SIZE_TEST: 333}\n")
    with pytest.raises(ConfigError, match=r"leaves its folder.*_BASE_: 'Base-RCNN-FPN\.yaml'"):
        read_config(path)
    # The advice of that message.
    shutil.move(base, path.parent)
    path.write_text(path.read_text().replace("../Base-RCNN-FPN.yaml", "Base-RCNN-FPN.yaml"))
    assert read_config(path).min_size == 333


def test_a_zoo_behind_a_link_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editable install of detectron2 links `model_zoo/configs` to its checkout."""
    import detectron2.model_zoo

    real = Path(detectron2.model_zoo.__file__).parent
    shutil.copytree(real / "configs", tmp_path / "checkout" / "configs")
    (tmp_path / "model_zoo").mkdir()
    (tmp_path / "model_zoo" / "configs").symlink_to(tmp_path / "checkout" / "configs")
    monkeypatch.setattr(
        detectron2.model_zoo, "__file__", str(tmp_path / "model_zoo" / "__init__.py")
    )
    path = tmp_path / "model_zoo" / "configs" / R50_FPN
    assert read_config(path).classes == 80


# ── keys of other versions ────────────────────────────────────────────────────────────────────────


def test_keys_that_only_training_reads_are_passed_over_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = yaml.safe_load(_zoo_config(R50_FPN, MODEL__ROI_HEADS__NUM_CLASSES=3).dump())
    before = read_config(_write(tmp_path / "config.yaml", content)).text()
    assert caplog.records == []
    content |= {"FLOAT32_PRECISION": "", "WANDB": {"PROJECT": "cells"}, "PATIENCE": 5}
    content["SOLVER"] |= {"NUM_DECAYS": 3, "STEPS": "never"}
    content["DATALOADER"]["REPEAT_SQRT"] = True
    content["INPUT"]["COLOR_AUG"] = True
    content["MODEL"]["VIS_PERIOD"] = 7
    content["MODEL"]["ROI_BOX_HEAD"] |= {
        "USE_FED_LOSS": True,
        "FED_LOSS_NUM_CLASSES": 50,
        "USE_SIGMOID_CE": False,
    }
    with caplog.at_level(logging.WARNING):
        config = read_config(_write(tmp_path / "config.yaml", content))
    assert config.classes == 3
    [line] = caplog.messages
    for name in ("FLOAT32_PRECISION", "SOLVER", "REPEAT_SQRT", "FED_LOSS_NUM_CLASSES", "WANDB"):
        assert name in line
    assert yaml.safe_load(config.text())["MODEL"] == yaml.safe_load(before)["MODEL"]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("MODEL", "MASK_FORMER", {"HIDDEN_DIM": 256}),
        ("INPUT", "SIZE_DIVISIBILITY", 32),
        ("TEST", "TOPK", 5),
        ("ROI_BOX_HEAD", "USE_SIGMOID_CE", True),
    ],
)
def test_keys_that_may_change_an_answer_are_refused_by_name(
    tmp_path: Path, section: str, key: str, value: Any
) -> None:
    content: dict[str, Any] = {section: {key: value}}
    if section == "ROI_BOX_HEAD":
        content = {"MODEL": content}
    with pytest.raises(ConfigError, match=rf"may change what the model answers: .*{key}"):
        read_config(_write(tmp_path / "mine.yaml", content))


def test_an_old_version_is_upgraded(tmp_path: Path) -> None:
    content = {"VERSION": 1, "MODEL": {"WEIGHT": "a.pkl", "ROI_HEADS": {"NUM_CLASSES": 5}}}
    assert read_config(_write(tmp_path / "mine.yaml", content)).classes == 5
    with pytest.raises(ConfigError, match="config of version 9"):
        read_config(_write(tmp_path / "mine.yaml", {"VERSION": 9}))


# ── files that are none ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "NoneType"),
        ("- a\n- b", "holds a list"),
        ("MODEL: {a: &x [*x]}", "repeats itself|not plain YAML"),
        ("\x00\x01", "not plain YAML"),
        ("a: " + "[" * 3000, "not plain YAML"),
        ("MODEL: {ROI_HEADS: {NUM_CLASSES: many}}", "not a config"),
        ("MODEL: {MASK_FORMER: {X: 1}}", r"MODEL\.MASK_FORMER.*seg_widgets\.wrap"),
        ("!!python/object/apply:os.system ['true']", "not plain YAML"),
        ("A: !!python/name:os.system", "not plain YAML"),
        ("A: !!python/object/apply:eval ['1 + 1']", "not plain YAML.*would have to be run"),
        ("A: !!python/object/apply:eval 7", "not plain YAML"),
        (f"{ZOO_KEY}: new_baselines/../../etc.py", "none of the model zoo"),
        (
            f"{ZOO_KEY}: new_baselines/mask_rcnn_R_50_FPN_100ep_LSJ.py\nmin_size: wide",
            "whole numbers: .min_size.",
        ),
    ],
)
def test_a_file_that_is_no_config_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_config(path)
    assert "mine.yaml" in str(caught.value)


def test_a_small_file_may_not_unfold_to_a_large_one(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)
    ]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="repeats itself"):
        read_config(path)
    path.write_text("# " + "x" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than any config"):
        read_config(path)


@pytest.mark.parametrize("wrong", HOSTILE)
def test_what_a_stranger_may_write_is_refused_in_a_few_lines(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HOSTILE[wrong], "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert len(str(caught.value)) < 1000
    assert "\0" not in str(caught.value)


def test_lines_without_end_are_read_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("\n" * 200_000 + "A: " + "[" * 10)
    with pytest.raises(ConfigError, match="not plain YAML"):
        read_config(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"MODEL__ROI_BOX_HEAD__FC_DIM": 1_000_000},
        {"MODEL__RESNETS__WIDTH_PER_GROUP": 100_000},
        {"MODEL__ROI_MASK_HEAD__NUM_CONV": 1_000_000_000},
        {"MODEL__FPN__OUT_CHANNELS": 1_000_000},
    ],
)
def test_a_model_that_no_weights_fill_is_not_built(changes: dict[str, Any]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match=r"more than 4 GB or 50,000 tensors|a number of MODEL"):
        config_of(_zoo_config(R50_FPN, **changes)).build("cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4_500_000  # kilobytes


# ── what can be built, and what says why not ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "changes", "answer"),
    [
        (R50_FPN, {}, ("boxes", "masks")),
        ("Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml", {}, ("boxes", "masks")),
        ("COCO-InstanceSegmentation/mask_rcnn_R_50_C4_3x.yaml", {}, ("boxes", "masks")),
        ("Misc/mask_rcnn_R_50_FPN_3x_gn.yaml", {}, ("boxes", "masks")),
        (R50_FPN, {"MODEL__ROI_MASK_HEAD__CLS_AGNOSTIC_MASK": True}, ("boxes", "masks")),
        (R50_FPN, {"MODEL__ROI_BOX_HEAD__CLS_AGNOSTIC_BBOX_REG": True}, ("boxes", "masks")),
        ("COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", {}, ("boxes",)),
        ("COCO-Detection/retinanet_R_50_FPN_3x.yaml", {}, ("boxes",)),
        ("COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml", {}, ("boxes",)),
    ],
)
def test_what_finds_instances_is_built_and_answers(
    name: str, changes: dict[str, Any], answer: tuple[str, ...]
) -> None:
    cfg = _zoo_config(
        name,
        MODEL__RPN__POST_NMS_TOPK_TEST=20,
        INPUT__MIN_SIZE_TEST=64,
        MODEL__RETINANET__NUM_CLASSES=80,
        **changes,
    )
    config = config_of(cfg)
    assert config.classes == (1 if "Keypoint" in name else 80)
    assert _predict(config) == answer


def test_point_rend_is_built_from_the_code_that_comes_along(tmp_path: Path) -> None:
    content = yaml.safe_load(_zoo_config(R50_FPN).dump())
    content["MODEL"]["ROI_MASK_HEAD"] |= {
        "NAME": "PointRendMaskHead",
        "FC_DIM": 32,
        "NUM_FC": 1,
        "OUTPUT_SIDE_RESOLUTION": 7,
        "IN_FEATURES": ["p2"],
        "POINT_HEAD_ON": True,
        "POOLER_TYPE": "",
    }
    content["MODEL"]["POINT_HEAD"] = {
        "FC_DIM": 32,
        "NUM_CLASSES": 80,
        "IN_FEATURES": ["p2"],
        "SUBDIVISION_STEPS": 2,
    }
    content["INPUT"]["MIN_SIZE_TEST"] = 64
    content["MODEL"]["RPN"]["POST_NMS_TOPK_TEST"] = 20
    config = read_config(_write(tmp_path / "point_rend.yaml", content))
    assert _predict(config) == ("boxes", "masks")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        (
            "COCO-PanopticSegmentation/panoptic_fpn_R_50_3x.yaml",
            {},
            r"PanopticFPN.*every pixel.*use the Mask R-CNN",
        ),
        ("Misc/semantic_R_50_FPN_1x.yaml", {}, "SemanticSegmentor.*no single objects"),
        ("COCO-Detection/rpn_R_50_FPN_1x.yaml", {}, "ProposalNetwork.*names nothing"),
        (R50_FPN, {"MODEL__PROPOSAL_GENERATOR__NAME": "RRPN"}, "RRPN.*_C.*upright"),
        (R50_FPN, {"MODEL__ROI_HEADS__NAME": "RROIHeads"}, "RROIHeads.*_C"),
        ("COCO-Detection/fast_rcnn_R_50_FPN_1x.yaml", {}, "Fast R-CNN.*Use the Faster R-CNN"),
    ],
)
def test_what_finds_none_says_why(name: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config_of(_zoo_config(name, **changes))


DEFORMABLE = "Misc/mask_rcnn_R_50_FPN_3x_dconv_c3-c5.yaml"


@pytest.mark.parametrize(
    ("compiled", "device", "words"),
    [
        ({"has_cuda": lambda: True}, "cpu", "on CUDA devices only, and the device is cpu"),
        ({"has_cuda": lambda: False}, "cpu", "without the operators.*make setup"),
        ({"has_cuda": lambda: False}, "cuda:0", "without the operators.*make setup"),
        (None, "cpu", "without the operators.*make setup"),
    ],
)
def test_deformable_convolutions_need_something_that_computes_them(
    monkeypatch: pytest.MonkeyPatch, compiled: dict[str, Any] | None, device: str, words: str
) -> None:
    module = None if compiled is None else types.SimpleNamespace(**compiled)
    monkeypatch.setitem(sys.modules, "detectron2._C", module)
    with pytest.raises(ConfigError, match=f"deformable.*{words}") as caught:
        read_config(DEFORMABLE).build(device)
    assert "from its sources" not in str(caught.value)


def test_deformable_convolutions_run_where_torchvision_computes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import detectron2._C

    can_run = getattr(detectron2._C, "DEFORM_CONV_FROM_TORCHVISION", False)
    monkeypatch.setattr(detectron2._C, "DEFORM_CONV_FROM_TORCHVISION", True, raising=False)
    cfg = _zoo_config(DEFORMABLE, MODEL__RPN__POST_NMS_TOPK_TEST=20, INPUT__MIN_SIZE_TEST=64)
    if can_run:  # an installed wheel may be older than the one that this checkout builds
        assert _predict(config_of(cfg)) == ("boxes", "masks")
    else:
        config_of(cfg).build("cpu")


def test_a_value_that_detectron2_does_not_know_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't build this config"):
        config_of(_zoo_config(R50_FPN, MODEL__BACKBONE__NAME="build_no_such_backbone")).build("cpu")


# ── Python configs ────────────────────────────────────────────────────────────────────────────────

LAZY = """
from pathlib import Path
from detectron2.model_zoo import get_config
Path({marker!r}).touch()
cfg = get_config("common/models/mask_rcnn_fpn.py")
model = cfg.model
model.roi_heads.num_classes = 4
model.proposal_generator.post_nms_topk = (20, 20)
"""


def test_a_python_config_runs_only_when_it_is_trusted(tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "mine.py"
    path.write_text(LAZY.format(marker=str(marker)))
    with pytest.raises(ConfigError, match=r"would run its code.*trust_code=True"):
        read_config(path)
    with pytest.raises(ConfigError, match="would run its code"):
        load_predictor(config=path, weights=path)
    assert not marker.exists()
    config = read_config(path, trust_code=True)
    assert marker.exists()
    assert (config.classes, config.min_size, config.max_size, config.input_format) == (
        4,
        800,
        1333,
        "BGR",
    )
    assert config.text() == ""
    config.min_size = 64
    assert _predict(config) == ("boxes", "masks")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module", "failed when it was run: "),
        ("x = 1", "defines no `model`"),
        ("(", "failed when it"),
    ],
)
def test_a_python_config_that_fails_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_config(path, trust_code=True)
    assert "mine.py" in str(caught.value)
    with pytest.raises(ConfigError, match="no config"):
        read_config(tmp_path / "gone.py", trust_code=True)


def test_the_zoos_own_python_configs_need_no_trust(tmp_path: Path) -> None:
    name = "new_baselines/mask_rcnn_R_50_FPN_100ep_LSJ.py"
    config = read_config(name)
    assert (config.classes, config.min_size, config.max_size, config.input_format) == (
        80,
        800,
        1333,
        "BGR",
    )
    config.min_size = 512
    (tmp_path / "config.yaml").write_text(config.text())
    again = read_config(tmp_path / "config.yaml")
    assert (again.classes, again.min_size, again.max_size, again.input_format) == (
        80,
        512,
        1333,
        "BGR",
    )


def test_reading_a_config_changes_no_module() -> None:
    cfg = _zoo_config(R50_FPN)
    before = cfg.dump()
    config_of(cfg).build("cpu")
    assert cfg.dump() == before
    assert "detectron2.projects.deeplab" not in sys.modules


# ── other ways to give a config ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "COCO-Detection/retinanet_R_50_FPN_3x.yaml",
        "COCO-Detection/retinanet_R_50_FPN_3x",
        "COCO-Detection/retinanet_R_101_FPN_3x.yaml",
    ],
)
def test_the_zoos_retinanet_is_read_by_its_name(name: str) -> None:
    from detectron2.model_zoo import get_config

    theirs = get_config(f"{name.removesuffix('.yaml')}.yaml")
    ours = yaml.safe_load(read_config(name).text())
    assert ours["MODEL"]["ANCHOR_GENERATOR"]["SIZES"] == theirs.MODEL.ANCHOR_GENERATOR.SIZES
    assert read_config(name).classes == 80


def test_a_zoo_config_has_the_names_that_people_know() -> None:
    whole = read_config(R50_FPN).text()
    for name in ("mask_rcnn_R_50_FPN_3x", "mask_rcnn_R_50_FPN_3x.yaml", R50_FPN[:-5]):
        assert read_config(name).text() == whole
    with pytest.raises(ConfigError, match="Did you mean the config of 'coco-r50-fpn-3x'"):
        read_config("mask_rcnn_R50_FPN_3x.yaml")
    with pytest.raises(ConfigError, match="not a int"):
        read_config(7)


def test_a_config_in_memory_is_read() -> None:
    from detectron2.model_zoo import get_config

    assert read_config(_zoo_config(R50_FPN, MODEL__ROI_HEADS__NUM_CLASSES=3)).classes == 3
    lazy = get_config("new_baselines/mask_rcnn_R_50_FPN_100ep_LSJ.py")
    assert read_config(lazy).classes == 80


def test_what_lazy_config_wrote_is_named_as_such(tmp_path: Path) -> None:
    from detectron2.config import LazyConfig
    from detectron2.model_zoo import get_config

    lazy = get_config("new_baselines/mask_rcnn_R_50_FPN_100ep_LSJ.py")
    LazyConfig.save(lazy, str(tmp_path / "config.yaml"))
    (tmp_path / "model_final.pth").touch()
    with pytest.raises(ConfigError, match=r"LazyConfig.*would run its code.*trust_code=True"):
        load_predictor(tmp_path, device="cpu")
    with pytest.raises(ConfigError, match=r"LazyConfig: it can't be read back.*\.py config"):
        read_config(tmp_path / "config.yaml", trust_code=True)
    (tmp_path / "config.yaml").write_text(
        "model: {_target_: detectron2.modeling.GeneralizedRCNN, roi_heads: {num_classes: 4}}"
    )
    assert read_config(tmp_path / "config.yaml", trust_code=True).classes == 4
