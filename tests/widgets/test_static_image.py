"""The picture that a saved notebook has of a panel or canvas."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

from seg_widgets.prediction import Filter
from seg_widgets.style import Style
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer.notebook import _put_pages
from seg_widgets.widgets import SegmentationCanvas, SegmentationPanel
from seg_widgets.widgets.static_image import PNG_MAX_BYTES, PNG_MAX_WIDTH, StaticView

v4: Any = nbformat.v4
VIEW = "application/vnd.jupyter.widget-view+json"
SETUP = """
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture
panel = SegmentationPanel(StubPredictor(), samples={})
"""


def opened(base64_png: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(base64_png)))


def data_of(widget: Any) -> dict[str, Any]:
    bundle = widget._repr_mimebundle_()
    data: dict[str, Any] = bundle[0] if isinstance(bundle, tuple) else bundle
    return data


@pytest.fixture
def panel() -> Iterator[SegmentationPanel]:
    made = SegmentationPanel(StubPredictor(), samples={})
    yield made
    made.close(5)


# ── the picture ───────────────────────────────────────────────────────────────────────────────────


def test_the_picture_is_small_however_large_the_image_is() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    for image in (make_picture(2000, 1500), noise, make_picture(300, 4000)):
        view = StaticView(image, StubPredictor()(image), Filter(0.5), Style())
        data = view.png()
        picture = Image.open(io.BytesIO(data))
        assert len(data) <= PNG_MAX_BYTES
        assert picture.width <= PNG_MAX_WIDTH
        sides = image.shape[1] / image.shape[0]
        assert picture.width / picture.height == pytest.approx(sides, rel=0.05)


def test_the_picture_shows_what_is_shown() -> None:
    image = np.full((100, 120, 3), 128, np.uint8)
    found = StubPredictor()(image)

    def marks(shown: Filter) -> int:
        data = StaticView(image, found, shown, Style()).png()
        drawn = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), int)
        return int((np.abs(drawn - 128).max(axis=2) > 8).sum())

    assert marks(Filter(0.0)) > marks(Filter(0.8)) > marks(Filter(1.0)) == 0


# ── the bundle ────────────────────────────────────────────────────────────────────────────────────


def test_a_panel_with_a_result_has_a_picture_beside_its_view(panel: SegmentationPanel) -> None:
    assert "image/png" not in data_of(panel)
    panel.image = make_picture(320, 200)
    panel.wait(20)
    data = data_of(panel)
    assert data["text/plain"] == repr(panel)
    assert data[VIEW]["model_id"] == panel.model_id
    assert opened(data["image/png"]).size == (320, 200)
    panel.threshold = 1
    assert data_of(panel)["image/png"] != data["image/png"], "what is shown now"
    panel.clear()
    assert "image/png" not in data_of(panel)


def test_a_canvas_has_a_picture_too() -> None:
    image = make_picture(80, 60)
    canvas = SegmentationCanvas(image, StubPredictor()(image))
    data = data_of(canvas)
    assert VIEW in data
    assert opened(data["image/png"]).size == (80, 60)
    canvas.close()
    bare = SegmentationCanvas()
    assert "image/png" not in data_of(bare)
    bare.close()


def test_the_picture_can_be_left_out() -> None:
    image = make_picture(80, 60)
    canvas = SegmentationCanvas(image, StubPredictor()(image), static_image=False)
    assert "image/png" not in data_of(canvas)
    canvas.close()
    panel = SegmentationPanel(StubPredictor(), samples={}, static_image=False)
    panel.image = image
    panel.wait(20)
    data = data_of(panel)
    assert VIEW in data
    assert "image/png" not in data
    panel.close()


@pytest.mark.parametrize("with_result", [False, True])
def test_without_a_kernel_ipython_takes_the_bundle(
    panel: SegmentationPanel, with_result: bool
) -> None:
    from IPython.core.formatters import DisplayFormatter

    if with_result:
        panel.image = make_picture(80, 60)
        panel.wait(20)
    data, _ = DisplayFormatter().format(panel)  # type: ignore[no-untyped-call]
    assert VIEW in data
    assert ("image/png" in data) is with_result


# ── in a kernel ───────────────────────────────────────────────────────────────────────────────────


def run(*cells: str) -> list[Any]:
    """The outputs of each cell."""
    book = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    nbformat.validate(book)
    return [cell.outputs for cell in book.cells]


def test_a_saved_notebook_has_a_picture_of_its_panel() -> None:
    show = "panel.image = make_picture(64, 48); panel.wait(30);"
    _, early, _, late, off = run(
        SETUP + "panel",
        "panel",
        show,
        "panel",
        "panel.static_image = False; panel",
    )
    [output] = late
    assert VIEW in output.data
    assert opened(output.data["image/png"]).size == (64, 48)
    [output] = off
    assert "image/png" not in output.data

    # What was displayed before there was a result: its picture came later.
    view, picture = early
    assert VIEW in view.data
    assert "image/png" not in view.data
    assert "no image yet" in view.data["text/plain"], "so that the text is the same each time"
    assert list(picture.data) == ["image/png"]
    assert opened(picture.data["image/png"]).size == (64, 48)

    # In a page of the notebook the panel itself is there.
    cell = v4.new_code_cell(outputs=early)
    _put_pages(v4.new_notebook(cells=[cell]))
    assert len(cell.outputs) == 1


def test_a_cleared_panel_has_an_empty_picture() -> None:
    outputs = run(
        SETUP + "panel",
        "panel.image = make_picture(64, 48); panel.wait(30);",
        "panel.clear(); panel.wait();",
    )
    assert opened(outputs[0][1].data["image/png"]).size == (1, 1)


def test_the_style_sheet_hides_the_picture_of_a_living_panel() -> None:
    from seg_widgets.viewer import stylesheet

    css = stylesheet("canvas")
    assert "img.jp-needs-light-background:is(.jp-mod-unconfined, .unconfined)" in css
