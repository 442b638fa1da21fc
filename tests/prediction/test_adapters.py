"""Any model's answer: hand-made results of each library's shape, and the exact prediction of each.

The libraries themselves are in tests/peers.
"""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pycocotools import mask as coco_mask

from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction
from seg_widgets.prediction.adapters import convert
from seg_widgets.prediction.adapters.masks import crop_of_rle, crops_of_labels

BoolArray = npt.NDArray[np.bool_]

HEIGHT, WIDTH = 6, 8
SIZE = (HEIGHT, WIDTH)
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def rectangle(x1: int, y1: int, x2: int, y2: int) -> BoolArray:
    plane = np.zeros(SIZE, bool)
    plane[y1:y2, x1:x2] = True
    return plane


# One pixel in a corner; two parts that touch the border; one that overlaps both; an empty one.
PIXEL = rectangle(7, 5, 8, 6)
PARTS = rectangle(0, 0, 2, 2) | rectangle(5, 4, 8, 6)
LARGE = rectangle(1, 1, 8, 6)
EMPTY = rectangle(0, 0, 0, 0)
STACK = np.stack([PIXEL, PARTS, LARGE, EMPTY])
BOXES = np.array([[7, 5, 8, 6], [0, 0, 8, 6], [1, 1, 8, 6], [2, 2, 4, 4]], np.float32)
AROUND = BOXES.copy()
AROUND[3] = 0
SCORES = np.array([0.9, 0.25, 0.5, 0.75], np.float32)


class FakeTensor:
    """As much of a torch tensor as is needed: on another device, perhaps in half precision."""

    def __init__(self, values: Any, dtype: str = "torch.float32", device: str = "cuda:0") -> None:
        self.values, self.dtype, self.device = np.asarray(values), dtype, device

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> FakeTensor:
        return FakeTensor(self.values[index], self.dtype, self.device)

    def detach(self) -> FakeTensor:
        return self

    def cpu(self) -> FakeTensor:
        return FakeTensor(self.values, self.dtype, "cpu")

    def float(self) -> FakeTensor:
        return FakeTensor(self.values.astype(np.float32), "torch.float32", self.device)

    def numpy(self) -> npt.NDArray[Any]:
        if self.device != "cpu":
            raise TypeError("can't convert a CUDA tensor to numpy")
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values

    def __array__(self, *_: Any, **__: Any) -> npt.NDArray[Any]:
        raise TypeError("can't convert a CUDA tensor to numpy")


def of(result: Any, image: Any = None, class_names: Any = None) -> Prediction:
    """What `Prediction.of` answers, when nothing had to be changed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Prediction.of(result, image, class_names=class_names)


def check(
    prediction: Prediction,
    names: list[str],
    *,
    masks: BoolArray | None = STACK,
    boxes: npt.NDArray[np.float32] = BOXES,
    scores: npt.NDArray[np.float32] = SCORES,
) -> None:
    """Compare all that a prediction has with what is expected, exactly."""
    assert prediction.image_size == SIZE
    np.testing.assert_array_equal(prediction.boxes, boxes)
    np.testing.assert_array_equal(prediction.scores, scores)
    assert [prediction.class_names[index] for index in prediction.class_ids] == names
    if masks is None:
        assert prediction.masks is None
    else:
        np.testing.assert_array_equal(prediction.masks_dense(), masks)


# ── our own ───────────────────────────────────────────────────────────────────────────────────────


def test_a_prediction_is_returned_as_it_is() -> None:
    prediction = Prediction.from_dense(STACK, SCORES, [0, 0, 0, 0], ("cat",))
    assert of(prediction) is prediction
    assert of(prediction, IMAGE) is prediction
    assert of([prediction], SIZE) is prediction
    with pytest.raises(PredictionError, match="8×6 pixels, but the image has 5×9"):
        of(prediction, (9, 5))


# ── supervision, RF-DETR ──────────────────────────────────────────────────────────────────────────


def detections(**parts: Any) -> SimpleNamespace:
    defaults: dict[str, Any] = {
        "xyxy": BOXES,
        "mask": STACK,
        "confidence": SCORES,
        "class_id": np.array([0, 2, 1, 0]),
        "tracker_id": None,
        "data": {},
    }
    return SimpleNamespace(**defaults | parts)


class CompactMask:
    """supervision's: crops with their offsets, never read as a dense array."""

    offsets = np.array([[7, 5], [0, 0], [1, 1], [2, 2]])
    dtype = np.dtype(bool)
    shape = (4, *SIZE)

    def __len__(self) -> int:
        return 4

    def crop(self, index: int) -> BoolArray:
        x1, y1, x2, y2 = BOXES[index].astype(int)
        return STACK[index, y1:y2, x1:x2]

    def __getitem__(self, index: int) -> BoolArray:
        raise AssertionError("a mask was made as large as the image")

    def __array__(self, *_: Any, **__: Any) -> BoolArray:
        raise AssertionError("all masks were made as large as the image")


