"""The long training with names: labels that leave something open, their losses, going on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances
from pycocotools import mask as coco_mask

from seg_widgets.finetuning import TrainingConfig
from seg_widgets.finetuning.augmentation import (
    Photo,
    PhotoObject,
    affine,
    random_view,
    render,
    without_slivers,
)
from seg_widgets.finetuning.evaluation import FoundInstance
from seg_widgets.finetuning.ignoring import is_ignored
from seg_widgets.finetuning.loop import Training
from training import composites, learn, measure, release
from training.classes import CLASSES, COCO_GROUPS
from training.config import Inference
from training.evaluate import photo_truths
from training.export import export, park
from training.learn import LongTraining, go_on
from training.model import build
from training.named_model import begin_named, build_named, figures_of, make_named_config, spread
from training.named_sampler import NamedSampler, upright, with_targets
from training.names import (
    ANYTHING,
    BACKGROUND,
    COCO_NAMES,
    GROUP_OF,
    NAMES,
    Label,
    exactly,
    group_of_target,
    some,
    target_of_drawing,
    target_sets,
)
from training.packed import pack, unpack
from training.partial_labels import (
    Context,
    PartialSample,
    Targets,
    as_partial_input,
    name_loss,
    targets_of,
)
from training.photographs import (
    FOLDERS,
    Folder,
    LabelledPhoto,
    NamedCutout,
    by_group,
    by_name,
    copies,
    label_of,
    named_cutouts,
    part_of_photo,
    read_photographs,
)
from training.reading import Sources
from training.sources import Material

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
    pytest.mark.filterwarnings("ignore:.*floordiv.*"),
]


def index(name: str) -> int:
    return NAMES.index(name)


# names


def test_the_names_are_cocos_and_each_has_a_group() -> None:
    assert len(COCO_NAMES) == 80
    assert len(set(NAMES)) == len(NAMES) == 96
    assert {CLASSES[group] for group in GROUP_OF} == set(CLASSES)
    assert CLASSES[GROUP_OF[index("zebra")]] == "animal"
    assert CLASSES[GROUP_OF[index("animal")]] == "animal"
    assert all(name in NAMES for name in CLASSES)


def test_a_target_is_a_set_of_names() -> None:
    sets = target_sets()
    assert sets[index("cat")].nonzero()[0].tolist() == [index("cat")]
    animals = {NAMES[i] for i in sets[some("animal")].nonzero()[0]}
    assert animals >= {"cat", "zebra", "animal"}
    assert "cup" not in animals
    assert sets[ANYTHING].sum() == len(NAMES)
    assert not sets[ANYTHING, BACKGROUND]
    assert exactly("otter", "animal") == index("animal")
    assert group_of_target(some("food")) == CLASSES.index("food")
    assert group_of_target(ANYTHING) == -1


@pytest.mark.parametrize(
    "label",
    [
        Label(3),
        Label(ANYTHING, has_mask=False),
        Label(7, 0.4375, False),
        Label(0, is_ignored=True),
        Label(5, 1.0, is_self_made=True),
    ],
)
def test_a_label_is_packed_whole(label: Label) -> None:
    assert Label.unpack(label.pack()) == label


def test_drawings_have_the_names_that_coco_has_for_them() -> None:
    assert target_of_drawing("oncoming taxi", "vehicle") == index("car")
    assert target_of_drawing("banana", "food") == index("banana")
    assert target_of_drawing("rooster", "animal") == index("bird")
    assert target_of_drawing("otter", "animal") == some("animal")
    assert target_of_drawing("orange", "tool") == some("tool")  # another group's name


# photographs

DETECTOR = Folder("detector", has_masks=False, is_split=False, labels_all=False)


def test_a_detectors_scores_say_how_much_a_box_counts() -> None:
    def label(score: float, folder: Folder = DETECTOR) -> Label:
        return label_of({"score": score}, "cat", "animal", folder)

    assert label(0.7) == Label(index("cat"), 1.0, has_mask=False)
    assert label(0.45).weight == 0.45
    assert not label(0.45).is_ignored
    assert label(0.3).is_ignored
    assert label(0.45, Folder("strict", least=0.5)).is_ignored
    by_people = label_of({}, "cat", "animal", Folder("people"))
    assert by_people == Label(index("cat"))
    assert label_of({"iscrowd": 1}, "cat", "animal", Folder("people")).is_ignored
    assert label_of({}, "balloon", "sports", Folder("balloons", anything=True)).target == ANYTHING


def make_folder(data: Path, name: str, count: int, extra: dict[str, Any]) -> None:
    """A folder of photographs, each with a cat's ellipse and a zebra-like deer's box."""
    rng = np.random.default_rng(len(name))
    images = data / name / "images"
    images.mkdir(parents=True)
    names = [("cat", "animal"), ("deer", "animal"), *((group, group) for group in COCO_GROUPS)]
    content: dict[str, Any] = {
        "categories": [
            {"id": i + 1, "name": one, "supercategory": group}
            for i, (one, group) in enumerate(names)
        ],
        "images": [],
        "annotations": [],
    }
    for number in range(1, count + 1):
        noise = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        picture = cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((120, 160), np.uint8)
        cv2.ellipse(mask, (60, 60), (40, 30), 0, 0, 360, 1, -1)
        picture[mask > 0] = (40, 160, 220)
        cv2.imwrite(str(images / f"{number}.png"), picture)
        rle = coco_mask.encode(np.asfortranarray(mask))
        rle["counts"] = rle["counts"].decode()
        common = {"image_id": number, "iscrowd": 0}
        content["annotations"] += [
            {**common, "id": 3 * number, "category_id": 1, "segmentation": rle,
             "bbox": [20, 30, 81, 61]},
            {**common, "id": 3 * number + 1, "category_id": 2, "score": 0.45,
             "bbox": [110.2, 20, 40, 70]},
            {**common, "id": 3 * number + 2, "category_id": 2, "score": 0.25,
             "bbox": [0, 0, 20, 20]},
        ]  # fmt: skip
        entry = {"id": number, "file_name": f"{number}.png", "height": 120, "width": 160}
        content["images"].append(entry | extra)
    (data / name / "instances.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("named")
    make_folder(folder, "coco446", 20, {})
    make_folder(folder, "coco_new_full", 5, {})
    make_folder(folder, "osie", 3, {"human_categories": ["cat"]})
    return folder


@pytest.fixture(scope="module")
def photos(data: Path) -> dict[Any, list[LabelledPhoto]]:
    return read_photographs(data)


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights file of a network of groups."""
    torch.manual_seed(0)
    return export(build(None).state_dict(), tmp_path_factory.mktemp("groups"))


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.named_sampler.SHAPES", ((96, 128), (128, 96)))
    monkeypatch.setattr(composites, "SHAPES", ((96, 128), (128, 96)))


