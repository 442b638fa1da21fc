"""uploads: the values of ipywidgets 7 and 8, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from seg_widgets.errors import (
    ImageError,
    ImageFormatError,
)
from seg_widgets.images import Upload, load, uploads

from .pictures import PICTURE, PNG, upload_7, upload_8


def test_uploads_hides_the_versions() -> None:
    expected = [Upload("photo.png", PNG)]
    for value in (upload_7(), upload_7()["photo.png"], upload_8(), upload_8()[0]):
        assert uploads(value) == expected
        assert isinstance(uploads(value)[0].content, bytes)
    two = [Upload("a.png", PNG), Upload("b.png", b"x")]
    assert uploads({**upload_7(name="a.png"), **upload_7(b"x", "b.png")}) == two
    assert uploads((*upload_8(name="a.png"), *upload_8(b"x", "b.png"))) == two
    assert uploads({}) == uploads(()) == []
    # A file may have any name, also that of a field.
    assert uploads(upload_7(name="content")) == [Upload("content", PNG)]


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:ipywidgets"
)  # version 7 uses ipykernel's old Comm
def test_real_file_upload_widget() -> None:
    widgets = pytest.importorskip("ipywidgets")
    widget = widgets.FileUpload()
    assert uploads(widget.value) == []
    if int(widgets.__version__.split(".")[0]) >= 8:
        item = {
            "name": "p.png",
            "type": "image/png",
            "size": len(PNG),
            "content": PNG,
            "last_modified": 1_700_000_000_000,
        }
        widget.set_state({"value": [item]})
        np.testing.assert_array_equal(load(widget.value), PICTURE)
        assert uploads(widget.value)[0].name == "p.png"


def test_uploads_that_are_none() -> None:
    with pytest.raises(ImageError, match="No file was uploaded yet"):
        load(())
    with pytest.raises(ImageError, match="2 files were uploaded"):
        load((*upload_8(), *upload_8()))
    with pytest.raises(ImageFormatError, match="no content in bytes"):
        load([1, 2, 3])
    with pytest.raises(ImageFormatError, match=r"a\.png has no content"):
        load({"a.png": {"metadata": {}}})
    with pytest.raises(ImageFormatError, match="not an int"):
        uploads(3)


def test_an_uploads_name_is_in_the_message() -> None:
    for value in (upload_7(b"nope", "photo.jpg"), upload_8(b"nope", "photo.jpg")):
        with pytest.raises(ImageFormatError, match=r"^photo\.jpg is a text file"):
            load(value)
