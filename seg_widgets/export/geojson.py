"""GeoJSON in pixels, as QuPath, napari and GIS programs read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..prediction import Chosen, Instance, Prediction, closed_polygons, short
from ..style import DEFAULT_STYLE, Style
from .chosen import chosen_instances
from .files import as_json

__all__ = ["geojson_bytes", "to_geojson"]


def to_geojson(
    prediction: Prediction,
    *,
    file_name: str = "",
    only: Chosen | None = None,
    style: Style = DEFAULT_STYLE,
) -> dict[str, Any]:
    """The instances as a GeoJSON FeatureCollection (RFC 7946, but in pixels with y down).

    Each instance is one feature: a Polygon or MultiPolygon with holes, along the pixels' edges, so
    that nothing of a mask is lost; without a mask it is its box. QuPath takes the class from
    `classification`.

    Args:
        prediction: what was found.
        file_name: the image's name, in each feature.
        only: the instances to take; None: all. `instance` stays the index among all of them.
        style: gives each class its colour.

    Returns:
        The collection, to be written with `json.dumps`.

    Raises:
        SettingError: an index in `only` is not here.
    """
    features = list(_features(prediction, file_name, only, style))
    return {"type": "FeatureCollection", "features": features}


def geojson_bytes(
    prediction: Prediction,
    *,
    file_name: str = "",
    only: Chosen | None = None,
    style: Style = DEFAULT_STYLE,
) -> bytes:
    """What `to_geojson` gives as the bytes of a file.

    One instance after the other: the corners of ten thousand as Python's numbers would take a
    gigabyte, and a third of the time.

    Args:
        prediction: what was found.
        file_name: the image's name, in each feature.
        only: the instances to take; None: all.
        style: gives each class its colour.

    Returns:
        One line of UTF-8.

    Raises:
        SettingError: an index in `only` is not here.
    """
    features = (as_json(each)[:-1] for each in _features(prediction, file_name, only, style))
    return b'{"type":"FeatureCollection","features":[%b]}\n' % b",".join(features)


def _features(
    prediction: Prediction, file_name: str, only: Chosen | None, style: Style
) -> Iterator[dict[str, Any]]:
    for instance in chosen_instances(prediction, only):
        geometry = _geometry(instance)
        # An empty mask has no place.
        if geometry is not None:
            color = list(style.color_of(prediction, instance.index))
            yield _feature(instance, geometry, color, file_name)


def _feature(
    instance: Instance, geometry: dict[str, Any], color: list[int], file_name: str
) -> dict[str, Any]:
    properties = {
        "objectType": "annotation",
        "classification": {"name": instance.class_name, "color": color},
        "name": instance.class_name,
        "instance": instance.index,
        "class_id": instance.class_id,
        "score": short(instance.score, 6),
        "area": instance.area,
        **({"file_name": file_name} if file_name else {}),
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _geometry(instance: Instance) -> dict[str, Any] | None:
    if instance.mask is None:
        x1, y1, x2, y2 = (short(side) for side in instance.box)
        box = [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]
        return {"type": "Polygon", "coordinates": [box]}
    pieces = closed_polygons(instance.mask)
    if not pieces:
        return None
    if len(pieces) == 1:
        return {"type": "Polygon", "coordinates": pieces[0]}
    return {"type": "MultiPolygon", "coordinates": pieces}
