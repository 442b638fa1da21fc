"""The catalogue: what it says of each model, where it looks for weights, and that detectron2 can
run every one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import ConfigError, WeightsNotFoundError
from seg_widgets.modeling import catalogue, file_sources, load_predictor, models
from seg_widgets.modeling.catalogue import STARTER, ModelCard, available_models, find_model
from seg_widgets.modeling.checkpoint import Checkpoint
from seg_widgets.testing import make_picture

CARDS = {card.name: card for card in models()}
ZOO = [card for card in CARDS.values() if card.file]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder that is looked through for weights."""
    monkeypatch.setattr(catalogue, "weight_folders", lambda: [tmp_path])
    yield tmp_path


# ── what it says ──────────────────────────────────────────────────────────────────────────────────


def test_the_starter_comes_first_and_every_name_is_a_name() -> None:
    assert next(iter(CARDS)) == STARTER
    assert len(CARDS) == len(models())
    for name in CARDS:
        assert re.fullmatch(r"[a-z0-9-]+", name)


def test_the_addresses_are_detectron2s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from detectron2 import model_zoo

    monkeypatch.delenv("SEG_WIDGETS_MIRROR")
    for card in ZOO:
        assert card.address == model_zoo.get_checkpoint_url(card.config)
        assert re.fullmatch(r"model_(final|0039999)_[0-9a-f]{6}\.pkl", card.file_name)
        assert card.md5_prefix == card.file_name[-10:-4]
        assert Path(model_zoo.get_config_file(card.config)).is_file()


def test_every_instance_model_of_the_zoo_is_here() -> None:
    from detectron2.model_zoo.model_zoo import _ModelZooUrls

    known = {card.config.rpartition(".")[0] for card in ZOO}
    left_out = re.compile("panoptic|semantic|retinanet|rpn|fast(er)?_rcnn|keypoint")
    for config, file in _ModelZooUrls.CONFIG_PATH_TO_URL_SUFFIX.items():
        if file and config not in known:
            assert left_out.search(config), config


def test_the_figures_are_plausible() -> None:
    for card in CARDS.values():
        assert card.licence
        assert card.classes >= 8
        for figure in (card.box_ap, card.mask_ap):
            assert figure is None or 20 < figure < 51
        assert card.speed in ("", "fast", "medium", "slow")
    r50 = CARDS["coco-r50-fpn-3x"]
    assert (r50.box_ap, r50.mask_ap, r50.speed, r50.classes) == (41.0, 37.2, "fast", 80)
    assert CARDS["lvis-r50-fpn-1x"].classes == 1230
    assert CARDS[STARTER].address == ""


def test_the_docs_list_them_all(root: Path) -> None:
    rows = [
        line.split("|")[1:-1]
        for line in (root / "docs" / "models.md").read_text().splitlines()
        if line.count("|") == 7 and "| `" in line
    ]
    listed = [
        (row[0].strip(" `"), row[2].strip(), row[3].strip(), row[4].strip(), row[5].strip())
        for row in rows
    ]

    def figure(value: float | None) -> str:
        return "" if value is None else f"{value:.1f}"

    assert listed == [
        (card.name, figure(card.box_ap), figure(card.mask_ap), card.speed, f"{card.megabytes:.0f}")
        for card in CARDS.values()
    ]


# ── where it looks ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "file", ["coco-r50-fpn-3x.safetensors", "coco-r50-fpn-3x.pkl", "model_final_f10217.pkl"]
)
def test_weights_of_the_zoo_are_found_by_either_name(folder: Path, file: str) -> None:
    assert CARDS["coco-r50-fpn-3x"].weights is None
    (folder / file).touch()
    found = find_model("coco-r50-fpn-3x")
    assert found.weights == folder / file
    assert found.config == "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
    assert available_models() == ["coco-r50-fpn-3x"]
    assert CARDS["coco-r50-fpn-3x"].weights == folder / file