@pytest.mark.parametrize("mask", [STACK, STACK.astype(np.uint8) * 255, CompactMask()])
def test_detections(mask: Any) -> None:
    names = ["cat", "dog", "cow"]
    check(of(detections(mask=mask), class_names=names), ["cat", "cow", "dog", "cat"])
    check(of(detections(mask=mask), IMAGE, names), ["cat", "cow", "dog", "cat"])


def test_detections_without_masks_scores_or_classes() -> None:
    bare = detections(mask=None, confidence=None, class_id=None)
    check(of(bare, IMAGE), ["object"] * 4, masks=None, scores=np.ones(4, np.float32))
    with pytest.raises(PredictionError, match=r"Give the image, or its \(height, width\)"):
        of(bare)


def test_detections_that_name_their_classes() -> None:
    data = {"class_name": np.array(["cat", "cow", "dog", "cat"], dtype=object)}
    prediction = of(detections(data=data))
    check(prediction, ["cat", "cow", "dog", "cat"])
    assert prediction.class_names == ("cat", "dog", "cow")
    no_ids = of(detections(data=data, class_id=None))
    assert no_ids.class_names == ("cat", "cow", "dog")
    check(no_ids, ["cat", "cow", "dog", "cat"])


def test_rf_detrs_ids_of_coco_are_not_positions_in_a_list_of_names() -> None:
    # Id 18 is a dog for RF-DETR, and the 19th of COCO's 80 names is something else.
    data = {
        "class_name": np.array(["person", "dog", "dog", "person"], dtype=object),
        "source_shape": np.tile(SIZE, (4, 1)),
    }
    result = detections(class_id=np.array([1, 18, 18, 1]), data=data, mask=None)
    prediction = of(result, class_names=["person", "sheep", "dog"])
    check(prediction, ["person", "dog", "dog", "person"], masks=None)
    assert prediction.class_names == ("person", "sheep", "dog")
    unnamed = detections(class_id=np.array([1, 18, 18, 1]))
    gaps = of(unnamed, class_names={1: "person", 2: "bicycle", 18: "dog"})
    assert gaps.class_names == ("person", "bicycle", "dog")
    check(gaps, ["person", "dog", "dog", "person"])


def test_names_that_contradict_the_results_own_are_reported() -> None:
    data = {"class_name": np.array(["cat", "cow", "dog", "cat"], dtype=object)}
    conversion = convert(detections(data=data), class_names=["Katze", "Hund", "Kuh"])
    assert conversion.prediction.class_names == ("Katze", "Hund", "Kuh")
    [note] = conversion.notes
    assert note == "The result calls class id 0 'cat', but class_names calls it 'Katze'."


# ── Ultralytics ───────────────────────────────────────────────────────────────────────────────────


def ultralytics(data: Any, **parts: Any) -> SimpleNamespace:
    boxes = SimpleNamespace(
        xyxy=FakeTensor(BOXES), conf=FakeTensor(SCORES), cls=FakeTensor([0.0, 2.0, 1.0, 0.0])
    )
    masks = None if data is None else SimpleNamespace(data=data, xy=[], orig_shape=SIZE)
    names = {0: "cat", 1: "dog", 2: "cow"}
    fields = {"boxes": boxes, "masks": masks, "names": names, "orig_shape": SIZE, "probs": None}
    return SimpleNamespace(**fields | parts)


def test_ultralytics_results() -> None:
    names = ["cat", "cow", "dog", "cat"]
    check(of(ultralytics(FakeTensor(STACK.astype(np.float32)))), names)
    check(of([ultralytics(STACK.astype(np.uint8))], IMAGE), names)
    check(of(ultralytics(None)), names, masks=None)


def test_ultralytics_masks_lose_the_letterboxs_border() -> None:
    # The image is 8×6 and the network's input 16×16: the image fills 16×12 of it, between two
    # borders of 2 rows. What is in a border is not in the image.
    data = np.ones((4, 16, 16), np.float32)
    data[:, 2:14] = STACK.repeat(2, 1).repeat(2, 2)
    check(of(ultralytics(FakeTensor(data))), ["cat", "cow", "dog", "cat"])


def test_ultralytics_results_without_boxes_are_refused() -> None:
    with pytest.raises(PredictionError, match="have no boxes, because the model classifies"):
        of(ultralytics(None, boxes=None))


# ── Hugging Face ──────────────────────────────────────────────────────────────────────────────────


