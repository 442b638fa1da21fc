"""Outlines by the network in known boxes: which are made and kept, and learning from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from detectron2.utils.events import EventStorage
from safetensors.torch import save_file

from seg_widgets.finetuning.augmentation import PhotoObject
from seg_widgets.finetuning.evaluation import encode
from seg_widgets.prediction import MaskCrop
from tests.test_training_names import index, make_folder
from training import learn, self_masks
from training.config import Inference
from training.named_model import build_named
from training.named_sampler import NamedSampler
from training.names import Label
from training.packed import pack, unpack
from training.partial_labels import PartialSample, as_partial_input
from training.photographs import LabelledPhoto, by_group, by_name, named_cutouts
from training.reading import Sources
from training.self_masks import (
    boxed,
    draw_masks,
    drawn,
    read_outlines,
    stretched,
    verdict_of,
    with_outlines,
    write_outlines,
)
from training.sources import Material

BOX = (20, 30, 101, 91)  # of the cat in each photograph of `make_folder`

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
    pytest.mark.filterwarnings("ignore:.*floordiv.*"),
]


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.self_masks.SHOWN", Inference(96, 128, two_scales=True))
    monkeypatch.setattr("training.learn.MONITORED", Inference(96, 128, 0.5))
    for module in ("named_sampler", "composites"):
        monkeypatch.setattr(f"training.{module}.SHAPES", ((96, 128), (128, 96)))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boxes")
    make_folder(folder, "coco446", 6, {})
    make_folder(folder, "coco_new_full", 5, {})
    make_folder(folder, "osie", 3, {"human_categories": ["cat"]})
    return folder


def network(logit: float) -> Any:
    """A network whose masks have this logit everywhere in their box."""
    torch.manual_seed(2)
    model: Any = build_named()
    predictor = model.roi_heads.mask_head.predictor
    torch.nn.init.zeros_(predictor.weight)
    torch.nn.init.constant_(predictor.bias, logit)
    return model


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights whose masks fill their boxes."""
    file = tmp_path_factory.mktemp("state") / "state.safetensors"
    tensors = {name: value.contiguous() for name, value in network(8).state_dict().items()}
    save_file(tensors, str(file), metadata={"step": "12"})
    return file


def ellipse() -> Any:
    mask = np.zeros((120, 160), np.uint8)
    cv2.ellipse(mask, (60, 60), (40, 30), 0, 0, 360, 1, -1)
    return mask


def photo_of(*labels: Label) -> LabelledPhoto:
    x0, y0, x1, y1 = BOX
    whole = np.ones((y1 - y0, x1 - x0), np.uint8)
    items = tuple(PhotoObject(label.pack(), x0, y0, whole) for label in labels)
    return LabelledPhoto("osie/1", np.full((120, 160, 3), 90, np.uint8), items)


def outline(mask: Any) -> str:
    counts: str = encode(mask)["counts"].decode()
    return counts


def test_sure_boxes_without_an_outline_get_one() -> None:
    cat = index("cat")
    photo = photo_of(
        Label(cat),
        Label(cat, has_mask=False),
        Label(cat, 0.45, has_mask=False),
        Label(cat, has_mask=False, is_ignored=True),
        Label(cat, is_self_made=True),
        Label(cat, is_ignored=True),
    )
    assert boxed(photo) == [1]
    assert drawn(photo) == [0]


@pytest.mark.parametrize(
    ("pixels", "stability", "fill", "verdict"),
    [
        (400, 0.85, 0.75, "kept"),
        (399, 0.99, 0.99, "small"),
        (9000, 0.84, 0.99, "unstable"),
        (9000, 0.99, 0.74, "loose"),
    ],
)
def test_only_stable_masks_that_fill_their_box_are_kept(
    pixels: int, stability: float, fill: float, verdict: str
) -> None:
    assert verdict_of(pixels, stability, fill) == verdict


