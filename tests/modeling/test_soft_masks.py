"""The probabilities of mask heads are kept, and masks at other thresholds come from them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from seg_widgets import load, load_predictor, samples, wrap
from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction import Predictor, Tidy, paste
from tests.networks import built, spread_scores, zoo_config

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"


@pytest.mark.slow
@pytest.mark.parametrize("model", ["starter", "R50-FPN"])
def test_the_masks_of_today_are_those_at_a_half(model: str) -> None:
    predictor: Predictor
    if model == "starter":
        predictor = load_predictor()
    else:
        predictor = wrap(
            spread_scores(built(zoo_config(R50_FPN))), classes=list(map(str, range(80)))
        )
    image = load(samples()["cat"])
    prediction = predictor(image)
    assert len(prediction)
    soft = prediction.soft_masks
    assert soft is not None
    assert soft.shape == (len(prediction), 28, 28)
    assert soft.dtype == np.uint8
    assert prediction.masks is not None

    same = prediction.at_mask_threshold(0.5)
    assert same.masks == prediction.masks
    # From bytes, only pixels within rounding of 0.5 fall on another side.
    near = prediction.at_mask_threshold(np.nextafter(0.5, 1))
    differing = union = 0
    for one, other in zip(near.masks or (), prediction.masks, strict=True):
        planes = np.zeros((2, *image.shape[:2]), bool)
        paste(one, planes[0])
        paste(other, planes[1])
        differing += int((planes[0] ^ planes[1]).sum())
        union += int((planes[0] | planes[1]).sum())
    assert differing <= 0.02 * union

    thresholds = (0.2, 0.5, 0.8)
    areas = [prediction.at_mask_threshold(value).areas for value in thresholds]
    assert (areas[0] >= areas[1] - 3).all()
    assert (areas[1] + 3 >= areas[2]).all()
    assert areas[0].sum() > areas[2].sum()
    reshaped = Tidy(mask_threshold=0.8).reshaped(prediction)
    assert reshaped == prediction.at_mask_threshold(0.8)
    assert Tidy(mask_threshold=0.8).reshaped(reshaped) is reshaped

    # They go along with their instances, and are no part of equality.
    some = prediction.select([len(prediction) - 1, 0])
    assert some.soft_masks is not None
    assert (some.soft_masks == soft[[-1, 0]]).all()
    assert prediction == same
    for other_copy in (copy.deepcopy(prediction), pickle.loads(pickle.dumps(prediction))):
        assert other_copy.soft_masks is not None
        assert np.array_equal(other_copy.soft_masks, soft)

    with pytest.raises(PredictionError, match="nor does what at_mask_threshold gives"):
        same.at_mask_threshold(0.4)
    with pytest.raises(SettingError, match="lies between 0 and 1"):
        prediction.at_mask_threshold(1.1)