def test_image_segmentation_pipeline() -> None:
    labels = ["cat", "cow", "dog", "cat"]
    result = [
        {"score": float(score), "label": label, "mask": Image.fromarray(mask * np.uint8(255))}
        for score, label, mask in zip(SCORES, labels, STACK, strict=True)
    ]
    check(of(result), labels, boxes=AROUND)
    result[1]["score"] = None
    prediction = of(result, Image.fromarray(IMAGE), class_names={0: "dog", 1: "cat", 2: "cow"})
    assert prediction.class_names == ("dog", "cat", "cow")
    check(prediction, labels, boxes=AROUND, scores=np.array([0.9, 1, 0.5, 0.75], np.float32))


def test_object_detection_pipeline() -> None:
    labels = ["cat", "cow", "dog", "cat"]
    result = [
        {
            "score": float(score),
            "label": label,
            "box": dict(zip(("xmin", "ymin", "xmax", "ymax"), box.tolist(), strict=True)),
        }
        for score, label, box in zip(SCORES, labels, BOXES, strict=True)
    ]
    check(of(result, SIZE), labels, masks=None)
    with pytest.raises(PredictionError, match="doesn't say how large its image is"):
        of(result)


def test_a_label_that_class_names_lacks_is_reported() -> None:
    result = [{"score": 1.0, "label": "yak", "mask": Image.fromarray(PIXEL * np.uint8(255))}]
    with pytest.warns(UserWarning, match="class_names lacks 'yak'"):
        prediction = Prediction.of(result, class_names=["cat"])
    assert prediction.class_names == ("cat", "yak")


def segments(background: int) -> dict[str, Any]:
    labels = np.full(SIZE, background, np.int32)
    labels[LARGE] = 3
    labels[PARTS] = 2
    infos = [
        {"id": 2, "label_id": 5, "score": 0.25, "was_fused": False},
        {"id": 3, "label_id": 1, "score": 0.5, "was_fused": True},
        {"id": 9, "label_id": 1, "score": 0.75, "was_fused": False},
    ]
    return {"segmentation": FakeTensor(labels, "torch.int32"), "segments_info": infos}


@pytest.mark.parametrize("background", [-1, 0])
def test_post_process_segmentation(background: int) -> None:
    hidden = LARGE & ~PARTS
    masks = np.stack([PARTS, hidden])
    boxes = np.array([[0, 0, 8, 6], [1, 1, 8, 6]], np.float32)
    scores = np.array([0.25, 0.5], np.float32)
    names = {"1": "cat", "5": "dog"}
    for result in (segments(background), [segments(background)]):
        with pytest.warns(UserWarning, match="1 segment was left out because no pixel of the map"):
            prediction = Prediction.of(result, class_names=names)
        check(prediction, ["dog", "cat"], masks=masks, boxes=boxes, scores=scores)
        assert prediction.class_names == ("cat", "dog")


def test_post_process_segmentation_of_nothing_and_of_another_form() -> None:
    nothing = {"segmentation": FakeTensor(np.full(SIZE, -1)), "segments_info": []}
    prediction = of(nothing, class_names={0: "cat"})
    assert (len(prediction), prediction.image_size) == (0, SIZE)
    assert len(of({"segmentation": None, "segments_info": []}, IMAGE)) == 0
    with pytest.raises(PredictionError, match="Leave return_coco_annotation and"):
        of({"segmentation": [[3, 4]], "segments_info": [{"id": 0, "label_id": 0, "score": 1}]})


def test_mask_generation_pipeline() -> None:
    check(of({"masks": list(STACK), "scores": FakeTensor(SCORES)}), ["object"] * 4, boxes=AROUND)


# ── torchvision, post_process_object_detection ────────────────────────────────────────────────────


def torchvision(**parts: Any) -> dict[str, Any]:
    soft = np.where(STACK, 0.75, 0.5).astype(np.float16)[:, None]
    labels = FakeTensor([1, 3, 2, 1], "torch.int64")
    defaults = {"boxes": FakeTensor(BOXES), "labels": labels, "scores": FakeTensor(SCORES)}
    return defaults | {"masks": FakeTensor(soft, "torch.float16")} | parts


@pytest.mark.parametrize(
    "names",
    [
        ["__background__", "cat", "dog", "cow"],
        ["cat", "dog", "cow"],
        {1: "cat", 2: "dog", 3: "cow"},
        [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 3, "name": "cow"}],
    ],
)
def test_torchvisions_labels_count_from_1(names: Any) -> None:
    for result in (torchvision(), [torchvision()]):
        prediction = of(result, class_names=names)
        check(prediction, ["cat", "cow", "dog", "cat"])
        assert prediction.class_names == ("cat", "dog", "cow")


def test_gaps_in_torchvisions_names_are_no_classes() -> None:
    names = ["__background__", "cat", "N/A", "cow"]
    result = torchvision(labels=np.array([1, 3, 3, 1]))
    prediction = of(result, class_names=names)
    assert prediction.class_names == ("cat", "cow")
    check(prediction, ["cat", "cow", "cow", "cat"])


