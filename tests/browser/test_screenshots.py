"""Each state of the panel looks as it did, seen from afar: a gross change must be looked at and
then accepted.

`python -m tests.browser.screenshots --reference` accepts it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser

from .lab import Lab
from .screenshots import COMPARED, REFERENCE, Studio, small

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Another version of the browser or of its fonts moves letters, which at this size is a shade of
# grey.
_SHADE = 40
_MOST_CHANGED = 0.04


def share_changed(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> float:
    """The share of pixels that changed by more than a shade; 1 where the images' heights differ by
    a tenth."""
    if abs(len(before) - len(after)) > len(before) / 10:
        return 1.0
    height = min(len(before), len(after))
    difference = np.abs(before[:height].astype(int) - after[:height])
    return float((difference.max(axis=2) > _SHADE).mean())


@pytest.mark.parametrize("name", COMPARED)
def test_the_panel_looks_as_it_did(browser: Browser, lab: Lab, tmp_path: Path, name: str) -> None:
    shot = small(Studio(browser, lab, tmp_path).shoot(name))
    shot.save(tmp_path / f"{name}.png")
    with Image.open(REFERENCE / f"{name}.png") as reference:
        share = share_changed(np.asarray(reference.convert("RGB")), np.asarray(shot))
    assert share <= _MOST_CHANGED, f"{share:.0%} of {name} changed; look at {tmp_path / name}.png"


def test_a_gross_change_is_seen() -> None:
    with Image.open(REFERENCE / "panel.png") as reference:
        panel = np.asarray(reference.convert("RGB"))
    assert share_changed(panel, panel) == 0
    without_masks = panel.copy()
    without_masks[60:, :110] = 230
    assert share_changed(panel, without_masks) > _MOST_CHANGED
    assert share_changed(panel, panel[: len(panel) // 2]) == 1
    for name in COMPARED[1:]:
        with Image.open(REFERENCE / f"{name}.png") as other:
            assert share_changed(panel, np.asarray(other.convert("RGB"))) > _MOST_CHANGED
