"""Hugging Face's `post_process_…` functions and pipelines, with tiny models of random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from transformers import (
    AutoModelForObjectDetection,
    DetrConfig,
    DetrForObjectDetection,
    DetrImageProcessor,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    Mask2FormerImageProcessor,
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    MaskFormerImageProcessor,
    ResNetConfig,
    SwinConfig,
    pipeline,
)

from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction, predictor_of

NAMES = {0: "cat", 1: "dog", 2: "cow"}
SIZE = (100, 150)


def make_mask2former() -> Any:
    torch.manual_seed(0)
    config = Mask2FormerConfig(
        backbone_config=_swin(),
        id2label=NAMES,
        num_queries=20,
        hidden_dim=32,
        feature_size=32,
        mask_feature_size=32,
        dim_feedforward=32,
        encoder_feedforward_dim=32,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
    )
    model = Mask2FormerForUniversalSegmentation(config).eval()
    torch.nn.init.normal_(model.class_predictor.weight, std=3)
    return model


def make_maskformer() -> Any:
    torch.manual_seed(0)
    decoder = DetrConfig(
        d_model=32, decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=32, num_queries=20
    )
    config = MaskFormerConfig(
        backbone_config=_swin(),
        decoder_config=decoder,
        id2label=NAMES,
        fpn_feature_size=32,
        mask_feature_size=32,
    )
    model = MaskFormerForInstanceSegmentation(config).eval()
    torch.nn.init.normal_(model.class_predictor.weight, std=3)
    return model


def _swin() -> SwinConfig:
    return SwinConfig(
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


MAKERS = {
    "mask2former": (make_mask2former, Mask2FormerImageProcessor),
    "maskformer": (make_maskformer, MaskFormerImageProcessor),
}


@pytest.fixture(scope="module", params=list(MAKERS))
def segmenter(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    make, processor = MAKERS[request.param]
    return make(), processor(size={"height": 96, "width": 96}, ignore_index=255)


def photograph() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8))


def answer(model: Any, processor: Any) -> Any:
    with torch.no_grad():
        return model(**processor(photograph(), return_tensors="pt"))


@pytest.mark.parametrize("kind", ["instance", "panoptic"])
def test_segmentation_maps(segmenter: tuple[Any, Any], kind: str) -> None:
    model, processor = segmenter
    convert = getattr(processor, f"post_process_{kind}_segmentation")
    settings = {"threshold": 0.1, "overlap_mask_area_threshold": 0.0, "target_sizes": [SIZE]}
    results = convert(answer(model, processor), **settings)
    [result] = results
    infos = result["segments_info"]
    assert infos

    prediction = Prediction.of(results, SIZE, class_names=model.config.id2label)
    dense = np.stack([(result["segmentation"] == info["id"]).numpy() for info in infos])
    np.testing.assert_array_equal(prediction.masks_dense(), dense)
    scores = np.array([info["score"] for info in infos], np.float32)
    np.testing.assert_array_equal(prediction.scores, scores)
    assert prediction.class_ids.tolist() == [info["label_id"] for info in infos]
    assert prediction.class_names == ("cat", "dog", "cow")


def test_binary_maps_and_a_threshold_that_nothing_meets(segmenter: tuple[Any, Any]) -> None:
    model, processor = segmenter
    convert = processor.post_process_instance_segmentation
    outputs = answer(model, processor)
    [nothing] = convert(outputs, threshold=1.1, target_sizes=[SIZE])
    assert len(Prediction.of(nothing, SIZE)) == 0
    [maps] = convert(outputs, threshold=0.1, target_sizes=[SIZE], return_binary_maps=True)
    with pytest.raises(PredictionError, match="return_binary_maps"):
        Prediction.of(maps, SIZE)


@pytest.mark.parametrize("subtask", ["instance", "panoptic", "semantic"])
def test_image_segmentation_pipeline(segmenter: tuple[Any, Any], subtask: str) -> None:
    model, processor = segmenter
    ask = pipeline("image-segmentation", model=model, image_processor=processor, device="cpu")
    results = ask(photograph(), subtask=subtask, threshold=0.1, overlap_mask_area_threshold=0.0)
    assert results
    prediction = Prediction.of(results, photograph())
    dense = np.stack([np.asarray(item["mask"]) > 0 for item in results])
    np.testing.assert_array_equal(prediction.masks_dense(), dense)
    assert [instance.class_name for instance in prediction] == [item["label"] for item in results]
    wanted = [1 if item["score"] is None else item["score"] for item in results]
    np.testing.assert_array_equal(prediction.scores, np.array(wanted, np.float32))


def test_the_predictor_asks_a_pipeline(segmenter: tuple[Any, Any]) -> None:
    model, processor = segmenter
    ask = pipeline("image-segmentation", model=model, image_processor=processor, device="cpu")
    predictor = predictor_of(ask)
    assert predictor.class_names == ("cat", "dog", "cow")
    image: npt.NDArray[np.uint8] = np.asarray(photograph())
    prediction = predictor(image)
    assert prediction.image_size == SIZE
    assert prediction.class_names == ("cat", "dog", "cow")
    expected = Prediction.of(ask(photograph(), threshold=0.05), class_names=NAMES).sort()
    np.testing.assert_array_equal(prediction.masks_dense(), expected.masks_dense())


def make_detr() -> tuple[Any, Any]:
    torch.manual_seed(0)
    backbone = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        out_features=["stage4"],
    )
    config = DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        backbone_config=backbone,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=10,
        id2label=NAMES,
    )
    processor = DetrImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    return DetrForObjectDetection(config).eval(), processor


def test_object_detection() -> None:
    model, processor = make_detr()
    results = processor.post_process_object_detection(
        answer(model, processor), threshold=0.0, target_sizes=[SIZE]
    )
    [result] = results
    assert len(result["scores"]) == 10
    prediction = Prediction.of(results, SIZE, class_names=model.config.id2label)
    clipped = result["boxes"].numpy().clip(0, [150, 100, 150, 100])
    np.testing.assert_array_equal(prediction.boxes, clipped)
    assert prediction.class_ids.tolist() == result["labels"].tolist()
    with pytest.raises(PredictionError, match="a list of names does not say which"):
        Prediction.of(results, SIZE, class_names=["cat", "dog", "cow"])

    ask = pipeline("object-detection", model=model, image_processor=processor, device="cpu")
    items = ask(photograph(), threshold=0.0)
    boxes = Prediction.of(items, SIZE, class_names=NAMES)
    assert [instance.class_name for instance in boxes] == [item["label"] for item in items]
    assert isinstance(model, AutoModelForObjectDetection) is False
    corners = np.array([list(item["box"].values()) for item in items])
    np.testing.assert_array_equal(boxes.boxes, corners.clip(0, [150, 100, 150, 100]))