def test_a_soft_mask_is_inside_above_one_half_and_half_precision_is_read() -> None:
    soft = np.full((1, 1, *SIZE), 0.5, np.float32)
    soft[0, 0, 2, 3] = 0.5001
    parts = {"boxes": BOXES[2:3], "labels": [1], "scores": [1.0], "masks": FakeTensor(soft)}
    [mask] = of(parts, class_names=["cat"]).masks or ()
    assert (mask.x, mask.y, mask.area) == (3, 2, 1)
    rounded = parts | {"scores": FakeTensor([0.5], "torch.bfloat16")}
    assert of(rounded, class_names=["cat"]).scores.tolist() == [0.5]


def test_boxes_whose_labels_count_from_nobody_knows_where() -> None:
    boxes = {"scores": SCORES, "labels": np.array([1, 3, 2, 1]), "boxes": BOXES}
    with pytest.raises(PredictionError, match="a list of names does not say which"):
        of(boxes, IMAGE, ["cat", "dog", "cow"])
    by_id = of(boxes, IMAGE, {0: "yak", 1: "cat", 2: "dog", 3: "cow"})
    check(by_id, ["cat", "cow", "dog", "cat"], masks=None)
    background = of(boxes, IMAGE, ["__background__", "cat", "dog", "cow"])
    check(background, ["cat", "cow", "dog", "cat"], masks=None)


def test_labels_that_are_texts() -> None:
    texts = ["a cat", "a cow", "a dog", "a cat"]
    grounded = {"scores": SCORES, "boxes": BOXES, "labels": texts}
    check(of(grounded, IMAGE), texts, masks=None)


# ── SAM, COCO ─────────────────────────────────────────────────────────────────────────────────────


def rle(plane: BoolArray, compressed: bool = True) -> dict[str, Any]:
    encoded: dict[str, Any] = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
    if compressed:
        return {"size": encoded["size"], "counts": encoded["counts"].decode()}
    flat = plane.T.ravel().astype(np.int8)
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    return {"size": list(SIZE), "counts": np.diff([0, *edges, flat.size]).tolist()}


@pytest.mark.parametrize("form", ["binary_mask", "coco_rle", "uncompressed_rle"])
def test_sams_masks(form: str) -> None:
    result = []
    for plane, score in zip(STACK, SCORES, strict=True):
        mask = plane if form == "binary_mask" else rle(plane, form == "coco_rle")
        # SAM's box ends one pixel early, and its order is x, y, width, height.
        item = {"segmentation": mask, "bbox": [0, 0, 3, 3], "area": 1, "predicted_iou": score}
        result.append(item | {"stability_score": 0.99, "point_coords": [[1, 1]]})
    check(of(result), ["object"] * 4, boxes=AROUND)
    check(of(result, IMAGE, "cell"), ["cell"] * 4, boxes=AROUND)
    with pytest.raises(PredictionError, match="has no classes, but class_names has 2 names"):
        of(result, IMAGE, ["cell", "debris"])


def test_sams_scores_go_a_little_over_1() -> None:
    result = [{"segmentation": PIXEL, "bbox": [7, 5, 0, 0], "area": 1, "predicted_iou": 1.03}]
    with pytest.warns(UserWarning, match="1 score is over 1 and became 1"):
        assert Prediction.of(result).scores.tolist() == [1]


def coco(**parts: Any) -> list[dict[str, Any]]:
    sides = np.concatenate([BOXES[:, :2], BOXES[:, 2:] - BOXES[:, :2]], axis=1)
    return [
        {
            "image_id": 7,
            "category_id": number,
            "bbox": box,
            "segmentation": rle(plane),
            "score": float(score),
        }
        | parts
        for number, box, plane, score in zip(
            [1, 18, 2, 1], sides.tolist(), STACK, SCORES, strict=True
        )
    ]


def test_coco_results() -> None:
    names = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}]
    prediction = of(coco(), class_names=names)
    check(prediction, ["person", "dog", "bicycle", "person"])
    assert prediction.class_names == ("person", "bicycle", "dog")
    boxes_only = [{k: v for k, v in item.items() if k != "segmentation"} for item in coco()]
    labels = ["person", "dog", "bicycle", "person"]
    check(of(boxes_only, IMAGE, {1: "person", 2: "bicycle", 18: "dog"}), labels, masks=None)


