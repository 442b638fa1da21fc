"""A panel with a truth, in any order of images: an image is compared only with its own truth, and
an error is there exactly as long as it holds."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from seg_widgets.errors import ImageError
from seg_widgets.prediction import GroundTruth, Prediction
from seg_widgets.session import SegmentationSession
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.widgets import SegmentationCanvas, SegmentationPanel

from ..waiting import until

MODEL: Final = StubPredictor(6)
IMAGES: Final = {
    "wide.png": make_picture(160, 120),
    "high.png": make_picture(120, 160, seed=1),
    "small.png": make_picture(64, 48, seed=2),
    "alike.png": make_picture(160, 120, seed=3),
    "odd.png": make_picture(90, 90, seed=4),
    "unknown.png": make_picture(100, 50, seed=5),
}
FITTING: Final = ("wide.png", "high.png", "small.png", "alike.png")
# "odd.png" has the truth of another size, and "unknown.png" has none.
TRUTH: Final = {
    **{name: MODEL(IMAGES[name])[: index + 1] for index, name in enumerate(FITTING)},
    "odd.png": MODEL(IMAGES["wide.png"]),
}
ERRORS: Final = {
    "odd.png": "belongs to an image of 160×120 pixels, but this one has 90×90",
    "unknown.png": "The truth has no image 'unknown.png'",
}


@pytest.fixture(params=[SegmentationSession, SegmentationPanel])
def panel(request: pytest.FixtureRequest) -> Iterator[SegmentationSession]:
    made = request.param(MODEL)
    yield made
    made.close(10)


def open_image(panel: SegmentationSession, name: str) -> None:
    panel.segment(IMAGES[name], name)
    panel.wait(60)


def check(panel: SegmentationSession, name: str | None, truth: bool = True) -> None:
    """The image on screen is compared with its truth, or the error says why not."""
    matches = panel.matches
    if name is None or not truth:
        assert matches is None and panel.error == ""
    elif name in FITTING:
        assert panel.error == ""
        assert matches is not None and matches.found is panel.prediction
        assert len(matches.truth) == FITTING.index(name) + 1
    else:
        assert ERRORS[name] in panel.error
        assert matches is None
    if isinstance(panel, SegmentationPanel):
        assert panel.canvas.error == panel.error
        assert (panel.canvas.matches is None) == (matches is None)
        if matches is not None:
            assert panel.canvas.matches is not None
            assert panel.canvas.matches.of_found.tolist() == matches.of_found.tolist()


@pytest.mark.parametrize("truth_first", [True, False])
def test_images_that_fit_never_show_an_error(panel: SegmentationSession, truth_first: bool) -> None:
    errors: list[str] = []
    panel.observe(lambda change: errors.append(change.new), "error")
    if truth_first:
        panel.truth = TRUTH
    for order in itertools.permutations(FITTING, 3):
        for name in order:
            open_image(panel, name)
            panel.truth = TRUTH
            check(panel, name)
    for entry in random.Random(1).choices(panel.history, k=30):
        panel.show(entry.number)
        check(panel, entry.source)
    assert errors == []


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_of_steps_an_error_is_there_as_long_as_it_holds(
    panel: SegmentationSession, seed: int
) -> None:
    chance = random.Random(seed)
    on_screen: str | None = None
    has_truth = False
    for _ in range(80):
        step = chance.choice(["open", "open", "show", "truth", "clear", "fail", "forget"])
        if step == "open":
            on_screen = chance.choice(list(IMAGES))
            open_image(panel, on_screen)
        elif step == "show" and panel.history:
            entry = chance.choice(panel.history)
            panel.show(entry.number)
            on_screen = entry.source
        elif step == "truth":
            has_truth = not has_truth
            panel.truth = TRUTH if has_truth else None
        elif step == "clear" and panel.history:
            panel.clear()
            check(panel, None)
            if chance.random() < 0.5:
                panel.undo_clear()
            else:
                on_screen = None
        elif step == "fail":
            panel.segment(b"no image")
            with pytest.raises(ImageError) as failed:
                panel.wait(60)
            assert panel.error == str(failed.value)
            panel.error = ""  # dismissed; what is on screen is said again at the next occasion
            continue
        elif step == "forget" and panel.history:
            panel.forget(chance.choice(panel.history).number)
        check(panel, on_screen, has_truth)


def test_an_error_goes_while_another_image_is_on_its_way(panel: SegmentationSession) -> None:
    slow = StubPredictor(6, delay_s=0.3)
    panel.truth = TRUTH
    open_image(panel, "odd.png")
    check(panel, "odd.png")
    panel.use(slow)
    panel.wait(60)
    check(panel, "odd.png")
    panel.segment(IMAGES["wide.png"], "wide.png")
    assert panel.error == ""
    panel.cancel()
    check(panel, "odd.png")
    open_image(panel, "wide.png")
    check(panel, "wide.png")


def test_the_truth_of_another_image_is_said_until_its_image_comes(
    panel: SegmentationSession,
) -> None:
    open_image(panel, "high.png")
    panel.truth = MODEL(IMAGES["wide.png"])
    assert "belongs to an image of 160×120 pixels, but this one has 120×160" in panel.error
    open_image(panel, "wide.png")
    assert panel.error == "" and panel.matches is not None
    panel.show(panel.history[0].number)
    assert "belongs to an image of 160×120" in panel.error and panel.matches is None
    panel.classes = {"nobody": None}
    panel.truth = None
    assert panel.error == ""


def test_a_truth_that_can_not_be_had_is_said_until_another_one_is_given(
    panel: SegmentationSession, tmp_path: Path
) -> None:
    panel.truth = tmp_path / "nofile.json"
    assert "nofile.json" in panel.error
    error = panel.error
    for name in FITTING:
        open_image(panel, name)
        assert panel.error == error and panel.matches is None
    panel.show(panel.history[0].number)
    panel.clear()
    panel.undo_clear()
    assert panel.error == error
    panel.segment(b"no image")
    with pytest.raises(ImageError) as failed:
        panel.wait(60)
    assert panel.error == str(failed.value)
    panel.threshold = 0.2
    open_image(panel, "wide.png")
    assert panel.error == error
    panel.truth = TRUTH
    check(panel, "wide.png")
    panel.truth = tmp_path / "nofile.json"
    panel.truth = None
    assert panel.error == ""


def test_a_reader_can_dismiss_an_error() -> None:
    panel = SegmentationPanel(MODEL, truth="nofile.json")
    try:
        assert "nofile.json" in panel.error
        assert panel.canvas.error == panel.error
        panel.canvas.error = ""
        assert panel.error == ""
        open_image(panel, "wide.png")
        assert "nofile.json" in panel.error
    finally:
        panel.close(10)


def test_two_sides_that_do_not_fit_are_both_said(panel: SegmentationSession) -> None:
    open_image(panel, "high.png")
    panel.truth = np.zeros((3, 3), int)
    panel.versus = MODEL(IMAGES["small.png"])
    assert "3×3" in panel.error and "64×48" in panel.error
    panel.truth = None
    assert "3×3" not in panel.error and "64×48" in panel.error
    panel.truth = MODEL(IMAGES["high.png"])
    assert panel.matches is not None
    open_image(panel, "small.png")
    assert "64×48" in panel.error and "120×160" in panel.error
    panel.truth = None
    assert panel.error == "" and panel.matches is not None


def test_a_second_model_that_failed_with_an_image_is_said_with_that_image(
    panel: SegmentationSession,
) -> None:
    def second(image: np.ndarray[Any, Any]) -> Prediction:
        if image.shape[:2] == (90, 90):
            raise RuntimeError("no square, please")
        return MODEL(image)

    panel.versus = second
    open_image(panel, "odd.png")
    until(lambda: "no square" in panel.error)
    open_image(panel, "wide.png")
    until(lambda: panel.matches)
    assert panel.error == ""
    panel.show(panel.history[0].number)
    until(lambda: "no square" in panel.error)


def test_truth_of_a_coco_file_by_name(tmp_path: Path) -> None:
    names = ("wide.png", "high.png")
    images = [
        {"id": i, "file_name": n, "width": IMAGES[n].shape[1], "height": IMAGES[n].shape[0]}
        for i, n in enumerate(names, 1)
    ]
    square = [[5, 5, 40, 5, 40, 40, 5, 40]]
    objects = [
        {"id": i, "image_id": i, "category_id": 1, "iscrowd": 0, "segmentation": square}
        for i in (1, 2)
    ]
    file = tmp_path / "truth.json"
    categories = [{"id": 1, "name": "cat"}]
    file.write_text(
        json.dumps({"images": images, "annotations": objects, "categories": categories})
    )
    errors: list[str] = []
    panel = SegmentationPanel(MODEL, truth=file, classes={"cat": "animal"})
    panel.observe(lambda change: errors.append(change.new), "error")
    try:
        for name in (*names, *reversed(names), *names):
            open_image(panel, name)
            assert panel.matches is not None and len(panel.matches.truth) == 1
        assert errors == []
    finally:
        panel.close(10)


def test_a_canvas_says_what_does_not_fit_for_as_long_as_it_holds(tmp_path: Path) -> None:
    canvas = SegmentationCanvas(truth=tmp_path / "nofile.json")
    assert "nofile.json" in canvas.error
    canvas.set_result(IMAGES["wide.png"], MODEL(IMAGES["wide.png"]), "wide.png")
    assert "nofile.json" in canvas.error
    canvas.truth = TRUTH
    assert canvas.error == "" and canvas.matches is not None
    for name in (*IMAGES, *reversed(IMAGES)):
        canvas.set_result(IMAGES[name], MODEL(IMAGES[name]), name)
        assert (canvas.matches is None) == bool(canvas.error) == (name not in FITTING)
    canvas.set_result(IMAGES["odd.png"], MODEL(IMAGES["odd.png"]), "odd.png")
    assert canvas.error
    canvas.clear()
    assert canvas.error == ""
    canvas.error = "something else"
    canvas.truth = None
    canvas.set_result(IMAGES["wide.png"], MODEL(IMAGES["wide.png"]), "wide.png")
    assert canvas.error == "something else"
    canvas.close()


def test_a_truth_in_other_words_stays_with_its_image() -> None:
    """`GroundTruth` as it is: what the panel gives its canvas."""
    panel = SegmentationPanel(MODEL)
    try:
        open_image(panel, "wide.png")
        panel.truth = GroundTruth.of(MODEL(IMAGES["wide.png"]), size=(120, 160))
        open_image(panel, "high.png")
        assert "160×120" in panel.error and panel.canvas.matches is None
        open_image(panel, "wide.png")
        assert panel.error == "" and panel.canvas.matches is not None
    finally:
        panel.close(10)
