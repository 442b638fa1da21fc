"""An evaluation as a web page in one file; its worst images open in the canvas."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

import numpy as np

from .._files import StrPath, write_bytes
from .._text import plural, printable
from ..errors import ImageError, SettingError
from ..prediction import Filter, GroundTruth
from ..viewer import to_html
from . import plots, result_table
from .curves import shown_threshold
from .pictures import Images, Pictures
from .scores import IOU

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .outcomes import ImageScore
    from .scenes import Scene

__all__ = ["write_report"]

_FRAME_HEIGHT_PX: Final = 860

_PAGE: Final = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15em 0.7em; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
.plots { background: #fff; border-radius: 4px; }
.plots svg { width: 100%; height: auto; }
summary { cursor: pointer; padding: 0.4em 0; }
iframe { width: 100%; height: ${height}px; border: 1px solid #8884; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$lead</p>
$notes
<h2>By class</h2>
<div class="wide">$classes</div>
<h2>By size</h2>
<div class="wide">$sizes</div>
<h2>Curves, confusion, errors</h2>
<div class="plots">$plots</div>
<h2>Kinds of errors</h2>
<p>By the definitions of TIDE (<a href="https://arxiv.org/abs/2008.08115">Bolya et al. 2020</a>).
The gain is what AP50 would rise if only this kind were mended.</p>
<div class="wide">$kinds</div>
<h2>The images with the most errors</h2>
<p>At a threshold of $threshold. Open one to explore it; nothing is loaded from elsewhere.</p>
$images
</body>
</html>
"""
)


def write_report(
    evaluation: Evaluation,
    path: StrPath,
    images: Images | None,
    worst: int,
    threshold: float | Mapping[str, float] | None,
    title: str,
) -> Path:
    """Write the page.

    Args:
        evaluation: what was measured.
        path: where to.
        images: where the images are; None: the page has none.
        worst: at most so many images.
        threshold: where the images' slider and the confusion matrix begin, as for
            `Scores.outcomes`.
        title: the page's title.

    Returns:
        The file's path.

    Raises:
        ExportError: the file can't be written.
        SettingError: there is no such folder, or an argument is of another kind.
    """
    if not isinstance(title, str):
        raise SettingError(f"A title is a text, not {title!r:.80}.")
    scores = evaluation.scores
    pictures = None if images is None else Pictures(images, [one.name for one in evaluation.scenes])
    rest, own = scores.least_scores(threshold)
    begins = Filter(rest, class_thresholds=own)
    parts = {
        "height": str(_FRAME_HEIGHT_PX),
        "title": html.escape(printable(title)),
        "lead": html.escape(_lead(evaluation)),
        "notes": "".join(f"<p>{html.escape(note)}</p>\n" for note in evaluation.notes),
        "classes": result_table.html_rows(result_table.class_rows(scores, None)[0]),
        "sizes": result_table.html_rows(_sizes(evaluation)),
        "plots": _svg(evaluation, threshold),
        "kinds": result_table.html_rows(_kinds(evaluation)),
        "threshold": html.escape(_shown(rest, own)),
        "images": _worst(evaluation, pictures, evaluation.worst(worst, threshold), begins),
    }
    return write_bytes(path, _PAGE.substitute(parts).encode("utf-8", "replace"))


def _shown(rest: float, own: Mapping[str, float]) -> str:
    """Thresholds in words."""
    classes = ", ".join(
        f"{printable(name)} {shown_threshold(least)}" for name, least in own.items()
    )
    return shown_threshold(rest) + (f" ({classes})" if classes else "")


def _lead(evaluation: Evaluation) -> str:
    objects = int(evaluation.scores.objects().sum())
    best = evaluation.best_threshold()
    price = f" Best F1 at {best}." if best is not None else ""
    images, classes = len(evaluation.scenes), len(evaluation.class_names)
    return (
        f"{images:,} {plural(images, 'image')} with {objects:,} {plural(objects, 'object')} of "
        f"{classes:,} {plural(classes, 'class', 'classes')}, judged by their {evaluation.kind}."
        f"{price}"
    )


