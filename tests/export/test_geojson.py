"""GeoJSON: each mask exactly, by the edges of its pixels."""

from __future__ import annotations

import itertools
import json

import pytest

from seg_widgets import export
from seg_widgets.export.files import as_json
from seg_widgets.export.geojson import geojson_bytes
from seg_widgets.prediction import Prediction

from ..shapes_to_export import PLANES, SHAPES
from .results import BOXES_ONLY


def _area(ring: list[list[int]]) -> float:
    pairs = itertools.pairwise(ring)
    return abs(sum(x * other_y - other_x * y for (x, y), (other_x, other_y) in pairs)) / 2


def test_a_feature_has_its_class_its_score_and_its_area() -> None:
    collection = json.loads(json.dumps(export.to_geojson(SHAPES, file_name="a.jpg")))
    assert collection["type"] == "FeatureCollection"
    for feature, instance, name in zip(collection["features"], SHAPES, PLANES, strict=True):
        assert feature["properties"]["classification"]["name"] == instance.class_name
        assert feature["properties"]["score"] == pytest.approx(instance.score, abs=1e-6)
        assert feature["properties"]["instance"] == instance.index
        geometry = feature["geometry"]
        pieces = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            pieces = [pieces]
        assert all(ring[0] == ring[-1] for piece in pieces for ring in piece)
        area = sum(_area(piece[0]) - sum(map(_area, piece[1:])) for piece in pieces)
        assert area == instance.area, name


def test_the_file_has_what_the_collection_has() -> None:
    """It is made one instance after the other."""
    for prediction, only in ((SHAPES, None), (SHAPES, [1, 0]), (SHAPES, []), (BOXES_ONLY, None)):
        given = {"file_name": "Ω.jpg", "only": only}
        content = geojson_bytes(prediction, **given)  # type: ignore[arg-type]
        assert content == as_json(export.to_geojson(prediction, **given))  # type: ignore[arg-type]


def test_boxes_and_nothing() -> None:
    features = export.to_geojson(BOXES_ONLY, only=[1])["features"]
    assert len(features) == 1 and features[0]["properties"]["instance"] == 1
    assert len(features[0]["geometry"]["coordinates"][0]) == 5
    empty = Prediction.from_coco([{"category_id": 1, "bbox": [0, 0, 2, 2]}], image_size=(4, 4))
    assert len(export.to_geojson(empty)["features"]) == 1