def test_coco_annotations_with_polygons() -> None:
    square = [1, 1, 4, 1, 4, 3, 1, 3]
    parts = [square, [5, 4, 8, 4, 8, 6, 5, 6], [0, 0, 1, 1]]
    items = [{"image_id": 7, "category_id": 3, "segmentation": parts, "iscrowd": 0}]
    prediction = of(items, IMAGE, {3: "cat"})
    inside = rectangle(1, 1, 4, 3) | rectangle(5, 4, 8, 6)
    boxes = np.array([[1, 1, 8, 6]], np.float32)
    one = np.ones(1, np.float32)
    check(prediction, ["cat"], masks=inside[None], boxes=boxes, scores=one)
    flat = [{"category_id": 3, "segmentation": square}]
    np.testing.assert_array_equal(
        of(flat, SIZE, {3: "cat"}).masks_dense(), rectangle(1, 1, 4, 3)[None]
    )
    with pytest.raises(PredictionError, match="how large its image is"):
        of(flat, None, {3: "cat"})
    far = [{"category_id": 3, "segmentation": [[0, 0, 1e9, 0, 1e9, 1e9]]}]
    with pytest.raises(PredictionError, match="far outside the image of 8×6"):
        of(far, SIZE, {3: "cat"})


def test_coco_results_of_two_images_are_refused() -> None:
    two = [*coco(), *coco(image_id=8)]
    with pytest.raises(PredictionError, match=r'2 images \(7, 8\).*item\["image_id"\] == image_id'):
        of(two, IMAGE)


