"""Which JSON files are the parts of a data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seg_widgets.errors import DatasetError
from seg_widgets.finetuning import find_parts, read_dataset

from ..shapes import write_shapes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shapes(tmp_path, 4)
    return tmp_path


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


def _images_in_parts(folder: Path) -> tuple[str, str]:
    """Datumaro's, YOLOX's and Ultralytics' layout."""
    (folder / "annotations").mkdir()
    (folder / "images").mkdir()
    for part, name in (("train", "train"), ("valid", "val")):
        (folder / part / "instances.json").rename(folder / "annotations" / f"instances_{name}.json")
        (folder / part / "images").rename(folder / "images" / name)
    return "annotations/instances_train.json", "annotations/instances_val.json"


def _named_by_subsets(folder: Path) -> tuple[str, str]:
    """Subsets as a person typed them, and one for tests."""
    (folder / "annotations").mkdir()
    (folder / "images").mkdir()
    (folder / "annotations" / "instances_Test.json").write_text("{}")
    for part, name in (("train", "Train"), ("valid", "Validation")):
        (folder / part / "instances.json").rename(folder / "annotations" / f"instances_{name}.json")
        (folder / part / "images").rename(folder / "images" / name)
    return "annotations/instances_Train.json", "annotations/instances_Validation.json"


@pytest.mark.parametrize(
    "layout",
    [_labelling_tool, _as_coco_itself, _side_by_side, _images_in_parts, _named_by_subsets],
)
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


def test_a_folder_whose_name_only_sounds_like_a_validation_part(tmp_path: Path) -> None:
    folder = tmp_path / "carnival"
    write_shapes(folder, 2)
    (folder / "images").rename(folder / "train")
    assert read_dataset(folder).problems == ()


@pytest.mark.parametrize("images", ["images", "images/default", "default"])
def test_one_json_of_a_task_as_cvat_exports_it(folder: Path, images: str) -> None:
    (folder / "images").rename(folder / "photos")
    (folder / images).parent.mkdir(exist_ok=True)
    (folder / "photos").rename(folder / images)
    (folder / "annotations").mkdir()
    (folder / "instances.json").rename(folder / "annotations" / "instances_default.json")
    assert find_parts(folder) == (folder / "annotations" / "instances_default.json", None)
    dataset = read_dataset(folder)
    assert (dataset.objects, dataset.problems) == (8, ())


def test_a_json_further_down_is_named(folder: Path) -> None:
    (folder / "export" / "labels").mkdir(parents=True)
    (folder / "instances.json").rename(folder / "export" / "labels" / "trainval.json")
    with pytest.raises(
        DatasetError, match=r"further down it has .*trainval\.json: name one of them"
    ):
        find_parts(folder)


def test_a_json_of_all_images_is_no_part(folder: Path) -> None:
    content = json.loads((folder / "instances.json").read_text())
    (folder / "instances.json").unlink()
    (folder / "trainval.json").write_text(json.dumps(content))
    assert find_parts(folder) == (folder / "trainval.json", None)


def test_one_of_several_in_the_folder_of_a_part_is_not_taken(folder: Path) -> None:
    (folder / "train").mkdir()
    content = (folder / "instances.json").read_text()
    (folder / "instances.json").unlink()
    (folder / "train" / "first.json").write_text(content)
    assert find_parts(folder) == (folder / "train" / "first.json", None)
    (folder / "train" / "second.json").write_text(content)
    words = r"train/first\.json, train/second\.json: name one of them"
    with pytest.raises(DatasetError, match=words):
        find_parts(folder)


@pytest.mark.parametrize("where", ["", "a", "a/b"])
def test_a_message_names_five_files_at_most(tmp_path: Path, where: str) -> None:
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    for number in range(1, 7):
        (tmp_path / where / f"{number}.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"such as instances\.json; .*it has .*: name") as caught:
        find_parts(tmp_path)
    assert "5.json" in str(caught.value) and "6.json" not in str(caught.value)
