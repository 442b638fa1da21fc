"""Truth beside the prediction: a person moves the sliders and reads what is right.

In JupyterLab, and on an exported page from file://.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from seg_widgets.prediction import Filter, GroundTruth, Matches, Prediction, Tidy, match
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import to_html

from .lab import Lab, Notebook, PanelPage, quiet_page
from .test_panel_in_lab import changed, pixels, place

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture

image = make_picture(640, 480)
panel = SegmentationPanel(StubPredictor(12), samples={}, truth=StubPredictor(12)(image)[::2])
panel.image = image
panel.wait(60)
panel"""


def example() -> tuple[Prediction, GroundTruth]:
    """12 detections; 6 true instances, one of another class, one a crowd."""
    found = StubPredictor(12)(make_picture(640, 480))
    half = found[::2]
    ids = half.class_ids.copy()
    ids[1] = (ids[1] + 1) % len(found.class_names)
    true = Prediction(
        half.image_size, half.boxes, np.ones(6, np.float32), ids, half.class_names, half.masks
    )
    return found, GroundTruth(true, np.arange(6) == 2)


@pytest.fixture
def page(browser: Browser) -> Iterator[PanelPage]:
    errors: list[str] = []
    with quiet_page(browser) as (tab, strays):
        tab.on("pageerror", lambda error: errors.append(str(error)))
        yield PanelPage(tab, strays)
    assert strays == []
    assert errors == []


def expect_matches(page: PanelPage, expected: Matches) -> None:
    counts = {
        "hit": expected.hits,
        "falseAlarm": expected.false_alarms,
        "wrongClass": expected.wrong_classes,
        "missed": expected.misses,
    }
    for state, count in counts.items():
        chip = page.canvas.locator(f"[data-match='{state}']")
        expect(chip).to_have_text(re.compile(rf"^{count} "))
    if expected.f1 is not None:
        expect(page.canvas.locator(".sgw-match-scores")).to_contain_text(f"F1 {expected.f1:.2f}")


def test_an_exported_page_matches_without_a_kernel(page: PanelPage, tmp_path: Path) -> None:
    found, truth = example()
    image = make_picture(640, 480)
    path = tmp_path / "page.html"
    second = found[[0, 1]]
    path.write_text(to_html(found, image, "a.jpg", truth=truth, versus=second), "utf-8")
    page.page.goto(path.as_uri())
    page.settle()
    expect_matches(page, match(found, truth, only=Filter(0.5)))

    # Each step of a slider matches anew.
    page.page.get_by_role("slider", name="Threshold", exact=True).focus()
    for _ in range(40):
        page.page.keyboard.press("ArrowLeft")
    expect_matches(page, match(found, truth, only=Filter(0.1)))
    iou = page.page.get_by_role("slider", name="IoU threshold")
    expect(iou).to_have_value("0.5")
    iou.press("End")
    expect_matches(page, match(found, truth, iou=1.0, only=Filter(0.1)))
    page.canvas.locator(".sgw-chip-main", has_text="person").click()
    chosen = Filter(0.1, hidden_classes=("person",))
    expect_matches(page, match(found, truth, iou=1.0, only=chosen))
    page.canvas.locator(".sgw-chip-main", has_text="person").click()

    # The table says it, and lists one outcome alone.
    matches = match(found, truth, iou=1.0, only=Filter(0.1))
    rows = page.canvas.locator(".sgw-spacer .sgw-row:visible")
    page.canvas.locator("[data-match='missed']").click()
    expect(rows).to_have_count(matches.misses)
    expect(rows.first.locator(".sgw-cell-match")).to_have_text("missed")
    page.canvas.locator("[data-match='missed']").click()

    # It is sorted by the outcome in the legend's order, and back.
    head = page.canvas.get_by_role("columnheader", name="Match")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    words = ["hit", "false alarm", "wrong class", "missed", "ignored"]
    table = page.canvas.locator(".sgw-rows")
    in_order = """(body) => [...body.querySelectorAll('.sgw-spacer .sgw-row:not([hidden])')]
        .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
        .map((row) => row.querySelector('.sgw-cell-match').textContent)"""
    first = [words.index(one) for one in table.evaluate(in_order)]
    assert first == sorted(first) and len(set(first)) > 1
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    last = [words.index(one) for one in table.evaluate(in_order)]
    assert last == sorted(last, reverse=True)
    page.canvas.get_by_role("button", name="Score", exact=True).click()

    # Keys step through the faults, the surest first.
    faults = [index for index in np.argsort(-found.scores) if matches.of_found[index] in (2, 3)]
    page.canvas.locator(".sgw-surface").focus()
    for index in faults[:2]:
        page.page.keyboard.press("n")
        expect(page.canvas.locator(".sgw-row.sgw-hovered")).to_have_attribute(
            "data-index", str(index)
        )
    page.page.keyboard.press("Shift+N")
    expect(page.canvas.locator(".sgw-row.sgw-hovered")).to_have_attribute(
        "data-index", str(faults[0])
    )

    # Beside each other, and one side alone.
    page.settle()
    both = pixels(page.stage)
    page.canvas.get_by_role("button", name="Swipe").click()
    page.settle()
    assert changed(both, pixels(page.stage)) > 1000
    page.canvas.get_by_role("slider", name="Share").press("Home")
    page.settle()
    alone = pixels(page.stage)
    page.canvas.get_by_role("button", name="Swipe").click()
    page.settle()
    assert changed(alone, pixels(page.stage)) > 1000

    # A second prediction.
    page.canvas.get_by_role("combobox", name="Compare with").select_option("versus")
    expect(page.canvas.locator("[data-match='hit']")).to_have_text("2 in both")


