"""A tiny run of the starter's training on made-up images: the split, the data, the loop, resuming,
the export."""

from __future__ import annotations

import configparser
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from seg_widgets.finetuning import TrainingConfig
from seg_widgets.finetuning.augmentation import Sample
from seg_widgets.finetuning.calibration import (
    Matches,
    best_threshold,
    classifier_biases,
    reliability,
    shift_scores,
)
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, encode, evaluate
from seg_widgets.finetuning.loop import Training, as_input
from tests.modeling.test_starter_network import imagenet_like
from training import charts, composites, cutouts
from training.classes import CLASSES, COCO_GROUPS, emoji_class, tuxpaint_class
from training.composites import Sampler
from training.config import Inference
from training.cutouts import DRAWN_SETS
from training.evaluate import photo_truths, predict
from training.export import export, load
from training.model import build
from training.sources import Material, Part, load_material, part_of_name

pytestmark = [
    pytest.mark.slow,
    # detectron2 0.6 on a newer torch: meshgrid without `indexing`, and tensors made from lists of
    # arrays.
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
    pytest.mark.filterwarnings("ignore:.*floordiv.*"),
]
PHOTOS = 20


def make_data(folder: Path) -> Path:
    """Write `coco446/` with twenty photographs of a coloured ellipse and a rectangle, and
    `person_cutouts/`."""
    rng = np.random.default_rng(5)
    images = folder / "coco446" / "images"
    images.mkdir(parents=True)
    data: dict[str, list[dict[str, object]]] = {"images": [], "annotations": [], "categories": []}
    data["categories"] = [
        {"id": i + 1, "name": name, "supercategory": name} for i, name in enumerate(COCO_GROUPS)
    ]
    for number in range(1, PHOTOS + 1):
        picture = rng.integers(90, 130, (120, 160, 3), dtype=np.uint8)
        masks = [np.zeros((120, 160), np.uint8) for _ in range(2)]
        cv2.ellipse(masks[0], (50, 60), (34, 25), 0, 0, 360, 1, -1)
        cv2.rectangle(masks[1], (100, 30), (145, 100), 1, -1)
        for offset, mask in enumerate(masks):
            picture[mask > 0] = rng.integers(0, 255, 3)
            segmentation = coco_mask.encode(np.asfortranarray(mask))
            segmentation["counts"] = segmentation["counts"].decode()
            annotation = {
                "id": 2 * number + offset,
                "image_id": number,
                "category_id": 1 + (number + offset) % 12,
            }
            data["annotations"].append({**annotation, "iscrowd": 0, "segmentation": segmentation})
        cv2.imwrite(str(images / f"{number:012}.png"), picture)
        data["images"].append(
            {"id": number, "file_name": f"{number:012}.png", "height": 120, "width": 160}
        )
    (folder / "coco446" / "instances.json").write_text(json.dumps(data))
    people = folder / "person_cutouts"
    people.mkdir()
    for number in range(12):
        person = np.zeros((80, 50, 4), np.uint8)
        cv2.ellipse(person, (25, 40), (20, 36), 0, 0, 360, (200, 160, 120, 255), -1)
        cv2.imwrite(str(people / f"{number:012}.webp"), person)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def parts(data: Path) -> dict[Part, Material]:
    return load_material(data, None)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("imagenet") / "lite0.pth"
    torch.save(imagenet_like(), path)
    return path


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composites, "SHAPES", ((96, 128), (128, 96)))


def new_training(parts: dict[Part, Material], imagenet: Path, folder: Path, steps: int) -> Training:
    torch.manual_seed(0)
    config = TrainingConfig(
        steps=steps, batch_size=2, workers=0, warmup_steps=3, tune_backbone_from=0.8
    )
    return Training(build(imagenet), Sampler(parts["train"], config.seed), config, folder)


def test_no_object_and_no_photograph_is_in_two_parts(parts: dict[Part, Material]) -> None:
    keys = {part: material.keys() for part, material in parts.items()}
    assert not keys["train"] & keys["heldout"]
    assert not keys["train"] & keys["validation"]
    assert not keys["validation"] & keys["heldout"]
    assert len(parts["heldout"].photos) == PHOTOS // 5
    assert sum(len(material.photos) for material in parts.values()) == PHOTOS
    for material in parts.values():
        photos = {photo.key for photo in material.photos}
        cut = [cutout for cutout in material.cutouts if cutout.source == "photo"]
        assert cut
        assert all(cutout.key.split("/object/")[0] in photos for cutout in cut)


