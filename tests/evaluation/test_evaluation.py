"""What an evaluation says beside AP: thresholds, confusion, kinds of errors, images, and notes."""

from __future__ import annotations

import csv
import html
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import seg_widgets
from seg_widgets import tables
from seg_widgets.errors import DatasetError, PredictionError, SettingError
from seg_widgets.evaluation import Evaluation, evaluate, report
from seg_widgets.prediction import IGNORE, Filter, GroundTruth, Match, Prediction, match

from .cases import SIZE, Case, coco_dataset, random_case, with_regions

NAMES = ("cat", "dog")


def _squares(*squares: tuple[int, str, float], shift: int = 0) -> Prediction:
    """Squares of 20 pixels in a row: (place, class, score)."""
    masks = np.zeros((len(squares), 40, 400), bool)
    for mask, (place, _, _) in zip(masks, squares, strict=True):
        mask[5:25, place * 30 + shift : place * 30 + shift + 20] = True
    ids = [NAMES.index(name) for _, name, _ in squares]
    return Prediction.from_dense(masks, [score for *_, score in squares], ids, NAMES)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.5, 0.75, 1.0]), st.booleans())
def test_outcomes_are_those_of_the_canvas(seed: int, threshold: float, has_regions: bool) -> None:
    case = random_case(seed, images=3)
    if has_regions:
        case, _ = with_regions(case)
    evaluation = evaluate(case.predictions, case.truths)
    images = evaluation.images(threshold)
    for score, (name, truth) in zip(images, case.truths.items(), strict=True):
        matches = match(case.predictions[name], truth, only=Filter(threshold))
        counts = score.hits, score.false_alarms, score.wrong_classes, score.missed
        assert score.name == name
        assert counts == (
            matches.hits,
            matches.false_alarms,
            matches.wrong_classes,
            int(np.count_nonzero(matches.of_truth == Match.MISSED)),
        )
    # The curve says the same as counting.
    point = evaluation.curve().at(threshold)
    assert point.hits == sum(one.hits for one in images)
    assert point.wrong == sum(one.false_alarms + one.wrong_classes for one in images)
    assert point.missed == sum(one.missed for one in images)
    confusion = evaluation.confusion(threshold)
    assert np.trace(confusion.matrix) == point.hits
    assert confusion.matrix[:-1].sum() == point.hits + point.missed
    assert confusion.matrix[:, :-1].sum() == point.hits + point.wrong


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_best_threshold_is_the_best_of_all(seed: int) -> None:
    case = random_case(seed)
    evaluation = evaluate(case.predictions, case.truths)
    for name in (None, "cat"):
        curve, best = evaluation.curve(name), evaluation.best_threshold(name)
        every = [curve.at(step / 200) for step in range(201)]
        highest = max(point.f1 for point in every)
        assert (best.f1 if best is not None else 0) == pytest.approx(highest)
        if best is not None:
            assert curve.at(best.threshold) == best
        sure = evaluation.threshold_for(0.5, name)
        reaching = [point.hits for point in every if point.precision >= 0.5]
        assert (sure.hits if sure else 0) == max(reaching, default=0)
        assert sure is None or sure.precision >= 0.5


def test_thresholds_and_their_price_by_hand() -> None:
    truth = _squares(*((place, "cat", 1.0) for place in range(4)))
    found = _squares((0, "cat", 0.91), (1, "cat", 0.8), (7, "cat", 0.7), (2, "cat", 0.613))
    evaluation = evaluate([found], [truth])
    best = evaluation.best_threshold()
    assert best is not None
    # 0.61 shows what 0.613 shows, and is what a slider can be set to.
    assert (best.threshold, best.precision, best.recall) == (0.61, 0.75, 0.75)
    assert str(best).endswith("(3 right, 1 wrong, 1 missed)")
    sure = evaluation.threshold_for(0.9)
    assert sure is not None
    assert (sure.threshold, sure.precision, sure.recall) == (0.8, 1.0, 0.5)
    assert evaluation.best_thresholds == {"cat": 0.61}
    assert evaluation.best_threshold("dog") is None
    with pytest.raises(SettingError, match=r"no class 'cow'\. It knows cat, dog"):
        evaluation.curve("cow")
    with pytest.raises(SettingError, match="precision lies over 0"):
        evaluation.threshold_for(0)


