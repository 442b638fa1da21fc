"""The strip above the slider, tidying up and soft masks: in a panel in JupyterLab, and in the page
that it exports. The tests of the panel share one page and go on from each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from seg_widgets.prediction import Filter, GroundTruth, Tidy
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import to_html

from .lab import Lab, Notebook, PanelPage, notebook_page, quiet_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """\
import json
from dataclasses import replace
import numpy as np
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import to_html

def predictor(image):
    found = StubPredictor(instances=40)(image)
    # A hill in each box.
    side = 1 - np.abs(np.linspace(-1, 1, 28))
    hill = np.rint(255 * np.minimum(1, 1.6 * side[:, None] * side)).astype(np.uint8)
    return replace(found, soft_masks=np.tile(hill, (40, 1, 1)))

panel = SegmentationPanel(predictor, samples={{}})
panel.image = make_picture(640, 480)
panel.wait(60)

def note(change=None):
    areas = panel.shown.areas.tolist()
    state = dict(threshold=panel.threshold, tidy=panel.tidy.changes(), areas=areas)
    open({path!r}, "w").write(json.dumps(state))

panel.observe(note, ["threshold", "tidy"])
open({page!r}, "w").write(to_html(panel.prediction, panel.image, "page"))
panel"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def shared(browser: Browser, lab_of_8: Lab, notes: Path) -> Iterator[Notebook]:
    cell = CELL.format(path=str(notes / "state.json"), page=str(notes / "page.html"))
    lab_of_8.write_notebook("evidence.ipynb", cell)
    with notebook_page(browser, lab_of_8) as notebook:
        notebook.open("evidence.ipynb")
        notebook.run_all()
        notebook.wait_for_panel()
        notebook.wait_for_result()
        yield notebook
    lab_of_8.shut_down_kernels()
    assert notebook.strays == []


def state(page: PanelPage, notes: Path, pattern: str) -> str:
    """What the kernel has noted, once it matches."""
    path = notes / "state.json"
    for _ in range(50):
        text = path.read_text("utf-8") if path.exists() else ""
        if re.search(pattern, text):
            return text
        page.rest(200)
    raise AssertionError(f"{text} has no {pattern}")


def strip_at(page: PanelPage, share: float) -> tuple[float, float]:
    """A place on the strip."""
    box = page.page.locator(".sgw-strip-picture").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * share, box["y"] + box["height"] / 2


def click_on_the_strip(page: PanelPage) -> None:
    """Read the strip and set the threshold by it; works with and without a kernel."""
    picture = page.page.locator(".sgw-strip-picture")
    expect(picture).to_have_attribute("aria-label", re.compile(r"0\.50 shows \d+ of 40"))
    page.page.mouse.move(*strip_at(page, 0.8))
    tip = page.page.locator(".sgw-strip-tip")
    expect(tip).to_be_visible()
    said = re.match(r"0\.(79|80|81) shows (\d+) of 40", tip.inner_text())
    assert said is not None
    page.page.mouse.down()
    page.page.mouse.up()
    expect(page.canvas).to_have_attribute("data-shown", said[2])
    expect(picture).to_have_attribute("aria-label", re.compile(rf"0\.{said[1]} shows {said[2]} "))
    # Dragged to the left, more show.
    page.page.mouse.move(*strip_at(page, 0.8))
    page.page.mouse.down()
    page.page.mouse.move(*strip_at(page, 0.3), steps=4)
    page.page.mouse.up()
    assert page.shown() > int(said[2])
    # The strip follows the classes.
    before = picture.get_attribute("aria-label")
    chip = page.canvas.locator(".sgw-chip-main").first
    chip.click()
    page.settle()
    assert picture.get_attribute("aria-label") != before
    chip.click()


def set_range(page: PanelPage, name: str, value: float) -> None:
    slider = page.canvas.get_by_role("slider", name=name)
    slider.evaluate(
        """(input, value) => { input.value = value;
        input.dispatchEvent(new Event("input", { bubbles: true })); }""",
        value,
    )
    page.settle()


def tidy_up(page: PanelPage) -> None:
    """Tidy up in the View menu."""
    page.canvas.get_by_role("button", name="View").click()
    before = page.shown()
    set_range(page, "Overlap up to", 0.1)
    page.canvas.get_by_role("checkbox", name="between classes, too").check()
    some = page.shown()
    assert 0 < some < before
    assert page.canvas.locator(".sgw-row[data-index]:visible").count() <= some
    page.canvas.get_by_role("checkbox", name="Not at the image’s border").check()
    assert page.shown() <= some


def test_the_strip_of_the_panel_sets_the_threshold(shared: Notebook, notes: Path) -> None:
    handle = shared.slider
    described = handle.get_attribute("aria-describedby")
    assert described == shared.page.locator(".sgw-strip-picture").get_attribute("id")
    click_on_the_strip(shared)
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"0\.(29|30|31)"))
    state(shared, notes, r'"threshold": 0\.(29|3|31),')