def test_every_fifth_photograph_labelled_by_people_is_held_out(
    photos: dict[Any, list[LabelledPhoto]],
) -> None:
    heldout = [photo.key for photo in photos["heldout"]]
    assert heldout == [*(f"coco446/{1 + 5 * i}" for i in range(4)), "coco_new_full/1"]
    assert [photo.key for photo in photos["validation"]] == ["coco_new_full/3", "coco_new_full/4"]
    assert sum(photo.key.startswith("osie") for photo in photos["train"]) == 3
    assert part_of_photo(DETECTOR, 0) == "train"


def test_labels_of_a_photograph_say_what_they_leave_open(
    photos: dict[Any, list[LabelledPhoto]],
) -> None:
    photo = next(one for one in photos["train"] if one.key.startswith("osie"))
    assert photo.labelled == frozenset({index("cat")})
    cat, deer, ignored = (Label.unpack(item.class_id) for item in photo.objects)
    assert cat == Label(index("cat"), has_mask=False)  # a box drawn by people
    assert (deer.target, deer.has_mask) == (index("animal"), False)
    assert ignored.is_ignored
    assert photo.objects[0].box == (20, 30, 101, 91)
    assert photo.objects[0].mask.all()
    whole = photos["heldout"][0]
    assert len(whole.labelled) == len(NAMES)
    assert [item.class_id for item in by_name(whole).objects] == [index("cat")]
    assert [item.class_id for item in by_group(whole).objects] == [CLASSES.index("animal")]


