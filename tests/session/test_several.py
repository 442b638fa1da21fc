"""What `segment_all` takes, and what it says of anything else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seg_widgets.errors import ImageNotFoundError, SettingError
from seg_widgets.images import Upload
from seg_widgets.session.several import several
from seg_widgets.testing import make_picture


def test_several_images_become_a_list() -> None:
    assert several(["a.jpg", b"x"]) == ["a.jpg", b"x"]
    assert several(Path(name) for name in ("a", "b")) == [Path("a"), Path("b")]
    assert len(several(np.zeros((3, 4, 5, 3), np.uint8))) == 3, "the images of a batch"
    given: Any = {"a.jpg": {"metadata": {"name": "a.jpg"}, "content": b"x"}}
    assert several(given) == [Upload("a.jpg", b"x")], "what ipywidgets 7 has of an upload"
    assert several([]) == []


@pytest.mark.parametrize(
    "one",
    [
        "photo.jpg",
        Path("photo.jpg"),
        b"bytes",
        Upload("a.jpg", b""),
        make_picture(4, 4),
        Image.new("RGB", (4, 4)),
        io.BytesIO(b"x"),
        None,
        3,
    ],
)
def test_one_image_is_refused_with_the_fix(one: Any) -> None:
    with pytest.raises(SettingError, match=r"is one thing\. Use segment for one image"):
        several(one)


def test_a_folder_or_a_pattern_gives_its_images_as_the_command_line_does(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.png"):
        (tmp_path / name).touch()
    (tmp_path / "notes.md").touch()
    wanted = [str(tmp_path / "a.png"), str(tmp_path / "b.jpg")]
    for folder in (tmp_path, str(tmp_path), str(tmp_path / "*.*")):
        assert several(folder) == wanted  # type: ignore[arg-type]
    with pytest.raises(ImageNotFoundError, match="matches no image"):
        several(str(tmp_path / "*.tiff"))


def test_a_mistake_inside_a_generator_stays_what_it_is() -> None:
    def paths() -> Any:
        yield "a.jpg"
        raise TypeError("a mistake of its own")

    with pytest.raises(TypeError, match="of its own"):
        several(paths())