def test_coco_needs_names_by_id() -> None:
    with pytest.raises(PredictionError, match="category ids have gaps"):
        of(coco(), IMAGE, ["person", "dog"])


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))))
@settings(deadline=None)
def test_rle_is_read_as_pycocotools_reads_it(plane: BoolArray) -> None:
    encoded = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
    crop = crop_of_rle(encoded, (plane.shape[0], plane.shape[1]))
    back = np.zeros_like(plane)
    back[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = crop.to_array()
    np.testing.assert_array_equal(back, plane)


@pytest.mark.parametrize("counts", ["", "~~~", "o", "ooooooooooooooooo0", "54", [1, 2], [-1, 49]])
def test_damaged_rle_is_refused(counts: Any) -> None:
    with pytest.raises(PredictionError, match="RLE is damaged"):
        crop_of_rle({"size": list(SIZE), "counts": counts})


# ── arrays ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_label_images(dtype: Any) -> None:
    labels = np.zeros(SIZE, dtype)
    labels[LARGE] = 200
    labels[PARTS] = 7
    masks = np.stack([PARTS, LARGE & ~PARTS])
    boxes = np.array([[0, 0, 8, 6], [1, 1, 8, 6]], np.float32)
    ones = np.ones(2, np.float32)
    check(of(labels), ["object"] * 2, masks=masks, boxes=boxes, scores=ones)
    check(of(labels, IMAGE, ["cell"]), ["cell"] * 2, masks=masks, boxes=boxes, scores=ones)
    named = of(FakeTensor(labels), IMAGE, {7: "cell", 200: "debris", 201: "cell"})
    check(named, ["cell", "debris"], masks=masks, boxes=boxes, scores=ones)
    assert named.class_names == ("cell", "debris")


def test_label_images_that_say_something_else() -> None:
    check(of(PARTS), ["object"], masks=PARTS[None], boxes=BOXES[1:2], scores=np.ones(1, np.float32))
    assert len(of(np.zeros(SIZE, int))) == 0
    with pytest.raises(PredictionError, match=r"labels\.astype\(int\)"):
        of(np.zeros(SIZE))
    with pytest.warns(UserWarning, match="below 0 were taken as background"):
        assert len(Prediction.of(np.full(SIZE, -1))) == 0
    with pytest.raises(PredictionError, match="8×6 pixels, but the image has 9×9"):
        of(np.zeros(SIZE, int), (9, 9))


def test_a_label_is_cut_out_of_its_rectangle_alone() -> None:
    labels = np.zeros((4000, 4000), np.uint16)
    for index in range(200):
        labels[index * 20 : index * 20 + 10, 5:15] = index + 1
    crops = crops_of_labels(labels)
    assert list(crops) == list(range(1, 201))
    assert {(crop.x, crop.width, crop.height, crop.area) for crop in crops.values()} == {
        (5, 10, 10, 100)
    }


@pytest.mark.parametrize(
    "masks",
    [STACK, list(STACK), STACK.astype(np.int64), STACK[:, None], FakeTensor(STACK, "torch.bool")],
)
def test_dense_masks(masks: Any) -> None:
    check(of(masks), ["object"] * 4, boxes=AROUND, scores=np.ones(4, np.float32))
    check(of(masks, IMAGE, "cell"), ["cell"] * 4, boxes=AROUND, scores=np.ones(4, np.float32))


def test_masks_that_are_none() -> None:
    with pytest.raises(PredictionError, match=r"from -3 to 5\. Apply the sigmoid first"):
        of(np.where(STACK, 5.0, -3.0))
    with pytest.raises(PredictionError, match="values from 2 to 3"):
        of(STACK * np.array([1, 2, 3, 4])[:, None, None] + PIXEL)
    with pytest.raises(PredictionError, match="This is an image, not a result"):
        of(IMAGE, IMAGE)
    with pytest.raises(PredictionError, match="8×6 pixels, but the image has 3×2"):
        of(STACK, (2, 3))
    with pytest.raises(PredictionError, match="masks have 2×2 pixels, but the image has 8×6"):
        of([PIXEL, np.ones((2, 2), bool)])


# ── detectron2 ────────────────────────────────────────────────────────────────────────────────────


class Instances:
    """As much of detectron2's as is needed."""

    def __init__(self, **fields: Any) -> None:
        self.image_size, self.fields = SIZE, fields

    def get_fields(self) -> dict[str, Any]:
        return self.fields

    def has(self, name: str) -> bool:
        return name in self.fields


def test_detectron2_instances() -> None:
    instances = Instances(
        pred_boxes=SimpleNamespace(tensor=FakeTensor(BOXES)),
        scores=FakeTensor(SCORES),
        pred_classes=FakeTensor([0, 2, 1, 0], "torch.int64"),
        pred_masks=FakeTensor(STACK, "torch.bool"),
    )
    names = ["cat", "dog", "cow"]
    for result in (instances, {"instances": instances}, [{"instances": instances}]):
        check(of(result, IMAGE, names), ["cat", "cow", "dog", "cat"])
    del instances.fields["pred_masks"]
    check(of(instances, class_names=names), ["cat", "cow", "dog", "cat"], masks=None)


def test_other_instances_are_refused() -> None:
    with pytest.raises(PredictionError, match="These Instances have gt_boxes, but pred_boxes"):
        of(Instances(gt_boxes=SimpleNamespace(tensor=BOXES)))
    with pytest.raises(PredictionError, match="Rotated boxes can't be shown"):
        of(Instances(pred_boxes=SimpleNamespace(tensor=np.ones((1, 5))), scores=[1.0]))


# ── normalise, check, report ──────────────────────────────────────────────────────────────────────


def test_an_empty_list_is_nothing() -> None:
    prediction = of([], IMAGE, ["cat"])
    assert (len(prediction), prediction.image_size, prediction.class_names) == (0, SIZE, ("cat",))
    with pytest.raises(PredictionError, match="doesn't say how large its image is"):
        of([])


@pytest.mark.parametrize(
    "result",
    [
        detections(xyxy=BOXES[:0], mask=None, confidence=SCORES[:0], class_id=np.zeros(0, int)),
        detections(xyxy=BOXES[:0], mask=STACK[:0], confidence=SCORES[:0], class_id=None),
        detections(xyxy=BOXES[:0], mask=None, confidence=None, class_id=None),
        torchvision(boxes=BOXES[:0], labels=[], scores=[], masks=np.zeros((0, 1, *SIZE))),
        np.zeros(SIZE, np.uint8),
        STACK[:0],
        {"masks": [], "scores": []},
        Instances(pred_boxes=SimpleNamespace(tensor=BOXES[:0]), scores=SCORES[:0], pred_classes=[]),
    ],
)
def test_results_of_nothing(result: Any) -> None:
    prediction = of(result, IMAGE, "cat")
    assert (len(prediction), prediction.image_size) == (0, SIZE)


def test_numbers_that_are_none_are_left_out_and_reported() -> None:
    scores, boxes = SCORES.copy(), BOXES.copy()
    scores[0], boxes[2, 1] = np.nan, np.inf
    conversion = convert(detections(confidence=scores, xyxy=boxes), class_names=["cat", "a", "b"])
    kept = conversion.prediction
    np.testing.assert_array_equal(kept.scores, SCORES[[1, 3]])
    np.testing.assert_array_equal(kept.masks_dense(), STACK[[1, 3]])
    assert conversion.notes == (
        "2 instances were left out because a box or score is not a finite number; the model's "
        "weights may be damaged.",
    )
    with pytest.warns(UserWarning, match="1 instance was left out"):
        Prediction.of(detections(confidence=[float("nan"), 1, 1, 1]), class_names=["a", "b", "c"])


def test_boxes_are_clipped_and_what_is_outside_is_left_out() -> None:
    boxes = np.array([[-5, 0, 3, 3], [0, 0, 8.4, 6.2], [20, 20, 30, 30], [9, 0, 12, 4]])
    names = ["a", "b", "c"]
    conversion = convert(detections(xyxy=boxes, mask=None), IMAGE, class_names=names)
    assert conversion.prediction.boxes.tolist() == [[0, 0, 3, 3], [0, 0, 8, 6]]
    assert conversion.notes == (
        "3 boxes were clipped to the image of 8×6 pixels.",
        "2 instances were left out because nothing of the box is in the image.",
    )
    masked = convert(detections(xyxy=boxes), IMAGE, class_names=names).prediction
    # The third has a mask, so its box is drawn around it; the fourth's mask is empty.
    assert masked.boxes.tolist() == [[0, 0, 3, 3], [0, 0, 8, 6], [1, 1, 8, 6]]


def test_boxes_of_x_y_width_height_are_refused() -> None:
    boxes = np.array([[5, 4, 2, 2]] * 4)
    with pytest.raises(PredictionError, match="A box ends before it begins"):
        of(detections(xyxy=boxes), class_names=["a", "b", "c"])


def test_percentages_and_logits_are_no_scores() -> None:
    with pytest.raises(PredictionError, match=r"go from 25 to 90\. Divide percentages by 100"):
        of(detections(confidence=SCORES * 100), class_names=["a", "b", "c"])
    with pytest.raises(PredictionError, match=r"go from -1 to 0\.75"):
        of(detections(confidence=np.where(SCORES > 0.8, -1, SCORES)), class_names=["a", "b", "c"])


def test_ids_without_names() -> None:
    conversion = convert(detections(class_id=np.array([0, 7, 1, 0])), class_names=["cat", "dog"])
    assert conversion.prediction.class_names == ("cat", "dog", "class 7")
    assert conversion.prediction.class_ids.tolist() == [0, 2, 1, 0]
    assert conversion.notes == (
        'Class id 7 has no name and is called "class 7". class_names has 2 names.',
    )

    unnamed = convert(detections(class_id=np.array([0, 3, 3, 0]))).prediction
    assert unnamed.class_names == ("class 0", "class 1", "class 2", "class 3")
    assert unnamed.class_ids.tolist() == [0, 3, 3, 0]

    far = convert(detections(class_id=np.array([10**12, 5, 5, -1]))).prediction
    assert far.class_names == ("class -1", "class 5", f"class {10**12}")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"confidence": SCORES[:2]}, "4 boxes, 2 scores, 4 classes, 4 masks"),
        ({"mask": STACK[:3]}, "4 boxes, 4 scores, 4 classes, 3 masks"),
        ({"class_id": np.array([0, 0])}, "4 boxes, 4 scores, 2 classes, 4 masks"),
        ({"class_id": np.array([0.5, 0, 0, 0])}, "class ids are not whole numbers"),
        ({"xyxy": BOXES[:, :3]}, r"boxes have the shape \(4, 3\), but N×4"),
        ({"confidence": SCORES[:, None]}, r"scores have the shape \(4, 1\)"),
        ({"xyxy": np.array([["a"] * 4] * 4)}, "Numbers are needed, but this is an array of <U1"),
        ({"mask": "none"}, "Taken for: supervision.Detections|can't be read"),
    ],
)
def test_parts_that_do_not_fit(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        of(detections(**parts), IMAGE, ["cat"])


class Surprise:
    """What no adapter knows."""


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "from NoneType None"),
        ("result.json", "from str 'result.json'"),
        (Surprise(), "from tests.prediction.test_adapters.Surprise"),
        ({}, "from a dict with no keys"),
        ({"sem_seg": np.ones((3, 6, 8))}, r"a dict with sem_seg: an array of shape 3×6×8 \(float"),
        (np.ones(5), "from an array of shape 5"),
        ([{"name": "cat"}], "from a dict with name: str 'cat'"),
        ([1, 2], r"from a list of 2 \(the first is int 1\)"),
        ((item for item in "ab"), "This is a generator"),
        ([torchvision(), torchvision()], "list of 2 results .* one for each image"),
        (dict.fromkeys(range(20), 1), "12 more"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(result: Any, message: str) -> None:
    with pytest.raises(PredictionError, match=message) as caught:
        of(result, IMAGE)
    assert "What can be taken: a Prediction; supervision.Detections; Ultralytics Results; " in str(
        caught.value
    )


def test_what_looks_right_and_is_not() -> None:
    with pytest.raises(PredictionError, match=r"taken for torchvision's dict.*can't be read"):
        of({"boxes": 3, "scores": 5, "labels": None}, IMAGE)
    with pytest.raises(PredictionError, match="image is the image that the model was given"):
        of(STACK, "cat.jpg")
    with pytest.raises(PredictionError, match="whose ids are whole numbers"):
        of(STACK, IMAGE, {"cat": 1})


def test_nothing_is_run_or_changed() -> None:
    boxes = np.array([[-5, 0, 3, 3]] * 4, np.float32)
    result = detections(xyxy=boxes, confidence=SCORES.copy())
    convert(result, IMAGE, class_names=["a", "b", "c"])
    assert boxes[0, 0] == -5
    np.testing.assert_array_equal(result.confidence, SCORES)


def test_ids_of_a_data_set_come_with_its_results() -> None:
    categories = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}, {"id": 2, "name": "car"}]
    assert of(coco(), class_names=categories).category_ids == (1, 2, 18)
    assert of(coco(), class_names={1: "person", 2: "car", 18: "dog"}).category_ids == (1, 2, 18)
    labels = [{"score": 0.5, "label": "dog", "mask": Image.fromarray(PIXEL)}]
    assert of(labels, class_names=categories).category_ids == (1, 2, 18)
    # Of another library's ids nobody knows whether they are those of a data set.
    assert of(labels, class_names={0: "cat", 1: "dog"}).category_ids == ()
    assert of(STACK, class_names="cell").category_ids == ()
    with pytest.warns(UserWarning, match="have no names"):
        unnamed = Prediction.of(coco())
    assert [unnamed.category_ids[index] for index in unnamed.class_ids] == [1, 18, 2, 1]