def test_the_pointer_shows_the_partner(page: PanelPage, tmp_path: Path) -> None:
    found, truth = example()
    path = tmp_path / "page.html"
    path.write_text(to_html(found, make_picture(640, 480), truth=truth), "utf-8")
    page.page.goto(path.as_uri())
    page.settle()
    page.page.mouse.move(*place(page, 640, 480, 380, 160))
    expect(page.canvas.locator(".sgw-tip")).to_contain_text(re.compile(r"hit, with .*, IoU 1\.00"))


def test_tidying_up_and_the_strip_follow_the_matches(page: PanelPage, tmp_path: Path) -> None:
    found, truth = example()
    path = tmp_path / "page.html"
    tidy = Tidy(min_area=4000, largest_piece=True)
    first = Filter(0.5, tidy=tidy)
    text = to_html(found, make_picture(640, 480), truth=truth, filter=first)
    path.write_text(text, "utf-8")
    page.page.goto(path.as_uri())
    page.settle()
    everything = match(found, truth, only=Filter(0.5))
    expected = match(found, truth, only=first)
    assert expected.hits < everything.hits  # tidying up hides some that were right
    expect_matches(page, expected)
    strip = page.page.locator(".sgw-strip")
    expect(strip.locator(".sgw-strip-picture .sgw-curve")).to_have_count(3)
    entries = strip.get_by_role("list", name="Curves over the threshold").get_by_role("listitem")
    expect(entries).to_have_text(
        [
            "precision, dashed line",
            "recall, dotted line",
            "F1, solid line",
            re.compile(r"best F1 at 0\.\d\d"),
        ]
    )
    looks = strip.locator(".sgw-strip-legend .sgw-curve").evaluate_all(
        "(lines) => lines.map((line) => { const look = getComputedStyle(line);"
        " return [look.stroke, look.strokeDasharray]; })"
    )
    assert len({color for color, _ in looks}) == len({dashes for _, dashes in looks}) == 3
    words = f"recall {expected.recall or 0:.2f}, F1 {expected.f1 or 0:.2f}"
    picture = strip.locator(".sgw-strip-picture")
    expect(picture).to_have_attribute("aria-label", re.compile(words))

    # The mark stands at the best threshold, and a click on it takes that.
    values = [step / 100 for step in range(101)]
    f1s = [match(found, truth, only=replace(first, threshold=at)).f1 or 0 for at in values]
    box = strip.locator(".sgw-strip-picture .sgw-mark").bounding_box()
    assert box is not None
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] + 3)
    expect_matches(page, match(found, truth, only=replace(first, threshold=best_of(values, f1s))))
    expect(picture).to_have_attribute("aria-label", re.compile("best F1$"))


def best_of(values: list[float], f1s: list[float]) -> float:
    """The highest of the best ones."""
    return max(value for value, f1 in zip(values, f1s, strict=True) if f1 == max(f1s))


def test_a_panel_in_jupyterlab_matches_live(notebook: Notebook, lab: Lab) -> None:
    lab.write_notebook("matching.ipynb", CELL)
    notebook.open("matching.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.wait_for_result()
    found = StubPredictor(12)(make_picture(640, 480))
    truth = GroundTruth.of(found[::2], size=found.image_size)
    expect_matches(notebook, match(found, truth, only=Filter(0.5)))
    notebook.slider.focus()
    for _ in range(5):
        notebook.page.keyboard.press("ArrowLeft")
    expect_matches(notebook, match(found, truth, only=Filter(0.45)))
    for _ in range(30):
        notebook.page.keyboard.press("ArrowLeft")
    expect_matches(notebook, match(found, truth, only=Filter(0.15)))
