"""A result as a web page in one file: the canvas itself, to explore in any browser without Python
and without a network."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from string import Template
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..prediction import (
    DEFAULT_FILTER,
    DEFAULT_IOU,
    ClassMapping,
    Filter,
    Prediction,
    TruthSource,
    check_iou,
)
from ..style import DEFAULT_STYLE, Style
from .assets import script, stylesheet
from .compared import Compared
from .content import encode_content

__all__ = ["page_of", "to_html"]

# The page may show and run what it carries, and nothing else: it can't report that it was opened.
_POLICY: Final = (
    "default-src 'none'; img-src blob: data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)

_PAGE: Final = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<h1>$title</h1>
<div class="page-threshold">
<label for="threshold">Threshold</label>
<div class="page-track">
<input id="threshold" type="range" min="0" max="1" step="0.01">
</div>
<output id="threshold-value" for="threshold"></output>
</div>
<div id="canvas"></div>
<noscript>This page needs JavaScript to show the image.</noscript>
<script type="application/json" id="traits">$traits</script>
<script type="text/plain" id="content">$content</script>
<script type="module">
$script
</script>
</body>
</html>
"""
)

# The traits of a `SegmentationCanvas` that a page begins with.
_TRAITS: Final[Mapping[str, Any]] = {
    **DEFAULT_FILTER.to_traits(),
    **DEFAULT_STYLE.to_traits(),
    "selected": [],
    "hovered": None,
    "zoom": 1,
    "pan": [0.5, 0.5],
    "iou_threshold": DEFAULT_IOU,
    "compare_with": "truth",
    "legend": True,
    "table": True,
    "doubt": False,
    "soft_masks": True,
}

# Those that only a kernel can act on.
_WITHOUT_KERNEL: Final[Mapping[str, Any]] = {
    "busy": False,
    "status": "",
    "error": "",
    "hint": "",
    "exports": [],
    "actions": [],
    "max_file_bytes": 0,
    "upload": None,
}

_UNNAMED: Final = "Segmented image"


def to_html(
    prediction: Prediction,
    image: npt.NDArray[np.uint8],
    name: str = "",
    *,
    filter: Filter = DEFAULT_FILTER,
    style: Style = DEFAULT_STYLE,
    truth: Any = None,
    versus: Any = None,
    classes: ClassMapping | None = None,
    iou_threshold: float = DEFAULT_IOU,
) -> str:
    """The text of an HTML file that shows the image and all its instances, to be explored.

    The page has the threshold, the legend and the table of a `SegmentationCanvas`. It carries all
    that it needs, and its security policy forbids it to load anything else.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        name: the page's title; where the truth is that of several images, the image's file name.
        filter: which instances the page shows at first; whoever opens it can change that.
        style: how it draws them at first, as far as a canvas can: colours, opacity, masks,
            outlines, boxes, labels.
        truth: what is there, whatever `GroundTruth.of` takes, or a mapping from file names to
            that; the page then matches it with what is shown.
        versus: a second prediction to compare with, or what `Prediction.of` takes.
        classes: the model's names of the truth's classes, as for `GroundTruth.of`.
        iou_threshold: the IoU from which instances match at first, 0.1 to 1.

    Returns:
        The file's text, to be written as UTF-8.

    Raises:
        SettingError: the image is no such array, or `iou_threshold` is out of its range.
        PredictionError: the prediction is for an image of another size, or the truth doesn't fit.
        DatasetError: the truth is no COCO file.
    """
    iou = {"iou_threshold": check_iou(iou_threshold)}
    chosen = {**filter.to_traits(), **style.to_traits(), **iou}
    others = []
    if truth is not None:
        true = TruthSource(truth, classes).of(prediction, name)
        others.append(Compared.of(prediction, true))
    if versus is not None:
        second = Prediction.of(versus, prediction.image_size)
        others.append(Compared.of(prediction, second))
    content = encode_content(image, prediction, name, others=others, soft=True)
    return page_of(content, name, chosen)


def page_of(content: bytes, name: str, chosen: Mapping[str, Any]) -> str:
    """Like `to_html`, of a message that is there already.

    Args:
        content: what `encode_content` gave.
        name: the page's title.
        chosen: traits of a `SegmentationCanvas` by name; those that only a kernel can act on are
            left out.

    Returns:
        The file's text, to be written as UTF-8.
    """
    # As in the content: the name of a file need not be text.
    title = name.encode("utf-8", "replace").decode("utf-8") or _UNNAMED
    begins = {trait: chosen.get(trait, default) for trait, default in _TRAITS.items()}
    # The browser's JSON has no NaN.
    traits = json.dumps({**begins, **_WITHOUT_KERNEL}, allow_nan=False)
    return _PAGE.substitute(
        policy=html.escape(_POLICY),
        title=html.escape(title),
        style=stylesheet("webpage"),
        # A name may hold what would end the script.
        traits=traits.replace("<", "\\u003c"),
        content=base64.b64encode(content).decode("ascii"),
        script=script("webpage"),
    )