def test_cut_outs_of_photographs_have_names(photos: dict[Any, list[LabelledPhoto]]) -> None:
    found = [cutout for photo in photos["train"] for cutout in named_cutouts(photo)]
    assert found
    assert {cutout.target for cutout in found} == {index("cat")}


def test_copies_are_found_smaller_and_in_the_mirror() -> None:
    rng = np.random.default_rng(1)
    some_images = [
        cv2.resize(rng.integers(0, 255, (8, 9, 3), dtype=np.uint8), (180, 120)) for _ in range(3)
    ]
    mirrored = cv2.resize(some_images[1][:, ::-1], (90, 60))
    assert copies([some_images[0], mirrored], some_images[1:]).tolist() == [False, True]
    assert copies([some_images[0]], []).tolist() == [False]


def test_a_copy_of_a_held_out_photograph_is_not_learned_from(data: Path, tmp_path: Path) -> None:
    make_folder(tmp_path, "coco446", 5, {})
    make_folder(tmp_path, "osie", 4, {})
    held_out = cv2.imread(str(tmp_path / "coco446" / "images" / "1.png"))
    twice = cv2.imread(str(tmp_path / "coco446" / "images" / "2.png"))
    assert held_out is not None
    assert twice is not None
    cv2.imwrite(str(tmp_path / "osie" / "images" / "2.png"), held_out[:, ::-1])
    cv2.imwrite(str(tmp_path / "osie" / "images" / "3.png"), twice)
    keys = {photo.key for photo in read_photographs(tmp_path)["train"]}
    assert keys == {*(f"coco446/{i}" for i in range(2, 6)), "osie/1", "osie/4"}


# losses


def one_row(target: int, background: float = 1.0, weight: float = 1.0) -> Targets:
    not_there = torch.ones(1, len(NAMES) + 1, dtype=torch.bool)
    not_there[0, index("cat")] = False
    return Targets(
        torch.tensor([target]), torch.tensor([weight]), torch.tensor([background]), not_there
    )


def loss(logits: torch.Tensor, targets: Targets, group_weight: float = 0.0) -> float:
    sets = torch.from_numpy(target_sets())
    return float(name_loss(logits, targets, sets, group_weight))


def test_the_loss_of_a_set_is_that_of_its_sum() -> None:
    logits = torch.zeros(1, len(NAMES) + 1)
    logits[0, index("cat")] = 4.0
    p = logits.softmax(1)[0]
    animals = float(p[torch.from_numpy(target_sets()[some("animal")])].sum())
    cat = float(p[index("cat")])
    assert loss(logits, one_row(index("cat"))) == pytest.approx(-np.log(cat), rel=1e-5)
    assert loss(logits, one_row(some("animal"))) == pytest.approx(-np.log(animals), rel=1e-5)
    assert loss(logits, one_row(ANYTHING)) == pytest.approx(-np.log(1 - float(p[-1])), rel=1e-4)
    assert loss(logits, one_row(index("cat"), weight=0.5)) == pytest.approx(-np.log(cat) / 2)
    both = -np.log(cat) - 0.5 * np.log(animals)
    assert loss(logits, one_row(index("cat")), group_weight=0.5) == pytest.approx(both, rel=1e-5)
    # A set has no group beside itself.
    assert loss(logits, one_row(some("animal")), 0.5) == loss(logits, one_row(some("animal")))


def test_a_region_without_a_label_may_be_what_is_not_labelled() -> None:
    dog = torch.zeros(1, len(NAMES) + 1)
    dog[0, index("dog")] = 12.0
    cat = torch.zeros(1, len(NAMES) + 1)
    cat[0, index("cat")] = 12.0  # labelled, so it would have a label
    assert loss(dog, one_row(BACKGROUND)) == pytest.approx(12, abs=0.1)
    assert loss(dog, one_row(BACKGROUND, background=0.0)) == pytest.approx(0, abs=0.01)
    assert loss(dog, one_row(BACKGROUND, background=0.25)) == pytest.approx(3, abs=0.1)
    assert loss(cat, one_row(BACKGROUND, background=0.0)) > 7