def test_the_mask_head_may_learn_faster_than_the_rest(
    parts: dict[Part, Material], imagenet: Path, tmp_path: Path
) -> None:
    model = build(imagenet)
    config = TrainingConfig(
        steps=4, batch_size=2, workers=0, warmup_steps=1, learning_rate=1e-3, mask_factor=3.0
    )
    training = Training(model, Sampler(parts["train"], config.seed), config, tmp_path)
    training.train_step(next(training.batches()))
    rates = {
        id(p): group["lr"] for group in training.optimizer.param_groups for p in group["params"]
    }
    assert len(rates) == sum(len(group["params"]) for group in training.optimizer.param_groups)
    assert rates.keys() == {id(parameter) for parameter in model.parameters()}
    heads: Any = model.roi_heads
    assert rates[id(heads.mask_head.predictor.weight)] == pytest.approx(3e-3)
    assert rates[id(heads.mask_head.predictor.bias)] == pytest.approx(3e-3)
    assert rates[id(heads.box_head[0].fc1.weight)] == pytest.approx(1e-3)


def test_every_group_that_a_source_names_is_a_class() -> None:
    assert tuxpaint_class("animals/mammals/cats/cat.png") == "animal"
    assert tuxpaint_class("vehicles/auto/cartoon/car.png") is None
    assert tuxpaint_class("seasonal/halloween/ghost.png") is None
    assert emoji_class("animal-mammal", "horse") == "animal"
    assert emoji_class("animal-mammal", "paw prints") is None
    assert len(set(CLASSES)) == len(CLASSES)


RASTERIZER = """
import io, re
from PIL import Image, ImageDraw

def svg_to_bytes(svg_string, width, skip_system_fonts):
    w, h = map(int, re.search(r'viewBox="0 0 (\\d+) (\\d+)"', svg_string).groups())
    image = Image.new("RGBA", (width, width * h // w))
    if "<path" in svg_string:
        ImageDraw.Draw(image).ellipse((20, 20, image.width - 20, image.height - 20), "red")
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()
"""


def test_drawings_of_other_artists_are_for_training_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    (tmp_path / "resvg").mkdir()
    (tmp_path / "resvg" / "resvg_py.py").write_text(RASTERIZER)
    monkeypatch.delitem(sys.modules, "resvg_py", raising=False)
    index = npm / "openmoji" / "package" / "data" / "openmoji.json"
    index.parent.mkdir(parents=True)
    entries = [
        {"hexcode": "1F40E", "subgroups": "animal-mammal", "annotation": "horse", "skintone": ""},
        {"hexcode": "1F3A3-FE0F", "subgroups": "tool", "annotation": "hammer", "skintone": ""},
        {
            "hexcode": "1F44B",
            "subgroups": "hand-fingers-open",
            "annotation": "waving hand",
            "skintone": "",
        },
        {"hexcode": "1F43E", "subgroups": "animal-mammal", "annotation": "cat", "skintone": ""},
    ]
    index.write_text(json.dumps(entries))
    body = {"body": '<path d="M0 0"/>'}
    icons = {
        "horse": body,
        "hammer": {**body, "height": 64},
        "waving": body,
        "empty": {"body": ""},
        "unknown": body,
    }
    names = {"1f40e": "horse", "1f3a3": "hammer", "1f44b": "waving", "1f43e": "empty"}
    # Another artist may use a name that is common elsewhere for something else; its own table says
    # what.
    own, swapped = {"1f40e": "hammer", "1f3a3": "horse"}, {"hammer": "animal", "horse": "tool"}
    for artist in DRAWN_SETS:
        package = npm / artist / "package"
        package.mkdir(parents=True)
        (package / "icons.json").write_text(
            json.dumps({"icons": icons, "width": 128, "height": 128})
        )
    (npm / DRAWN_SETS[-1] / "package" / "chars.json").write_text(
        json.dumps(names)
    )  # serves all that have none
    (npm / DRAWN_SETS[0] / "package" / "chars.json").write_text(json.dumps(own))
    (npm / "fluent" / "package" / "assets").mkdir(parents=True)

    parts = load_material(data, tmp_path)
    drawn = [cutout for cutout in parts["train"].cutouts if cutout.source == "drawn"]
    named = {(cutout.key, CLASSES[cutout.class_id]) for cutout in drawn}
    kinds = (("hammer", "tool"), ("horse", "animal"))
    expected = {
        (f"drawn/{artist}/{name}", kind) for artist in DRAWN_SETS[1:] for name, kind in kinds
    }
    assert named == expected | {
        (f"drawn/{DRAWN_SETS[0]}/{name}", kind) for name, kind in swapped.items()
    }
    hammer = next(cutout for cutout in drawn if cutout.key.endswith("hammer"))
    assert hammer.rgba.shape[1] > 1.5 * hammer.rgba.shape[0]  # an icon's own height counts
    for part in ("validation", "heldout"):
        assert all(cutout.source != "drawn" for cutout in parts[part].cutouts)


