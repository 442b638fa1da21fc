"""What supervision gets."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import DependencyError

from ..export.results import BOXES_ONLY, FOUND, NOTHING


def test_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(DependencyError, match="pip install supervision"):
        export.to_supervision(FOUND)

    def detections(**parts: Any) -> dict[str, Any]:
        return parts

    monkeypatch.setitem(sys.modules, "supervision", types.SimpleNamespace(Detections=detections))
    parts = export.to_supervision(FOUND)
    np.testing.assert_array_equal(parts["xyxy"], FOUND.boxes)
    np.testing.assert_array_equal(parts["mask"], FOUND.masks_dense())
    assert parts["data"]["class_name"].tolist() == [instance.class_name for instance in FOUND]
    assert export.to_supervision(BOXES_ONLY)["mask"] is None
    assert export.to_supervision(NOTHING)["xyxy"].shape == (0, 4)


def test_supervision_itself() -> None:
    supervision = pytest.importorskip("supervision", exc_type=ImportError)
    found = export.to_supervision(FOUND)
    assert isinstance(found, supervision.Detections) and len(found) == 5
    assert len(export.to_supervision(NOTHING)) == 0
