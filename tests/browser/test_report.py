"""The report of an evaluation, from file://: its worst images open in the live canvas."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from seg_widgets.evaluation import evaluate
from seg_widgets.testing import StubPredictor, make_picture

from .lab import quiet_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_worst_images_open_in_the_canvas(browser: Browser, tmp_path: Path) -> None:
    images = {f"{number}.jpg": make_picture(320, 240, number) for number in range(3)}
    found = {name: StubPredictor(12)(image) for name, image in images.items()}
    truth = {
        name: one.select(list(range(number, 12)))
        for number, (name, one) in enumerate(found.items())
    }
    report = evaluate(found, truth).report(tmp_path / "report.html", images, threshold=0.5)
    errors: list[str] = []
    with quiet_page(browser) as (page, strays):
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(report.as_uri())
        expect(page.locator("details")).to_have_count(3)
        # Nothing of an image is made before it is opened.
        assert page.locator("iframe").first.is_hidden()
        page.locator("summary").first.click()
        inside = page.frame_locator("iframe").first
        canvas = inside.locator("[data-shown]").first
        expect(canvas).to_have_attribute("data-shown", "7")
        inside.get_by_label("Threshold", exact=True).first.fill("0.05")
        expect(canvas).to_have_attribute("data-shown", "12")
        assert page.evaluate("document.querySelectorAll('svg').length") >= 1
        assert strays == []
    assert errors == []