def test_a_threshold_shows_what_it_claims_also_when_it_is_typed_again() -> None:
    """Thresholds and scores are compared as float32, and a text has the digits that it takes."""
    truth = _squares((0, "cat", 1.0), (1, "cat", 1.0))
    for right, wrong, text in (
        (0.9076, 0.9071, "0.9075"),
        (0.905, 0.9, "0.904"),  # 0.90 as float32 is the wrong one's score
        (0.91, 0.9, "0.91"),
        (np.nextafter(np.float32(0.3), np.float32(1)), 0.3, "0.30000004"),
    ):
        found = _squares((0, "cat", float(right)), (7, "cat", float(wrong)))
        evaluation = evaluate([found], [truth])
        for point in (evaluation.best_threshold(), evaluation.threshold_for(1.0)):
            assert point is not None
            assert (point.precision, point.recall, point.wrong) == (1.0, 0.5, 0)
            assert evaluation.curve().at(point.threshold) == point
            assert str(point).startswith(f"threshold {text}: precision 1.000")
            assert len(found.filter(float(text))) == 1
            assert f" {text}  " in repr(evaluation)  # the table's
        [image] = evaluation.images(evaluation.best_thresholds)
        assert (image.hits, image.false_alarms) == (1, 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 100, 1000, 10_000]))
def test_rounded_scores_have_right_prices(seed: int, score_steps: int) -> None:
    case = random_case(seed, most_detections=25, score_steps=score_steps)
    evaluation = evaluate(case.predictions, case.truths)
    best = evaluation.best_threshold()
    if best is not None:
        again = evaluation.curve().at(float(str(best).split()[1].rstrip(":")))
        assert (again.hits, again.wrong) == (best.hits, best.wrong)


def test_a_list_has_the_order_of_the_file() -> None:
    first, second = _squares((0, "cat", 0.9)), _squares((3, "dog", 0.8))
    content = coco_dataset(
        {
            name: GroundTruth(one, np.zeros(1, bool))
            for name, one in zip("ab", (first, second), strict=True)
        }
    )
    for ids in ((20, 3), (10, 9), ("img2", "img10"), (1, 2)):
        renamed = dict(zip((one["id"] for one in content["images"]), ids, strict=True))
        changed = content | {
            key: [{**one, name: renamed[one[name]]} for one in content[key]]
            for key, name in (("images", "id"), ("annotations", "image_id"))
        }
        assert evaluate([first, second], changed).figures["AP"] == pytest.approx(1)
        assert evaluate([second, first], changed).figures["AP"] == pytest.approx(0)


def test_each_kind_of_error() -> None:
    truth = _squares(*((place, "cat", 1.0) for place in range(6)))
    found = [
        _squares((0, "cat", 0.9), (0, "cat", 0.8), (1, "dog", 0.7), (9, "cat", 0.6)),
        _squares((2, "cat", 0.5), (3, "dog", 0.4), shift=10),
    ]
    boxes = np.concatenate([one.boxes for one in found])
    joined = Prediction(
        truth.image_size,
        boxes,
        np.concatenate([one.scores for one in found]),
        np.concatenate([one.class_ids for one in found]),
        NAMES,
        tuple(mask for one in found for mask in one.masks or ()),
    )
    evaluation = evaluate([joined], [truth])
    kinds = evaluation.error_kinds
    assert kinds.counts == {
        "duplicate": 1,
        "classification": 1,
        "background": 1,
        "localisation": 1,
        "both": 1,
        # 0 was found; 1 and 2 would be, if the class or the outline were right.
        "missed": 3,
    }
    assert kinds.ap50 == pytest.approx(evaluation.figures["AP50"] or 0)
    # One of six: precision 1 at the recalls up to 1/6.
    assert kinds.ap50 == pytest.approx(17 / 101)
    # The dog becomes a cat that is right, between a duplicate and the background.
    assert kinds.gains["classification"] == pytest.approx((34 - 17) / 101 * 2 / 3)
    assert kinds.gains["duplicate"] == kinds.gains["background"] == 0
    # Of three objects one was found.
    assert kinds.gains["missed"] == pytest.approx((34 - 17) / 101)
    assert kinds.false_positives == 0
    assert kinds.false_negatives == pytest.approx(1 - 17 / 101)
    matrix = evaluation.confusion(0.05).matrix
    assert matrix.tolist() == [[1, 1, 4], [0, 0, 0], [3, 1, 0]]


