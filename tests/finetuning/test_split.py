"""Dividing a data set into training and validation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from seg_widgets.errors import DatasetError, SettingError
from seg_widgets.finetuning import LabelledImage, read_dataset
from seg_widgets.finetuning.split import Split, prepare_data, split_by_content

from ..shapes import write_shapes


def test_copies_of_an_image_are_not_parted(tmp_path: Path) -> None:
    write_shapes(tmp_path, 10)
    for number in range(2, 11, 2):  # each image twice, under two names
        source = tmp_path / "images" / f"{number - 1:03}.png"
        (tmp_path / "images" / f"{number:03}.png").write_bytes(source.read_bytes())
    split = split_by_content(read_dataset(tmp_path), 0.2)
    assert (len(split.train), len(split.validation)) == (8, 2)
    assert not {image.path.read_bytes() for image in split.train} & {
        image.path.read_bytes() for image in split.validation
    }


def _split(tmp_path: Path, kept: Mapping[int, tuple[int, ...]], share: float = 0.2) -> Split:
    """Split images of which each has the objects of these class indices."""
    write_shapes(tmp_path, len(kept))
    data = json.loads((tmp_path / "instances.json").read_text())
    data["annotations"] = [
        one for one in data["annotations"] if one["category_id"] // 10 - 1 in kept[one["image_id"]]
    ]
    (tmp_path / "instances.json").write_text(json.dumps(data))
    return split_by_content(read_dataset(tmp_path), share)


def _found(images: tuple[LabelledImage, ...]) -> list[int]:
    return sorted({item.class_id for image in images for item in image.objects})


def test_both_parts_get_objects_of_each_class(tmp_path: Path) -> None:
    # Most images are empty, and of each class there are two.
    kept = dict.fromkeys(range(1, 21), ()) | {3: (0,), 8: (0,), 11: (1,), 17: (1,)}
    split = _split(tmp_path, kept)
    assert (len(split.train), len(split.validation)) == (16, 4)
    assert _found(split.train) == _found(split.validation) == [0, 1]


def test_the_only_object_of_a_class_is_trained_on(tmp_path: Path) -> None:
    kept = dict.fromkeys(range(1, 11), (0,)) | {4: (0, 1)}
    split = _split(tmp_path, kept)
    assert len(split.validation) == 2
    assert _found(split.train) == [0, 1]
    assert _found(split.validation) == [0]


def test_a_share_is_still_set_aside_where_only_one_image_has_objects(tmp_path: Path) -> None:
    split = _split(tmp_path, dict.fromkeys(range(1, 9), ()) | {3: (0, 1)})
    assert (len(split.train), len(split.validation)) == (6, 2)
    assert _found(split.train) == [0, 1]


def test_an_own_validation_part_that_is_empty_names_the_way_out(tmp_path: Path) -> None:
    write_shapes(tmp_path / "train", 3)
    content = write_shapes(tmp_path / "valid", 2)
    (tmp_path / "valid" / "instances.json").write_text(json.dumps({**content, "annotations": []}))
    with pytest.raises(DatasetError, match=r"own validation part.*--validation 0\.2"):
        prepare_data(tmp_path)
    assert len(prepare_data(tmp_path, 0.0).train) == 3


@pytest.mark.parametrize(("count", "validation"), [(4, 0), (5, 1), (7, 1), (8, 2)])
def test_of_few_images_none_is_set_aside(tmp_path: Path, count: int, validation: int) -> None:
    write_shapes(tmp_path, count)
    split = prepare_data(tmp_path)
    assert (len(split.train), len(split.validation)) == (count - validation, validation)
    assert not {image.path for image in split.train} & {image.path for image in split.validation}


def test_a_share_is_from_0_to_below_1(tmp_path: Path) -> None:
    write_shapes(tmp_path, 6)
    for share in (-0.1, 1.0, 2):
        with pytest.raises(SettingError, match=f"from 0 to below 1, not {share}"):
            prepare_data(tmp_path, share)
    for given, count in ((0, 0), (0.5, 3)):
        assert len(prepare_data(tmp_path, given).validation) == count
        assert len(prepare_data(read_dataset(tmp_path), given).validation) == count
    assert len(prepare_data(read_dataset(tmp_path)).validation) == 1


def test_what_is_trained_on_is_not_measured_on(tmp_path: Path) -> None:
    write_shapes(tmp_path / "a", 3)
    write_shapes(tmp_path / "b", 2, seed=8)
    shared = (tmp_path / "a" / "images" / "001.png").read_bytes()
    (tmp_path / "b" / "images" / "002.png").write_bytes(shared)
    split = prepare_data(tmp_path / "a", tmp_path / "b")
    assert len(split.train) == 3
    assert [image.path.name for image in split.validation] == ["001.png"]
    (problem,) = split.dataset.problems
    assert str(problem) == "image 002.png: it is learned from, too, so it can't be measured on"
    (tmp_path / "b" / "images" / "001.png").write_bytes(shared)
    with pytest.raises(DatasetError, match="no object of a class that is learned, in an image"):
        prepare_data(tmp_path / "a", read_dataset(tmp_path / "b"))


def test_each_class_has_its_share_in_both_parts(tmp_path: Path) -> None:
    kept = {number: (number % 2,) for number in range(1, 41)}
    split = _split(tmp_path, kept)
    of = [item.class_id for image in split.validation for item in image.objects]
    assert (of.count(0), of.count(1)) == (4, 4)