def test_tidying_up_reaches_the_kernel(shared: Notebook, notes: Path) -> None:
    tidy_up(shared)
    noted = state(shared, notes, r'"max_overlap": 0\.1.*"across_classes": true.*"drop_at_border"')
    assert len(re.findall(r"\d+", noted.split('"areas"')[1])) == shared.shown()


def test_soft_masks_come_when_they_are_needed(shared: Notebook, notes: Path) -> None:
    marks = shared.marks()
    set_range(shared, "Pixels from", 0.8)
    # The menu stays open while the message with the soft masks comes.
    expect(shared.canvas.get_by_role("checkbox", name="Band of doubt")).to_be_visible()
    for _ in range(50):
        if shared.marks() < 0.8 * marks:
            break
        shared.rest(200)
    assert shared.marks() < 0.8 * marks
    noted = state(shared, notes, '"mask_threshold": 0.8')
    assert len(re.findall(r"\d+", noted.split('"areas"')[1])) == shared.shown()
    plain = shared.marks()
    shared.canvas.get_by_role("checkbox", name="Band of doubt").check()
    assert shared.marks() > plain


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 420)])
def test_an_exported_page_does_all_of_it(
    shared: Notebook, notes: Path, browser: Browser, scheme: str, width: int
) -> None:
    """Without a kernel, from file://."""
    errors: list[str] = []
    with quiet_page(browser, width=width, scheme=scheme) as (tab, strays):
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto((notes / "page.html").as_uri())
        page = PanelPage(tab, strays)
        page.wait_for_result()
        click_on_the_strip(page)
        tidy_up(page)
        marks = page.marks()
        set_range(page, "Pixels from", 0.8)
        assert page.marks() < 0.8 * marks
        tab.screenshot(path=notes / f"page-{scheme}-{width}.png")
    assert errors == strays == []


def test_a_filter_with_everything_is_what_the_page_begins_with() -> None:
    tidy = Tidy(max_overlap=0.1, across_classes=True, mask_threshold=0.8)
    traits = Filter(0.3, tidy=tidy).to_traits()
    assert Filter(0.3, tidy=Tidy(**traits["tidy"])) == Filter(0.3, tidy=tidy)


_KEEP = """(canvas) => { window.kept = canvas.getContext("2d").getImageData(0, 0, canvas.width,
    canvas.height).data; }"""
# An edge that is cut by a rectangle may be smoothed a little differently.
_CHANGED = """(canvas) => { const data = canvas.getContext("2d").getImageData(0, 0, canvas.width,
    canvas.height).data; let [count, much] = [0, 0]; for (let at = 0; at < data.length; at++) {
    const by = Math.abs(data[at] - window.kept[at]); count += by > 12; much += by > 96; }
    return [count / data.length, much]; }"""


@pytest.mark.parametrize("compares", [False, True])
def test_many_instances_drawn_by_what_changes_look_as_drawn_anew(
    browser: Browser, tmp_path: Path, compares: bool
) -> None:
    image = make_picture(900, 600)
    path = tmp_path / "many.html"
    found = StubPredictor(900)(image)
    # Then each has the line of its outcome.
    truth = GroundTruth.of(found[::3], size=found.image_size) if compares else None
    path.write_text(to_html(found, image, "many", truth=truth), "utf-8")
    with quiet_page(browser) as (tab, _):
        tab.goto(path.as_uri())
        page = PanelPage(tab, [])
        page.wait_for_result()
        slider = tab.get_by_role("slider", name="Threshold", exact=True)
        slider.focus()
        for key in [*["ArrowLeft"] * 4, *["ArrowRight"] * 2]:
            tab.keyboard.press(key)
            page.settle()
        assert page.shown() > 300
        marks = page.canvas.locator("canvas").nth(1)
        marks.evaluate(_KEEP)

        # While it moves, what was painted moves along; at rest it is painted anew.
        page.canvas.locator(".sgw-surface").focus()
        for _ in range(3):
            tab.keyboard.press("+")
        box = page.canvas.locator(".sgw-surface").bounding_box()
        assert box is not None
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        tab.mouse.move(*middle)
        tab.mouse.down()
        tab.mouse.move(middle[0] - 60, middle[1] - 40, steps=3)
        page.settle()
        moving = marks.evaluate(_CHANGED)
        assert moving[0] > 0.1
        tab.mouse.up()
        tab.keyboard.press("0")
        tab.mouse.move(1, 1)
        page.rest(400)
        share, much = marks.evaluate(_CHANGED)
        assert share < 0.002 and much == 0
        # A window of another size draws all of them.
        tab.set_viewport_size({"width": 1100, "height": 900})
        page.rest(300)
        tab.set_viewport_size({"width": 1280, "height": 900})
        page.rest(300)
        share, much = marks.evaluate(_CHANGED)
        assert share < 0.002 and much == 0
