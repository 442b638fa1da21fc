"""Images of a table: with instances, without any, one that failed, one of which some are chosen."""

from __future__ import annotations

from seg_widgets.prediction import Prediction
from seg_widgets.tables import TableImage, TableInfo
from seg_widgets.testing import StubPredictor, make_picture

FOUND = StubPredictor(5)(make_picture(80, 60))

INFO = TableInfo.of(FOUND, model="stub", weights_sha256="ab12", settings={"threshold": 0.5})

IMAGES = [
    TableImage("folder/a.jpg", 1, FOUND),
    TableImage("b.jpg", 2, Prediction.empty((60, 80), FOUND.class_names)),
    TableImage("c.jpg", 3, error="It is broken."),
    TableImage("d\udcff.jpg", 4, FOUND, only=[1, 3]),
]