def test_regions_to_ignore_and_unsure_boxes_count_less() -> None:
    truth = Instances((100, 100))
    truth.gt_boxes = Boxes(torch.tensor([[10.0, 10, 40, 40]]))
    truth.gt_classes = torch.tensor([index("cat")])
    truth.gt_weights = torch.tensor([0.4])
    regions = Instances((100, 100))
    boxes = [[10.0, 10, 40, 40], [60, 60, 80, 80], [0, 50, 10, 60], [10, 10, 40, 22]]
    regions.proposal_boxes = Boxes(torch.tensor(boxes))
    regions.gt_classes = torch.tensor([index("cat"), BACKGROUND, BACKGROUND, BACKGROUND])
    not_there = torch.ones(len(NAMES) + 1, dtype=torch.bool)
    context = Context(torch.tensor([[55.0, 55, 90, 90]]), 0.2, not_there)
    targets = targets_of(regions, truth, context)
    assert targets.weights.tolist() == pytest.approx([0.4, 0.0, 1.0, 0.4])
    # Near an object more is known than far from all.
    assert targets.background.tolist() == pytest.approx([0.7, 0.2, 0.2, 0.7])
    assert is_ignored(regions.proposal_boxes, context.ignored).tolist() == [
        False,
        True,
        False,
        False,
    ]


# sampling


def test_a_sample_says_what_is_ignored_and_what_has_no_mask() -> None:
    masks = [np.zeros((40, 50), bool) for _ in range(3)]
    masks[0][5:15, 5:25] = True
    masks[1][20:30, 5:15] = True
    masks[2][20:38, 20:45] = True
    labels = [Label(index("cat")), Label(0, is_ignored=True), Label(some("food"), 0.5, False)]
    sample = PartialSample(
        np.zeros((40, 50, 3), np.uint8), [label.pack() for label in labels], masks, 0.3,
        frozenset({index("cat")}),
    )  # fmt: skip
    result = as_partial_input(sample)
    instances, context = result["instances"], result["context"]
    assert instances.gt_classes.tolist() == [index("cat"), some("food")]
    assert instances.gt_weights.tolist() == [1.0, 0.5]
    assert instances.gt_mask_shares.tolist() == [1.0, 0.0]
    assert context.ignored.tolist() == [[5, 20, 15, 30]]
    assert context.background == 0.3
    assert (~context.not_there).nonzero()[:, 0].tolist() == [index("cat")]


def test_what_is_too_small_or_cut_off_is_no_background() -> None:
    whole, crowd = np.ones((40, 40), np.uint8), np.ones((30, 30), np.uint8)
    photo = Photo(
        "photo",
        np.zeros((100, 200, 3), np.uint8),
        (
            PhotoObject(0, 10, 10, whole),
            PhotoObject(1, 60, 10, np.ones((6, 6), np.uint8)),
            PhotoObject(2, 92, 40, np.ones((40, 100), np.uint8)),
            PhotoObject(3, 20, 60, crowd, crowd=True),
        ),
    )
    seen = render(photo, np.eye(3), 100, 100)
    assert seen.class_ids == [0]
    assert sorted(seen.left_out) == [(60, 10, 66, 16), (92, 40, 100, 80)]
    assert seen.crowd is not None
    assert seen.crowd[60:90, 20:50].all() and seen.crowd.sum() == 900

    thin = np.zeros((100, 100), bool)
    thin[5:7, 10:40] = True
    sample = PartialSample(
        seen.image,
        [Label(0).pack(), Label(1).pack()],
        [seen.masks[0], thin],
        left_out=[(1, 2, 3, 4)],
        crowd=seen.crowd,
    )
    kept = without_slivers(sample)
    assert isinstance(kept, PartialSample)
    assert (len(kept.masks), kept.left_out) == (1, [(1, 2, 3, 4), (10, 5, 40, 7)])
    assert as_partial_input(kept)["context"].ignored.tolist() == [
        [20, 60, 50, 90], [-3, -2, 7, 8], [6, 1, 44, 11]
    ]  # fmt: skip


