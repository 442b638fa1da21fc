"""Data sets as people have them: what is broken, missing or named otherwise is counted or
listed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import DatasetError, PredictionError, SegWidgetsError, SettingError
from seg_widgets.evaluation import Evaluation, compare, evaluate
from seg_widgets.prediction import GroundTruth, Prediction

SIZE = (50, 60)
NAMES = ("cat", "dog")
_BOXES = ((1, 1, 9, 9), (20, 20, 40, 40))


def _found() -> Prediction:
    """A sure cat and an unsure dog; in each image one of them is right."""
    masks = np.zeros((2, *SIZE), bool)
    for mask, (left, top, right, bottom) in zip(masks, _BOXES, strict=True):
        mask[top:bottom, left:right] = True
    return Prediction.from_dense(masks, [0.9, 0.05], [0, 1], NAMES)


FOUND = _found()
BOTH = {"a.jpg": FOUND, "b.jpg": FOUND}


def _content(**changes: Any) -> dict[str, Any]:
    """A cat in a.jpg and a dog in b.jpg; `annotations_0_area=7` changes an entry."""
    sizes = {"height": SIZE[0], "width": SIZE[1]}
    content: dict[str, Any] = {
        "images": [
            {"id": 1, "file_name": "a.jpg", **sizes},
            {"id": 2, "file_name": "b.jpg", **sizes},
        ],
        "annotations": [
            {
                "id": number,
                "image_id": number,
                "category_id": number,
                "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
                "area": (right - left) * (bottom - top),
                "bbox": [left, top, right - left, bottom - top],
            }
            for number, (left, top, right, bottom) in enumerate(_BOXES, start=1)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    for path, value in changes.items():
        section, number, key = path.split("_", 2)
        content[section][int(number)][key] = value
    return content


def _counts(evaluation: Evaluation) -> dict[str, tuple[int, int, int]]:
    """Hits, wrong detections and misses of each image."""
    return {
        one.name: (one.hits, one.false_alarms + one.wrong_classes, one.missed)
        for one in evaluation.images(0.0)
    }


WHOLE = {"a.jpg": (1, 1, 0), "b.jpg": (1, 1, 0)}
LOST = {"a.jpg": (0, 2, 0), "b.jpg": (1, 1, 0)}


@pytest.mark.parametrize(
    ("changes", "counts", "note"),
    [
        # An image whose only object is broken still has its false alarms.
        ({"annotations_0_segmentation": [[1, 1]]}, LOST, "a.jpg: 1 × its polygon has fewer"),
        ({"annotations_0_category_id": 99}, LOST, "a.jpg: 1 × its category_id is no category's"),
        # One object that has a box only does not make boxes of the whole data set.
        ({"annotations_0_segmentation": None}, LOST, "a.jpg: 1 × it has no mask"),
        ({"annotations_0_image_id": 77}, LOST, "1 × its image_id is no image's: annotation 1"),
        ({"annotations_0_image_id": None}, LOST, "1 × its image_id is no image's: annotation 1"),
        # Ids are ids in any form.
        ({"annotations_0_image_id": "1"}, WHOLE, ""),
        ({"images_0_id": "0001"}, WHOLE, ""),
        ({"images_0_id": 10**30, "annotations_0_image_id": 10**30}, WHOLE, ""),
        ({"categories_0_id": "1.0"}, WHOLE, ""),
        # What would be in none of COCO's sizes, or no place.
        ({"annotations_0_area": -5}, WHOLE, ""),
        ({"annotations_0_area": float("nan")}, WHOLE, ""),
        ({"annotations_0_bbox": [1, 1, 1e300, 8]}, WHOLE, ""),
    ],
)
def test_what_is_odd_is_mended_or_counted_and_listed(
    changes: dict[str, Any], counts: dict[str, Any], note: str
) -> None:
    evaluation = evaluate(BOTH, _content(**changes))
    assert evaluation.kind == "masks"
    assert _counts(evaluation) == counts
    assert note in "\n".join(evaluation.notes)
    assert bool(note) == bool(evaluation.notes)
    objects = {True: [1, 1], False: [0, 1]}[counts is WHOLE]
    assert sorted(evaluation.scores.objects().tolist()) == objects
    # All figures count the same objects.
    assert evaluation.on("boxes").scores.objects().sum() == sum(objects)
    if counts is WHOLE:
        whole = evaluate(BOTH, _content())
        assert evaluation.figures == whole.figures
        assert evaluation.on("boxes").figures == whole.on("boxes").figures


def test_images_that_cannot_be_told_apart() -> None:
    with pytest.raises(DatasetError, match=r"the same id, 1, a\.jpg and b\.jpg"):
        evaluate(BOTH, _content(images_1_id=1))
    with pytest.raises(DatasetError, match=r"the same id, 1, a\.jpg and b\.jpg"):
        GroundTruth.of(_content(images_1_id="1"), size=SIZE, file_name="a.jpg")
    twice = _content()
    twice["images"].append(dict(twice["images"][0]))
    evaluation = evaluate(BOTH, twice)
    assert _counts(evaluation) == WHOLE
    assert "left out: a.jpg: it is there twice" in evaluation.notes
    assert len(GroundTruth.of(twice, size=SIZE, file_name="a.jpg")) == 1
    huge = evaluate(BOTH, _content(images_0_height=10**12))
    assert "left out: a.jpg: no image is as large as it says" in huge.notes


@pytest.mark.parametrize(
    ("in_truth", "in_prediction"),
    [
        ("C:\\photos\\Cat.JPG", "/data/photos/cat.jpg"),
        (unicodedata.normalize("NFD", "é/ü.jpg"), unicodedata.normalize("NFC", "É/Ü.jpg")),
        ("https://x.org/d/a%20b.jpg?sig=1#top", "a b.jpg"),
        ("7", 7),
        ("what?.jpg", "in/what?.jpg"),
    ],
)
def test_names_of_one_image(in_truth: Any, in_prediction: Any) -> None:
    content = _content(images_0_file_name=in_truth)
    evaluation = evaluate({in_prediction: FOUND, "b.jpg": FOUND}, content)
    assert not evaluation.notes
    assert len(GroundTruth.of(content, size=SIZE, file_name=str(in_prediction))) == 1


def test_a_name_goes_to_the_image_of_just_this_name() -> None:
    content = _content(images_0_file_name="what?1.jpg", images_1_file_name="what?2.jpg")
    assert not evaluate({"what?2.jpg": FOUND, "what?1.jpg": FOUND}, content).notes
    content = _content(images_0_file_name="a.jpg", images_1_file_name="x/a.jpg")
    capitals = _content(images_0_file_name="A.jpg", images_1_file_name="a.jpg")
    for names in (("A.jpg", "a.jpg"), ("d/a.jpg", "d/A.jpg")):
        assert not evaluate(dict.fromkeys(names, FOUND), capitals).notes
    with pytest.raises(PredictionError, match="may be any of 2 images"):
        evaluate({"A.JPG": FOUND}, capitals)
    evaluation = evaluate({"a.jpg": FOUND}, content)
    assert evaluation.without_prediction == ("x/a.jpg",)
    assert GroundTruth.of(content, size=SIZE, file_name="a.jpg").prediction.counts() == {"cat": 1}


def test_boxes_among_masks_and_nothing_to_find_are_said() -> None:
    boxes = replace(FOUND, masks=None)
    some = evaluate({"a.jpg": FOUND, "b.jpg": boxes}, _content())
    assert some.kind == "boxes"
    assert some.notes == (
        "Boxes are judged, and no masks: the predictions of 1 image have boxes only: b.jpg.",
    )
    of_truth = evaluate([FOUND, FOUND], [GroundTruth.of(one, size=SIZE) for one in (FOUND, boxes)])
    assert "the truth of 1 image has boxes only: image 2" in of_truth.notes[0]
    assert not evaluate([boxes], [boxes]).notes
    crowds = evaluate(BOTH, _content(annotations_0_iscrowd="1", annotations_1_ignore=True))
    assert crowds.figures["AP"] is None
    assert crowds.notes == (
        "The truth has no object that counts, so there is no AP and no recall.",
    )


TRUTH = GroundTruth.of(FOUND, size=SIZE)
# Of any type, since what is given here is of the wrong one.
RESULT: Any = evaluate({"a": FOUND}, {"a": TRUTH})
_evaluate: Any = evaluate
_compare: Any = compare


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _evaluate({}, {}), PredictionError, "truth has no image"),
        (lambda: _evaluate([], []), PredictionError, "truth has no image"),
        (lambda: _evaluate({"a": FOUND}, {}), PredictionError, "truth has no image"),
        (lambda: _evaluate({}, {"a": TRUTH}), PredictionError, "There are no predictions"),
        (lambda: _evaluate(FOUND, [TRUTH]), SettingError, "goes into a list"),
        (lambda: _evaluate([FOUND], FOUND), SettingError, "goes into a list"),
        (lambda: _evaluate([FOUND], TRUTH), SettingError, "goes into a list"),
        (
            lambda: _evaluate([FOUND], {"images": [], "annotations": []}),
            DatasetError,
            "no list 'categories'",
        ),
        (
            lambda: _evaluate([FOUND], [FOUND], classes={7: "cat"}),
            SettingError,
            "is for label imag",
        ),
        (lambda: RESULT.curve(7), SettingError, "A class is given by its name, a text, not 7"),
        (lambda: RESULT.curve(["cat"]), SettingError, "A class is given by its name"),
        (lambda: RESULT.best_threshold(b"cat"), SettingError, "A class is given by its name"),
        (lambda: RESULT.threshold_for("x"), SettingError, "lies over 0 and up to 1, but 'x'"),
        (lambda: RESULT.threshold_for(True), SettingError, "lies over 0 and up to 1, but True"),
        (lambda: RESULT.curve().at("x"), SettingError, "A threshold is a number"),
        (lambda: RESULT.confusion(10**400), SettingError, "A threshold is a number"),
        (lambda: RESULT.worst("x"), SettingError, "is a whole number, not 'x'"),
        (lambda: RESULT.worst(2.5), SettingError, "is a whole number, not 2.5"),
        (lambda: RESULT.on(["masks"]), SettingError, "give masks or boxes"),
        (lambda: RESULT.to_csv(7), SettingError, "written to a path, and 7 is none"),
        (lambda: RESULT.report("r.html", 7), SettingError, "images is the folder"),
        (lambda: RESULT.report("r.html", "nowhere"), SettingError, "There is no folder nowhere"),
        (lambda: RESULT.report("r.html", title=7), SettingError, "A title is a text, not 7"),
        (lambda: RESULT.report(7), SettingError, "written to a path"),
        *(
            (lambda wrong=wrong: RESULT.report("r.html", threshold=wrong), SettingError, words)
            for wrong, words in (
                ("x", "A threshold is a number"),
                ([0.5], "A threshold is a number"),
                (float("nan"), "between 0 and 1"),
                ({"cat": "x"}, "A threshold is a number"),
                ({"cow": 0.5}, "no class 'cow'"),
                ({1: 0.5}, "dict of thresholds by class name"),
            )
        ),
        (
            lambda: _compare(RESULT, _evaluate([FOUND], [TRUTH], max_detections=[1, 2, 3])),
            SettingError,
            r"max_detections=\(1, 10, 100\), the other \(1, 2, 3\)",
        ),
        (lambda: _compare(RESULT, RESULT, resamples="x"), SettingError, "whole number"),
        (lambda: _compare(RESULT, RESULT, level="x"), SettingError, "between 0 and 1"),
        (lambda: _compare(RESULT, RESULT, seed=-1), SettingError, "0 or more"),
    ],
)
def test_arguments_of_any_kind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[], object],
    error: type[SegWidgetsError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        call()
    assert not list(tmp_path.iterdir())


def test_two_models_need_the_same_truth() -> None:
    other = _content(annotations_0_segmentation=[[30, 1, 39, 1, 39, 9, 30, 9]])
    with pytest.raises(SettingError, match="with the same truth"):
        compare(evaluate(BOTH, _content()), evaluate(BOTH, other))


def test_false_alarms_alone_are_measured_and_shown(tmp_path: Path) -> None:
    evaluation = evaluate([FOUND], [Prediction.empty(SIZE, NAMES)])
    assert evaluation.error_kinds.counts["background"] == 2
    assert set(evaluation.error_kinds.gains.values()) == {0.0}
    assert _counts(evaluation) == {"image 1": (0, 2, 0)}
    assert "background 2" in repr(evaluation)
    assert evaluation.report(tmp_path / "report.html").is_file()
