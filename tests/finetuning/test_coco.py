"""Reading a data set in COCO's format: what is wrong is listed with its reason, and the rest is
used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from seg_widgets.errors import DatasetError
from seg_widgets.finetuning.coco import find_parts, read_dataset
from seg_widgets.finetuning.segmentation import run_total

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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_the_runs_of_a_compressed_rle_add_up_to_its_image(
    seed: int, height: int, width: int
) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < 0.4).astype(np.uint8)
    counts = coco_mask.encode(np.asfortranarray(mask))["counts"].decode()
    assert run_total(counts) == height * width


@pytest.mark.parametrize(
    ("change_to", "reason"),
    [
        ({"image_id": 99}, "its image_id is no image's"),
        ({"category_id": 3}, "its category_id is no category's"),
        ({"segmentation": []}, "it has no mask"),
        ({"segmentation": [[1, 2, 3, 4]]}, "fewer than three points"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "half a point"),
        ({"segmentation": [[1, 2, 3, 4, 5, "6"]]}, "something else than numbers"),
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


def test_a_name_with_the_folders_of_another_machine_is_found_but_none_outside(folder: Path) -> None:
    change(folder, lambda data: data["images"][0].update(file_name="D:\\export\\001.png"))
    change(folder, lambda data: data["images"][1].update(file_name="/somewhere/else/002.png"))
    change(folder, lambda data: data["images"][2].update(file_name="../../../../etc/hostname"))
    dataset = read_dataset(folder)
    assert [image.path.name for image in dataset.images] == ["001.png", "002.png", "004.png"]
    assert [problem.reason for problem in dataset.problems] == ["its file is not there"]


def test_a_camera_that_was_turned(folder: Path) -> None:
    turned = Image.new("RGB", (WIDTH, HEIGHT), (9, 9, 9))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "images" / "001.png", exif=exif)
    as_stored = read_dataset(folder).images[0]
    assert not as_stored.upright
    assert as_stored.load().shape[:2] == (HEIGHT, WIDTH)
    change(folder, lambda data: data["images"][0].update(height=WIDTH, width=HEIGHT))
    as_shown = read_dataset(folder).images[0]
    assert as_shown.upright
    assert as_shown.load().shape[:2] == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data.pop("annotations"), "no list 'annotations'"),
        (lambda data: data.update(categories=[]), "has no categories"),
        (lambda data: data["categories"].append({"id": 30, "name": "disc"}), "same id or name"),
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


def test_which_file_is_meant(folder: Path, tmp_path: Path) -> None:
    (folder / "instances.json").rename(folder / "export-7.json")
    assert read_dataset(folder).objects == 8
    (folder / "other.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"export-7\.json, other\.json: name one of them"):
        read_dataset(folder)
    (folder / "other.json").write_text("{")
    with pytest.raises(DatasetError, match=r"other\.json is not JSON"):
        read_dataset(folder / "other.json")
    with pytest.raises(DatasetError, match="There is no data set"):
        read_dataset(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="it has none"):
        read_dataset(tmp_path / "empty")


def _labelling_tool(folder: Path) -> tuple[str, str]:
    """Parts as folders, each with its own JSON beside its images."""
    for part in ("train", "valid"):
        (folder / part / "instances.json").rename(folder / part / "_annotations.coco.json")
        for picture in (folder / part / "images").iterdir():
            picture.rename(folder / part / picture.name)
    return "train/_annotations.coco.json", "valid/_annotations.coco.json"


def _as_coco_itself(folder: Path) -> tuple[str, str]:
    """One folder for the JSONs, captions among them, and one for each part's images."""
    (folder / "annotations").mkdir()
    for part, name in (("train", "train2017"), ("valid", "val2017")):
        (folder / part / "instances.json").rename(folder / "annotations" / f"instances_{name}.json")
        (folder / "annotations" / f"captions_{name}.json").write_text("{}")
        (folder / part / "images").rename(folder / name)
    return "annotations/instances_train2017.json", "annotations/instances_val2017.json"


def _side_by_side(folder: Path) -> tuple[str, str]:
    """Two JSONs, and folders for their images."""
    for part, name in (("train", "train"), ("valid", "val")):
        (folder / part / "instances.json").rename(folder / f"{name}.json")
        (folder / part / "images").rename(folder / f"{name}-images")
        (folder / f"{name}-images").rename(folder / part / "moved")
        for picture in (folder / part / "moved").iterdir():
            picture.rename(folder / part / picture.name)
    (folder / "valid").rename(folder / "val")
    return "train.json", "val.json"


@pytest.mark.parametrize("layout", [_labelling_tool, _as_coco_itself, _side_by_side])
def test_a_data_set_in_parts_is_read_by_its_parts(
    tmp_path: Path, layout: Callable[[Path], tuple[str, str]]
) -> None:
    write_shapes(tmp_path / "train", 4)
    write_shapes(tmp_path / "valid", 3, seed=8)  # images of the same names
    training, validation = layout(tmp_path)
    assert find_parts(tmp_path) == (tmp_path / training, tmp_path / validation)
    assert read_dataset(tmp_path).counts() == {"disc": 4, "box": 4}
    part = read_dataset(tmp_path / validation)
    assert part.counts() == {"disc": 3, "box": 3}
    assert part.problems == ()
    pictures = {image.path.read_bytes() for image in read_dataset(tmp_path).images}
    assert not pictures & {image.path.read_bytes() for image in part.images}
    # One that is gone is missing, though the other part has an image of that name.
    part.images[0].path.unlink()
    assert [problem.reason for problem in read_dataset(tmp_path / validation).problems] == [
        "its file is not there"
    ]


def test_another_data_sets_classes_are_matched_by_name(tmp_path: Path) -> None:
    write_shapes(tmp_path, 2, names=("box", "ring"))
    told = read_dataset(tmp_path).for_classes(("disc", "box"))
    assert told.class_names == ("disc", "box")
    assert told.counts() == {"disc": 0, "box": 2}
    assert [str(problem) for problem in told.problems] == [
        "image 001.png: its class 'ring' is none that is learned",
        "image 002.png: its class 'ring' is none that is learned",
    ]


def test_a_folder_whose_name_only_sounds_like_a_validation_part(tmp_path: Path) -> None:
    folder = tmp_path / "carnival"
    write_shapes(folder, 2)
    (folder / "images").rename(folder / "train")
    assert read_dataset(folder).problems == ()