def test_views_have_the_scales_that_are_asked_for() -> None:
    photo = Photo("photo", np.zeros((100, 200, 3), np.uint8), ())
    for scales in ((0.6, 2.0), (1.5, 3.0)):
        views = [
            random_view(np.random.default_rng(seed), photo, 50, 100, scales=scales)
            for seed in range(200)
        ]
        found = [2 * abs(np.linalg.det(view[:2, :2])) ** 0.5 for view in views]
        assert scales[0] <= min(found) < scales[0] * 1.1
        assert scales[1] / 1.1 < max(found) <= scales[1]


def test_dropout_is_of_training_alone() -> None:
    model: Any = build_named(dropout=0.5)
    regions = torch.ones(64, 96, 7, 7)
    for head, predictor in zip(
        model.roi_heads.box_head, model.roi_heads.box_predictor, strict=True
    ):
        model.train()
        assert not torch.equal(head(regions)[:1].expand(64, -1), head(regions))
        features = torch.rand(64, 384)
        scores, boxes = predictor(features)
        again, same = predictor(features)
        assert not torch.equal(scores, again)
        assert torch.equal(boxes, same)  # of a box every input counts
        model.eval()
        assert torch.equal(predictor(features)[0], predictor(features)[0])
    assert set(model.state_dict()) == set(build_named().state_dict())


