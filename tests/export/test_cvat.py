"""CVAT's import: COCO's data set with scores as attributes, and the labels."""

from __future__ import annotations

import io
import json
import zipfile

from seg_widgets import export

from .results import FOUND


def test_the_archive() -> None:
    with zipfile.ZipFile(io.BytesIO(export.cvat_zip(FOUND, "a.jpg", only=[2]))) as archive:
        dataset = json.loads(archive.read("annotations/instances_default.json"))
        labels = json.loads(archive.read("labels.json"))
    assert [image["file_name"] for image in dataset["images"]] == ["a.jpg"]
    (annotation,) = dataset["annotations"]
    assert annotation["index"] == 2
    assert annotation["attributes"] == {"score": str(annotation["score"]), "occluded": False}
    assert [label["name"] for label in labels] == list(FOUND.class_names)
    assert json.loads(export.cvat_labels([])) == []
