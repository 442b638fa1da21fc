"""Small masks are drawn at the image's size as detectron2 draws them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.modeling.mask_pasting import paste_mask


@settings(max_examples=60, deadline=None)
@given(
    box=st.tuples(st.floats(0, 60), st.floats(0, 40), st.floats(0.5, 30), st.floats(0.5, 30)),
    size=st.sampled_from([14, 28]),
    seed=st.integers(0, 1000),
)
def test_pasting_is_detectron2s(
    box: tuple[float, float, float, float], size: int, seed: int
) -> None:
    from detectron2.layers.mask_ops import paste_masks_in_image

    height, width = 48, 72
    x, y, w, h = box
    corners = np.array([x, y, min(x + w, width), min(y + h, height)], np.float32)
    soft = np.random.default_rng(seed).random((size, size), np.float32)
    theirs = paste_masks_in_image(
        torch.from_numpy(soft)[None], torch.from_numpy(corners)[None], (height, width)
    )[0]
    crop = paste_mask(soft, corners, (height, width))
    ours = np.zeros((height, width), bool)
    ours[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = crop.to_array()
    # A probability within rounding of 0.5 may fall on either side.
    assert (ours != theirs.numpy()).sum() <= 1


def test_pasting_a_large_mask_takes_memory_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    soft = np.random.default_rng(0).random((28, 28), np.float32)
    box = np.array([10.5, 3.2, 380.1, 290.7], np.float32)
    whole = paste_mask(soft, box, (300, 400))
    monkeypatch.setattr("seg_widgets.modeling.mask_pasting._PASTE_PIXELS", 1000)
    assert paste_mask(soft, box, (300, 400)) == whole
