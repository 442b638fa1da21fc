"""A result as a web page in one file: the canvas itself, to explore in any browser without Python
or a network."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..prediction import Prediction
from .assets import script, stylesheet
from .content import encode_content

__all__ = ["page_of", "to_html"]

# The page may show what it carries and run what it carries, and nothing else: it can tell nobody
# that it was opened.
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
<input id="threshold" type="range" min="0" max="1" step="0.01">
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

# What a page begins with, and what it has nobody to ask for.
_TRAITS: Final[Mapping[str, Any]] = {
    "threshold": 0.5,
    "class_thresholds": {},
    "hidden_classes": [],
    "hidden_instances": [],
    "selected": [],
    "hovered": None,
    "color_by": "class",
    "opacity": 0.45,
    "show": ["masks", "outlines", "labels"],
    "zoom": 1,
    "pan": [0.5, 0.5],
    "legend": True,
    "table": True,
}
_WITHOUT_KERNEL: Final[Mapping[str, Any]] = {
    "busy": False,
    "status": "",
    "error": "",
    "hint": "",
    "exports": [],
    "asks": [],
    "upload": None,
}


def to_html(
    prediction: Prediction,
    image: npt.NDArray[np.uint8],
    name: str = "",
    *,
    threshold: float = 0.5,
    class_thresholds: Mapping[str, float] | None = None,
    hidden_classes: Iterable[str] = (),
    hidden_instances: Iterable[int] = (),
    color_by: str = "class",
    opacity: float = 0.45,
    show: Iterable[str] = ("masks", "outlines", "labels"),
) -> str:
    """The text of an HTML file that shows the image and all its instances, with threshold, legend
    and table.

    `image`: H×W×3 uint8 RGB. `name`: the page's title. The settings are those of
    `SegmentationCanvas`; they are how the page begins, and whoever opens it can change them. It
    carries all that it needs, and its security policy forbids it to ask for anything else. Raises
    as `Prediction.check_image` does.
    """
    chosen = {
        "threshold": threshold,
        "class_thresholds": dict(class_thresholds or {}),
        "hidden_classes": list(hidden_classes),
        "hidden_instances": list(hidden_instances),
        "color_by": color_by,
        "opacity": opacity,
        "show": list(show),
    }
    return page_of(encode_content(image, prediction, name), name, chosen)


def page_of(content: bytes, name: str, chosen: Mapping[str, Any]) -> str:
    """Like `to_html`, of what `encode_content` gave.

    `chosen`: traits of a `SegmentationCanvas` by name; those that only a kernel can answer are left
    out.
    """
    # As in the content: the name of a file need not be text.
    title = name.encode("utf-8", "replace").decode("utf-8") or "Segmented image"
    traits = {
        **{trait: chosen.get(trait, default) for trait, default in _TRAITS.items()},
        **_WITHOUT_KERNEL,
    }
    return _PAGE.substitute(
        policy=html.escape(_POLICY),
        title=html.escape(title),
        style=stylesheet("webpage"),
        # A name may hold what would end the script.
        traits=json.dumps(traits).replace("<", "\\u003c"),
        content=base64.b64encode(content).decode("ascii"),
        script=script("webpage"),
    )
