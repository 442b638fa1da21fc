"""The panel in Voilà, which serves a notebook as a web page; the browser can reach nothing but this
machine."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from seg_widgets.testing import make_picture

from .lab import (
    REPOSITORY,
    STUB_CELL,
    PanelPage,
    environment,
    free_port,
    quiet_page,
    stop,
    wait_for_server,
    write_notebook,
)
from .test_panel_in_lab import changed, pixels, place

pytestmark = [pytest.mark.browser, pytest.mark.slow]


# The lightest channel's value of the page's and the panel's background, 0 to 255.
BACKGROUNDS = """() => ["body", ".sgw-panel"].map((part) => {
    let at = document.querySelector(part);
    let colour = getComputedStyle(at).backgroundColor;
    while (colour === "rgba(0, 0, 0, 0)") {
        at = at.parentElement;
        colour = getComputedStyle(at).backgroundColor;
    }
    return Math.max(...colour.match(/[0-9.]+/g).slice(0, 3).map(Number));
})"""


class Served:
    """A page that Voilà serves, and the means to end the server."""

    def __init__(self, panel: PanelPage, process: subprocess.Popen[bytes]) -> None:
        self.panel = panel
        self.process = process


@pytest.fixture
def served(browser: Browser, tmp_path: Path) -> Iterator[Served]:
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    write_notebook(folder / "panel.ipynb", STUB_CELL.format(instances=12, delay_s=0))
    port, log = free_port(), tmp_path / "voila.log"
    # The launcher of `make web` itself, told what to serve and where.
    launcher = str(REPOSITORY / "packaging" / "web.py")
    command = [
        sys.executable,
        launcher,
        f"--notebook={folder / 'panel.ipynb'}",
        "--no-browser",
        f"--port={port}",
        "--no-service",  # the notebook has a stub
        "--ready=1",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(home),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_for_server(f"http://127.0.0.1:{port}/voila/static/", process, log)
            with quiet_page(browser) as (page, strays):
                page.goto(f"http://127.0.0.1:{port}/")
                panel = PanelPage(page, strays)
                panel.wait_for_panel()
                yield Served(panel, process)
            assert strays == []
        finally:
            stop(process)


def test_a_notebook_served_as_a_page_does_all_that_it_does_in_lab(
    served: Served, photo: Path, tmp_path: Path
) -> None:
    panel = served.panel
    assert panel.page.locator(".sgw").count() == 1
    panel.upload(photo)
    panel.wait_for_result(name="photo.jpg")
    assert panel.shown() == 7
    assert panel.marks() > 5000

    panel.slider.focus()
    for _ in range(31):
        panel.page.keyboard.press("ArrowLeft")
    panel.settle()
    assert panel.shown() == 10

    # Hover by pixel: the instance under the pointer lights up alone.
    panel.page.mouse.move(2, 2)
    panel.settle()
    calm = pixels(panel.stage)
    panel.page.mouse.move(*place(panel, 640, 480, 380, 160))
    panel.settle()
    assert changed(calm, pixels(panel.stage)) > 500

    panel.canvas.get_by_role("button", name="Export").click()
    with panel.page.expect_download() as started:
        panel.page.get_by_role("menuitem", name="CSV", exact=True).click()
    path = tmp_path / "saved.csv"
    started.value.save_as(path)
    assert len(list(csv.DictReader(io.StringIO(path.read_text())))) == 10

    # The server ends, and with it the kernel: what is on the page can be explored all the same.
    stop(served.process)
    panel.canvas.locator(".sgw-chip-main", has_text="person").click()
    expect(panel.canvas).to_have_attribute("data-shown", "7")
    panel.slider.focus()
    panel.page.keyboard.press("Home")
    expect(panel.canvas).to_have_attribute("data-shown", "9")


def test_a_large_upload_arrives(served: Served, tmp_path: Path) -> None:
    large = tmp_path / "large.bmp"
    Image.fromarray(make_picture(2400, 1700)).save(large)
    assert large.stat().st_size > 10 * 1024 * 1024
    served.panel.upload(large)
    served.panel.wait_for_result(name="large.bmp")
    assert served.panel.shown() == 7


def test_loading_the_page_again_shows_what_was_on_it(served: Served, photo: Path) -> None:
    panel = served.panel
    panel.upload(photo)
    panel.wait_for_result(name="photo.jpg")
    panel.canvas.locator(".sgw-chip-main", has_text="person").click()
    panel.settle()
    shown = panel.shown()
    panel.page.reload()
    panel.wait_for_panel()
    panel.wait_for_result(name="photo.jpg")
    assert panel.shown() == shown
    assert panel.marks() > 5000
    # And it goes on: the kernel is the same, and listens.
    panel.upload(photo.rename(photo.with_name("second.jpg")))
    panel.wait_for_result(name="second.jpg")
    expect(panel.page.locator(".sgw-film-item")).to_have_count(2)


def test_the_page_has_a_title_and_follows_the_systems_colours(
    served: Served, browser: Browser
) -> None:
    expect(served.panel.page).to_have_title("Instance segmentation")
    colours = {}
    for scheme in ("light", "dark"):
        with quiet_page(browser, scheme=scheme) as (page, strays):
            page.goto(served.panel.page.url)
            PanelPage(page, strays).wait_for_panel()
            colours[scheme] = page.evaluate(BACKGROUNDS)
            name = page.evaluate("document.body.dataset.jpThemeName")
            assert name == f"JupyterLab {scheme.capitalize()}"
            # A system that changes its mind is followed without loading the page again.
            other: Literal["dark", "light"] = "dark" if scheme == "light" else "light"
            page.emulate_media(color_scheme=other)
            expect(page.locator("body")).to_have_attribute(
                "data-jp-theme-light", str(other == "light").lower()
            )
            assert strays == []
    assert min(colours["light"]) > 200, colours
    assert max(colours["dark"]) < 80


def test_a_page_that_has_ended_says_so(served: Served) -> None:
    page = served.panel.page
    notice = page.get_by_role("alert").filter(has_text="This page has ended")
    expect(notice).to_be_hidden()
    page.request.get(f"{page.url}logout")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Load again").click()
    served.panel.wait_for_panel()
    expect(notice).to_be_hidden()
