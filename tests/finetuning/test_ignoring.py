"""Crowds, and objects too small to learn from, are no background in a training image."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage

from seg_widgets.finetuning import finetune, ignoring
from seg_widgets.finetuning.augmentation import Sample
from seg_widgets.finetuning.ignoring import (
    ignored_boxes,
    is_ignored,
    regions_ignored,
    share_inside,
)
from seg_widgets.finetuning.loop import as_input

from ..networks import built, zoo_config
from ..shapes import write_shapes

REGION = (64.0, 32.0, 124.0, 92.0)
CONFIGS = {
    "Mask R-CNN": "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml",
    "without a pyramid": "COCO-InstanceSegmentation/mask_rcnn_R_50_C4_3x.yaml",
    "a cascade": "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml",
}


def sample(*left_out: tuple[float, float, float, float], is_empty: bool = False) -> Sample:
    mask = np.zeros((128, 160), bool)
    mask[10:50, 10:50] = True
    pixels = np.random.default_rng(0).integers(0, 255, (128, 160, 3), dtype=np.uint8)
    if is_empty:
        return Sample(pixels, [], [], left_out=[*left_out])
    return Sample(pixels, [1], [mask], left_out=[*left_out])


def test_the_regions_of_a_sample_have_a_margin() -> None:
    assert ignored_boxes(sample()).shape == (0, 4)
    assert ignored_boxes(sample((10, 20, 14, 26))).tolist() == [[6, 16, 18, 30]]
    assert as_input(sample(REGION))["ignored"].tolist() == [[60, 28, 128, 96]]
    assert as_input(sample())["ignored"].shape == (0, 4)


def test_more_than_half_of_a_box_lies_in_a_region() -> None:
    boxes = Boxes(
        torch.tensor([[0.0, 0, 10, 10], [0, 0, 20, 10], [0, 0, 21, 10], [50, 50, 60, 60]])
    )
    ignored = torch.tensor([[0.0, 0, 11, 10], [80, 80, 90, 90]])
    assert is_ignored(boxes, ignored).tolist() == [True, True, True, False]
    assert is_ignored(boxes, torch.tensor([[0.0, 0, 10, 10]])).tolist() == [
        *(True, False, False, False)
    ]
    assert is_ignored(boxes, torch.zeros(0, 4)).tolist() == [False] * 4
    assert is_ignored(Boxes(torch.zeros(0, 4)), ignored).shape == (0,)
    many = torch.cat([torch.tensor([[200.0, 0, 210, 10]]).expand(40, 4), ignored])
    assert is_ignored(boxes, many).tolist() == [True, True, True, False]


def test_a_crowd_is_where_its_mask_is() -> None:
    crowd = np.zeros((128, 160), bool)
    crowd[:, :3] = crowd[-3:] = True  # its box is the whole image
    crowd[40:60, 100:130] = True
    boxes = Boxes(
        torch.tensor(
            [
                [0.0, 0, 160, 128],
                [0, 0, 5, 50],
                [0, 0, 7, 50],
                [100, 40, 130, 60],
                [-4, -4, 3, 40],
                [160, 128, 170, 140],
            ]
        )
    )
    assert share_inside(boxes, torch.from_numpy(crowd)).tolist() == pytest.approx(
        [(384 + 471 + 600) / 20480, 3 / 5, 3 / 7, 1, 120 / 308, 0]
    )
    thin = sample()
    thin.crowd = crowd
    given = as_input(thin)
    assert given["ignored"].shape == (0, 4) and given["crowd"].sum() == 1455
    assert as_input(sample())["crowd"] is None
    model = built(zoo_config(CONFIGS["Mask R-CNN"], 2)).train()
    with EventStorage(), regions_ignored(model):
        model([given])
        (found,) = model.roi_heads.label_and_sample_proposals(tiles()[:1], [given["instances"]])
    background = found.proposal_boxes[found.gt_classes == 2].tensor.tolist()
    assert len(background) > 40
    assert [112, 48, 128, 64] not in background, "3 of its 4 quarters are of the crowd"


def test_a_later_stage_of_a_cascade_takes_no_region_to_ignore_for_background() -> None:
    model = built(zoo_config(CONFIGS["a cascade"], 2)).train()
    given = [as_input(sample(REGION)), as_input(sample()), as_input(sample(is_empty=True))]
    truths = [one["instances"] for one in given]
    for is_used in (False, True):
        with EventStorage(), regions_ignored(model) if is_used else nullcontext():
            model(given)
            labelled = model.roi_heads._match_and_label_boxes(tiles(), 1, truths)
        inside = [is_ignored(one.proposal_boxes, given[0]["ignored"]) for one in labelled]
        assert bool(inside[0].any()) is not is_used
        assert inside[1].any() and inside[2].any()


def test_a_model_without_these_steps_is_left_as_it_is() -> None:
    class Plain(torch.nn.Module):
        pass

    model: Any = Plain()
    model.proposal_generator, model.roi_heads = Plain(), Plain()
    with regions_ignored(model):
        assert not hasattr(model.roi_heads, "_match_and_label_boxes")
    model.proposal_generator = None
    with pytest.raises(RuntimeError, match="in between"), regions_ignored(model):
        raise RuntimeError("in between")
    assert not model._forward_pre_hooks


@pytest.mark.parametrize("name", CONFIGS.values(), ids=CONFIGS)
def test_no_region_to_ignore_is_background(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = built(zoo_config(name, 2)).train()
    given = [as_input(sample(REGION)), as_input(sample()), as_input(sample(is_empty=True))]
    ignored = given[0]["ignored"]
    truths = [one["instances"] for one in given]
    labelled: list[tuple[Boxes, list[torch.Tensor]]] = []
    losses = model.proposal_generator.losses

    def hear(anchors: list[Boxes], logits: Any, labels: Any, *rest: Any) -> Any:
        labelled.append((Boxes.cat(anchors), labels))
        return losses(anchors, logits, labels, *rest)

    monkeypatch.setattr(model.proposal_generator, "losses", hear)
    for is_used in (False, True):
        with EventStorage(), regions_ignored(model) if is_used else nullcontext():
            sum(model(given).values()).backward()
            first, second, empty = model.roi_heads.label_and_sample_proposals(tiles(), truths)
        anchors, labels = labelled[is_used]
        inside = is_ignored(anchors, ignored)
        assert bool((labels[0][inside] == 0).any()) is not is_used
        assert (labels[0][~inside] == 0).any() and (labels[0] == 1).any()
        assert (labels[1][inside] == 0).any(), "another image has no such region"

        background = first.proposal_boxes[first.gt_classes == 2]
        assert bool(is_ignored(background, ignored).any()) is not is_used
        assert len(background) and (first.gt_classes == 1).any()
        assert is_ignored(second.proposal_boxes, ignored).any()
        assert is_ignored(empty.proposal_boxes, ignored).any()
    # Nothing is left behind, and to look at an image needs no regions.
    assert "label_and_sample_anchors" not in vars(model.proposal_generator)
    assert "label_and_sample_proposals" not in vars(model.roi_heads)
    assert not model._forward_pre_hooks
    with regions_ignored(model), torch.no_grad():
        model.eval()
        assert "instances" in model([{"image": given[0]["image"]}])[0]


def tiles() -> list[Instances]:
    """Proposals side by side, all over each of three images."""
    boxes = [[x, y, x + 16, y + 16] for x in range(0, 160, 16) for y in range(0, 128, 16)]
    logits = torch.ones(len(boxes))
    return [
        Instances(
            (128, 160),
            proposal_boxes=Boxes(torch.tensor(boxes, dtype=torch.float32)),
            objectness_logits=logits,
        )
        for _ in range(3)
    ]


def test_an_object_inside_of_a_region_is_learned() -> None:
    model = built(zoo_config(CONFIGS["Mask R-CNN"], 2)).train()
    batch = [as_input(sample((0.0, 0.0, 160.0, 128.0)))]
    with EventStorage(), regions_ignored(model):
        losses = model(batch)
        boxes = Boxes(torch.tensor([[12.0, 10, 50, 50], [90, 90, 99, 99]]))
        proposals = Instances((128, 160), proposal_boxes=boxes, objectness_logits=torch.ones(2))
        truth = batch[0]["instances"]
        (found,) = model.roi_heads.label_and_sample_proposals([proposals], [truth])
    # The box that fits, and the object's own; the other one is gone.
    assert found.gt_classes.tolist() == [1, 1]
    assert all(torch.isfinite(one) for one in losses.values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
@pytest.mark.filterwarnings("ignore:.*floordiv.*")
def test_fine_tuning_ignores_crowds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = write_shapes(tmp_path / "data", 6)
    for one in content["annotations"][::4]:
        one["iscrowd"] = 1
    (tmp_path / "data" / "instances.json").write_text(json.dumps(content))
    counts: list[int] = []
    inside = ignoring.share_inside

    def hear(boxes: Boxes, crowd: torch.Tensor) -> torch.Tensor:
        result = inside(boxes, crowd)
        counts.append(int((result > 0.5).sum()))
        return result

    monkeypatch.setattr(ignoring, "share_inside", hear)
    result = finetune(
        tmp_path / "data", tmp_path / "out", steps=2, min_size=64, device="cpu", validation=0,
        report=lambda line: None,
    )  # fmt: skip
    assert result.steps == 2
    assert sum(count > 0 for count in counts) > 2