def test_what_was_changed_is_a_note_of_the_prediction() -> None:
    result = [{"segmentation": PIXEL, "predicted_iou": 1.03}]
    conversion = convert(result)
    assert conversion.prediction.notes == conversion.notes == ("1 score is over 1 and became 1.",)
    with pytest.warns(UserWarning, match="became 1"):
        assert Prediction.of(result)[:0].notes == conversion.notes
    assert of(STACK).notes == ()


def test_the_things_of_panoptic_seg_are_taken() -> None:
    segmentation = np.zeros(SIZE, np.int32)
    segmentation[PARTS], segmentation[4:, :3] = 3, 9
    infos = [
        {"id": 3, "isthing": True, "category_id": 1, "score": 0.75, "area": int(PARTS.sum())},
        {"id": 9, "isthing": False, "category_id": 0, "area": 6},
    ]
    conversion = convert({"panoptic_seg": (segmentation, infos)}, class_names=["cat", "dog"])
    check(
        conversion.prediction,
        ["dog"],
        masks=PARTS[None],
        boxes=AROUND[1:2],
        scores=np.array([0.75], np.float32),
    )
    assert conversion.notes == ("1 region that is no thing was left out, such as sky or road.",)
    both = {"panoptic_seg": (segmentation, infos), "instances": Instances(pred_masks=STACK)}
    assert len(of(both)) == 4
    with pytest.raises(PredictionError, match="This panoptic_seg has no segments_info"):
        of({"panoptic_seg": (segmentation, None)})
    with pytest.raises(PredictionError, match="from a dict with sem_seg"):
        of({"sem_seg": np.zeros((54, *SIZE), np.float32)})


