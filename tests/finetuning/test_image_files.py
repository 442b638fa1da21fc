"""Finding the images of a data set, and never another folder's of the same name in silence."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from seg_widgets.finetuning import read_dataset
from seg_widgets.finetuning.image_files import Found, ImageFinder, NotFound

from ..shapes import write_shapes
from .test_coco import change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shapes(tmp_path, 4)
    return tmp_path


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def find(folder: Path, json: str, name: str, images: Path | None = None) -> str | None:
    (found,) = ImageFinder(folder / json, images).find([name])
    return str(found.path.relative_to(folder)) if isinstance(found, Found) else None


def test_a_name_with_the_folders_of_another_machine_is_found_but_none_outside(folder: Path) -> None:
    change(folder, lambda data: data["images"][0].update(file_name="D:\\export\\001.png"))
    change(folder, lambda data: data["images"][1].update(file_name="/somewhere/else/002.png"))
    change(folder, lambda data: data["images"][2].update(file_name="../../../../etc/hostname"))
    dataset = read_dataset(folder)
    assert [image.path.name for image in dataset.images] == ["001.png", "002.png", "004.png"]
    assert [problem.reason for problem in dataset.problems] == ["its file is not there"]


@pytest.mark.parametrize(
    ("file", "json", "name"),
    [
        ("images/train/1.png", "annotations/instances_train.json", "1.png"),
        ("train2017/1.png", "annotations/instances_train2017.json", "1.png"),
        ("images/train/1.png", "annotations/instances_train2017.json", "1.png"),
        ("train/images/1.png", "train.json", "1.png"),
        ("images/val/1.png", "annotations/instances_Validation.json", "1.png"),
        ("images/valid/1.png", "valid/_annotations.coco.json", "1.png"),
        ("a/1.png", "data.json", "a/1.png"),
        ("1.png", "data.json", "./1.png"),
        ("images/1.png", "annotations/data.json", "../images/1.png"),
        ("images/cam1/1.png", "data.json", "cam1\\1.png"),
        ("images/cam1/1.png", "data.json", "D:\\work\\images\\cam1\\1.png"),
        ("images/cam1/1.png", "data.json", "/home/other/set/images/cam1/1.png"),
        ("images/my photo.png", "data.json", "my%20photo.png"),
        ("images/my%20photo.png", "data.json", "my%20photo.png"),
        ("images/1.png", "data.json", "https://example.org/set/images/1.png?size=2"),
        ("images/IMG_1.PNG", "data.json", "img_1.png"),
        ("Images/1.png", "data.json", "1.png"),
        (f"images/{unicodedata.normalize('NFD', 'Übung.png')}", "data.json", "Übung.png"),
        ("images/Übung.png", "data.json", unicodedata.normalize("NFD", "Übung.png")),
    ],
)
def test_where_an_image_is_found(tmp_path: Path, file: str, json: str, name: str) -> None:
    put(tmp_path, file)
    assert find(tmp_path, json, name) == file


@pytest.mark.parametrize(
    ("files", "name", "found"),
    [
        (("images/a.png", "images/A.png"), "a.png", "images/a.png"),
        (("images/A.png", "images/a.PNG"), "a.png", None),
        (("1.png", "images/1.png"), "1.png", None),
        (("cam1/1.png", "images/cam1/1.png"), "cam1/1.png", None),
        (("cam1/1.png", "cam2/1.png"), "1.png", None),
        (("val/1.png",), "train/1.png", None),
    ],
)
def test_one_of_several_is_not_taken(
    tmp_path: Path, files: tuple[str, ...], name: str, found: str | None
) -> None:
    put(tmp_path, *files)
    assert find(tmp_path, "data.json", name) == found


def test_candidates_are_listed(folder: Path) -> None:
    (folder / "001.png").write_bytes((folder / "images" / "002.png").read_bytes())
    (folder / "images" / "003.png").rename(folder / "images" / "old-003.png")
    put(folder, "cam1/003.png", "cam2/003.png")
    shown = [str(problem) for problem in read_dataset(folder).problems]
    assert "several files have its name" in shown[0]
    assert "001.png, " in shown[0]
    assert "images/001.png" in shown[0]
    assert shown[1].startswith("image 003.png: its file is not there (there is ")
    assert "cam1/003.png" in shown[1]
    assert "looked for in" in read_dataset(folder).summary()


def test_a_copy_is_no_other_file(folder: Path) -> None:
    (folder / "001.png").write_bytes((folder / "images" / "001.png").read_bytes())
    assert read_dataset(folder).problems == ()


def test_one_file_is_not_taken_for_two_names(folder: Path) -> None:
    change(folder, lambda data: data["images"][0].update(file_name="cam1/002.png"))
    dataset = read_dataset(folder)
    assert [problem.where for problem in dataset.problems] == ["image cam1/002.png"]
    assert dataset.objects == 6


def test_a_file_without_the_folder_of_its_name_is_noted(folder: Path) -> None:
    change(folder, lambda data: data["images"][0].update(file_name="cam1/001.png"))
    dataset = read_dataset(folder)
    assert dataset.objects == 8
    assert "taken from another folder than its name has: image cam1/001.png" in dataset.summary()


def test_the_folder_above_is_looked_in_only_where_nothing_else_is(tmp_path: Path) -> None:
    put(tmp_path, "images/1.png", "set/images/2.png")
    finder = ImageFinder(tmp_path / "set" / "data.json")
    first, second = finder.find(["1.png", "2.png"])
    assert isinstance(first, NotFound)
    assert isinstance(second, Found)
    (alone,) = finder.find(["1.png"])
    assert isinstance(alone, Found)
    assert finder.is_elsewhere


def test_a_folder_that_is_named_is_searched_to_its_depth(tmp_path: Path) -> None:
    put(tmp_path, "raw/cam1/1.png", "raw/cam2/2.png", "raw/cam1/2.png", "raw/val/3.png")
    raw = tmp_path / "raw"
    assert find(tmp_path, "data.json", "1.png") is None
    assert find(tmp_path, "data.json", "1.png", raw) == "raw/cam1/1.png"
    assert find(tmp_path, "data.json", "2.png", raw) is None
    assert find(tmp_path, "data.json", "cam2/2.png", raw) == "raw/cam2/2.png"
    assert find(tmp_path, "train.json", "3.png", raw) is None
    assert find(tmp_path, "val.json", "3.png", raw) == "raw/val/3.png"
    put(tmp_path, "images/4.png")
    assert find(tmp_path, "data.json", "4.png", raw) is None


@pytest.mark.parametrize(
    ("name", "is_full"),
    [
        ("cam1/1.png", True),
        ("./cam1//1.png", True),
        ("cam1\\1.png", True),
        ("../images/cam1/1.png", True),
        ("../cam1/1.png", True),
        ("cam2/1.png", False),
        ("../../cam1/1.png", False),
        ("cam2/../cam1/1.png", False),
        ("/cam1/1.png", False),
        ("C:/cam1/1.png", False),
        ("https://example.org/cam1/1.png", False),
        ("https://example.org/x/cam1/1%2epng", False),
    ],
)
def test_whether_a_file_lies_in_the_folders_of_its_name(
    tmp_path: Path, name: str, is_full: bool
) -> None:
    put(tmp_path, "images/cam1/1.png", "images/1.png")
    lone = "cam2" in name and ".." not in name
    (found,) = ImageFinder(tmp_path / "data.json").find([name])
    file = tmp_path / ("images/1.png" if lone else "images/cam1/1.png")
    assert found == Found(file, is_full)


@pytest.mark.parametrize(
    ("json", "is_elsewhere"),
    [("set/data.json", True), ("annotations/data.json", False), ("train/data.json", False)],
)
def test_images_above_a_folder_that_leads_there_are_where_they_should_be(
    tmp_path: Path, json: str, is_elsewhere: bool
) -> None:
    put(tmp_path, "images/1.png")
    finder = ImageFinder(tmp_path / json)
    (tmp_path / json).parent.mkdir()
    assert isinstance(finder.find(["1.png"])[0], Found)
    assert finder.is_elsewhere is is_elsewhere
    assert finder.looked_in[0].is_relative_to(tmp_path / json.partition("/")[0])
    # The last search is what counts.
    assert finder.find(["2.png"]) == [NotFound()]
    assert not finder.is_elsewhere
    finder = ImageFinder(tmp_path / json, tmp_path)
    assert isinstance(finder.find(["1.png"])[0], Found)
    assert not finder.is_elsewhere
