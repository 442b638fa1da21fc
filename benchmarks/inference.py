"""One photograph through Mask R-CNN R50-FPN on a CPU: detectron2's `DefaultPredictor` beside ours.

Both have the same weights, random ones that find many instances, and take turns in one process. At
equal floors both keep all that scores over 0.05; then `DefaultPredictor` keeps as many as a person
looks at, and ours still keeps all, as it does for the panel's slider. The panel's first overlay
waits only for the boxes, and the masks of what it shows; that is measured last.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seg_widgets.prediction import Filter

from .figures import Figure
from .first_light import R50_FPN
from .measuring import ROUNDS, alternate, timed

TITLE = "A photograph through R50-FPN on a CPU"
SHOWN = 15
"""Instances that `DefaultPredictor` keeps where its floor is 0.5."""

_Stages = Mapping[str, Callable[[], object]]
_TARGET = 1.3


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


def at_equal_floors(theirs: Any, ours: Any, image: npt.NDArray[np.uint8], rounds: int) -> Figure:
    """From the array to boxes, scores and masks at the image's size, of the same instances."""
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    contenders = {
        "ours": timed(lambda: ours(image)),
        "DefaultPredictor": timed(lambda: theirs(bgr)),
    }
    name = "equal floors, 100 instances each"
    return Figure(name, "s", alternate(contenders, rounds), target=_TARGET)


def end_to_end(theirs: Any, ours: Any, image: npt.NDArray[np.uint8], rounds: int) -> list[Figure]:
    """The same where the peer keeps fewer, and until those few are shown."""
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    predictor: Any = theirs.model.roi_heads.box_predictor

    def shown() -> object:
        whole = predictor.test_topk_per_image
        predictor.test_topk_per_image = SHOWN
        try:
            return theirs(bgr)
        finally:
            predictor.test_topk_per_image = whole

    all_of_ours = {"ours": timed(lambda: ours(image)), "DefaultPredictor": timed(shown)}
    name = f"ours keeps 100 instances, DefaultPredictor {SHOWN}"
    figures = [Figure(name, "s", alternate(all_of_ours, rounds), target=_TARGET)]
    best_first = np.sort(ours(image).scores)[::-1]
    filter_ = Filter(float(best_first[SHOWN - 1]))
    first = {"ours": lambda: until_shown(ours, image, filter_), "DefaultPredictor": timed(shown)}
    name = f"first overlay: ours keeps 100 and shows {SHOWN}, DefaultPredictor keeps {SHOWN}"
    figures.append(Figure(name, "s", alternate(first, rounds), target=_TARGET))
    return figures


def until_shown(ours: Any, image: npt.NDArray[np.uint8], shown: Filter) -> float:
    """Seconds until all that a panel shows has its mask. It draws the others next; here, it is
    stopped."""

    def stop(_found: object) -> None:
        raise InterruptedError

    began = time.perf_counter()
    with contextlib.suppress(InterruptedError):
        ours.predict_in_steps(image, shown=shown, on_first=stop)
        raise RuntimeError("All masks were drawn at once.")
    return time.perf_counter() - began


def stages(model: Any, image: npt.NDArray[np.uint8]) -> _Stages:
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


def by_stage(theirs: Any, ours: Any, image: npt.NDArray[np.uint8], rounds: int) -> list[Figure]:
    """Each part of the answer, in both."""
    import torch

    from seg_widgets.modeling.inference_network import inference_network

    with torch.no_grad():
        plain = stages(theirs.model, image)
        fast = stages(inference_network(ours.model), image)
        figures = []
        for name, work in plain.items():
            contenders = {"ours": timed(fast[name]), "DefaultPredictor": timed(work)}
            figures.append(Figure(name, "s", alternate(contenders, rounds)))
    return figures


def main(quick: bool = False) -> list[Figure]:
    """Measure the whole answer and its parts.

    Args:
        quick: one round of the same instances from both.
    """
    rounds = 1 if quick else ROUNDS
    image = photograph()
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = predictors(Path(folder))
        equal = at_equal_floors(theirs, ours, image, rounds)
        if quick:
            return [equal]
        others = end_to_end(theirs, ours, image, rounds)
        return [equal, *others, *by_stage(theirs, ours, image, rounds)]
