"""JSON files that are no data set are named as what they are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.annotations.annotation_file import AnnotationFile, read_annotation_file
from seg_widgets.errors import DatasetError

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


def _read(tmp_path: Path, content: Any) -> AnnotationFile:
    file = tmp_path / "data.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_annotation_file(file)


def test_entries_of_a_list_stay_as_they_are(tmp_path: Path) -> None:
    content: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "a.png"}, "b.png"],
        "annotations": [{}, {"segments_info": []}],
        "categories": [{"name": "cat"}, "dog"],
    }
    found = _read(tmp_path, content)
    assert found.images == content["images"][:1]
    assert found.annotations == content["annotations"]
    assert found.categories == [{"name": "cat"}]
    assert [str(problem) for problem in found.problems] == [
        "images[1]: it is no entry, so it is skipped",
        "categories[1]: it is no entry, so it is skipped",
    ]


def test_entries_by_id_get_it(tmp_path: Path) -> None:
    content = {
        "images": {"7": {"file_name": "a.png"}, "8": "b.png"},
        "annotations": {"x": {"id": 3}, "y": 5},
        "categories": {"1": "cat", "2": {"name": "dog"}, "3": 4},
    }
    found = _read(tmp_path, content)
    assert found.images == [{"id": "7", "file_name": "a.png"}]
    assert found.annotations == [{"id": 3}]
    assert found.categories == [{"id": "1", "name": "cat"}, {"id": "2", "name": "dog"}]
    assert [problem.where for problem in found.problems] == [
        *("images['8']", "annotations['y']", "categories['3']"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1}\nno JSON\n', "is not JSON: Extra data"),
        (b"1\n2\n", "is not JSON: Extra data"),
        (b'\n\n{"a": 1}\n\n[2]\n', "JSON Lines"),
        (b'{"a": 1}\n7\n', "is not JSON: Extra data"),
        (b" \n\t", "is empty"),
    ],
)
def test_lines_of_json_are_told_from_broken_json(
    tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        _read(tmp_path, content)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is a folder; give the JSON file in it\.$"):
        read_annotation_file(tmp_path)
