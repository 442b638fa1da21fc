"""The truth of an image, from each kind of source; what doesn't fit has cause and fix."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import DatasetError, PredictionError, SegWidgetsError, SettingError
from seg_widgets.export import save
from seg_widgets.prediction import IGNORE, GroundTruth, Match, Prediction, TruthSource, match
from seg_widgets.testing import StubPredictor

SIZE = (40, 60)
LABELS = np.zeros(SIZE, np.int32)
LABELS[2:10, 3:20] = 1
LABELS[20:30, 5:30] = 2


def data_set() -> dict[str, Any]:
    """Two images; the first has a whole object, a crowd, an ignored region and two broken ones."""
    rle = Prediction.from_label_image(LABELS).rle()[0]
    broken = {"image_id": 1, "category_id": 3}
    return {
        "images": [
            {"id": 1, "width": 60, "height": 40, "file_name": "train/a.jpg"},
            {"id": 2, "width": 60, "height": 40, "file_name": "test/b.jpg"},
            {"id": 3, "width": 60, "height": 40, "file_name": "test/a.jpg"},
        ],
        "categories": [{"id": 3, "name": "Cat"}, {"id": 9, "name": "puppy"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [[1, 1, 20, 1, 20, 20]]},
            {"id": 2, "image_id": 1, "category_id": 9, "segmentation": rle, "iscrowd": 1},
            {
                "id": 3,
                "image_id": 1,
                "category_id": 3,
                "segmentation": [[30, 1, 80, 1, 80, 20]],
                "ignore": 1,
            },
            {"id": 4, **broken, "segmentation": [[1, 1, 5, 5]]},
            {"id": 5, **broken, "category_id": 77, "segmentation": rle},
            {"id": 6, "image_id": 2, "category_id": 3, "bbox": [5, 5, 100, 10]},
        ],
    }


def test_a_coco_file_has_crowds_ignored_regions_and_notes(tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(data_set()), "utf-8")
    truth = GroundTruth.of(file, size=SIZE, file_name="/photos/train/a.jpg")
    assert len(truth) == 3
    assert truth.crowd.tolist() == [False, True, True]
    assert truth.prediction.scores.tolist() == [1, 1, 1]
    assert truth.prediction.class_names == ("Cat", "puppy")
    text = " ".join(truth.prediction.notes)
    assert "fewer than three points" in text
    assert "its category_id is no category's" in text
    assert "where it is cut" in text


def test_an_image_is_found_by_the_end_of_its_path() -> None:
    other = GroundTruth.of(data_set(), size=SIZE, file_name="https://x.org/test/a.jpg?size=1")
    assert len(other) == 0
    boxes = GroundTruth.of(data_set(), size=SIZE, file_name="B.JPG").prediction
    assert boxes.masks is None
    assert boxes.boxes.tolist() == [[5, 5, 105, 15]]  # whole, as for COCO's IoU


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (None, "has 3 images. Say which one"),
        ("a.jpg", "2 images called 'a.jpg'"),
        ("bb.jpg", r"no image 'bb.jpg'.*Did you mean 'test/b.jpg'\?"),
        ("z.jpg", r"no image 'z.jpg'; it has train/a.jpg, test/b.jpg, test/a.jpg\. Give the truth"),
    ],
)
def test_an_image_that_is_not_there_is_named(name: str | None, words: str) -> None:
    with pytest.raises(PredictionError, match=words):
        GroundTruth.of(data_set(), size=SIZE, file_name=name)


def test_other_classes_are_asked_for_with_the_closest_names() -> None:
    known = ("cat", "dog")
    with pytest.raises(PredictionError, match=r"classes=\{'Cat': 'cat', 'puppy': …\}"):
        GroundTruth.of(data_set(), size=SIZE, file_name="train/a.jpg", class_names=known)

    def named(**classes: str | None) -> GroundTruth:
        return GroundTruth.of(
            data_set(),
            size=SIZE,
            file_name="train/a.jpg",
            class_names=known,
            classes=classes,
        )

    mapped = named(Cat="cat", puppy="dog")
    assert mapped.prediction.class_names == known
    assert mapped.prediction.class_ids.tolist() == [0, 1, 0]
    left_out = named(Cat="cat", puppy=None)
    assert left_out.crowd.tolist() == [False, True]
    kept = named(Cat="cat", puppy="puppy")
    assert kept.prediction.class_names == ("cat", "dog", "puppy")
    with pytest.raises(SettingError, match="classes says what"):
        GroundTruth.of(LABELS, size=SIZE, classes=["cat"])  # type: ignore[arg-type]


def test_a_label_image_takes_names_by_label_or_one_for_all(tmp_path: Path) -> None:
    def ids(classes: Any, names: tuple[str, ...] = ("cat", "dog")) -> list[int]:
        truth = GroundTruth.of(LABELS, size=SIZE, class_names=names, classes=classes)
        found: list[int] = truth.prediction.class_ids.tolist()
        return found

    assert ids("dog") == [1, 1]
    assert ids({1: "dog", 2: "cat"}) == [1, 0]
    assert ids(None, ("cat",)) == [0, 0]
    with pytest.raises(PredictionError, match="classes that the model doesn't have: 'object'"):
        ids(None)
    from PIL import Image

    file = tmp_path / "labels.png"
    Image.fromarray(LABELS.astype(np.uint16)).save(file)
    assert len(GroundTruth.of(file, size=SIZE, classes="cat")) == 2


def test_what_prediction_of_takes_is_taken() -> None:
    whole = Prediction.from_label_image(LABELS)
    for source in (whole, GroundTruth.of(whole, size=SIZE), LABELS[None] > 0):
        assert len(GroundTruth.of(source, size=SIZE)) in (1, 2)
    faint = Prediction(
        SIZE, whole.boxes, np.float32(0.5) * whole.scores, whole.class_ids, whole.class_names
    )
    assert GroundTruth.of(faint, size=SIZE).prediction.scores.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (LABELS[:5], PredictionError, "an image of 60×5 pixels, but this one has 60×40"),
        ("/not/there.json", DatasetError, "can't be read"),
        (3, PredictionError, "can't be made from int"),
        ({"images": [], "annotations": []}, DatasetError, "it has no list 'categories'"),
    ],
)
def test_what_is_no_truth_has_a_message(
    source: Any, error: type[SegWidgetsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        GroundTruth.of(source, size=SIZE)


def test_a_truth_with_faint_detections_says_that_they_count() -> None:
    found = StubPredictor(12)(np.zeros((60, 80, 3), np.uint8))
    size = found.image_size
    truth = GroundTruth.of(found, size=size)
    assert len(truth) == 12
    assert truth.prediction.notes == (
        "5 of 12 objects of this truth have scores below 0.5, and all of them count. Give "
        "prediction.filter(0.5) to leave the unsure ones out.",
    )
    assert not GroundTruth.of(found.filter(0.5), size=size).prediction.notes
    # It is said once, whatever becomes of the truth.
    again = GroundTruth.of(truth, size=size, class_names=("animal", *found.class_names))
    assert again.prediction.notes == truth.prediction.notes
    (one,) = GroundTruth.of(found[-1:], size=size).prediction.notes
    assert one.startswith("1 of 1 object of this truth has a score below 0.5")


def test_nothing_that_can_be_used_is_an_error() -> None:
    content = data_set()
    content["annotations"] = content["annotations"][3:5]
    with pytest.raises(PredictionError, match=r"nothing that can be used.*\n.*fewer than three"):
        GroundTruth.of(content, size=SIZE, file_name="train/a.jpg")
    with pytest.raises(PredictionError, match="2 true instances, but 1 crowd"):
        GroundTruth(Prediction.from_label_image(LABELS), np.array([True]))


def test_one_source_has_the_truth_of_many_images(tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(data_set()), "utf-8")
    source = TruthSource(file, {"Cat": "cat", "puppy": "dog"})
    file.unlink()  # it was read once
    found = Prediction.empty(SIZE, ("cat", "dog"))
    assert [len(source.of(found, name)) for name in ("train/a.jpg", "b.jpg")] == [3, 1]
    with pytest.raises(PredictionError, match=r"no image 'c\.jpg'"):
        source.of(found, "c.jpg")


def test_a_ground_truth_is_brought_to_the_models_words() -> None:
    made = GroundTruth.of(data_set(), size=SIZE, file_name="b.jpg")
    found = Prediction.empty(SIZE, ("cat", "dog"))
    assert TruthSource(made, {"Cat": "cat"}).of(found).prediction.counts() == {"cat": 1}
    with pytest.raises(PredictionError, match="classes that the model doesn't have: 'Cat'"):
        TruthSource(made).of(found)
    with pytest.raises(PredictionError, match="'Catt', which is no class"):
        TruthSource(made, {"Catt": "cat"}).of(found)
    # What was kept on purpose is not asked about again: the panel hands its truth on.
    kept = TruthSource(made, {"Cat": "Cat"}).of(found)
    assert kept.prediction.class_names == ("cat", "dog", "Cat")
    assert TruthSource(kept).of(found) is kept


def test_a_mapping_has_the_truth_of_each_file() -> None:
    source = TruthSource({"train/a.jpg": LABELS, Path("b.png"): data_set(), "test/a.jpg": None})
    found = Prediction.empty(SIZE, ("object", "cat", "dog"))
    assert len(source.of(found, "/home/me/train/A.jpg")) == 2
    with pytest.raises(PredictionError, match=r"no image 'b\.png'; it has"):
        source.of(found, "b.png")  # in the file that the mapping has for it
    with pytest.raises(PredictionError, match=r"no image 'c\.jpg'; it has train/a\.jpg, b\.png"):
        source.of(found, "c.jpg")
    with pytest.raises(PredictionError, match=r"Did you mean 'b\.png'"):
        source.of(found, "b.pngs")
    with pytest.raises(PredictionError, match=r"2 images that may be 'a\.jpg': train/a\.jpg, test"):
        source.of(found, "a.jpg")
    only = TruthSource({"a.jpg": GroundTruth.of(LABELS, size=SIZE)})
    assert len(only.of(found)) == 2


def test_a_mapping_may_name_images_without_their_endings() -> None:
    other = LABELS + (LABELS > 0)
    found = Prediction.empty(SIZE, ("object",))
    source = TruthSource({"img1": LABELS, "img2": Prediction.from_label_image(LABELS[::-1])})
    for name in ("img1.jpg", "https://x.org/d/IMG1.jpg?a=b.c", "img1"):
        assert len(source.of(found, name)) == 2
    with pytest.raises(PredictionError, match=r"no image 'img3\.jpg'; it has img1, img2\. Did you"):
        source.of(found, "img3.jpg")
    with pytest.raises(PredictionError, match=r"several, and this image has no name; it has img1"):
        source.of(found)
    # The file's own name comes first; one of two with the same stem is not guessed.
    mixed = {"v1.0": LABELS, "a.jpg": LABELS, "a": other * 0, "d/b": LABELS, "e/b": LABELS}
    source = TruthSource(mixed)
    for name, number in (("a.jpg", 2), ("a.png", 0), ("v1.0.tif", 2), ("e/b.jpg", 2)):
        assert len(source.of(found, name)) == number
    with pytest.raises(PredictionError, match=r"2 images that may be 'b\.jpg': d/b, e/b"):
        source.of(found, "b.jpg")
    assert len(TruthSource({"a.jpg": LABELS, "b.jpg": LABELS}).of(found, "a")) == 2
    # What a model answers is of one image, whatever it is called.
    answer = {"boxes": [[1, 1, 9, 9]], "labels": ["object"], "scores": [0.9]}
    assert len(TruthSource(answer).of(found, "boxes.jpg")) == 1
    assert len(TruthSource({"one": answer, "two": answer}).of(found, "two.jpg")) == 1
    with pytest.raises(PredictionError, match="can't be made from"):
        TruthSource({"boxes": LABELS}).of(found, "a.jpg")


def test_capitals_decide_between_names_that_are_else_the_same() -> None:
    found = Prediction.empty(SIZE, ("object",))
    source = TruthSource({"A.jpg": LABELS, "a.jpg": LABELS * 0})
    assert [len(source.of(found, name)) for name in ("d/A.jpg", "a.jpg")] == [2, 0]
    with pytest.raises(PredictionError, match="2 images that may be"):
        source.of(found, "A.JPG")
    content = data_set()
    content["images"][2]["file_name"] = "Train/A.jpg"
    names = ("train/a.jpg", "Train/A.jpg")
    assert [len(GroundTruth.of(content, size=SIZE, file_name=one)) for one in names] == [3, 0]
    with pytest.raises(PredictionError, match=r"2 images called 'A\.JPG': train/a\.jpg, Train/A"):
        GroundTruth.of(content, size=SIZE, file_name="A.JPG")


def test_a_truth_on_its_side_names_the_rotation() -> None:
    for source in (LABELS.T, Prediction.from_label_image(LABELS.T)):
        with pytest.raises(PredictionError, match=r"changed places.*\(EXIF\)"):
            GroundTruth.of(source, size=SIZE)
    with pytest.raises(PredictionError, match=r"has 60×40\. Give the truth"):
        GroundTruth.of(LABELS[:5], size=SIZE)


def test_a_misspelt_name_in_classes_is_no_silence() -> None:
    truth = Prediction.empty((4, 4), ("person", "kitty"))
    with pytest.raises(PredictionError, match=r"'persn', which is no class .* Is it 'person'\?"):
        GroundTruth.of(truth, size=(4, 4), class_names=("person",), classes={"persn": "person"})
    for name, wrong in (("cat", "kat"), ("dog", "hund")):
        truth = Prediction.from_label_image(LABELS, class_names=name)
        words = f"'{name}' '{wrong}', which is no class of the model. Is it '{name}'"
        with pytest.raises(PredictionError, match=words):
            GroundTruth.of(truth, size=SIZE, class_names=("cat", "dog"), classes={name: wrong})


_PREDICTION = Prediction.from_label_image(LABELS)
_of: Any = GroundTruth.of
_make: Any = GroundTruth


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        *(
            (lambda size=size: _of(_PREDICTION, size=size), PredictionError, "size of an image is")
            for size in (5, None, "ab", (5,), (40.5, 60), ("40", "60"), (True, True), (1, 2, 3, 4))
        ),
        (lambda: _of(_PREDICTION, size=(0, 60)), PredictionError, "at least 1×1 pixel"),
        (lambda: Prediction.empty(5), PredictionError, "size of an image is"),  # type: ignore[arg-type]
        *(
            (lambda flags=flags: _make(_PREDICTION, flags), PredictionError, "True or False")
            for flags in (["x", "x"], [0, 2], [0.5, 0], [None, None], ["0", "1"], [float("nan"), 0])
        ),
        (lambda: _make(_PREDICTION, [0]), PredictionError, "but 1 crowd flags"),
        (lambda: _make(7, []), PredictionError, "and no int"),
        (lambda: _make(_make(_PREDICTION, [0, 1]), [0, 1]), PredictionError, "and no GroundTruth"),
        (lambda: _of(data_set(), size=SIZE, file_name=5), SettingError, "file_name is the image's"),
        *(
            (
                lambda names=names: _of(data_set(), size=SIZE, class_names=names),
                SettingError,
                "list",
            )
            for names in (5, "cat", ["cat", 7], {"cat": 1})
        ),
        (lambda: _of(_PREDICTION, size=SIZE, classes="cat"), SettingError, "for label images"),
        (lambda: _of(_PREDICTION, size=SIZE, classes={1: "cat"}), SettingError, "for label images"),
        (lambda: _of("photo.JPG", size=SIZE), PredictionError, "is an image, and no truth"),
        (lambda: TruthSource("photo.webp"), PredictionError, "a PNG or TIFF in which each pixel"),
        (lambda: TruthSource("~nobody-here/a.json"), DatasetError, "No such file"),
        (lambda: TruthSource("a\0.json"), DatasetError, "null byte"),
        (lambda: _of(data_set(), size=(10**6, 10**6), file_name="b.jpg"), PredictionError, "60×40"),
    ],
)
def test_arguments_of_any_kind(call: Any, error: type[SegWidgetsError], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_flags_and_sizes_as_libraries_give_them() -> None:
    for flags in ([0, 1], [False, True], np.array([0.0, 1.0]), np.array([0, 1], np.uint8)):
        assert _make(_PREDICTION, flags).crowd.tolist() == [False, True]
    for size in (list(SIZE), np.array(SIZE), (40.0, 60.0), (*SIZE, 3)):
        assert _of(_PREDICTION, size=size).prediction.image_size == SIZE


def test_a_label_without_a_name_is_left_out() -> None:
    truth = GroundTruth.of(
        LABELS, size=SIZE, class_names=("dog", "cat"), classes={np.int64(2): "cat", 1: None}
    )
    assert truth.prediction.counts() == {"cat": 1}
    assert truth.prediction.areas.tolist() == [250]


def test_labels_are_left_out_without_a_name_for_the_others(tmp_path: Path) -> None:
    void = LABELS.astype(np.uint8)
    void[30:, 40:] = 255

    def counts(names: tuple[str, ...], classes: Any, source: Any = void) -> dict[str, int]:
        truth = GroundTruth.of(source, size=SIZE, class_names=names, classes=classes)
        found: dict[str, int] = truth.prediction.counts()
        return found

    assert counts(("cat",), {255: None}) == {"cat": 2}
    assert counts(("object", "cat"), {np.uint8(255): None, 1: None}) == {"object": 1}
    assert counts(("dog", "cat"), {255: None, "object": "cat"}) == {"cat": 2}
    assert counts(("dog", "cat"), {255: None, 2: "cat", 1: "dog"}) == {"dog": 1, "cat": 1}
    assert counts(("cat",), {1: None, 2: None, 255: None, 7: None}) == {}
    with pytest.raises(PredictionError, match=r"no name for the label 1; .* None to leave it out"):
        counts(("cat",), {255: None, 2: "cat"})

    # As regions they stay, and detections of any class in them count neither way.
    for names, classes in (
        (("cat",), {255: IGNORE}),
        (("dog", "cat"), {255: IGNORE, "object": "cat"}),
        (("dog", "cat"), {255: IGNORE, 1: "cat", 2: "cat"}),
    ):
        truth = GroundTruth.of(void, size=SIZE, class_names=names, classes=classes)
        assert truth.prediction.counts() == {"cat": 2, IGNORE: 1}
        assert truth.prediction.class_names == (*names, IGNORE)
        assert truth.crowd.tolist() == truth.of_any_class.tolist() == [False, False, True]
        assert truth.prediction.notes == ()
        there = {255: names[0], 2: names[-1], 1: None}
        found = Prediction.from_label_image(void, class_names=there)
        matches = match(replace(found, scores=np.array([0.9, 0.8], np.float32)), truth)
        assert matches.of_found.tolist() == [Match.HIT, Match.IGNORED]
        assert (matches.false_alarms, matches.misses) == (0, 1)
    assert counts(("cat",), {1: None, 2: None, 255: IGNORE}) == {IGNORE: 1}
    data = data_set()
    named = GroundTruth.of(
        data, size=SIZE, file_name="test/b.jpg", class_names=("cat",), classes={"Cat": IGNORE}
    )
    assert named.of_any_class.tolist() == [True]

    # A file that says its classes keeps them.
    whole = Prediction.from_label_image(LABELS, class_names={1: "cat", 2: "dog"})
    written: Any = save(whole, np.zeros((*SIZE, 3), np.uint8), tmp_path, "a", ["labels"])
    path = written["labels"]
    assert Prediction.from_label_image(path, class_names={1: None}).counts() == {"dog": 1}
    assert counts(("cat", "dog"), {1: None}, path) == {"dog": 1}
    assert counts(("cat", "dog"), {1: IGNORE}, path) == {"dog": 1, IGNORE: 1}


def test_an_image_with_another_ending_is_named(tmp_path: Path) -> None:
    file = tmp_path / "truth.json"
    for content, words in (
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"RIFF\0\0\0\0WEBP", "an image or a film"),
        (b"\x93NUMPY\1\0", "an array of NumPy"),
    ):
        file.write_bytes(content)
        with pytest.raises(DatasetError, match=f"is not JSON: it is {words}"):
            TruthSource(file)
