"""JSON files that are no data set are named as what they are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.errors import DatasetError
from seg_widgets.finetuning.annotation_file import read_annotation_file

EMPTY: dict[str, Any] = {"images": [], "annotations": [], "categories": []}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b'{"a": 1}\n{"a": 2}\n', "JSON Lines"),
        (b"PK\x03\x04rest", "a ZIP archive: unpack it first"),
        (gzip.compress(b"{}", mtime=0), "compressed with gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        (b"<annotation><filename>1.jpg</filename></annotation>", "XML or a web page"),
        ('{"images": "ä"}'.encode("latin-1"), "save it in UTF-8"),
        (b'{"images": [', "is not JSON: "),
        (b"7", "a single value"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=words):
        read_annotation_file(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"image_id": 1, "category_id": 1, "bbox": [], "score": 0.5}], "a file of results"),
        ([{"image_id": 1, "category_id": 1, "segmentation": []}], "a bare list of annotations"),
        ([{"id": 1, "data": {}, "annotations": []}], "Label Studio's own format"),
        ([{"image": "1.jpg", "annotations": []}], "Create ML"),
        ([], "a list, and not an object"),
        ({"version": "5", "shapes": [], "imagePath": "1.jpg"}, "LabelMe's file of one image"),
        ({"type": "FeatureCollection", "features": []}, "GeoJSON"),
        ({"_via_img_metadata": {}}, "VGG Image Annotator"),
        ({"1.jpg123": {"filename": "1.jpg", "regions": []}}, "VGG Image Annotator"),
        ({"info": {}, "categories": {"label": {}}, "items": []}, "Datumaro's own format"),
        ({**EMPTY, "annotations": [{"segments_info": []}]}, "a panoptic one"),
        ({"images": []}, "it has no list 'annotations', 'categories'"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: Any, words: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=words):
        read_annotation_file(file)
