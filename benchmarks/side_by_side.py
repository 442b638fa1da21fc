"""One photograph, drawn by us, by detectron2 and by supervision, side by side.

`python -m benchmarks.side_by_side` makes `docs/performance/side_by_side.jpg` anew. All three draw
what the starter finds, with their own defaults, at the same size; nothing is scaled.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from .drawing_cases import supervision_drawing, visualizer_drawing
from .measuring import ROOT, Case, peers_python, serve, worker

PICTURE = ROOT / "docs" / "performance" / "side_by_side.jpg"
_SAMPLE = "coffee"
_WIDTH = 640
_THRESHOLD = 0.5


def main() -> int:
    """Make the picture.

    Returns:
        The exit status: 1 where supervision is not installed.
    """
    from seg_widgets import load, load_predictor, samples
    from seg_widgets.drawing import overlay

    python = peers_python()
    if python is None:
        print("supervision is needed: make peers-test installs it", file=sys.stderr)
        return 1
    photograph = Image.fromarray(load(samples()[_SAMPLE]))
    image = np.asarray(photograph.resize((_WIDTH, photograph.height * _WIDTH // photograph.width)))
    found = load_predictor(device="cpu")(image).filter(_THRESHOLD)
    pictures = [overlay(image, found)]
    with tempfile.TemporaryDirectory() as folder:
        scene, drawn = Path(folder) / "scene.npz", Path(folder) / "drawn.png"
        np.savez(
            scene,
            image=image,
            masks=found.masks_dense(),
            names=np.array(found.class_names),
            boxes=found.boxes,
            scores=found.scores,
            class_ids=found.class_ids,
        )
        for case, runs in (("visualizer", sys.executable), ("supervision", str(python))):
            arguments = {"scene": str(scene), "into": str(drawn)}
            with worker("benchmarks.side_by_side", case, python=runs, **arguments) as process:
                process.result()
            pictures.append(np.asarray(Image.open(drawn).convert("RGB")))
    PICTURE.parent.mkdir(exist_ok=True)
    Image.fromarray(np.hstack(pictures)).save(PICTURE, quality=90)
    return 0


def _case(draw: Callable[..., Callable[[], npt.NDArray[np.uint8]]]) -> Case:
    def prepare(scene: str, into: str) -> Callable[[], None]:
        from seg_widgets.prediction import Prediction

        parts = np.load(scene)
        found = Prediction.from_dense(
            parts["masks"],
            parts["scores"],
            parts["class_ids"],
            [str(name) for name in parts["names"]],
            parts["boxes"],
        )
        drawing = draw(parts["image"], found)

        def work() -> None:
            Image.fromarray(drawing()).save(into)

        return work

    return prepare


CASES = {"visualizer": _case(visualizer_drawing), "supervision": _case(supervision_drawing)}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(CASES)
    else:
        sys.exit(main())
