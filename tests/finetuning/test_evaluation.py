"""COCO's figures: what there is to measure, and in crowded images all of it."""

from __future__ import annotations

import numpy as np
import pytest

from seg_widgets.finetuning.evaluation import FoundInstance, Truth, encode, evaluate


def _truth(count: int, *, crowd: bool = False) -> Truth:
    instances = []
    for number in range(count):
        mask = np.zeros((80, 80), np.uint8)
        y, x = divmod(number, 16)
        mask[y * 5 : y * 5 + 4, x * 5 : x * 5 + 4] = 1
        instances.append(FoundInstance(0, encode(mask), crowd=crowd))
    return Truth(np.zeros((80, 80, 3), np.uint8), instances)


@pytest.mark.parametrize(("count", "limit"), [(40, 100), (150, 150)])
def test_all_objects_of_an_image_count(count: int, limit: int) -> None:
    truth = _truth(count)
    figures = evaluate([truth], [truth.instances], ["cell", "debris"])
    assert figures["AP"] == pytest.approx(1)
    assert figures["AR100"] == pytest.approx(1)
    assert figures["max_detections"] == limit
    assert figures["per_class"]["cell"]["AP"] == pytest.approx(1)
    assert figures["per_class"]["debris"]["AP"] is None


@pytest.mark.parametrize("truth", [_truth(0), _truth(2, crowd=True)])
def test_without_objects_there_is_no_figure(truth: Truth) -> None:
    found = _truth(1).instances
    for detections in (found, []):
        figures = evaluate([truth], [detections], ["cell"])
        assert figures["AP"] is None
        assert figures["AP50"] is None