def test_a_sample_is_the_same_each_time(photos: dict[Any, list[LabelledPhoto]]) -> None:
    found = [cutout for photo in photos["train"] for cutout in named_cutouts(photo)]
    material = Material([*photos["train"]], [*found], [])
    one, two = NamedSampler(material, 3), NamedSampler(material, 3)
    kinds = set()
    for number in range(12):
        first, second = one.sample(number), two.sample(number)
        assert np.array_equal(first.image, second.image)
        assert first.class_ids == second.class_ids
        assert first.image.shape[:2] == ((96, 128) if number // 4 % 2 == 0 else (128, 96))
        kinds.add((first.background, len(first.labelled)))
    assert len(kinds) > 1
    larger = NamedSampler(material, 3, scale=1.34).sample(0)
    assert larger.image.shape[:2] == (128, 160)


def test_a_view_without_its_turn_shows_the_same_place() -> None:
    photo = Photo("p", np.zeros((80, 100, 3), np.uint8), (PhotoObject(0, 1, 1, np.ones((9, 9))),))
    turned = affine((50, 40), (30, 35), 1.2, 0.8, 10.0, True)
    straight = upright(photo, turned)
    assert straight[:2, :2] == pytest.approx(np.diag([-1.2, 0.8]), abs=1e-6)
    assert straight @ [50, 40, 1] == pytest.approx([30, 35, 1])


def test_cut_outs_have_the_names_of_their_files(tmp_path: Path) -> None:
    listing = tmp_path / "openmoji.json"
    listing.write_text(json.dumps([{"hexcode": "1F431", "annotation": "cat"}]))
    rgba = np.zeros((30, 30, 4), np.uint8)
    given = [
        NamedCutout("emoji/1f431", "emoji", CLASSES.index("animal"), rgba),
        NamedCutout("drawn/noto/oncoming-taxi", "drawn", CLASSES.index("vehicle"), rgba),
        NamedCutout("stamp/tools/axe", "stamp", CLASSES.index("tool"), rgba),
        NamedCutout("people/000000000139", "people", CLASSES.index("person"), rgba),
    ]
    targets = [cutout.target for cutout in with_targets(given, listing)]
    assert targets == [index("cat"), index("car"), some("tool"), index("person")]


# the network


def test_the_new_network_begins_as_the_groups(starter: Path) -> None:
    rows = torch.randn(len(CLASSES) + 1, 4)
    bias = torch.randn(len(CLASSES) + 1)
    features = torch.randn(5, 4)
    old = (features @ rows.T + bias).softmax(1)
    new = (features @ spread(rows, False).T + spread(bias, True)).softmax(1)
    sums = torch.zeros(5, len(CLASSES)).index_add(1, torch.from_numpy(GROUP_OF), new[:, :-1])
    assert torch.allclose(sums, old[:, :-1], atol=1e-6)
    model: Any = build_named()
    begin_named(model, starter)
    assert model.roi_heads.group_of.tolist() == GROUP_OF.tolist()


def test_a_fine_tuned_model_has_no_groups_of_the_names() -> None:
    from seg_widgets import wrap
    from seg_widgets.finetuning.transfer import transfer_network

    # As many classes as names, so that the buffers would fit.
    classes = ("cat", *(f"screw {number}" for number in range(1, len(NAMES))))
    config: Any = make_named_config()
    base: Any = wrap(build_named(), NAMES, config=config, name="starter")
    network, words = transfer_network(base, config, classes, "cpu", 0)
    own, theirs = network.state_dict(), base.model.state_dict()
    assert own["roi_heads.group_of"].tolist() == [*range(len(classes))]
    assert own["roi_heads.stands_for"].tolist() == [*range(len(classes))]
    row = "roi_heads.box_predictor.0.cls_score.weight"
    assert torch.equal(own[row][0], theirs[row][NAMES.index("cat")])
    assert words == "classes that it knows already: cat"


def test_a_long_training_goes_on_from_its_file(
    photos: dict[Any, list[LabelledPhoto]], starter: Path, tmp_path: Path
) -> None:
    material = Material([*photos["train"]], [], [])
    config = TrainingConfig(steps=3, batch_size=2, workers=0, warmup_steps=1, learning_rate=1e-4)

    def training(folder: str) -> LongTraining:
        model = build_named(group_weight=0.5)
        begin_named(model, starter)
        return LongTraining(model, NamedSampler(material, 4), config, tmp_path / folder)

    first = training("first")
    before = {name: value.clone() for name, value in first.model.state_dict().items()}
    first.run(lambda one: one.stop() if one.step == 2 else None)
    after = first.model.state_dict()
    for part in ("box_predictor.0.cls_score.weight", "mask_head.reduce.weight"):
        assert not torch.equal(before[f"roi_heads.{part}"], after[f"roi_heads.{part}"])
    assert first.active_s > 0

    file = tmp_path / "state.safetensors"
    park(first.checkpoint, file)
    assert file.stat().st_size < 25_000_000
    second = training("second")
    go_on(second, file)
    assert (second.step, second.progress) == (2, first.progress)
    assert second.active_s == first.active_s
    weight = second.model.state_dict()["roi_heads.mask_head.reduce.weight"]
    average = first.average["roi_heads.mask_head.reduce.weight"]
    assert torch.allclose(weight, average, atol=1e-3)
    second.begun_at = second.step
    assert second.run()
    assert second.step == 3

    # What was written can be measured, by groups and by names.
    truths = [photo_truths(map(kind, photos["validation"])) for kind in (by_group, by_name)]
    figures = figures_of(second.model, [*truths[0]], [*truths[1]], Inference(96, 128, 0.5))
    assert 0 <= figures["groups"]["AP"] <= 1
    assert 0 <= figures["names"]["AP"] <= 1


def test_the_monitor_writes_figures_and_the_file_for_later(
    photos: dict[Any, list[LabelledPhoto]], starter: Path, tmp_path: Path
) -> None:
    model = build_named()
    begin_named(model, starter)
    material = Material([*photos["train"]], [], [])
    config = TrainingConfig(steps=5, batch_size=1, workers=0, learning_rate=1e-4)
    training = LongTraining(model, NamedSampler(material, 4), config, tmp_path)
    truths = {
        "groups": [*photo_truths(map(by_group, photos["validation"]))],
        "names": [*photo_truths(map(by_name, photos["validation"]))],
    }
    monitor = learn.Monitor(argparse.Namespace(run=tmp_path, every=2), truths)
    (tmp_path / learn.STOP).touch()  # as `touch` in a shell does
    assert not training.run(monitor)
    assert training.step == 1
    (tmp_path / learn.STOP).unlink()
    training.stopping = False

    def measure_and_stop(one: Training) -> None:
        monitor(one)
        one.stop()

    training.run(measure_and_stop)
    lines = (tmp_path / "validation.csv").read_text().splitlines()
    assert lines[0].startswith("step,hours,progress,groups_AP")
    assert lines[1].startswith("2,")
    assert (tmp_path / learn.STATE).is_file()


def test_doubles_are_outlines_of_one_object() -> None:
    def outline(left: int, score: float) -> Any:
        mask = np.zeros((40, 60), np.uint8)
        mask[5:35, left : left + 20] = 1
        return FoundInstance(0, coco_mask.encode(np.asfortranarray(mask)), score)

    assert measure.doubles([outline(5, 0.9), outline(7, 0.8), outline(35, 0.7)]) == 1
    assert measure.doubles([outline(5, 0.9), outline(7, 0.4)]) == 0


def test_every_folder_that_is_learned_from_is_described_once() -> None:
    assert len({folder.name for folder in FOLDERS}) == len(FOLDERS)
    assert all(0 < folder.background <= 1 for folder in FOLDERS)


def test_what_is_packed_for_another_machine_is_read_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(5)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (60, 80, 3)).astype(np.uint8), (31, 31), 9)
    outline = (rng.random((17, 23)) > 0.3).astype(np.uint8)
    item = PhotoObject(Label(index("dog"), 0.45, has_mask=True).pack(), 3, 5, outline)
    photo = LabelledPhoto("coco446/1", smooth, (item,), 0.3, 2.0, frozenset({index("dog")}))
    alpha = np.zeros((60, 80), np.uint8)
    alpha[10:50, 20:60] = 255
    cutout = NamedCutout("emoji/1", "emoji", 2, np.dstack([smooth, alpha]), target=index("cat"))
    sources = Sources([photo], [photo], [cutout], [("sky", np.repeat(smooth, 12, 1))])
    monkeypatch.setattr("training.packed.FILE_BYTES", 100)
    assert len(pack(sources, tmp_path)) > 1

    read = unpack(tmp_path)
    for one in (*read.train, *read.validation):
        assert (one.key, one.background, one.share, one.labelled) == (
            photo.key, photo.background, photo.share, photo.labelled,
        )  # fmt: skip
        assert abs(one.image.astype(int) - smooth).mean() < 6
        (found,) = one.objects
        assert (found.class_id, found.box, found.crowd) == (item.class_id, item.box, False)
        assert np.array_equal(found.mask, outline)
    (cut,) = read.cutouts
    assert (cut.key, cut.source, cut.class_id, cut.target) == ("emoji/1", "emoji", 2, index("cat"))
    assert np.array_equal(cut.rgba[..., 3], alpha)
    assert read.backgrounds[0][1].shape[1] == 640
    with pytest.raises(FileNotFoundError, match=r"training\.packed"):
        unpack(tmp_path / "none")


