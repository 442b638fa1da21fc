"""Transforms, reading images, annotations, COCO files, data sets, samplers and loaders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.data import (
    DatasetCatalog,
    DatasetFromList,
    DatasetMapper,
    MapDataset,
    MetadataCatalog,
    build_detection_test_loader,
    build_detection_train_loader,
    detection_utils,
)
from detectron2.data import transforms as T
from detectron2.data.common import AspectRatioGroupedDataset, ToIterableDataset
from detectron2.data.datasets import convert_to_coco_json, load_coco_json
from detectron2.data.samplers import (
    GroupedBatchSampler,
    InferenceSampler,
    RepeatFactorTrainingSampler,
    TrainingSampler,
)
from detectron2.evaluation import COCOEvaluator, inference_on_dataset
from detectron2.structures import BitMasks, Boxes, BoxMode, Instances, PolygonMasks
from PIL import Image
from pycocotools import mask as coco_masks
from torch.utils.data import SequentialSampler

SQUARE = [2.0, 2, 8, 2, 8, 8, 2, 8]


def image(height: int = 10, width: int = 20, channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (height, width, channels), dtype=np.uint8)


# ── Transforms ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_images_of_any_kind_are_resized(channels: int, kind: Any) -> None:
    resized = T.ResizeTransform(10, 20, 5, 8).apply_image(image(channels=channels).astype(kind))
    assert resized.shape == (5, 8, channels)
    assert resized.dtype == kind
    flat = T.ResizeTransform(10, 20, 5, 8).apply_image(np.full((10, 20), 7, kind))
    assert (flat == 7).all()


@pytest.mark.parametrize(
    ("size", "expected"), [((100, 200), (50, 100)), ((200, 100), (100, 50)), ((50, 500), (8, 80))]
)
def test_the_shortest_edge_is_made_so_long(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    augmentation = T.ResizeShortestEdge(50, max_size=100 if size != (50, 500) else 80)
    transform = augmentation.get_transform(image(*size))
    assert (transform.new_h, transform.new_w) == expected


def test_boxes_points_and_polygons_move_with_the_image() -> None:
    inputs = T.AugInput(image(), boxes=np.array([[2.0, 1, 6, 5]]), sem_seg=image()[:, :, 0])
    transform = T.AugmentationList(
        [
            T.RandomFlip(prob=1.0),
            T.Resize((20, 10)),
            T.RandomApply(T.RandomCrop("absolute", (6, 6)), 0),
        ]
    )(inputs)
    assert inputs.image.shape == (20, 10, 3)
    assert inputs.sem_seg.shape == (20, 10)
    assert inputs.boxes.tolist() == [[7, 2, 9, 10]]
    (polygon,) = transform.apply_polygons([np.array([[2.0, 1], [6, 1], [6, 5]])])
    assert polygon.tolist() == [[9, 2], [7, 2], [7, 10]]


def test_an_image_is_turned_and_its_points_with_it() -> None:
    turn = T.RotationTransform(20, 20, 90, expand=True)
    turned = turn.apply_image(image(20, 20))
    np.testing.assert_array_equal(turned, np.rot90(image(20, 20)))
    np.testing.assert_allclose(turn.apply_coords(np.array([[20.0, 0]])), [[0, 0]], atol=1e-6)
    back = turn.inverse().apply_coords(turn.apply_coords(np.array([[3.0, 4]])))
    np.testing.assert_allclose(back, [[3, 4]], atol=1e-6)
    # 10 rows and 20 columns turned by 30 degrees: 10 cos 30° + 20 sin 30° rows and so on.
    wide = T.RandomRotation([30, 30]).get_transform(image()).apply_image(image())
    assert wide.shape == (19, 22, 3)


def test_crops_and_extents() -> None:
    crop = T.RandomCrop("relative", (0.5, 0.25)).get_transform(image())
    assert crop.apply_image(image()).shape == (5, 5, 3)
    padded = T.FixedSizeCrop((16, 16), pad=True, pad_value=9).get_transform(image())
    assert padded.apply_image(image()).shape == (16, 16, 3)
    extent = T.ExtentTransform((5, 0, 15, 10), (20, 20))
    assert extent.apply_image(image()).shape == (20, 20, 3)
    assert extent.apply_coords(np.array([[10.0, 5]])).tolist() == [[10, 10]]
    assert T.RandomExtent((1, 1), (0, 0)).get_transform(image()).apply_image(image()).shape[2] == 3
    category = T.RandomCrop_CategoryAreaConstraint("absolute", (4, 4))
    assert category.get_transform(image(), image()[:, :, 0]).apply_image(image()).shape == (4, 4, 3)


def test_a_crop_cuts_polygons() -> None:
    crop = T.CropTransform(0, 0, 5, 5)
    (polygon,) = crop.apply_polygons([np.array(SQUARE).reshape(-1, 2)])
    assert polygon.min() == 2
    assert polygon.max() == 5


@pytest.mark.parametrize(
    "augmentation",
    [
        T.RandomContrast(2, 2),
        T.RandomBrightness(0.5, 0.5),
        T.RandomSaturation(0, 0),
        T.RandomLighting(1),
    ],
    ids=lambda augmentation: type(augmentation).__name__,
)
def test_colours_are_changed(augmentation: Any) -> None:
    changed = augmentation.get_transform(image()).apply_image(image())
    assert changed.shape == (10, 20, 3)
    assert changed.dtype == np.uint8
    assert (changed != image()).any()


def test_colours_may_be_changed_by_pillow() -> None:
    grey = T.PILColorTransform(lambda picture: picture.convert("L").convert("RGB"))
    changed = grey.apply_image(image())
    assert (changed[..., 0] == changed[..., 2]).all()


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["RGB", "BGR", "L", "YUV-BT.601", "HSV"])
def test_images_are_read_in_a_mode_and_shown_in_rgb(mode: str, tmp_path: Path) -> None:
    Image.fromarray(image()).save(tmp_path / "some.png")
    read = detection_utils.read_image(str(tmp_path / "some.png"), format=mode)
    assert read.shape == (10, 20, 1 if mode == "L" else 3)
    back = detection_utils.convert_image_to_rgb(read, mode)
    assert back.shape == (10, 20, 3)
    if mode in ("RGB", "BGR", "YUV-BT.601"):
        np.testing.assert_allclose(back, image(), atol=1)


def test_an_image_is_read_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image()).save(tmp_path / "turned.jpg", exif=exif)
    assert detection_utils.read_image(str(tmp_path / "turned.jpg"), "RGB").shape == (20, 10, 3)


def test_another_size_than_the_annotations_say_is_refused() -> None:
    with pytest.raises(detection_utils.SizeMismatchError, match="Mismatched image shape"):
        detection_utils.check_image_size({"width": 5, "height": 5}, image())


# ── Annotations ───────────────────────────────────────────────────────────────────────────────────


def annotation(segmentation: Any) -> dict[str, Any]:
    return {
        "bbox": [2.0, 2, 6, 6],
        "bbox_mode": BoxMode.XYWH_ABS,
        "category_id": 1,
        "segmentation": segmentation,
        "keypoints": [3.0, 3, 2, 5, 5, 0],
    }


@pytest.mark.parametrize("kind", ["polygon", "RLE", "bitmask"])
def test_annotations_move_and_become_instances(kind: str) -> None:
    mask = np.zeros((10, 20), np.uint8, order="F")
    mask[2:8, 2:8] = 1
    given = {"polygon": [SQUARE], "RLE": coco_masks.encode(mask), "bitmask": mask}[kind]
    flip = T.TransformList([T.HFlipTransform(20)])
    if kind == "bitmask":
        moved = annotation(flip.apply_segmentation(mask))
        moved["bbox"], moved["bbox_mode"] = [12.0, 2, 18, 8], BoxMode.XYXY_ABS
        del moved["keypoints"]
    else:
        moved = detection_utils.transform_instance_annotations(
            annotation(given), flip, (10, 20), keypoint_hflip_indices=np.array([1, 0])
        )
        assert moved["keypoints"].tolist() == [[0, 0, 0], [17, 3, 2]]
    wanted = "polygon" if kind == "polygon" else "bitmask"
    found = detection_utils.annotations_to_instances([moved], (10, 20), mask_format=wanted)
    assert found.gt_boxes.tensor.tolist() == [[12, 2, 18, 8]]
    assert found.gt_classes.tolist() == [1]
    masks = found.gt_masks
    assert isinstance(masks, PolygonMasks if kind == "polygon" else BitMasks)
    if isinstance(masks, BitMasks):
        assert masks.get_bounding_boxes().tensor.tolist() == [[12, 2, 18, 8]]


def test_empty_instances_are_left_out() -> None:
    some = Instances((10, 20), gt_boxes=Boxes(torch.tensor([[0.0, 0, 5, 5], [3, 3, 3, 9]])))
    assert len(detection_utils.filter_empty_instances(some)) == 1


# ── COCO ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def data_set(tmp_path: Path) -> Iterator[str]:
    """A data set of four images with one object each, registered under a name; gone afterwards."""
    for number in range(4):
        Image.fromarray(image(48, 64)).save(tmp_path / f"{number}.png")
    records = [
        {
            "file_name": str(tmp_path / f"{number}.png"),
            "image_id": number,
            "height": 48,
            "width": 64,
            "annotations": [
                {
                    "bbox": [8.0, 8, 40, 40],
                    "bbox_mode": BoxMode.XYXY_ABS,
                    "category_id": number % 2,
                    "segmentation": [[8.0, 8, 40, 8, 40, 40, 8, 40]],
                    "iscrowd": 0,
                }
            ],
        }
        for number in range(4)
    ]
    name = f"set_of_{tmp_path.name}"
    DatasetCatalog.register(name, lambda: records)
    MetadataCatalog.get(name).set(thing_classes=["left", "right"])
    yield name
    DatasetCatalog.remove(name)
    MetadataCatalog.remove(name)


def test_a_data_set_becomes_coco_and_is_read_again(data_set: str, tmp_path: Path) -> None:
    file = tmp_path / "coco.json"
    convert_to_coco_json(data_set, str(file), allow_cached=False)
    written = json.loads(file.read_text())
    assert [category["name"] for category in written["categories"]] == ["left", "right"]
    assert written["annotations"][0]["bbox"] == [8, 8, 32, 32]
    assert written["annotations"][0]["area"] == 1024
    again = load_coco_json(str(file), "", data_set)
    assert [record["annotations"][0]["category_id"] for record in again] == [0, 1, 0, 1]
    assert again[0]["annotations"][0]["bbox_mode"] == BoxMode.XYWH_ABS


class Perfect:
    """A model that answers what the data set says."""

    training = False

    def __call__(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = []
        for one in inputs:
            found = Instances((48, 64), pred_boxes=Boxes(torch.tensor([[8.0, 8, 40, 40]])))
            found.pred_classes = torch.tensor([one["image_id"] % 2])
            found.scores = torch.ones(1)
            found.pred_masks = torch.zeros(1, 48, 64, dtype=torch.bool)
            found.pred_masks[0, 8:40, 8:40] = True
            answers.append({"instances": found})
        return answers


def test_a_perfect_model_has_a_perfect_ap(data_set: str, tmp_path: Path) -> None:
    cfg = get_cfg()
    loader = build_detection_test_loader(
        DatasetCatalog.get(data_set), mapper=DatasetMapper(cfg, is_train=False, augmentations=[])
    )
    evaluator = COCOEvaluator(data_set, distributed=False, output_dir=str(tmp_path / "results"))
    results = inference_on_dataset(Perfect(), loader, evaluator)
    assert results["bbox"]["AP"] == pytest.approx(100)
    assert results["segm"]["AP-left"] == pytest.approx(100)


# ── Samplers and loaders ──────────────────────────────────────────────────────────────────────────


def test_samplers() -> None:
    endless = TrainingSampler(5, seed=1)
    first = list(islice(endless, 10))
    assert sorted(first[:5]) == sorted(first[5:]) == list(range(5))
    assert list(islice(TrainingSampler(5, shuffle=False), 6)) == [0, 1, 2, 3, 4, 0]
    assert list(InferenceSampler(3)) == [0, 1, 2]
    rare = [{"annotations": [{"category_id": kind}]} for kind in (0, 0, 0, 1)]
    factors = RepeatFactorTrainingSampler.repeat_factors_from_category_frequency(rare, 0.5)
    assert factors.tolist() == pytest.approx([1, 1, 1, 2**0.5])
    grouped = GroupedBatchSampler(SequentialSampler(range(6)), [0, 1, 0, 1, 0, 1], 2)
    assert list(iter(grouped)) == [[0, 2], [1, 3]]


def test_an_element_that_cannot_be_mapped_is_replaced_by_another() -> None:
    mapped = MapDataset([0, 1, 2, 3], lambda number: number * 10 if number == 2 else None)
    assert [mapped[index] for index in range(4)] == [20] * 4


def test_data_sets_of_lists() -> None:
    for serialize in (True, False):
        some = DatasetFromList([{"a": [1]}, {"b": 2}], serialize=serialize)
        some[0]["a"].append(2)
        assert [some[0], some[1]] == [{"a": [1]}, {"b": 2}]
    shapes = [{"width": 2, "height": 1}, {"width": 1, "height": 2}, {"width": 3, "height": 1}]
    assert list(AspectRatioGroupedDataset(shapes, 2)) == [[shapes[0], shapes[2]]]
    assert list(ToIterableDataset([5, 6], SequentialSampler([0, 1]))) == [5, 6]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_loader_gives_batches(workers: int, data_set: str) -> None:
    cfg = get_cfg()
    cfg.MODEL.MASK_ON = True
    mapper = DatasetMapper(cfg, is_train=True, augmentations=[T.Resize((24, 32)), T.RandomFlip()])
    loader = build_detection_train_loader(
        DatasetCatalog.get(data_set), mapper=mapper, total_batch_size=2, num_workers=workers
    )
    batch = next(iter(loader))
    assert len(batch) == 2
    assert batch[0]["image"].shape == (3, 24, 32)
    assert batch[0]["instances"].gt_masks.polygons


def test_metadata_belongs_to_a_name(data_set: str) -> None:
    metadata = MetadataCatalog.get(data_set)
    assert metadata.thing_classes == ["left", "right"]
    assert metadata.get("nothing", 5) == 5
    with pytest.raises(AssertionError, match="cannot be set to a different value"):
        metadata.thing_classes = ["other"]
    with pytest.raises(KeyError, match="not registered"):
        DatasetCatalog.get("no such set")
