"""Reading a data set in COCO's format: what is wrong is listed with its reason, and the rest is
used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from seg_widgets.errors import DatasetError
from seg_widgets.finetuning import Dataset, read_dataset

from ..shapes import HEIGHT, WIDTH, write_shapes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shapes(tmp_path, 4)
    return tmp_path


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads((folder / "instances.json").read_text())
    edit(data)
    (folder / "instances.json").write_text(json.dumps(data))


def test_a_whole_data_set_is_read_as_it_is(folder: Path) -> None:
    dataset = read_dataset(folder)
    assert dataset.class_names == ("disc", "box")
    assert dataset.counts() == {"disc": 4, "box": 4}
    assert dataset.problems == ()
    picture = dataset.images[0]
    assert picture.size == (HEIGHT, WIDTH)
    assert picture.load().shape == (HEIGHT, WIDTH, 3)
    mask = picture.objects[0].mask()
    assert abs(int(mask.sum()) - np.pi * 22 * 22) < 60
    assert (picture.load()[mask > 0].mean(0) - (220, 60, 50) < 12).all()
    assert read_dataset(folder / "instances.json").counts() == dataset.counts()


def test_rle_of_both_kinds_is_read(folder: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[10:40, 20:70] = 1
    compressed = coco_mask.encode(mask)
    runs, value, count = [], 0, 0
    for pixel in mask.ravel(order="F").tolist():
        if pixel != value:
            runs.append(count)
            value, count = pixel, 0
        count += 1
    runs.append(count)

    def edit(data: dict[str, Any]) -> None:
        data["annotations"][0]["segmentation"] = {
            "size": [HEIGHT, WIDTH],
            "counts": compressed["counts"].decode(),
        }
        data["annotations"][1]["segmentation"] = {"size": [HEIGHT, WIDTH], "counts": runs}

    change(folder, edit)
    dataset = read_dataset(folder)
    assert dataset.problems == ()
    for item in dataset.images[0].objects:
        assert (item.mask() == mask).all()


@pytest.mark.parametrize(
    ("change_to", "reason"),
    [
        ({"image_id": 99}, "its image_id is no image's"),
        ({"category_id": 3}, "its category_id is no category's"),
        ({"segmentation": []}, "it has no mask"),
        ({"segmentation": [[1, 2, 3, 4]]}, "fewer than three points"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "half a point"),
        ({"segmentation": [[1, 2, 3, 4, 5, "six"]]}, "something else than numbers"),
        ({"segmentation": [[1, 2, 3, 4, 5, float("nan")]]}, "something else than numbers"),
        ({"segmentation": [[500, 500, 520, 500, 520, 520]]}, "outside the image"),
        ({"segmentation": [[5, 5, 5, 5, 5, 5]]}, "its mask is empty"),
        ({"segmentation": "everything"}, "neither polygons nor RLE"),
        ({"segmentation": {"size": [5, 5], "counts": "0"}}, "another size"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": "PPYo0"}}, "doesn't cover the image"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": [5, 7]}}, "doesn't cover the image"),
        ({"segmentation": {"size": [HEIGHT, WIDTH]}}, "its RLE has no counts"),
    ],
)
def test_a_bad_annotation_is_left_out_with_its_reason(
    folder: Path, change_to: dict[str, Any], reason: str
) -> None:
    change(folder, lambda data: data["annotations"][2].update(change_to))
    dataset = read_dataset(folder)
    (problem,) = dataset.problems
    assert reason in problem.reason
    assert problem.where == "annotation 3"
    assert dataset.objects == 7
    assert f"1 × {problem.reason}: annotation 3" in dataset.summary()


def test_a_polygon_over_the_edge_is_cut_there(folder: Path) -> None:
    ring = [WIDTH - 20, 10, WIDTH + 500, 10, WIDTH + 500, 30, WIDTH - 20, 30]
    change(folder, lambda data: data["annotations"][0].update(segmentation=[ring]))
    dataset = read_dataset(folder)
    (problem,) = dataset.problems
    assert "over the image's edge" in problem.reason
    mask = dataset.images[0].objects[0].mask()
    assert mask[11:29, WIDTH - 19 :].all()
    assert abs(int(mask.sum()) - 20 * 20) < 50


def test_bad_images_are_left_out_with_their_objects(folder: Path) -> None:
    (folder / "images" / "001.png").unlink()
    (folder / "images" / "002.png").write_bytes((folder / "images" / "002.png").read_bytes()[:200])
    change(folder, lambda data: data["images"][2].update(height=HEIGHT + 9))
    dataset = read_dataset(folder)
    reasons = [problem.reason for problem in dataset.problems]
    assert reasons[0] == "its file is not there"
    assert reasons[1].startswith("it can't be read")
    assert "its size is not what the JSON says" in reasons[2]
    assert [image.path.name for image in dataset.images] == ["004.png"]
    assert dataset.objects == 2


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data.pop("annotations"), "no list 'annotations'"),
        (lambda data: data.update(categories=[]), "has no categories"),
        (lambda data: data["categories"].append({"id": 10, "name": "ring"}), "have the same id"),
        (
            lambda data: data["categories"].append({"id": 30}),
            "an id \\(a whole number\\) and a name",
        ),
        (lambda data: data.update(annotations=[]), "no object with a mask"),
        (
            lambda data: [one.update(segmentation=[]) for one in data["annotations"]],
            "8 × it has no mask",
        ),
    ],
)
def test_what_leaves_nothing_to_learn_from_is_refused(
    folder: Path, edit: Callable[[dict[str, Any]], object], words: str
) -> None:
    change(folder, edit)
    with pytest.raises(DatasetError, match=words):
        read_dataset(folder)


def read_changed(
    folder: Path, edit: Callable[[dict[str, Any]], object], **settings: Any
) -> Dataset:
    change(folder, edit)
    return read_dataset(folder, **settings)


def every(section: str, **changes: Callable[[Any], Any]) -> Callable[[dict[str, Any]], object]:
    """An edit of all entries of a section: each key's value through a function."""

    def edit(data: dict[str, Any]) -> None:
        for entry in data[section]:
            entry.update({key: function(entry.get(key)) for key, function in changes.items()})

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        every("annotations", image_id=str),
        every("annotations", category_id=str, image_id=float),
        every("images", id=str),
        every("images", id=lambda number: f"{number:012}"),
        every("categories", id=float),
        every("annotations", bbox=lambda _: None, area=lambda _: float("nan")),
        every("annotations", iscrowd=lambda _: "0"),
        every("annotations", iscrowd=lambda _: None),
        every("annotations", iscrowd=lambda _: "false"),
        every("annotations", segmentation=lambda rings: rings[0]),
        every("annotations", segmentation=lambda rings: [[str(number) for number in rings[0]]]),
        every("annotations", segmentation=lambda r: list(zip(r[0][::2], r[0][1::2], strict=True))),
        every("annotations", segmentation=json.dumps),
        lambda data: data.update(images={one.pop("id"): one for one in data["images"]}),
        lambda data: data.update(annotations={one["id"]: one for one in data["annotations"]}),
        lambda data: data.update(categories={one["id"]: one["name"] for one in data["categories"]}),
    ],
)
def test_what_tools_write_otherwise_is_read_as_the_same(
    folder: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    masks = [item.mask() for image in read_dataset(folder).images for item in image.objects]
    dataset = read_changed(folder, edit)
    assert dataset.problems == ()
    assert dataset.counts() == {"disc": 4, "box": 4}
    again = [item.mask() for image in dataset.images for item in image.objects]
    assert all((one == other).all() for one, other in zip(masks, again, strict=True))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_file_may_be_in_any_unicode_encoding(folder: Path, encoding: str) -> None:
    file = folder / "instances.json"
    file.write_text(file.read_text("utf-8"), encoding)
    assert read_dataset(folder).objects == 8


@pytest.mark.parametrize("missing", [0, None, "", float("nan"), -1])
def test_a_size_that_is_missing_is_the_images_own(folder: Path, missing: Any) -> None:
    dataset = read_changed(
        folder, every("images", width=lambda _: missing, height=lambda _: missing)
    )
    assert {image.size for image in dataset.images} == {(HEIGHT, WIDTH)}
    assert dataset.problems == ()
    assert "4 × the JSON has no size for it" in dataset.summary()


def test_a_piece_of_two_points_is_dropped_and_the_object_kept(folder: Path) -> None:
    dataset = read_changed(
        folder, lambda data: data["annotations"][2]["segmentation"].append([1, 2, 3, 4])
    )
    assert dataset.objects == 8
    (problem,) = dataset.problems
    assert problem.where == "annotation 3"
    assert "fewer than three points, and are dropped" in problem.reason


def test_categories_of_one_name_are_one_class(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["categories"].append({"id": 30, "name": "disc"})
        data["annotations"][0]["category_id"] = 30

    dataset = read_changed(folder, edit)
    assert dataset.counts() == {"disc": 4, "box": 4}
    assert "its name is another one's: merged: category 30 'disc'" in dataset.summary()


@pytest.mark.parametrize("name", ["disc", "project-7"])
def test_a_group_without_objects_is_no_class(folder: Path, name: str) -> None:
    def edit(data: dict[str, Any]) -> None:
        for category in data["categories"]:
            category["supercategory"] = name
        data["categories"].insert(0, {"id": 0, "name": name, "supercategory": "none"})

    dataset = read_changed(folder, edit)
    assert dataset.class_names == ("disc", "box")
    assert dataset.counts() == {"disc": 4, "box": 4}


def test_a_class_without_objects_is_still_a_class(folder: Path) -> None:
    dataset = read_changed(
        folder, lambda data: data["categories"].append({"id": 5, "name": "cone"})
    )
    assert dataset.counts() == {"cone": 0, "disc": 4, "box": 4}


@pytest.mark.parametrize("flag", [1, True, "1", 1.0, "true"])
def test_some_crowds_are_listed_and_all_crowds_are_objects(folder: Path, flag: Any) -> None:
    def first(data: dict[str, Any]) -> None:
        data["annotations"][0]["iscrowd"] = flag

    dataset = read_changed(folder, first)
    assert dataset.objects == 7
    (problem,) = dataset.problems
    assert problem.where == "image 001.png"
    assert "crowd" in problem.reason
    assert read_dataset(folder, crowds_as_objects=True).objects == 8

    dataset = read_changed(folder, every("annotations", iscrowd=lambda _: flag))
    assert dataset.objects == 8
    assert "all objects (8)" in dataset.summary()
    assert "crowd" in dataset.summary()


def test_an_object_that_is_there_twice_counts_once(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["annotations"].append({**data["annotations"][0], "id": 99})
        data["annotations"].append({**data["annotations"][0], "id": 98, "category_id": 20})

    dataset = read_changed(folder, edit)
    assert dataset.counts() == {"disc": 4, "box": 5}
    (problem,) = dataset.problems
    assert str(problem) == "annotation 99: its image has the same object twice"


def test_images_without_objects_are_noted_and_those_never_looked_at_left_out(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["annotations"] = data["annotations"][:5]  # of images 1 and 2, and half of 3
        data["images"][3]["annotated"] = False

    dataset = read_changed(folder, edit)
    assert [image.path.name for image in dataset.images] == ["001.png", "002.png", "003.png"]
    assert "its entry says that it is not labelled: image 004.png" in dataset.summary()
    change(folder, lambda data: data["images"][3].pop("annotated"))
    dataset = read_dataset(folder)
    assert len(dataset.images) == 4
    assert dataset.problems == ()
    assert "1 × it has no object: it counts as background: image 004.png" in dataset.summary()


@pytest.mark.parametrize(
    "key", ["not_exhaustive_category_ids", "labelled_categories", "labeled_category_ids"]
)
def test_images_that_are_labelled_in_part_are_listed(folder: Path, key: str) -> None:
    dataset = read_changed(folder, lambda data: data["images"][1].update({key: [10]}))
    (problem,) = dataset.problems
    assert problem.where == "image 002.png"
    assert f"labelled in part only ({key})" in problem.reason
    assert dataset.objects == 8


def test_an_image_that_lost_an_object_is_noted(folder: Path) -> None:
    dataset = read_changed(folder, lambda data: data["annotations"][2].update(segmentation=[]))
    assert "some of its objects are skipped, and count as background" in dataset.summary()
    assert "image 002.png (1 of 2)" in dataset.summary()


def test_two_entries_of_one_file_are_one_image(folder: Path) -> None:
    dataset = read_changed(folder, lambda data: data["images"][1].update(file_name="001.png"))
    assert [len(image.objects) for image in dataset.images] == [4, 2, 2]
    (problem,) = dataset.problems
    assert "its file is another entry's, too" in problem.reason


def test_entries_that_are_none_are_listed(folder: Path) -> None:
    dataset = read_changed(folder, lambda data: data["annotations"].append(7))
    (problem,) = dataset.problems
    assert str(problem) == "annotations[8]: it is no entry, so it is skipped"


def test_the_limits_can_be_raised(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"over a limit, which --max-pixels or --max-mb raises"):
        read_dataset(folder, max_pixels=HEIGHT * WIDTH - 1)
    with pytest.raises(DatasetError, match=r"4 × it can't be read: it is over a limit"):
        read_dataset(folder, max_bytes=100)
    # Images stay under the limits that they were read with, also when they are read again.
    image = read_dataset(folder, max_pixels=HEIGHT * WIDTH).images[0]
    assert image.limits.max_pixels == HEIGHT * WIDTH
    assert image.load().shape == (HEIGHT, WIDTH, 3)


def test_no_image_found_says_where_it_looked(folder: Path) -> None:
    (folder / "images").rename(folder / "photos")
    with pytest.raises(DatasetError, match=r"None of the 4 images .*photos.* --images DIR"):
        read_dataset(folder)
    assert read_dataset(folder, images=folder / "photos").objects == 8
    with pytest.raises(DatasetError, match="There is no folder"):
        read_dataset(folder, images=folder / "elsewhere")


def test_an_unforeseen_fault_is_named_and_not_raised_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr("seg_widgets.finetuning.coco.read_categories", fail)
    with pytest.raises(DatasetError, match="ZeroDivisionError: nobody thought of it"):
        read_dataset(folder)
    with pytest.raises(DatasetError, match="as the path of its folder or JSON file"):
        read_dataset({"images": []})  # type: ignore[arg-type]


def test_two_names_that_one_file_could_be_meant_by_are_both_missing(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["images"][0]["file_name"] = "one/001.png"
        data["images"][1]["file_name"] = "two/001.png"

    dataset = read_changed(folder, edit)
    assert [image.path.name for image in dataset.images] == ["003.png", "004.png"]
    there = f"there is {folder.name}/images/001.png"
    assert [(one.where, one.reason, one.detail) for one in dataset.problems[:2]] == [
        ("image one/001.png", "its file is not there", there),
        ("image two/001.png", "its file is not there", there),
    ]
    assert dataset.objects == 4
    # The first name has it in full now, so that the second one only ends like it.
    change(folder, lambda data: data["images"][0].update(file_name="001.png"))
    dataset = read_dataset(folder)
    assert [image.path.name for image in dataset.images] == ["001.png", "003.png", "004.png"]


def test_two_entries_of_one_file_have_to_agree_on_its_size(folder: Path) -> None:
    path = folder / "images" / "001.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # it is shown turned, so that both sizes may stand in the JSON
    with Image.open(path) as image:
        image.load()
        image.save(path, exif=exif)
    dataset = read_changed(
        folder,
        lambda data: data["images"][1].update(file_name="001.png", height=WIDTH, width=HEIGHT),
    )
    assert [image.path.name for image in dataset.images] == ["001.png", "003.png", "004.png"]
    assert str(dataset.problems[0]) == "image 001.png: its file is another entry's, of another size"
    assert dataset.objects == 6


def test_names_of_images_may_be_numbers_or_addresses(folder: Path) -> None:
    (folder / "images" / "002.png").rename(folder / "images" / "2")

    def edit(data: dict[str, Any]) -> None:
        first, second, third, _ = data["images"]
        first["coco_url"] = f"http://images.example/val/{first.pop('file_name')}"
        second["file_name"] = 2
        third["file_name"] = " "

    dataset = read_changed(folder, edit)
    assert [image.path.name for image in dataset.images] == ["001.png", "2", "004.png"]
    assert str(dataset.problems[0]) == "image 3: it has no id or no file_name"