def test_clip_art_is_what_the_list_names_and_for_training_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutouts, "DRAWN_SETS", ())
    (tmp_path / "resvg").mkdir()
    (tmp_path / "resvg" / "resvg_py.py").write_text(RASTERIZER)
    monkeypatch.delitem(sys.modules, "resvg_py", raising=False)
    index = tmp_path / "npm" / "openmoji" / "package" / "data" / "openmoji.json"
    index.parent.mkdir(parents=True)
    index.write_text("[]")
    lists = configparser.ConfigParser(allow_no_value=True, delimiters=("=",))
    lists.read(cutouts.CLIPART, encoding="utf-8")
    assert set(lists.sections()) <= set(CLASSES)
    names = [name for group in lists.sections() for name in lists[group]]
    assert len(names) == len(set(names)) > 400  # nothing has two classes

    listing = tmp_path / "list.txt"
    listing.write_text(
        "# chosen\n[tool]\ntools/Axe_01\ntools/gone\n\n[food]\nfood/fruit/apple\nfood/fruit/pear\n"
    )
    monkeypatch.setattr(cutouts, "CLIPART", listing)
    folder = tmp_path / "debian/usr/share/openclipart/png"
    for name in ("tools/Axe_01", "food/fruit/apple", "food/fruit/not_named"):
        picture = np.zeros((80, 60, 4), np.uint8)
        cv2.ellipse(picture, (30, 40), (20, 30), 0, 0, 360, (20, 60, 220, 255), -1)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    # What is held out and in the clip art as well is not trained on.
    held_out = next(
        name
        for name in map("food/pear{}x".format, range(100))
        if part_of_name(f"stamp/{name}") == "heldout"
    )
    stamp = tmp_path / "debian/usr/share/tuxpaint/stamps" / f"{held_out}.png"
    stamp.parent.mkdir(parents=True)
    cv2.rectangle(picture, (20, 25), (40, 45), (250, 250, 250, 255), -1)
    for copy in (stamp, folder / "food/fruit/pear.png"):
        cv2.imwrite(str(copy), picture)
    parts = load_material(data, tmp_path)
    assert any(one.key == f"stamp/{held_out}" for one in parts["heldout"].cutouts)
    found = {
        part: [one for one in parts[part].cutouts if one.source == "clipart"] for part in parts
    }
    kinds = {one.key: CLASSES[one.class_id] for one in found["train"]}
    assert kinds == {"clipart/tools/Axe_01": "tool", "clipart/food/fruit/apple": "food"}
    assert not found["validation"]
    assert not found["heldout"]


