"""One photograph through Mask R-CNN R50-FPN on a CPU: detectron2's `DefaultPredictor` beside ours.

Both have the same weights, random ones that find many instances, and take turns in one process. At
equal floors both keep all that scores over 0.05; then `DefaultPredictor` keeps as many as a person
looks at, and ours still keeps all, as it does for the panel's slider.
"""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .first_light import R50_FPN

SHOWN = 15
"""Instances that `DefaultPredictor` keeps where its floor is 0.5."""

Figures = dict[str, dict[str, float]]
_Timed = dict[str, Callable[[], object]]
_RUNS = 7


def photograph() -> npt.NDArray[np.uint8]:
    """A photograph of 640×480, which both scale to 800 pixels."""
    from PIL import Image

    from seg_widgets import samples

    with Image.open(samples()["astronaut"]) as image:
        return np.asarray(image.convert("RGB").resize((640, 480)))


def predictors(folder: Path) -> tuple[Any, Any]:
    """`DefaultPredictor` and ours, with the same weights."""
    import torch
    from detectron2.engine import DefaultPredictor
    from detectron2.model_zoo import get_config
    from detectron2.modeling import build_model

    from seg_widgets import load_predictor
    from tests.networks import spread_scores

    cfg = get_config(R50_FPN)
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 0.05
    cfg.MODEL.WEIGHTS = str(folder / "model.pth")
    torch.manual_seed(3)
    model = spread_scores(build_model(cfg))
    torch.save(model.state_dict(), cfg.MODEL.WEIGHTS)
    return DefaultPredictor(cfg), load_predictor(cfg, device="cpu")


def alternating(cases: _Timed, runs: int) -> dict[str, float]:
    """The median of each case's seconds; the cases take turns, after one turn to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(runs + 1):
        for name, call in cases.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def end_to_end(theirs: Any, ours: Any, image: npt.NDArray[np.uint8], runs: int) -> dict[str, float]:
    """Seconds from the array to boxes, scores and masks at the image's size."""
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    predictor: Any = theirs.model.roi_heads.box_predictor

    def shown() -> object:
        whole = predictor.test_topk_per_image
        predictor.test_topk_per_image = SHOWN
        try:
            return theirs(bgr)
        finally:
            predictor.test_topk_per_image = whole

    return alternating(
        {
            "DefaultPredictor": lambda: theirs(bgr),
            "DefaultPredictor, 15 instances": shown,
            "ours": lambda: ours(image),
        },
        runs,
    )


def stages(model: Any, image: npt.NDArray[np.uint8]) -> _Timed:
    """The parts of a model's answer, each to be timed on what comes before it."""
    import torch
    from PIL import Image

    scaled = np.asarray(Image.fromarray(image).resize((1067, 800), Image.Resampling.BILINEAR))
    pixels = torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))
    batch = model.preprocess_image([{"image": pixels.flip(0)}])
    features = model.backbone(batch.tensor)
    proposals, _ = model.proposal_generator(batch, features, None)
    heads = model.roi_heads
    maps = [features[name] for name in heads.box_in_features]
    regions = heads.box_pooler(maps, [one.proposal_boxes for one in proposals])
    scored = heads.box_predictor(heads.box_head(regions))
    found, _ = heads.box_predictor.inference(scored, proposals)
    boxes = [one.pred_boxes for one in found]
    cut = heads.mask_pooler(maps, boxes)
    return {
        "ResNet": lambda: model.backbone.bottom_up(batch.tensor),
        "ResNet and FPN": lambda: model.backbone(batch.tensor),
        "proposals": lambda: model.proposal_generator(batch, features, None),
        "box ROIAlign": lambda: heads.box_pooler(maps, [one.proposal_boxes for one in proposals]),
        "box head": lambda: heads.box_predictor(heads.box_head(regions)),
        "box NMS": lambda: heads.box_predictor.inference(scored, proposals),
        "mask ROIAlign": lambda: heads.mask_pooler(maps, boxes),
        "mask head": lambda: heads.mask_head.layers(cut),
    }


def by_stage(theirs: Any, ours: Any, image: npt.NDArray[np.uint8], runs: int) -> Figures:
    """Seconds of each part, in both."""
    import torch

    from seg_widgets.modeling.inference_network import inference_network

    with torch.no_grad():
        plain = stages(theirs.model, image)
        fast = stages(inference_network(ours.model), image)
        timed: Figures = {}
        for name in plain:
            pair = {"DefaultPredictor": plain[name], "ours": fast[name]}
            timed[name] = alternating(pair, runs)
    return timed


def _report(whole: dict[str, float], parts: Figures) -> None:
    print(f"R50-FPN, 640×480 scaled to 1067×800, seconds, medians; {platform.machine()}, CPU")
    for name, seconds in whole.items():
        ratio = "" if name == "ours" else f"   ours is {seconds / whole['ours']:.2f}× as fast"
        print(f"  {name:34}{seconds:8.3f}{ratio}")
    for name, pair in parts.items():
        seconds, other = pair["DefaultPredictor"], pair["ours"]
        print(f"    {name:24}{seconds:8.3f}{other:8.3f}   {seconds / other:.2f}×")


def main(runs: int = _RUNS) -> Figures:
    """Measure and print the table.

    Args:
        runs: of each; the medians of these count.

    Returns:
        Seconds: under "end to end" by predictor, under each stage by predictor.
    """
    image = photograph()
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = predictors(Path(folder))
        whole = end_to_end(theirs, ours, image, runs)
        parts = by_stage(theirs, ours, image, max(runs // 2, 1))
    _report(whole, parts)
    return {"end to end": whole, **parts}


if __name__ == "__main__":
    main()
