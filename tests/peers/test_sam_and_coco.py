"""SAM's automatic mask generator with a tiny image encoder of random weights; pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

from seg_widgets.prediction import Prediction, predictor_of

Blobs = Callable[[int, int, int], npt.NDArray[np.bool_]]


def make_sam() -> Sam:
    torch.manual_seed(0)
    encoder = ImageEncoderViT(
        img_size=128,
        patch_size=16,
        embed_dim=16,
        depth=1,
        num_heads=2,
        out_chans=32,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )
    prompts = PromptEncoder(
        embed_dim=32, image_embedding_size=(8, 8), input_image_size=(128, 128), mask_in_chans=4
    )
    transformer = TwoWayTransformer(depth=1, embedding_dim=32, mlp_dim=32, num_heads=2)
    decoder = MaskDecoder(transformer_dim=32, transformer=transformer)
    return Sam(encoder, prompts, decoder).eval()


@pytest.fixture(scope="module")
def sam() -> Sam:
    return make_sam()


@pytest.mark.parametrize("mode", ["binary_mask", "uncompressed_rle", "coco_rle"])
def test_sam(sam: Sam, image: npt.NDArray[np.uint8], mode: str) -> None:
    generator = SamAutomaticMaskGenerator(
        sam,
        points_per_side=2,
        pred_iou_thresh=-100,
        stability_score_thresh=-100,
        box_nms_thresh=1.0,
        output_mode=mode,
    )
    results = generator.generate(image)
    assert len(results) > 3

    # Random weights predict an IoU that can be anything; what is a score is tested elsewhere.
    for number, item in enumerate(results):
        item["predicted_iou"] = 1 / (1 + number)
    prediction = Prediction.of(results, image)
    dense = np.stack([dense_of(item["segmentation"], mode) for item in results])
    np.testing.assert_array_equal(prediction.masks_dense(), dense)
    assert prediction.areas.tolist() == [item["area"] for item in results]
    assert prediction.class_names == ("object",)


def dense_of(segmentation: Any, mode: str) -> npt.NDArray[np.bool_]:
    if mode == "binary_mask":
        return np.asarray(segmentation)
    if mode == "uncompressed_rle":
        segmentation = coco_mask.frPyObjects(segmentation, *segmentation["size"])
    decoded: npt.NDArray[np.bool_] = coco_mask.decode(segmentation).astype(bool)
    return decoded


def test_the_predictor_asks_the_generator(sam: Sam, image: npt.NDArray[np.uint8]) -> None:
    # Nothing reaches SAM's own thresholds with random weights.
    prediction = predictor_of(SamAutomaticMaskGenerator(sam, points_per_side=2))(image)
    assert prediction.image_size == image.shape[:2]


def test_coco_results_and_annotations(blobs: Blobs) -> None:
    masks = blobs(5, 60, 90)
    results = []
    for number, plane in enumerate(masks):
        rle = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
        box = coco_mask.toBbox(rle).tolist()
        results.append(
            {
                "image_id": 1,
                "category_id": 18,
                "segmentation": rle,
                "bbox": box,
                "score": (number + 1) / 8,
            }
        )
    coco = COCO()
    coco.dataset = {
        "images": [{"id": 1, "width": 90, "height": 60}],
        "categories": [{"id": 18, "name": "dog"}],
        "annotations": [],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        loaded = coco.loadRes(results)
    annotations = loaded.loadAnns(loaded.getAnnIds(imgIds=[1]))
    for items in (results, annotations):
        prediction = Prediction.of(items, class_names=coco.dataset["categories"])
        np.testing.assert_array_equal(prediction.masks_dense(), masks)
        around = Prediction.from_dense(masks, np.ones(5), np.zeros(5, int), ("dog",)).boxes
        np.testing.assert_array_equal(prediction.boxes, around)
        assert prediction.scores.tolist() == [0.125, 0.25, 0.375, 0.5, 0.625]
        assert prediction.class_names == ("dog",)


def test_polygons_are_filled_as_pycocotools_fills_them() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        parts = [(random.random(2 * corners) * 110 - 10).tolist() for corners in (3, 5, 12)]
        item = {"category_id": 1, "segmentation": parts}
        dense = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(parts, 60, 90)))
        prediction = Prediction.of([item], (60, 90))
        np.testing.assert_array_equal(prediction.masks_dense()[0], dense.astype(bool))