def test_the_person_is_told_where_to_get_what_is_missing(folder: Path) -> None:
    with pytest.raises(WeightsNotFoundError) as caught:
        find_model("coco-r50-fpn-3x")
    for part in ("model_final_f10217.pkl", str(folder), CARDS["coco-r50-fpn-3x"].address, STARTER):
        assert part in str(caught.value)
    with pytest.raises(WeightsNotFoundError, match="Did you mean 'coco-r50-fpn-3x'"):
        find_model("coco-r50-fpn-3")
    with pytest.raises(ConfigError, match="no model name"):
        find_model("../coco-r50-fpn-3x")


def test_a_model_beside_them_is_listed_by_its_name(folder: Path) -> None:
    (folder / "cells.safetensors").touch()
    assert [card.name for card in models()] == list(CARDS), "without a config it is no model"
    (folder / "cells.yaml").touch()
    assert models()[-1] == ModelCard("cells", "", 0, "", None, None, None, None, "", "")
    assert models()[-1].weights == folder / "cells.safetensors"
    assert available_models() == ["cells"]


def test_a_folder_that_may_not_be_read_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "coco-r50-fpn-3x.pkl").touch()
    # To root every folder is open, so the permissions are only pretended here.
    monkeypatch.setattr("os.access", lambda path, mode: path != folder)
    for name in (STARTER, "coco-r50-fpn-3x", "unicorn"):
        with pytest.raises(ConfigError, match=r"may not be read by this user.*SEG_WIDGETS"):
            load_predictor(name)
    assert available_models() == []
    assert CARDS["coco-r50-fpn-3x"].weights is None
    assert len(models()) == len(CARDS)


# ── that they run ─────────────────────────────────────────────────────────────────────────────────


# One of each network: a longer training makes no other.
NETWORKS = [
    card
    for card in ZOO
    if not re.search("lsj-[24]00|(c4|dc5|fpn|cascade|dconv|noaug)-1x$|-9x$", card.name)
    or "lvis" in card.name
]


@pytest.mark.slow
@pytest.mark.parametrize("card", NETWORKS, ids=lambda card: card.name)
def test_each_builds_and_answers(
    card: ModelCard, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import detectron2._C
    import torch

    if "dconv" in card.config and not hasattr(detectron2._C, "DEFORM_CONV_FROM_TORCHVISION"):
        pytest.skip("the installed wheel is older than the one that this checkout builds")

    def fill(model: Any, checkpoint: Checkpoint) -> None:
        random = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if name.endswith("running_var"):
                    tensor.fill_(1)
                elif tensor.is_floating_point() and "cell_anchors" not in name:
                    # The class scores far apart, so that there is something to find.
                    spread = 3.0 if "cls_score" in name else 0.02
                    tensor.copy_(torch.randn(tensor.shape, generator=random) * spread)

    (folder / card.file_name).touch()
    monkeypatch.setattr(file_sources, "read_checkpoint", lambda path, keep_in: Checkpoint(path, {}))
    monkeypatch.setattr(file_sources, "load_into", fill)
    predictor = load_predictor(card.name, device="cpu", min_size=64)
    assert predictor.name == card.name
    assert len(predictor.class_names) == card.classes
    # The data set's own names, and not "class 0".
    assert not any(name.startswith("class ") for name in predictor.class_names)
    assert predictor.max_size >= 1333
    prediction = predictor(make_picture(96, 64))
    assert prediction.image_size == (64, 96)
    assert len(prediction.class_names) == card.classes
    assert 1 <= len(prediction) <= (300 if card.name.startswith("lvis") else 100)
    assert prediction.masks is not None
    state = predictor.model.state_dict().values()
    if card.name.startswith("coco-x152"):
        return  # its file holds more than the tensors
    assert card.megabytes == round(sum(tensor.nbytes for tensor in state) / 1e6, 1)
    assert np.all(prediction.scores >= 0.05)