def test_all_images_of_a_step_have_one_shape() -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    item = PhotoObject(Label(index("dog")).pack(), 50, 50, np.ones((90, 90), np.uint8))
    photos = [LabelledPhoto("coco446/1", image, (item,))]
    sampler = NamedSampler(Material([*photos], [], []), 3, batch_size=6)
    shapes = [sampler.sample(i).image.shape for i in range(12)]
    assert len(set(shapes[:6])) == len(set(shapes[6:])) == 1
    assert shapes[0] != shapes[6]


def test_a_run_begins_with_what_another_one_learned(tmp_path: Path) -> None:
    model = build_named()
    file = export(model.state_dict(), tmp_path, names=NAMES)  # as a starter that was released
    other = build_named()
    begin_named(other, file)
    for name, value in model.state_dict().items():
        assert torch.allclose(other.state_dict()[name], value, rtol=1e-3, atol=1e-4), name


def test_the_mean_of_weights_leaves_whole_numbers_as_they_are() -> None:
    run = {"weight": torch.tensor([1.0, 3.0]).half(), "group_of": torch.tensor([4, 2])}
    earlier = {"weight": torch.tensor([2.0, 5.0]), "group_of": torch.tensor([4, 2])}
    mean = release.mean_of(run, earlier)
    assert mean["weight"].tolist() == [1.5, 4.0]
    assert mean["group_of"].tolist() == [4, 2]
