"""What `make lab` starts: it opens the panel's notebook and takes uploads that Jupyter's own
default would drop."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .lab import Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Tornado's default: a longer message ends the connection without a word.
_TORNADO_LIMIT = 10 * 1024 * 1024


def test_the_first_page_is_the_panels_notebook(lab: Lab) -> None:
    with urllib.request.urlopen(f"{lab.address}/?token={lab.token}", timeout=30) as answer:
        assert answer.url.split("?")[0] == f"{lab.address}/lab/tree/panel.ipynb"


def test_a_stranger_without_the_token_sees_nothing(lab: Lab) -> None:
    with urllib.request.urlopen(f"{lab.address}/lab/tree/panel.ipynb", timeout=30) as answer:
        assert "/login" in answer.url


def test_an_upload_over_tornados_limit_arrives(panel: Notebook, tmp_path: Path) -> None:
    photo = tmp_path / "large.png"
    noise = np.random.default_rng(0).integers(0, 256, (1800, 2400, 3), np.uint8)
    Image.fromarray(noise).save(photo, compress_level=0)
    assert photo.stat().st_size > _TORNADO_LIMIT
    panel.upload(photo)
    panel.wait_for_result()
    assert panel.shown() == 7