def test_what_is_left_out_is_listed() -> None:
    cat = _squares((0, "cat", 0.9))
    truth = {"a/1.jpg": cat, "a/2.jpg": cat, "3.jpg": Prediction.empty((40, 400), NAMES)}
    found = {"/data/A/1.JPG": cat, "9.jpg": cat}
    evaluation = evaluate(found, truth)
    assert evaluation.without_prediction == ("a/2.jpg", "3.jpg")
    assert evaluation.without_truth == ("9.jpg",)
    assert evaluation.figures["AR100"] == 0.5
    notes = "\n".join(evaluation.notes)
    assert (
        "2 of 3 images have no prediction; their objects count as missed: a/2.jpg, 3.jpg" in notes
    )
    assert "1 prediction is of an image that the truth doesn't have, and is left out" in notes
    assert "No detection scores less than 0.90" in notes
    assert "this AP is not the model's" in repr(evaluation)
    low = _squares((0, "cat", 0.9), (5, "cat", 0.06))
    assert not evaluate([low], [cat]).notes
    assert evaluate([None, low], [cat, cat]).without_prediction == ("image 1",)  # type: ignore[list-item]


def test_classes_have_other_names() -> None:
    found = _squares((0, "cat", 0.9), (1, "dog", 0.9), (2, "dog", 0.06))
    truth = replace(found.select([0, 1]), class_names=("Kat", "zebra"))
    with pytest.raises(PredictionError, match="Say which is which: classes="):
        evaluate([found], [truth])
    merged = evaluate([found], [truth], classes={"Kat": "cat", "zebra": "cat"})
    assert merged.class_names == ("cat",)
    assert merged.figures["AR100"] == 0.5
    assert "2 detections are of a class that the truth doesn't have" in merged.notes[0]
    out = evaluate([found], [truth], classes={"Kat": "cat", "zebra": None})
    assert out.figures["AP"] == pytest.approx(1)
    kept = evaluate([found], [truth], classes={"Kat": "cat", "zebra": "zebra"})
    assert kept.by_class["zebra"]["AP"] == 0
    note = "1 object is of a class that the model doesn't have, and counts as missed: zebra."
    assert note in kept.notes
    # As the canvas and `match` have it, and say it.
    own = {"class_names": NAMES, "classes": {"Kat": "cat", "zebra": "zebra"}}
    one = GroundTruth.of(truth, size=truth.image_size, **own)  # type: ignore[arg-type]
    assert one.prediction.notes == (note,)
    matches = match(found, one)
    assert matches.notes == (note,)
    assert note in repr(matches)
    assert (matches.hits, matches.misses) == (1, 1)
    assert match(found, one, only=Filter(0.5, ("zebra",))).notes == ()

    # What is a region in the truth is named so.
    regions = evaluate([found], [truth], classes={"Kat": "cat", "zebra": IGNORE})
    assert regions.class_names == ("cat",)
    assert regions.scenes[0].truth.crowd.tolist() == [False, True]
    assert not [note for note in regions.notes if "missed" in note]


@pytest.mark.parametrize(
    ("found", "truth", "error", "message"),
    [
        ({"a": 1}, {"b": 2}, PredictionError, "No prediction is of an image of the truth"),
        ({"a/1": 1, "b/1": 2}, {"1": 3}, PredictionError, "2 predictions may be of '1': a/1, b/1"),
        ({"1": 1}, {"a/1": 2, "b/1": 2}, PredictionError, "may be any of 2 images"),
        ([1, 2], [3], PredictionError, "2 predictions and 1 images"),
        (7, [1], SettingError, "int is none of them"),
        ([1], 7, SettingError, "int is none of them"),
    ],
)
def test_what_does_not_fit_is_a_message(
    found: Any, truth: Any, error: type[Exception], message: str
) -> None:
    def filled(given: Any) -> Any:
        one = _squares((0, "cat", 0.05))
        if isinstance(given, dict):
            return dict.fromkeys(given, one)
        return [one] * len(given) if isinstance(given, list) else given

    with pytest.raises(error, match=message):
        evaluate(filled(found), filled(truth))


