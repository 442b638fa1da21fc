"""What the starter finds on photographs and composites; and how fast it is."""

import statistics
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from seg_widgets.finetuning.augmentation import Photo, Pixels
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, encode
from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.composites import Sampler
from training.config import Inference
from training.sources import Material

COMPOSITE_SHAPE = (384, 512)
COMPOSITE_SEED = 20_17


def photo_truths(photos: Iterable[Photo]) -> Iterator[Truth]:
    """Yield photographs as they are, with all their instances."""
    for photo in photos:
        height, width = photo.image.shape[:2]
        instances = []
        for item in photo.objects:
            x0, y0, x1, y1 = item.box
            mask = np.zeros((height, width), np.uint8)
            mask[y0:y1, x0:x1] = item.mask
            instances.append(FoundInstance(item.class_id, encode(mask), crowd=item.crowd))
        yield Truth(photo.image, instances)


def composite_truths(material: Material, count: int) -> Iterator[Truth]:
    """Yield `count` composites of one part's own objects and backgrounds."""
    sampler = Sampler(material, COMPOSITE_SEED, kind_shares=(0.0, 0.0, 1.0))
    for index in range(count):
        sample = sampler.sample(index, COMPOSITE_SHAPE)
        pairs = zip(sample.class_ids, sample.masks, strict=True)
        yield Truth(
            sample.image, [FoundInstance(class_id, encode(mask)) for class_id, mask in pairs]
        )


def as_shown(image: Pixels, min_size: int, max_size: int) -> Tensor:
    """Return an RGB image, resized as detectron2's `ResizeShortestEdge` does, 3×H×W uint8."""
    height, width = image.shape[:2]
    scale = min(min_size / min(height, width), max_size / max(height, width))
    size = (round(width * scale), round(height * scale))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    return torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))


def predict(model: Any, image: Pixels, min_size: int, max_size: int) -> Any:
    """Run the model on one RGB image of the size that `as_shown` gives it; return its instances."""
    height, width = image.shape[:2]
    tensor = as_shown(image, min_size, max_size)
    model.eval()
    with torch.no_grad():
        return model([{"image": tensor, "height": height, "width": width}])[0]["instances"]


def detect(model: Any, truths: Iterable[Truth], inference: Inference) -> list[list[FoundInstance]]:
    """Return what the model finds in each image, best first."""
    model.second_scale = TwoScaleRCNN.second_scale if inference.two_scales else None
    for stage in model.roi_heads.box_predictor:
        stage.test_nms_thresh = inference.nms_threshold
    detections = []
    for truth in truths:
        found = predict(model, truth.image, inference.min_size, inference.max_size)
        columns = zip(
            found.pred_classes.tolist(),
            found.scores.tolist(),
            found.pred_masks.numpy(),
            strict=True,
        )
        instances = [
            FoundInstance(class_id, encode(mask), score) for class_id, score, mask in columns
        ]
        detections.append(sorted(instances, key=lambda instance: -instance.score))
    return detections


def time_inference(
    model: nn.Module, image: Pixels, min_size: int, max_size: int, repeats: int = 15
) -> dict[str, float]:
    """Return the median and the least seconds for one image, resizing and mask pasting included."""
    predict(model, image, min_size, max_size)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(model, image, min_size, max_size)
        seconds.append(time.perf_counter() - start)
    return {"median_s": statistics.median(seconds), "least_s": min(seconds)}