def test_a_copy_of_an_image_that_is_held_out_is_not_trained_on() -> None:
    rng = np.random.default_rng(3)

    def drawn(width: int, colour: tuple[int, int, int]) -> np.ndarray:
        picture = np.zeros((90, 70, 4), np.uint8)
        cv2.ellipse(picture, (30, 45), (width, 40), 15, 0, 360, (*colour, 255), -1)
        cv2.circle(picture, (25, 30), 9, (10, 10, 10, 255), -1)
        return picture

    original = drawn(20, (200, 90, 30))
    larger = cv2.resize(original, (160, 200), interpolation=cv2.INTER_AREA)
    noisy = np.clip(original + rng.normal(0, 4, original.shape), 0, 255).astype(np.uint8)
    noisy[..., 3] = original[..., 3]
    pictures = {
        "larger": larger,
        "mirrored": original[:, ::-1].copy(),
        "noisy": noisy,
        "recoloured": drawn(20, (30, 90, 200)),
        "wider": drawn(28, (200, 90, 30)),
    }
    candidates = [cutouts.Cutout(name, "clipart", 0, rgba) for name, rgba in pictures.items()]
    held_out = [
        cutouts.Cutout("stamp", "stamp", 0, original),
        cutouts.Cutout("other", "stamp", 0, drawn(8, (9, 9, 9))),
    ]
    assert [one.key for one in cutouts.without_copies(candidates, held_out)] == [
        "recoloured",
        "wider",
    ]
    assert cutouts.without_copies(candidates, []) == candidates
    assert cutouts.without_copies([], held_out) == []


def test_a_sample_depends_on_seed_and_index_alone(parts: dict[Part, Material]) -> None:
    first, second = Sampler(parts["train"], 9), Sampler(parts["train"], 9)
    second.sample(3)
    for index in (0, 7, 40):
        one, other = first.sample(index), second.sample(index)
        assert np.array_equal(one.image, other.image)
        assert one.class_ids == other.class_ids
        assert all(np.array_equal(a, b) for a, b in zip(one.masks, other.masks, strict=True))
    assert not np.array_equal(first.sample(0).image, Sampler(parts["train"], 10).sample(0).image)