def test_masks_are_drawn_in_the_boxes() -> None:
    image = np.full((120, 160, 3), 90, np.uint8)
    (found,) = draw_masks(network(8), image, [BOX])
    assert found.verdict == "kept"
    wanted = np.zeros((120, 160), bool)
    wanted[30:91, 20:101] = True
    assert (found.mask & wanted).sum() / (found.mask | wanted).sum() > 0.97
    # Neither in nor out: no mask at the higher level.
    assert draw_masks(network(0.1), image, [BOX])[0].verdict == "unstable"
    empty, too_small = draw_masks(network(-8), image, [BOX, (5, 5, 15, 15)])
    assert (empty.verdict, too_small.verdict) == ("small", "small")


def test_a_mask_is_stretched_to_its_boxs_edges() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:20, 12:30] = True
    mask[15:, 20:] = False
    result = stretched(mask, (10, 8, 32, 20))
    crop = MaskCrop.from_array(result)
    assert (crop.x, crop.y, crop.width, crop.height) == (10, 8, 22, 12)
    assert not result[16, 28]  # the part that was missing still is


def test_the_command_writes_outlines_of_training_photographs(
    data: Path, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "outlines.json"
    options = [str(state), "--data", str(data), "--threads", "1"]
    assert self_masks.main([*options, "--into", str(file)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["osie"] == {
        "boxes": 3, "kept": 3, "small": 0, "unstable": 0, "loose": 0, "share": 1.0,
    }  # fmt: skip
    assert facts["all"] == facts["osie"]

    content = json.loads(file.read_text())
    assert content["step"] == 12
    assert content["weights"] == hashlib.sha256(state.read_bytes()).hexdigest()
    outlines = read_outlines(file)
    # The cats of the other folders have outlines by people; the deer's boxes aren't sure.
    assert {key: [*own] for key, own in outlines.items()} == {
        f"osie/{number}": [0] for number in (1, 2, 3)
    }
    assert [path.name for path in file.parent.iterdir()] == ["outlines.json"]
    again = tmp_path / "again.json"
    self_masks.main([*options, "--limit", "2", "--into", str(again)])
    assert read_outlines(again) == {key: outlines[key] for key in ("osie/1", "osie/2")}


def test_outlines_are_compared_with_those_by_people(
    data: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert self_masks.main([str(state), "--data", str(data), "--check", "--threads", "1"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["boxes"], facts["kept"], facts["share"]) == (2, 2, 1.0)
    # The mask is all of the box, the cat an ellipse in it.
    assert facts["mean_iou"]["kept"] == pytest.approx(np.pi / 4, abs=0.03)
    assert facts["mean_iou"]["dropped"] is None


@pytest.mark.parametrize("more", [[], ["--check", "--into", "outlines.json"]])
def test_the_command_either_writes_or_checks(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        self_masks.main(["state", *more])
    assert "give either --into FILE or --check" in capsys.readouterr().err


def test_an_outline_changes_nothing_but_the_mask(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "outlines.json"
    write_outlines({"osie/1": {1: outline(ellipse())}}, state, file)
    given = photo_of(Label(index("dog"), 0.45, has_mask=False), Label(index("cat"), has_mask=False))
    other = replace(given, key="osie/2")
    photo, untouched = with_outlines([given, other], read_outlines(file))
    assert untouched == other
    assert photo.objects[0] == given.objects[0]
    item = photo.objects[1]
    assert Label.unpack(item.class_id) == Label(index("cat"), is_self_made=True)
    assert item.box == BOX
    assert np.array_equal(item.mask, ellipse()[30:91, 20:101])
    # It is no outline by people: nothing is cut out or measured by it.
    assert not by_name(photo).objects
    assert not by_group(photo).objects
    assert not [*named_cutouts(photo)]


def test_outlines_travel_with_packed_photographs(tmp_path: Path) -> None:
    given = photo_of(Label(index("cat"), has_mask=False))
    sources = Sources(with_outlines([given], {"osie/1": {0: outline(ellipse())}}), [], [], [])
    pack(sources, tmp_path)
    (photo,) = unpack(tmp_path).train
    assert Label.unpack(photo.objects[0].class_id) == Label(index("cat"), is_self_made=True)
    assert np.array_equal(photo.objects[0].mask, ellipse()[30:91, 20:101])


@pytest.mark.parametrize(
    ("outlines", "message"),
    [
        ({"osie/7": {0: outline(ellipse())}}, "1 photographs that are not learned from"),
        ({"osie/1": {5: outline(ellipse())}}, "osie/1 has no sure box 5 without an outline"),
        ({"osie/1": {1: outline(ellipse())}}, "osie/1 has no sure box 1 without an outline"),
        ({"osie/1": {0: outline(ellipse()[::-1, ::-1])}}, r"object 0 in osie/1: its box is"),
        ({"osie/1": {0: outline(ellipse()[:60])}}, r"object 0 in osie/1: A mask's RLE is damaged"),
    ],
)
def test_outlines_of_other_photographs_are_refused(outlines: Any, message: str) -> None:
    photo = photo_of(Label(index("cat"), has_mask=False), Label(index("cat")))
    with pytest.raises(ValueError, match=message):
        with_outlines([photo], outlines)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"outlines": {"osie/1": {"a": "b"}}}'])
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "outlines.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"was not written by training\.self_masks"):
        read_outlines(file)


def test_photographs_with_outlines_by_the_network_are_not_turned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    straightened: list[str] = []

    def upright(photo: Any, matrix: Any) -> Any:
        straightened.append(photo.key)
        return matrix

    monkeypatch.setattr("training.named_sampler.upright", upright)
    for label, expected in ((Label(index("cat"), is_self_made=True), 4), (Label(index("cat")), 0)):
        straightened.clear()
        sampler = NamedSampler(Material([photo_of(label)], [], []), 1)
        for number in range(4):
            sampler.sample(number)
        assert len(straightened) == expected


@pytest.mark.parametrize(("share", "learns"), [(0.0, False), (1.0, True)])
def test_the_mask_head_learns_from_a_share_of_the_regions(
    share: float, learns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.partial_labels.SELF_MADE_SHARE", share)
    label = Label(index("cat"), is_self_made=True).pack()
    image = np.full((120, 160, 3), 90, np.uint8)
    batch = [as_partial_input(PartialSample(image, [label], [ellipse().astype(bool)]))]
    assert batch[0]["instances"].gt_mask_shares.tolist() == [share]
    model = network(1).train()
    with EventStorage():
        losses = model(batch)
    assert (losses["loss_mask"].item() > 0) == learns


def test_a_training_learns_from_outlines(state: Path, tmp_path: Path) -> None:
    cat = photo_of(Label(index("cat"), has_mask=False))
    known = replace(photo_of(Label(index("cat"))), key="coco446/2")
    pack(Sources([cat], [known], [], []), tmp_path / "packed")
    options = ["--packed", str(tmp_path / "packed"), "--begin", str(state), "--steps", "1"]
    options += ["--batch-size", "1", "--workers", "0", "--threads", "1"]
    file = tmp_path / "outlines.json"
    for number, key in enumerate(("osie/1", "osie/2")):
        write_outlines({key: {0: outline(ellipse())}}, state, file)
        run = ["--run", str(tmp_path / f"run{number}"), "--outlines", str(file)]
        if key == "osie/2":
            with pytest.raises(ValueError, match=r"not learned from, such as osie/2"):
                learn.main([*options, *run])
        else:
            assert learn.main([*options, *run]) == 0
            log = (tmp_path / "run0" / "log.csv").read_text().splitlines()
            losses = dict(zip(log[0].split(","), log[1].split(","), strict=True))
            assert float(losses["loss_mask"]) > 0
