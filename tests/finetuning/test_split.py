"""Dividing a data set into training and validation."""

from __future__ import annotations

from pathlib import Path

from seg_widgets.finetuning import read_dataset
from seg_widgets.finetuning.split import split_by_content

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