def test_only_training_slants_and_recolours_what_it_pastes() -> None:
    # A red bar on grey: what is measured on keeps the colour, training does not.
    rgba = np.zeros((200, 60, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, 255
    material = Material(cutouts=[cutouts.Cutout("stamp/bar", "stamp", CLASSES.index("tool"), rgba)])
    plain, varied = (
        Sampler(material, 3, (0.0, 0.0, 1.0), varied=varied) for varied in (False, True)
    )

    def red_is_strongest(sampler: Sampler, index: int) -> bool:
        sample = Sample(np.full((320, 448, 3), 60, np.uint8), [], [])
        sampler._paste(np.random.default_rng(index), sample, 0.8)
        assert sample.class_ids == [CLASSES.index("tool")]
        red, green, blue = sample.image[sample.masks[0]].reshape(-1, 3).mean(0)
        return bool(red > green + 40 and red > blue + 40)

    assert all(red_is_strongest(plain, index) for index in range(60))
    share = np.mean([red_is_strongest(varied, index) for index in range(60)])
    assert 0.6 < share < 0.95
    # People and objects of photographs keep their colours in training, too.
    person = Material(cutouts=[cutouts.Cutout("people/bar", "people", CLASSES.index("tool"), rgba)])
    natural = Sampler(person, 3, (0.0, 0.0, 1.0), varied=True)
    assert all(red_is_strongest(natural, index) for index in range(60))
    level, slanted = (Sample(np.full((320, 448, 3), 60, np.uint8), [], []) for _ in range(2))
    plain._paste(np.random.default_rng(5), level, 0.8)
    natural._paste(np.random.default_rng(5), slanted, 0.8)
    assert not np.array_equal(level.masks[0], slanted.masks[0])
    # Recolouring turns hues and leaves light and dark.
    turned = composites.recolour(np.random.default_rng(0), rgba[..., :3])
    assert turned.max(2).tolist() == rgba[..., :3].max(2).tolist()
    assert not np.array_equal(turned, rgba[..., :3])


def test_pasted_objects_hide_what_lies_below(parts: dict[Part, Material]) -> None:
    sampler = Sampler(parts["train"], 1, kind_shares=(0.0, 0.0, 1.0))
    counts = []
    for index in range(12):
        sample = sampler.sample(index)
        counts.append(len(sample.masks))
        if sample.masks:
            assert np.sum(sample.masks, axis=0).max() == 1
        given = as_input(sample)
        assert given["image"].dtype == torch.uint8
        assert len(given["instances"]) == len(sample.masks)
    assert max(counts) > 1


def test_the_loss_falls_and_a_resumed_run_goes_on_where_it_was(
    parts: dict[Part, Material], imagenet: Path, tmp_path: Path
) -> None:
    whole = new_training(parts, imagenet, tmp_path / "whole", steps=14)
    totals: list[float] = []
    batch = next(whole.batches())
    for _ in range(12):
        totals.append(sum(whole.train_step(batch).values()))
    assert all(np.isfinite(totals))
    assert np.mean(totals[-3:]) < 0.85 * np.mean(totals[:3])

    whole.progress = 0.9  # the backbone learns from here on; its state must resume too
    whole.save()
    resumed = new_training(parts, imagenet, tmp_path / "whole", steps=14)
    assert resumed.resume()
    assert (resumed.step, resumed.progress) == (12, 0.9)
    ahead, again = next(whole.batches()), next(resumed.batches())
    assert resumed.first_index() == 24
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(ahead, again, strict=True))
    expected = new_training(parts, imagenet, tmp_path / "none", steps=14).sampler.sample(24)
    assert np.array_equal(again[0]["image"].permute(1, 2, 0).numpy(), expected.image)
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    losses, same = whole.train_step(ahead), resumed.train_step(again)
    assert losses == pytest.approx(same, rel=1e-4)
    after = resumed.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.allclose(value, after[name], atol=1e-5), name
    early, late = (
        "backbone.bottom_up.blocks.2.project.weight",
        "backbone.bottom_up.blocks.14.project.weight",
    )
    assert torch.equal(before[early], after[early])
    assert not torch.equal(before[late], after[late])


def test_the_schedule_follows_the_time_and_ends_with_it(
    parts: dict[Part, Material], imagenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = new_training(parts, imagenet, tmp_path, steps=1)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    training.config = TrainingConfig(seconds=100, stop_at=now + 1000)
    training._advance(25)
    assert training.progress == pytest.approx(0.25)
    training._advance(25)
    assert training.progress == pytest.approx(0.5)
    # A pause ate the clock: the end is nearer than the active time says, so each step counts for
    # more.
    now += 985
    training._advance(5)
    assert 0.5 < training.progress < 1
    now += 20
    training._advance(5)
    assert training.progress == 1.0
    assert training.learning_rate() < 0.05 * training.config.learning_rate


def test_a_stopped_run_saves_and_its_log_has_each_step_once(
    parts: dict[Part, Material], imagenet: Path, tmp_path: Path
) -> None:
    training = new_training(parts, imagenet, tmp_path, steps=4)
    assert not training.run(lambda run: run.stop() if run.step == 2 else None)
    with (tmp_path / "log.csv").open("a") as log:
        log.write("3,0.75,a step that a crash made after the checkpoint\n")
    again = new_training(parts, imagenet, tmp_path, steps=4)
    assert again.resume()
    assert again.run()
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "1", "2", "3", "4"]
    assert "crash" not in "".join(rows)


def test_the_exported_file_answers_as_the_weights_did(
    parts: dict[Part, Material], imagenet: Path, tmp_path: Path
) -> None:
    training = new_training(parts, imagenet, tmp_path / "run", steps=4)
    training.run()
    path = export(training.average, tmp_path, Inference(two_scales=True))
    model, config, classes = load(path, tmp_path / "starter.yaml")
    assert classes == list(CLASSES)
    assert config.INPUT.FORMAT == "RGB"
    assert path.stat().st_size < 25_000_000

    rounded = build(None)
    rounded.load_state_dict(
        {name: value.half().float() for name, value in training.average.items()}
    )
    image = next(photo_truths(parts["validation"].photos)).image
    ours, theirs = predict(model, image, 96, 160), predict(rounded, image, 96, 160)
    assert len(ours) == len(theirs)
    assert torch.allclose(ours.scores, theirs.scores, atol=1e-4)
    assert torch.allclose(ours.pred_boxes.tensor, theirs.pred_boxes.tensor, atol=1e-2)
    assert ours.pred_masks.shape == (len(ours), *image.shape[:2])

    exact = build(None).eval()
    exact.load_state_dict(training.average)
    x = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole, half = exact.backbone(x), model.backbone(x)  # type: ignore[operator]
    for level, features in whole.items():
        error = (features - half[level]).abs().max() / features.abs().max()
        assert error < 0.02, level


def test_weights_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half precision"):
        export({"layer.weight": torch.tensor([1e6])}, tmp_path)


def test_figures_of_perfect_and_of_no_detections() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[5:30, 8:33] = 1
    animal = FoundInstance(CLASSES.index("animal"), encode(mask), 0.9)
    truth = Truth(np.zeros((40, 40, 3), np.uint8), [animal])
    perfect = evaluate([truth], [[animal]], CLASSES)
    assert perfect["AP"] == pytest.approx(1.0)
    assert perfect["per_class"]["animal"]["AR100"] == pytest.approx(1.0)
    assert perfect["per_class"]["food"]["AP"] is None
    misnamed = evaluate([truth], [[replace(animal, class_id=CLASSES.index("food"))]], CLASSES)
    assert misnamed["AP"] == pytest.approx(0.0)
    assert misnamed["agnostic_AP50"] == pytest.approx(1.0)
    assert evaluate([truth], [[]], CLASSES)["AP"] == pytest.approx(0.0)


def test_the_best_threshold_becomes_one_half() -> None:
    scores, right = np.array([0.9, 0.6, 0.3, 0.2, 0.1]), np.array([True, True, True, False, False])
    threshold = best_threshold(Matches(scores, right, instances=3))
    assert threshold == pytest.approx(0.3)
    logits = (
        torch.tensor([0.3, 0.0]) + torch.log(torch.tensor([0.3, 0.7])) - torch.tensor([0.3, 0.0])
    )
    first, second = (f"roi_heads.box_predictor.{stage}cls_score.bias" for stage in ("", "1."))
    state = shift_scores(
        {first: logits, second: logits + 3, "roi_heads.mask_head.bias": logits}, threshold
    )
    assert classifier_biases(state) == [first, second]
    for name in (first, second):
        assert float(state[name].softmax(0)[0]) == pytest.approx(0.5)
    assert float(logits.softmax(0)[0]) == pytest.approx(0.3)  # the given weights stay as they are
    assert state["roi_heads.mask_head.bias"] is logits


def test_a_temperature_draws_scores_towards_one_half_and_keeps_their_order() -> None:
    logits = torch.tensor(
        [[2.0, 0.0], [-1.0, 0.0], [-3.0, 0.0]]
    )  # three objects: one class, and the background
    weight, bias = (
        "roi_heads.box_predictor.cls_score.weight",
        "roi_heads.box_predictor.cls_score.bias",
    )
    # Features that are the logits themselves: the weight is the identity.
    state = {weight: torch.eye(2), bias: torch.zeros(2)}
    threshold = float(logits[1].softmax(0)[0])
    plain, soft = (shift_scores(state, threshold, temperature) for temperature in (1.0, 2.0))
    hard_scores, soft_scores = (
        (logits @ one[weight].T + one[bias]).softmax(1)[:, 0] for one in (plain, soft)
    )
    assert hard_scores[1] == pytest.approx(0.5)
    assert soft_scores[1] == pytest.approx(0.5)
    assert hard_scores[0] > soft_scores[0] > 0.5 > soft_scores[2] > hard_scores[2]
    assert torch.equal(state[weight], torch.eye(2))
    assert not state[bias].any()


def test_scores_are_sorted_into_bins_with_what_of_them_is_right() -> None:
    scores = np.array([1.0, 0.92, 0.9, 0.35, 0.31, 0.0])
    matches = Matches(scores, np.array([True, True, False, True, False, False]), instances=4)
    bins = reliability(matches)
    assert [item.count for item in bins] == [1, 0, 0, 2, 0, 0, 0, 0, 0, 3]
    assert [item.right for item in bins] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 2]
    assert (bins[3].low, bins[3].high) == pytest.approx((0.3, 0.4))
    assert bins[3].mean_score == pytest.approx(0.33)
    assert matches.f1_best() == pytest.approx((2 * 3 / (4 + 4), 0.35))
    assert matches.f1_at(0.5) == pytest.approx(2 * 2 / (3 + 4))
    nothing = Matches(np.zeros(0), np.zeros(0, bool), instances=2)
    assert (nothing.f1_at(0.5), nothing.f1_best()) == (0.0, (0.0, 0.5))
    assert sum(item.count for item in reliability(nothing)) == 0


def test_the_folders_of_the_gallery_have_images() -> None:
    for folder in charts.PICTURES:
        assert list(folder.glob("*.jpg")), folder
