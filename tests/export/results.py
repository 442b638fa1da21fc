"""An image and what was found in it, to be exported."""

from __future__ import annotations

import dataclasses

from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor, make_picture

IMAGE = make_picture(80, 60)


FOUND = StubPredictor(5)(IMAGE)


BOXES_ONLY = dataclasses.replace(FOUND, masks=None)


NOTHING = Prediction.empty((60, 80), FOUND.class_names)