def _sizes(evaluation: Evaluation) -> list[list[str]]:
    """AP and AR by size, of masks and of boxes."""
    table = [["", "AP", "AP50", "AP75", "small", "medium", "large", "AR1", "AR10", "AR100"]]
    names = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR1", "AR10", "AR100")
    for kind in ("masks", "boxes") if evaluation.has_masks else ("boxes",):
        figures = evaluation.on(kind).figures
        cells = ["–" if (value := figures[name]) is None else f"{value:.3f}" for name in names]
        table.append([kind, *cells])
    return table


def _kinds(evaluation: Evaluation) -> list[list[str]]:
    from .error_kinds import ERROR_KINDS

    kinds = evaluation.error_kinds
    table = [["kind", "number", "gain of AP50", "what it is"]]
    for name, meaning in ERROR_KINDS.items():
        table.append([name, f"{kinds.counts[name]:,}", f"{kinds.gains[name]:.3f}", meaning])
    table.append(["all wrong ones", "", f"{kinds.false_positives:.3f}", "no wrong detection"])
    table.append(["all missed ones", "", f"{kinds.false_negatives:.3f}", "nothing is missed"])
    return table


def _svg(evaluation: Evaluation, threshold: float | Mapping[str, float] | None) -> str:
    import matplotlib

    buffer = io.StringIO()
    # The same evaluation gives the same file.
    with matplotlib.rc_context({"svg.hashsalt": "seg-widgets"}):
        figure = plots.overview(evaluation.scores, threshold)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2]


def _worst(
    evaluation: Evaluation,
    pictures: Pictures | None,
    shown: Sequence[ImageScore],
    begins: Filter,
) -> str:
    if not shown:
        return "<p>There is no error.</p>"
    if pictures is None:
        return result_table.html_rows(
            [
                ["image", "F1", "right", "false alarms", "wrong classes", "missed"],
                *map(_cells, shown),
            ]
        )
    return "\n".join(
        _opened(one, _judged(evaluation, one.place), pictures, begins) for one in shown
    )


def _judged(evaluation: Evaluation, place: int) -> Scene:
    """An image as it was judged, so that its canvas counts what the report counts."""
    scene = evaluation.scenes[place]
    if evaluation.kind == "masks":
        return scene
    found = replace(scene.found, masks=None)
    true = replace(scene.truth.prediction, masks=None, boxes=scene.boxes.astype(np.float32))
    return replace(scene, found=found, truth=GroundTruth(true, scene.truth.crowd))


def _cells(one: ImageScore) -> list[str]:
    counts = (one.hits, one.false_alarms, one.wrong_classes, one.missed)
    return [printable(one.name), f"{one.f1:.3f}", *(f"{count:,}" for count in counts)]


def _opened(one: ImageScore, scene: Scene, pictures: Pictures, begins: Filter) -> str:
    """One image: a line to press, and a page of its own that is made when it is opened."""
    name = printable(one.name)
    line = html.escape(
        f"{name}: {one.hits} right, "
        f"{one.false_alarms} {plural(one.false_alarms, 'false alarm')}, "
        f"{one.wrong_classes} {plural(one.wrong_classes, 'wrong class', 'wrong classes')}, "
        f"{one.missed} missed (F1 {one.f1:.2f})"
    )
    try:
        pixels = pictures.of(scene)
    except ImageError as error:
        # The figures are worth a page, whatever became of one image.
        return f"<p>{line} ({html.escape(str(error).removesuffix('.'))})</p>"
    page = to_html(
        scene.found,
        pixels,
        name,
        filter=begins,
        truth=scene.truth,
        iou_threshold=IOU,
    )
    frame = f'<iframe loading="lazy" title="{html.escape(name)}" srcdoc="{html.escape(page)}">'
    return f"<details><summary>{line}</summary>{frame}</iframe></details>"
