"""The names by which people know the zoo's models."""

from __future__ import annotations

from pathlib import Path

import pytest

from seg_widgets import load_predictor
from seg_widgets.errors import ConfigError, SettingError, WeightsFetchError, WeightsNotFoundError
from seg_widgets.modeling import download, find_source
from seg_widgets.modeling.zoo_names import card_at, card_meant, names_like

R50 = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x"
FILE = "137849600/model_final_f10217.pkl"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("coco-r50-fpn-3x", "coco-r50-fpn-3x"),
        (f"{R50}.yaml", "coco-r50-fpn-3x"),
        (R50, "coco-r50-fpn-3x"),
        ("mask_rcnn_R_50_FPN_3x.yaml", "coco-r50-fpn-3x"),
        ("mask_rcnn_R_50_FPN_3x", "coco-r50-fpn-3x"),
        ("model_final_f10217.pkl", "coco-r50-fpn-3x"),
        (f"detectron2://{R50}/{FILE}", "coco-r50-fpn-3x"),
        (f"https://dl.fbaipublicfiles.com/detectron2/{R50}/{FILE}", "coco-r50-fpn-3x"),
        (f"http://127.0.0.1:9/{R50}/{FILE}", "coco-r50-fpn-3x"),
        ("mask_rcnn_R_50_FPN_1x", "coco-r50-fpn-1x"),
        ("LVISv0.5-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.yaml", "lvis-r50-fpn-1x"),
        ("new_baselines/mask_rcnn_R_50_FPN_100ep_LSJ.py", "coco-r50-fpn-lsj-100"),
        ("cascade_mask_rcnn_X_152_32x8d_FPN_IN5k_gn_dconv", "coco-x152-fpn-cascade"),
    ],
)
def test_each_name_means_one_model(name: str, ours: str) -> None:
    card = card_meant(name)
    assert card is not None and card.name == ours
    source = find_source(name)
    assert (type(source).__name__, source.name) == ("ZooModel", ours)
    with pytest.raises(WeightsFetchError, match=f"weights of '{ours}' could not be fetched"):
        load_predictor(name)


@pytest.mark.parametrize(
    "name", ["", "unicorn", "COCO-InstanceSegmentation", "yaml", f"https://example.org/{FILE}"]
)
def test_other_names_mean_none(name: str) -> None:
    assert card_meant(name) is None
    assert card_at(name) is None


def test_the_address_that_detectron2_gives_is_known() -> None:
    from detectron2.model_zoo import get_checkpoint_url

    card = card_meant(get_checkpoint_url(f"{R50}.yaml"))
    assert card is not None and card.name == "coco-r50-fpn-3x"


def test_a_folder_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / R50).mkdir(parents=True)
    assert type(find_source(R50)).__name__ == "FolderModel"


def test_near_names_are_suggested() -> None:
    assert names_like("mask_rcnn_r_50_fpn_3x")[0] == "coco-r50-fpn-3x"
    assert names_like("coco-r50-fpn3x")[0] == "coco-r50-fpn-3x"
    assert names_like("completely different") == []
    with pytest.raises(WeightsNotFoundError, match="Did you mean 'coco-r50-fpn-3x'"):
        load_predictor("mask_rcnn_R_50_FPN_3X")
    with pytest.raises(ConfigError, match="Did you mean 'coco-r50-fpn-3x'"):
        load_predictor("COCO-InstanceSegmentation/mask_rcnn_R50_FPN_3x.yaml")
    with pytest.raises(ConfigError, match="Did you mean 'coco-r50-fpn-3x'"):
        download("coco-r50-fpn-3xx")


def test_a_config_in_memory_names_its_weights(tmp_path: Path) -> None:
    from detectron2.model_zoo import get_checkpoint_url, get_config

    cfg = get_config(f"{R50}.yaml")
    with pytest.raises(SettingError, match=r"a backbone.*Set cfg\.MODEL\.WEIGHTS"):
        load_predictor(cfg)
    cfg.MODEL.WEIGHTS = ""
    with pytest.raises(SettingError, match=r"MODEL\.WEIGHTS is empty"):
        load_predictor(config=cfg)
    cfg.MODEL.WEIGHTS = "https://example.org/model_final.pth"
    with pytest.raises(SettingError, match=r"model zoo only, not from https://example\.org/"):
        load_predictor(cfg)
    cfg.MODEL.WEIGHTS = get_checkpoint_url(f"{R50}.yaml")
    for given in ({"name": cfg}, {"config": cfg}):
        with pytest.raises(WeightsFetchError, match="weights of 'coco-r50-fpn-3x'"):
            load_predictor(**given)
    with pytest.raises(WeightsNotFoundError, match=r"no weights file .*\. Without config="):
        load_predictor(cfg, weights=tmp_path / "gone.pth", device="cpu")


@pytest.mark.parametrize("given", [None, 7, print])
def test_what_is_no_name_is_refused(given: object) -> None:
    with pytest.raises(SettingError, match=r"load_predictor takes .* use wrap\(model\)"):
        load_predictor(given)


@pytest.mark.parametrize("name", ["model_final.pth", "my.yaml", "best.onnx"])
def test_a_files_name_is_no_models(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is a file's name.*config=…, weights=…"):
        load_predictor(name)