def test_more_bad_input(tmp_path: Path) -> None:
    cat = _squares((0, "cat", 0.05))
    with pytest.raises(PredictionError, match="is for 400×40 pixels, but the truth for 150×160"):
        evaluate([cat], [Prediction.empty(SIZE, NAMES)])
    with pytest.raises(PredictionError, match="is a str, and no Prediction"):
        evaluate({"a": "b"}, {"a": cat})  # type: ignore[dict-item]
    with pytest.raises(PredictionError, match=r"is a str\. Give a GroundTruth"):
        evaluate({"a": cat}, {"a": "b"})
    with pytest.raises(SettingError, match="three rising numbers"):
        evaluate([cat], [cat], max_detections=(10, 1, 100))
    with pytest.raises(SettingError, match="a side has boxes only"):
        evaluate([replace(cat, masks=None)], [cat]).on("masks")
    with pytest.raises(DatasetError, match="no image that can be judged"):
        evaluate(
            [cat],
            {"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "cat"}]},
        )
    case = random_case(2)
    content = coco_dataset(case.truths)
    content["annotations"][0]["segmentation"] = [[1, 2]]
    content["images"][-1]["file_name"] = ""
    notes = "\n".join(evaluate(case.predictions, content).notes)
    assert "left out: an image: it has no id, no file_name or no size" in notes
    assert "annotation 1" in notes
    content["images"][1]["file_name"] = content["images"][0]["file_name"]
    with pytest.raises(PredictionError, match="same name is there more than once: image-0"):
        evaluate(case.predictions, content)


@pytest.fixture(scope="module")
def case() -> Case:
    return random_case(4, images=8)


@pytest.fixture(scope="module")
def evaluation(case: Case) -> Evaluation:
    return evaluate(case.predictions, case.truths)


def test_the_working_table_is_taken(case: Case, evaluation: Evaluation, tmp_path: Path) -> None:
    info = tables.TableInfo.of(next(iter(case.predictions.values())))
    images = [
        tables.TableImage(f"photos/{name}", number, found)
        for number, (name, found) in enumerate(case.predictions.items())
    ]
    images.append(tables.TableImage("photos/broken.jpg", 99, None, "it is broken"))
    tables.append_part(tmp_path / "table", images, info)
    read = evaluate(tmp_path / "table", case.truths)
    assert read.figures == evaluation.figures
    assert read.without_truth == ()


def test_tables_and_plots(evaluation: Evaluation, tmp_path: Path) -> None:
    text = repr(evaluation)
    assert text.startswith("Evaluation: masks of ")
    assert "AP by size: small" in text and "errors: " in text
    page = evaluation._repr_html_()
    assert "<table>" in page and "<td>cat</td>" in page
    evaluation.to_csv(tmp_path / "figures.csv")
    with (tmp_path / "figures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["class_name"] for row in rows] == ["(all)", "cat", "dog", "cup", "nothing"]
    assert float(rows[0]["AP"]) == pytest.approx(evaluation.figures["AP"], abs=1e-5)
    assert rows[-1]["AP"] == ""
    titles = [axes.get_title() for axes in evaluation.plot(0.5).axes]
    assert titles[2] == "Confusion of masks at threshold 0.50"
    figure: Any = evaluation.plot({"cat": 0.5})
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(SettingError, match="no class 'cow'"):
        evaluation.plot({"cow": 0.5})


def test_the_report_is_one_file(case: Case, evaluation: Evaluation, tmp_path: Path) -> None:
    pixels = dict.fromkeys(case.truths, np.zeros((*SIZE, 3), np.uint8))
    path = evaluation.report(tmp_path / "one.html", pixels, worst=3, title="<b>")
    text = path.read_text("utf-8")
    assert (
        text == evaluation.report(tmp_path / "two.html", pixels, worst=3, title="<b>").read_text()
    )
    assert "<title>&lt;b&gt;</title>" in text
    assert text.count("<iframe") == 3
    worst = evaluation.worst(3)
    assert worst[0].errors >= worst[1].errors >= worst[2].errors
    assert text.index(f"<summary>{worst[0].name}") < text.index(f"<summary>{worst[1].name}")
    assert "<svg" in text and "src=" not in text.replace("srcdoc=", "")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / worst[0].name).write_bytes(seg_widgets.testing.make_jpeg(SIZE[1], SIZE[0]))
    found = evaluation.report(tmp_path / "three.html", tmp_path, worst=2).read_text("utf-8")
    assert found.count("<iframe") == 1 and "its file was not found" in found
    assert "<iframe" not in evaluation.report(tmp_path / "four.html").read_text("utf-8")
    small = dict.fromkeys(pixels, np.zeros((8, 8, 3), np.uint8))
    shown = evaluation.report(tmp_path / "five.html", small, worst=2).read_text("utf-8")
    assert shown.count("8×8 pixels, but its truth 150×160)") == 2
    with pytest.raises(SettingError, match="There is no folder"):
        evaluation.report(tmp_path / "six.html", tmp_path / "nowhere")


def test_classes_without_a_threshold_have_the_best_of_all() -> None:
    found = _squares((0, "cat", 0.9), (2, "dog", 0.8), (4, "dog", 0.3), (6, "cat", 0.2))
    true = _squares((0, "cat", 1.0), (2, "cat", 1.0), (6, "cat", 1.0))
    result = evaluate([found], [true])
    best = result.best_threshold()
    assert best is not None and list(result.best_thresholds) == ["cat"]
    by_class = {"cat": 0.25}
    # What it draws, counts and lists is one rule.
    matrix = result.confusion(by_class).matrix
    least = {name: by_class.get(name, best.threshold) for name in result.class_names}
    assert result.confusion(by_class).threshold == least
    assert (matrix == result.confusion(least).matrix).all()
    kept = found.filter(best.threshold, class_thresholds=by_class)
    assert matrix[:, :-1].sum() == len(kept)
    one = result.images(by_class)[0]
    assert one.hits + one.false_alarms + one.wrong_classes == len(kept)
    assert (result.confusion({}).matrix == result.confusion().matrix).all()
    # Nothing is right: a half, as where nothing is said.
    wrong = evaluate([_squares((8, "cat", 0.4))], [true])
    assert wrong.confusion(wrong.best_thresholds).matrix[-1].sum() == 0


def test_a_report_with_thresholds_of_classes(
    case: Case, evaluation: Evaluation, tmp_path: Path
) -> None:
    pixels = dict.fromkeys(case.truths, np.zeros((*SIZE, 3), np.uint8))
    path = evaluation.report(tmp_path / "r.html", pixels, worst=1, threshold={"cat": 0.125})
    text = html.unescape(path.read_text("utf-8"))
    best = evaluation.best_threshold()
    assert best is not None
    assert "(cat 0.125)" in text and '"class_thresholds": {"cat": 0.125}' in text
    assert f'"threshold": {best.threshold}' in text
    assert text.count("<iframe") == 1
    path = evaluation.report(tmp_path / "r.html", threshold="0.5")  # type: ignore[arg-type]
    assert "At a threshold of 0.50." in path.read_text("utf-8")


def test_one_image_does_not_take_the_report_along(tmp_path: Path) -> None:
    """Images whose files are not certain, broken, of another size, or turned by the camera."""
    names = ("train/x.png", "a.png", "b.png", "turned.png", "small.png", "gone.png", "v/x.png")
    found = _squares((0, "cat", 0.9))
    result = evaluate(dict.fromkeys(names, found), dict.fromkeys(names, _squares((2, "cat", 1.0))))
    height, width = found.image_size
    folder = tmp_path / "images"
    for where in ("train", "val", "other"):
        (folder / where).mkdir(parents=True)
    upright = Image.new("RGB", (width, height), (9, 9, 9))
    exif = upright.getexif()
    exif[0x0112] = 6
    upright.save(folder / "val" / "turned.png", exif=exif)
    for place in ("train/a.png", "val/a.png", "other/x.png", "other/b.png"):
        upright.save(folder / place)
    upright.resize((9, 9)).save(folder / "small.png")
    (folder / "other" / "b.png").write_bytes(b"broken")
    text = html.unescape(result.report(tmp_path / "r.html", folder).read_text("utf-8"))
    for words in (
        "2 files may be it: train/a.png, val/a.png)",
        "not certain whose image other/x.png is: train/x.png, v/x.png)",
        f"9×9 pixels, but its truth {width}×{height})",
        "(its file was not found)",
    ):
        assert words in text
    assert text.count("<details>") == 1 and "<summary>turned.png" in text
    assert text.count("(F1 0.00) (") == len(names) - 1
    sure = dict.fromkeys(names[:2], np.asarray(upright))
    assert result.report(tmp_path / "r.html", sure).read_text("utf-8").count("<details>") == 2


def test_without_any_object_or_image() -> None:
    nothing = Prediction.empty((40, 400), NAMES)
    evaluation = evaluate([nothing], [nothing])
    assert evaluation.figures["AP"] is None
    assert evaluation.best_threshold() is None
    assert evaluation.worst() == ()
    assert "errors: none" in repr(evaluation)
    evaluation.plot()
    crowd = GroundTruth(_squares((0, "cat", 1.0)), np.array([True]))
    ignored = evaluate([_squares((0, "cat", 0.05), (0, "cat", 0.06))], [crowd])
    assert ignored.images() == evaluate([nothing], [crowd]).images()


def test_boxes_of_predictions_with_soft_masks() -> None:
    found = _squares((0, "cat", 0.9), (2, "dog", 0.8))
    soft = replace(found, soft_masks=np.full((2, 28, 28), 255, np.uint8))
    result = evaluate({"a": soft}, {"a": soft})
    assert result.on("boxes").figures == evaluate({"a": found}, {"a": found}).on("boxes").figures
    assert result.on("boxes").figures["AP"] == pytest.approx(1)
    boxes = replace(soft, masks=None)
    assert boxes.soft_masks is None
    assert evaluate({"a": boxes}, {"a": soft}).figures["AP"] == pytest.approx(1)


def test_the_canvas_of_a_report_of_boxes_judges_boxes(tmp_path: Path) -> None:
    """Two thin diagonals that cross have one box, but hardly a pixel in common."""
    masks = np.zeros((2, 40, 400), bool)
    for step in range(30):
        masks[0, 5 + step, 5 + step] = masks[1, 5 + step, 34 - step] = True
    found = Prediction.from_dense(masks[:1], [0.9], [0], NAMES)
    other = Prediction.from_dense(masks[1:], [0.9], [0], NAMES)
    result = evaluate({"a.png": found}, {"a.png": other}).on("boxes")
    [score] = result.images(0.5)
    assert (score.hits, score.missed) == (1, 0)
    judged = report._judged(result, 0)
    assert match(judged.found, judged.truth).hits == 1
    assert match(found, other).hits == 0
    assert report._judged(result.on("masks"), 0).found.masks is not None


def test_boxes_over_the_edge_are_judged_whole_everywhere() -> None:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [-30, 0, 50, 20]}],
    }
    found = Prediction(
        (100, 100), np.array([[0, 0, 20, 20]]), np.array([0.9]), np.array([0]), ("cat",)
    )
    truth = GroundTruth.of(content, size=(100, 100))
    [score] = evaluate([found], content).images(0.5)
    assert (score.hits, match(found, truth).hits) == (0, 0)


def test_arguments_of_the_wrong_kind_are_messages(evaluation: Evaluation) -> None:
    found = _squares((0, "cat", 0.9))
    for limits in (5, "abc", (1.5, 2, 3), (3, 2, 1), None):
        with pytest.raises(SettingError, match="three rising numbers"):
            evaluate({"a": found}, {"a": found}, max_detections=limits)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="what the model calls each class"):
        evaluate({"a": found}, {"a": found}, classes="cat")
    for threshold in (5, float("nan"), {"cat": 2.0}):
        with pytest.raises(SettingError, match=r"between 0 and 1|0 to 1"):
            evaluate({"a": found}, {"a": found}).confusion(threshold)
    with pytest.raises(SettingError, match=r"worst images is 0 or more"):
        evaluation.worst(-1)
    with pytest.raises(SettingError, match="two evaluations"):
        seg_widgets.compare(evaluation, 5)  # type: ignore[arg-type]
    for wrong in (None, np.zeros((40, 400), np.int64)):
        with pytest.raises(PredictionError, match=r"GroundTruth\.of makes one"):
            match(found, wrong)  # type: ignore[arg-type]