# ── what must not be taken in silence ─────────────────────────────────────────────────────────────


def test_boxes_as_shares_of_the_image_are_refused() -> None:
    boxes = BOXES / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    with pytest.raises(PredictionError, match="shares of the image's sides"):
        Prediction.of({"boxes": boxes, "scores": SCORES, "labels": [0] * 4}, IMAGE)
    # One pixel in a corner is a box in pixels.
    for pixel, size in (([0, 0, 1, 1], SIZE), ([0, 0, 0.5, 1], (1, 1))):
        found = {"boxes": [pixel], "scores": [1.0], "labels": [0]}
        assert convert(found, size).prediction.boxes.tolist() == [pixel]


def test_a_segment_that_the_map_lacks_is_left_out_and_reported() -> None:
    result = {
        "segmentation": np.where(LARGE, 1, 0),
        "segments_info": [
            {"id": 1, "label_id": 5, "score": 0.5},
            {"id": 2, "label_id": 7, "score": 0.9},
        ],
    }
    with pytest.warns(UserWarning, match="1 segment was left out because no pixel of the map"):
        prediction = Prediction.of(result, IMAGE)
    assert len(prediction) == 1
    assert prediction.scores.tolist() == [0.5]


def test_a_polygon_without_an_area_is_reported() -> None:
    result = [
        {"category_id": 1, "bbox": [1, 1, 4, 4], "segmentation": [[5, 5, 6, 6]], "score": 0.5}
    ]
    with pytest.warns(UserWarning, match="1 segmentation has no polygon of three points"):
        prediction = Prediction.of(result, IMAGE)
    assert prediction.boxes.tolist() == [[1, 1, 5, 5]]


def test_an_image_with_its_channels_first_has_its_size() -> None:
    planes = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    found: dict[str, Any] = {"boxes": BOXES[:1], "scores": SCORES[:1], "labels": [0]}
    for image in (planes, IMAGE, np.zeros((HEIGHT, WIDTH, 4))):
        assert convert(found, image).prediction.image_size == SIZE


def test_labels_are_names_and_ids_are_numbers_or_their_texts() -> None:
    masks = [{"label": "a", "mask": PIXEL, "score": 1.0}, {"label": None, "mask": LARGE}]
    with pytest.raises(PredictionError, match="Each label is a name, but one is None"):
        Prediction.of(masks, IMAGE)
    result = [{"category_id": "18", "bbox": [1, 1, 4, 4], "score": 0.5}]
    names = {18: "dog"}
    assert Prediction.of(result, IMAGE, class_names=names).counts() == {"dog": 1}
    result[0]["category_id"] = "dog"
    with pytest.raises(PredictionError, match="category ids are whole numbers, but one is 'dog'"):
        Prediction.of(result, IMAGE, class_names=names)
