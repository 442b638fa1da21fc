"""The panel in a real JupyterLab and a real browser that can reach nothing but this machine."""

from __future__ import annotations

import csv
import http.server
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Locator, WebSocket, WebSocketRoute, expect

from seg_widgets.testing import StubPredictor, make_jpeg, make_picture

from ..zoo import Zoo, zoo_server
from .lab import REPOSITORY, STUB_CELL, Lab, Notebook, PanelPage, both_ipywidgets, notebook_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def pixels(element: Locator) -> npt.NDArray[np.int16]:
    """What a person sees of an element, H×W×3."""
    shot = element.screenshot(animations="disabled")
    decoded = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.int16)


def changed(before: npt.NDArray[np.int16], after: npt.NDArray[np.int16]) -> int:
    """How many pixels differ by more than rounding."""
    assert before.shape == after.shape
    return int((np.abs(before - after).max(axis=2) > 8).sum())


def press(notebook: PanelPage, key: str, times: int = 1) -> None:
    for _ in range(times):
        notebook.page.keyboard.press(key)
    notebook.settle()


def place(notebook: PanelPage, width: int, height: int, x: float, y: float) -> tuple[float, float]:
    """Where on the page pixel (x, y) of an image of width × height lies."""
    box = notebook.canvas.locator(".sgw-surface").bounding_box()
    assert box is not None
    scale = min(box["width"] / width, box["height"] / height, 3)
    left = box["x"] + (box["width"] - width * scale) / 2
    top = box["y"] + (box["height"] - height * scale) / 2
    return left + (x + 0.5) * scale, top + (y + 0.5) * scale


@both_ipywidgets
def test_an_uploaded_photograph_shows_its_masks_and_the_slider_filters_them(
    panel: Notebook, photo: Path
) -> None:
    expect(panel.canvas).to_contain_text("No image yet")
    panel.upload(photo)
    panel.wait_for_result()
    panel.page.mouse.move(2, 2)
    assert panel.shown() == 7
    assert panel.marks() > 5000
    masked = pixels(panel.stage)

    # The picture for the saved notebook has come, and is hidden while the panel is alive.
    picture = panel.page.locator(".jp-RenderedImage > img")
    expect(picture).to_have_js_property("naturalWidth", 640)
    expect(picture).to_be_hidden()

    # The bare image, while space is held: the masks are really drawn on it.
    panel.canvas.locator(".sgw-surface").focus()
    panel.page.keyboard.down(" ")
    panel.settle()
    assert changed(masked, pixels(panel.stage)) > 5000
    panel.page.keyboard.up(" ")

    panel.slider.focus()
    press(panel, "ArrowLeft", 31)
    assert panel.shown() == 10
    assert changed(masked, pixels(panel.stage)) > 1000
    press(panel, "End")
    assert panel.shown() == 0
    assert panel.marks() == 0
    expect(panel.canvas.locator(".sgw-note:not(.sgw-toast)")).to_contain_text(
        "Nothing above 1.00; best is 0.99."
    )
    panel.canvas.get_by_role("button", name="Show it").click()
    panel.settle()
    assert panel.shown() == 1
    expect(panel.page.locator(".sgw-panel-slider")).to_contain_text("0.99")

    # By mouse: the handle is drawn to the left end, and half of the way back.
    handle = panel.slider.bounding_box()
    track = panel.page.locator(
        ".sgw-panel-slider .noUi-base, .sgw-panel-slider .ui-slider"
    ).first.bounding_box()
    assert handle is not None
    assert track is not None
    middle = handle["y"] + handle["height"] / 2
    panel.page.mouse.move(handle["x"] + handle["width"] / 2, middle)
    panel.page.mouse.down()
    panel.page.mouse.move(track["x"] - 5, middle, steps=8)
    panel.settle()
    assert panel.shown() == 12
    panel.page.mouse.move(track["x"] + track["width"] / 2, middle, steps=8)
    panel.page.mouse.up()
    panel.settle()
    assert panel.shown() in (7, 8)


def test_a_connection_that_is_cut_in_the_middle_of_a_run_loses_nothing(
    browser: Browser, lab: Lab, photo: Path
) -> None:
    connections: list[WebSocketRoute] = []

    def pass_on(connection: WebSocketRoute) -> None:
        connections.append(connection)
        connection.connect_to_server()

    with notebook_page(browser, lab) as notebook:
        notebook.page.route_web_socket(re.compile("/channels"), pass_on)
        lab.write_notebook("cut.ipynb", STUB_CELL.format(instances=12, delay_s=4))
        notebook.open("cut.ipynb")
        notebook.run_all()
        notebook.wait_for_panel()
        notebook.upload(photo)
        expect(notebook.canvas).to_contain_text("Segmenting photo.jpg", timeout=20_000)
        before = list(connections)
        for connection in before:
            connection.close()
        notebook.wait_for_result()
        assert notebook.shown() == 7
        assert len(connections) > len(before), "JupyterLab has connected again"
        assert notebook.strays == []
    lab.shut_down_kernels()


def test_the_fiftieth_image_costs_as_many_bytes_as_the_second_and_a_new_page_has_all(
    browser: Browser, lab: Lab, tmp_path: Path
) -> None:
    paths = [tmp_path / f"photo{number:02}.jpg" for number in range(50)]
    for path in paths:
        path.write_bytes(make_jpeg(320, 240))
    heard: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: heard.append(len(payload)))

    with notebook_page(browser, lab) as notebook:
        notebook.page.on("websocket", listen)
        lab.write_notebook("film.ipynb", STUB_CELL.format(instances=12, delay_s=0))
        notebook.open("film.ipynb")
        notebook.run_all()
        notebook.wait_for_panel()
        drawn = notebook.page.locator(".sgw-film img[src]")

        def bytes_of(*files: Path) -> int:
            heard.clear()
            notebook.upload(*files)
            expect(drawn).to_have_count(paths.index(files[-1]) + 1, timeout=90_000)
            notebook.rest(1000)
            return sum(heard)

        bytes_of(paths[0])
        second = bytes_of(paths[1])
        bytes_of(*paths[2:49])
        fiftieth = bytes_of(paths[49])
        # The numbers of all images are sent, and nothing else of them; a small image has 3 kB.
        assert fiftieth < second + 10_000, (second, fiftieth)

        notebook.command("docmanager:save")
        notebook.rest(1000)
        notebook.open("film.ipynb")
        expect(drawn).to_have_count(50, timeout=60_000)
        assert notebook.strays == []
    lab.shut_down_kernels()


@both_ipywidgets
def test_the_slider_needs_no_kernel(panel: Notebook, photo: Path, lab: Lab) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    lab.shut_down_kernels()
    assert panel.shown() == 7
    panel.slider.focus()
    press(panel, "Home")
    assert panel.shown() == 12
    panel.canvas.locator(".sgw-chip-main", has_text="person").click()
    panel.settle()
    assert panel.shown() == 9


@both_ipywidgets
def test_the_keys_of_the_controls_are_theirs_in_command_mode(panel: Notebook, photo: Path) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    cells = panel.page.locator(".jp-CodeCell").count()
    panel.edit(0)
    panel.page.keyboard.press(
        "Escape"
    )  # now keys are the notebook's: arrows choose a cell, b makes one
    expect(panel.page.locator(".jp-Notebook.jp-mod-commandMode").first).to_be_attached()
    panel.slider.focus()
    for _ in range(31):
        panel.page.keyboard.press("ArrowLeft")
    panel.settle()
    assert panel.shown() == 10
    panel.page.get_by_role("button", name="Open", exact=True).focus()
    panel.page.keyboard.press("b")
    panel.settle()
    assert panel.page.locator(".jp-CodeCell").count() == cells


@both_ipywidgets
def test_python_hears_the_slider_and_the_slider_hears_python(
    notebook: Notebook, lab: Lab, photo: Path
) -> None:
    lab.write_notebook(
        "two.ipynb",
        STUB_CELL.format(instances=12, delay_s=0),
        "panel.threshold = 0.2",
        "print('heard', panel.threshold, panel.slider.value, panel.hidden_classes, panel.selected)",
    )
    notebook.open("two.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    expect(notebook.page.locator(".sgw-panel-slider")).to_contain_text("0.20")
    notebook.upload(photo)
    notebook.wait_for_result()
    assert notebook.shown() == 10
    notebook.slider.focus()
    press(notebook, "ArrowRight", 5)
    notebook.canvas.locator(".sgw-chip-main", has_text="food").click()
    notebook.canvas.locator(".sgw-surface").focus()
    press(notebook, "ArrowRight")
    press(notebook, "Enter")
    notebook.edit(2)
    notebook.page.keyboard.press("Control+Enter")
    expect(notebook.page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea")).to_contain_text(
        "heard 0.25 0.25 ('food',) (0,)"
    )


@both_ipywidgets
def test_a_bad_file_shows_a_message_and_keeps_the_result(
    panel: Notebook, photo: Path, tmp_path: Path
) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    panel.page.mouse.move(2, 2)
    before = panel.marks()
    letter = tmp_path / "letter.jpg"
    letter.write_text("<!doctype html><title>404</title>")
    panel.upload(letter)
    error = panel.canvas.get_by_role("alert")
    expect(error).to_be_visible()
    expect(error).to_contain_text("letter.jpg")
    panel.page.mouse.move(2, 2)
    assert panel.marks() == before
    error.get_by_role("button").click()
    expect(error).to_be_hidden()
    # And the panel still works, with the same file as before, too.
    panel.upload(photo)
    panel.wait_for_result()
    expect(error).to_be_hidden()


@both_ipywidgets
def test_the_pointer_lights_up_one_instance_by_pixel_and_a_click_selects_it(
    panel: Notebook, photo: Path
) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    # StubPredictor's ellipses are the same in every image of this size.
    result = StubPredictor()(make_picture(640, 480))
    instance = result[int(np.argmin(result.areas[:7]))]
    left, top, right, bottom = instance.box
    middle = place(panel, 640, 480, (left + right) // 2, (top + bottom) // 2)
    corner = place(panel, 640, 480, left + 1, top + 1)  # inside the box, but outside the ellipse
    panel.page.mouse.move(*middle)
    tip = panel.canvas.locator(".sgw-tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text(instance.class_name)
    expect(tip).to_contain_text(f"{instance.score:.2f}")
    expect(tip).to_contain_text(f"{instance.area:,} px")
    panel.page.mouse.click(*middle)
    details = panel.canvas.locator(".sgw-details")
    expect(details).to_contain_text(f"{instance.score:.2f}")
    panel.page.mouse.move(*corner)
    expect(tip.filter(has_text=f"{instance.score:.2f}")).to_be_hidden()
    press(panel, "Escape")
    expect(details).to_be_hidden()


@both_ipywidgets
def test_the_legend_hides_solos_and_says_so(panel: Notebook, photo: Path) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    person = panel.canvas.locator(".sgw-chip-main", has_text="person")
    expect(person).to_have_attribute("aria-pressed", "true")
    person.click()
    expect(person).to_have_attribute("aria-pressed", "false")
    expect(panel.canvas).to_have_attribute("data-shown", "5")
    expect(panel.canvas.locator("[aria-live]")).to_have_text(
        "5 of 12 instances shown: 2 animal, 2 vehicle, 1 food", timeout=5000
    )
    person.dblclick()
    expect(panel.canvas).to_have_attribute("data-shown", "2")
    for chip in ("animal", "vehicle", "food"):
        expect(panel.canvas.locator(".sgw-chip-main", has_text=chip)).to_have_attribute(
            "aria-pressed", "false"
        )
    person.click()
    expect(panel.canvas.locator(".sgw-note:not(.sgw-toast)")).to_contain_text(
        "All 7 instances are hidden."
    )
    panel.canvas.get_by_role("button", name="Show all").click()
    expect(panel.canvas).to_have_attribute("data-shown", "7")


def test_the_keyboard_alone_reaches_everything(panel: Notebook, photo: Path) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    surface = panel.canvas.locator(".sgw-surface")
    surface.focus()
    press(panel, "ArrowRight")
    expect(panel.canvas.locator("[aria-live]")).to_contain_text("person, score 0.99")
    press(panel, "ArrowDown")
    press(panel, "Enter")
    expect(panel.canvas.locator(".sgw-details")).to_contain_text("animal")
    press(panel, "h")
    expect(panel.canvas).to_have_attribute("data-shown", "6")
    panel.canvas.get_by_role("button", name=re.compile("Show 1 hidden")).click()
    expect(panel.canvas).to_have_attribute("data-shown", "7")
    whole = pixels(panel.stage)
    surface.focus()
    press(panel, "+", 3)
    panel.rest(250)  # sharp layers follow once the zoom rests
    assert changed(whole, pixels(panel.stage)) > 20_000
    press(panel, "0")
    for _ in range(30):
        panel.page.keyboard.press("Tab")
        if panel.page.evaluate("() => document.activeElement.textContent") == "Export":
            break
    else:
        pytest.fail("Tab does not reach the last button of the canvas")


def test_a_pointer_at_rest_does_not_undo_the_keys(panel: Notebook, photo: Path) -> None:
    """The page scrolls below it, and browsers tell of that as of a pointer that moves."""
    panel.upload(photo)
    panel.wait_for_result()
    surface = panel.canvas.locator(".sgw-surface")
    lit = panel.canvas.locator(".sgw-row.sgw-hovered .sgw-name")
    box = surface.bounding_box()
    assert box is not None
    panel.page.mouse.move(box["x"] + 4, box["y"] + box["height"] - 30)
    surface.focus()
    press(panel, "ArrowRight", 3)
    third = lit.inner_text()
    for by in (60, -60, 400, -400):
        panel.page.evaluate(
            """(by) => {
                let one = document.querySelector(".sgw-surface");
                const scrolls = (one) =>
                    one.scrollHeight > one.clientHeight + 60 && getComputedStyle(one).overflowY !==
                    "visible";
                while (!scrolls(one)) one = one.parentElement;
                one.scrollBy(0, by);
            }""",
            by,
        )
        panel.rest(250)  # the browser tells of a pointer at rest some time after it scrolled
        expect(lit).to_have_text(third)
    press(panel, "Enter")
    expect(panel.canvas.locator(".sgw-details")).to_contain_text(third)
    # A hand that moves the pointer has the say again.
    panel.page.mouse.move(box["x"] + 8, box["y"] + box["height"] - 40, steps=3)
    expect(lit).to_have_count(0)


@both_ipywidgets
def test_an_image_is_opened_from_its_address_with_enter(panel: Notebook) -> None:
    with image_server() as address:
        field = panel.page.locator(".sgw-panel-url input")
        field.fill(f"{address}/missing.jpg")
        field.press("Enter")
        expect(panel.canvas.get_by_role("alert")).to_contain_text("404")
        field.fill(f"{address}/harbour.jpg")
        field.press("Enter")
        panel.wait_for_result(60, "harbour.jpg")
        expect(panel.canvas.get_by_role("alert")).to_be_hidden()
        assert panel.shown() == 7
        field.fill("/etc/passwd")
        panel.page.locator(".sgw-panel-go").click()
        expect(panel.canvas.get_by_role("alert")).to_contain_text("https://")
        assert panel.shown() == 7


@both_ipywidgets
def test_what_is_shown_can_be_saved(panel: Notebook, photo: Path, tmp_path: Path) -> None:
    panel.upload(photo)
    panel.wait_for_result()
    contents: dict[str, bytes] = {}
    for label in ("PNG", "Cut-outs", "COCO", "CSV", "Web page"):
        panel.canvas.get_by_role("button", name="Export").click()
        with panel.page.expect_download() as download:
            panel.canvas.get_by_role("menuitem", name=label, exact=True).click()
        path = tmp_path / f"saved-{label}"
        download.value.save_as(path)
        contents[download.value.suggested_filename] = path.read_bytes()
    names = ["photo-coco.json", "photo-cutouts.zip", "photo-overlay.png", "photo.csv", "photo.html"]
    assert sorted(contents) == names
    assert b"<title>photo.jpg</title>" in contents["photo.html"]
    assert len(json.loads(contents["photo-coco.json"])["annotations"]) == 7
    assert len(list(csv.DictReader(io.StringIO(contents["photo.csv"].decode())))) == 7
    overlay = cv2.imdecode(np.frombuffer(contents["photo-overlay.png"], np.uint8), cv2.IMREAD_COLOR)
    assert overlay is not None
    assert overlay.shape == (480, 640, 3)
    with zipfile.ZipFile(io.BytesIO(contents["photo-cutouts.zip"])) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 7
        cut = cv2.imdecode(
            np.frombuffer(archive.read(archive.namelist()[0]), np.uint8), cv2.IMREAD_UNCHANGED
        )
    assert cut is not None
    assert cut.shape[2] == 4
    panel.canvas.get_by_role("button", name="Export").click()
    panel.canvas.get_by_role("menuitem", name="Copy Python", exact=True).click()
    code = (
        panel.canvas.get_by_role("dialog", name="Python for what is shown")
        .get_by_role("textbox")
        .input_value()
    )
    assert "keep = prediction.keep(0.5)" in code
    compile(code, "copied", "exec")


@both_ipywidgets
def test_a_typed_threshold_counts_everywhere_and_clear_can_be_undone(
    panel: Notebook, tmp_path: Path
) -> None:
    paths = [tmp_path / f"photo{number}.jpg" for number in range(2)]
    for path in paths:
        path.write_bytes(make_jpeg(320, 240))
    panel.upload(*paths)
    option = panel.page.locator(".sgw-film").get_by_role("option")
    expect(option.nth(1)).to_have_attribute("aria-label", "photo1.jpg, 7 instances")
    readout = panel.page.locator(".sgw-panel-slider .widget-readout")

    def type_in(text: str, key: str) -> None:
        readout.click()
        panel.page.keyboard.press("Control+a")
        panel.page.keyboard.type(text)
        panel.page.keyboard.press(key)
        panel.settle()

    for text, key, read, count in (
        ("0,3", "Enter", "0.30", 9),
        ("30", "Enter", "0.30", 9),
        ("0,9", "Tab", "0.90", 2),
    ):
        type_in(text, key)
        expect(readout).to_have_text(read)
        assert panel.shown() == count
        expect(option.nth(1)).to_have_attribute("aria-label", f"photo1.jpg, {count} instances")

    panel.page.get_by_role("button", name="Clear", exact=True).click()
    expect(panel.canvas).to_contain_text("No image yet")
    undo = panel.page.get_by_role("button", name="Undo", exact=True)
    undo.click()
    expect(undo).to_be_hidden()
    expect(option).to_have_count(2)
    panel.wait_for_result(30, "photo0.jpg")
    assert panel.shown() == 2


@both_ipywidgets
def test_several_files_become_a_filmstrip(panel: Notebook, tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"photo{number}.jpg")
        paths[-1].write_bytes(make_jpeg(320, 240, seed=number) if number != 1 else b"a letter")
    panel.upload(*paths)
    film = panel.page.locator(".sgw-film")
    expect(film.get_by_role("option")).to_have_count(3)
    expect(film.get_by_role("option", name="photo2.jpg, 7 instances")).to_be_visible()
    expect(film.get_by_role("option", name="photo0.jpg")).to_have_attribute("aria-selected", "true")
    expect(film.get_by_role("option", name="photo1.jpg, failed")).to_be_visible()
    expect(panel.canvas.get_by_role("alert")).to_contain_text("photo1.jpg")
    before = pixels(panel.stage)
    film.get_by_role("option", name="photo2.jpg").click()
    expect(film.get_by_role("option", name="photo2.jpg")).to_have_attribute("aria-selected", "true")
    panel.wait_for_result(30, "photo2.jpg")
    expect(panel.canvas.get_by_role("alert")).to_be_hidden()
    assert changed(before, pixels(panel.stage)) > 20_000
    # And by keyboard: back to the first, and the failed one away.
    press(panel, "Home")
    press(panel, "Enter")
    panel.wait_for_result(30, "photo0.jpg")
    press(panel, "ArrowRight")
    press(panel, "Delete")
    expect(film.get_by_role("option")).to_have_count(2)
    panel.page.get_by_role("button", name="Clear", exact=True).click()
    expect(film).to_be_hidden()
    expect(panel.canvas).to_contain_text("No image yet")


@both_ipywidgets
def test_a_pasted_image_is_segmented(panel: Notebook, photo: Path) -> None:
    panel.canvas.locator(".sgw-empty").click()
    panel.canvas.locator(".sgw-empty").evaluate(
        """(element, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/jpeg" }));
            const settings = { clipboardData: data, bubbles: true, cancelable: true };
            element.dispatchEvent(new ClipboardEvent("paste", settings));
        }""",
        list(photo.read_bytes()),
    )
    panel.wait_for_result(60, "pasted.png")
    assert panel.shown() == 7


def test_the_model_is_picked_and_the_image_segmented_anew(
    notebook: Notebook, lab: Lab, photo: Path
) -> None:
    cell = STUB_CELL.format(instances=12, delay_s=0).replace(
        "samples={}", "samples={}, models={'few': StubPredictor(4)}"
    )
    lab.write_notebook("models.ipynb", cell)
    notebook.open("models.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.upload(photo)
    notebook.wait_for_result()
    notebook.page.locator(".sgw-panel-models select").select_option("few")
    expect(notebook.canvas).to_have_attribute("data-total", "4")


def fetching_cell(address: str, cache: Path) -> str:
    """A panel whose kernel fetches weights from `address`."""
    variables = {"SEG_WIDGETS_MIRROR": address, "SEG_WIDGETS_CACHE": str(cache)}
    return f"import os\n\nos.environ.update({variables!r})\n" + STUB_CELL.format(
        instances=12, delay_s=0
    )


def send_slowly(request: Zoo) -> None:
    """The beginning of a file that would have the size of the real weights."""
    request.send_response(200)
    request.send_header("Content-Length", "177841981")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(bytes(500_000))
        time.sleep(0.2)


def test_weights_are_fetched_while_the_image_can_be_explored(
    notebook: Notebook, lab: Lab, photo: Path, tmp_path: Path
) -> None:
    with zoo_server(b"") as (zoo, address):
        zoo.answer = send_slowly
        lab.write_notebook("fetch.ipynb", fetching_cell(address, tmp_path))
        notebook.open("fetch.ipynb")
        notebook.run_all()
        notebook.wait_for_panel()
        notebook.upload(photo)
        notebook.wait_for_result()
        picker = notebook.page.locator(".sgw-panel-models select")
        expect(picker.locator("option", has_text="coco-r50-fpn-3x (fetch 178 MB)")).to_have_count(1)
        picker.select_option("coco-r50-fpn-3x (fetch 178 MB)")
        said = re.compile(r"Fetching coco-r50-fpn-3x: [1-9]\d* of 178 MB")
        expect(notebook.canvas).to_contain_text(said, timeout=20_000)
        notebook.slider.focus()
        press(notebook, "Home")
        assert notebook.shown() == 12
        notebook.canvas.get_by_role("button", name="Cancel").click()
        expect(notebook.canvas).to_have_attribute("aria-busy", "false")
        expect(picker.locator("option:checked")).to_have_text("StubPredictor")
        zoo.answer = lambda request: request.send_error(404)
        picker.select_option("coco-r50-fpn-3x (fetch 178 MB)")
        alert = notebook.canvas.get_by_role("alert")
        expect(alert).to_contain_text("status 404")
        expect(alert).to_contain_text("Going on with the model 'StubPredictor'.")
        expect(picker.locator("option:checked")).to_have_text("StubPredictor")
        assert notebook.shown() == 12


MANY_CLASSES_CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor

kinds = ("baseball bat", "teapot", "wine_glass")
names = [f"{kind}_{number}" for number in range(401) for kind in kinds]
panel = SegmentationPanel(StubPredictor(60, names), samples={}, models={}, threshold=0.0)
panel"""


def test_a_class_of_a_large_vocabulary_is_found_by_its_name(
    notebook: Notebook, lab: Lab, photo: Path
) -> None:
    lab.write_notebook("many.ipynb", MANY_CLASSES_CELL)
    notebook.open("many.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.upload(photo)
    notebook.wait_for_result()
    canvas = notebook.canvas
    assert notebook.shown() == 60
    chips = canvas.locator(".sgw-chip:visible")
    expect(chips).to_have_count(60)
    search = canvas.get_by_role("searchbox")
    search.fill("bat 1")
    expect(chips).to_have_count(11)  # 1, 10 to 19
    expect(canvas.locator(".sgw-finder [role=status]")).to_have_text("11 of 60")
    canvas.get_by_role("button", name="Only these").click()
    expect(canvas).to_have_attribute("data-shown", "11")
    canvas.get_by_role("button", name="Show all").click()
    expect(canvas).to_have_attribute("data-shown", "60")
    search.fill("wine glass_7")
    search.press("Enter")
    expect(canvas).to_have_attribute("data-shown", "2")  # 7 and 17
    search.press("Escape")
    expect(chips).to_have_count(60)
    expect(search).to_have_value("")
    canvas.get_by_role("button", name="Show all").click()
    expect(canvas).to_have_attribute("data-shown", "60")
    # From the field straight to the chips that are left.
    search.fill("teapot")
    search.press("Tab")
    notebook.page.keyboard.press("Tab")
    focused = notebook.page.evaluate("() => document.activeElement.textContent")
    assert focused.startswith("teapot_0")
    notebook.page.keyboard.press("ArrowDown")
    assert notebook.page.evaluate("() => document.activeElement.textContent").startswith("teapot_1")


WAITING_CELL = """\
import pathlib
import time

from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor


class Waiting(StubPredictor):
    def __call__(self, image):
        answer = pathlib.Path({folder!r}, str(self.calls))
        found = super().__call__(image)
        while not answer.exists():
            time.sleep(0.05)
        return found


panel = SegmentationPanel(Waiting(12), allow_local=True, samples={{}})
panel"""


def test_work_can_be_cancelled(notebook: Notebook, lab: Lab, photo: Path, tmp_path: Path) -> None:
    lab.write_notebook("slow.ipynb", WAITING_CELL.format(folder=str(tmp_path)))
    notebook.open("slow.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.upload(photo)
    expect(notebook.canvas).to_have_attribute("aria-busy", "true")
    preview = notebook.canvas.locator(".sgw-preview")
    expect(preview).to_be_visible()
    assert colors_of(preview) > 100, "the photograph is there first"
    notebook.canvas.get_by_role("button", name="Cancel").click()
    expect(notebook.canvas).to_have_attribute("aria-busy", "false")
    expect(preview).to_be_hidden()
    expect(notebook.canvas).to_contain_text("No image yet")
    (tmp_path / "0").touch()
    # A second one: its result takes the preview's place.
    notebook.upload(photo)
    expect(preview).to_be_visible()
    (tmp_path / "1").touch()
    notebook.wait_for_result()
    expect(preview).to_be_hidden()
    assert notebook.shown() == 7


WAITING_FORMAT = """\
import pathlib
import time

from seg_widgets import export


def make(result):
    while result.name == "other.jpg" and not pathlib.Path({flag!r}).exists():
        time.sleep(0.05)
    return b"made"


export.register(
    export.ExportFormat("waiting", "Waiting", "waits", "All of it.", ".wait", "text/plain", make)
)
"""


def test_a_file_of_all_images_shows_its_progress_and_can_be_cancelled(
    notebook: Notebook, lab: Lab, photo: Path, tmp_path: Path
) -> None:
    flag, other = tmp_path / "go on", tmp_path / "other.jpg"
    other.write_bytes(photo.read_bytes())
    cell = WAITING_FORMAT.format(flag=str(flag)) + STUB_CELL.format(instances=12, delay_s=0)
    lab.write_notebook("saving.ipynb", cell)
    notebook.open("saving.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.upload(photo)
    notebook.wait_for_result(name=photo.name)
    notebook.upload(other)
    notebook.wait_for_result(name="other.jpg")
    canvas, page = notebook.canvas, notebook.page

    def choose(label: str) -> None:
        canvas.get_by_role("button", name="Export", exact=True).click()
        page.get_by_role("menuitem", name=label, exact=True).click()

    busy = canvas.locator(".sgw-busy")
    choose("Waiting of all images")
    expect(canvas).to_have_attribute("aria-busy", "true")
    expect(busy).to_contain_text("Saving image 2 of 2")
    # The kernel is free meanwhile.
    with page.expect_download() as download:
        choose("CSV")
    assert download.value.suggested_filename == "other.csv"

    busy.get_by_role("button", name="Cancel").click()
    expect(canvas).to_have_attribute("aria-busy", "false")
    expect(busy).to_be_hidden()
    assert notebook.shown() == 7, "what is on screen stays"

    choose("Waiting of all images")
    expect(busy).to_contain_text("Saving image 2 of 2")
    with page.expect_download() as download:
        flag.touch()
    assert download.value.suggested_filename == "images.wait.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [f"{photo.stem}.wait", "other.wait"]
    expect(canvas).to_have_attribute("aria-busy", "false")


def colors_of(canvas: Locator) -> int:
    """How many colours the pixels of a canvas have."""
    count: int = canvas.evaluate(
        """(canvas) => {
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )
    return count


IN_STEPS = """\
import dataclasses
import pathlib
import time

from seg_widgets import SegmentationPanel
from seg_widgets.prediction import PartialPrediction
from seg_widgets.testing import StubPredictor


class InSteps(StubPredictor):
    def predict_in_steps(self, image, /, *, shown, on_first):
        whole = self(image)
        masks = {{at: whole.masks[at] for at, kept in enumerate(shown.keep(whole)) if kept}}
        on_first(PartialPrediction(dataclasses.replace(whole, masks=None), masks))
        while not pathlib.Path({flag!r}).exists():
            time.sleep(0.05)
        return whole


panel = SegmentationPanel(InSteps(12), samples={{}})
panel"""


def test_what_is_shown_has_its_masks_while_the_fainter_are_drawn(
    notebook: Notebook, lab: Lab, photo: Path, tmp_path: Path
) -> None:
    flag = tmp_path / "go"
    lab.write_notebook("steps.ipynb", IN_STEPS.format(flag=str(flag)))
    notebook.open("steps.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    # A model that is here is offered at each speed.
    speeds = notebook.page.locator(".sgw-panel-models option", has_text="starter")
    expect(speeds).to_have_text(["starter", "starter · balanced", "starter · fast"])

    notebook.upload(photo)
    expect(notebook.canvas).to_have_attribute("data-shown", "7", timeout=30_000)
    expect(notebook.canvas).to_contain_text("Drawing the fainter instances of")
    expect(notebook.canvas).to_have_attribute("aria-busy", "true")
    expect(notebook.canvas.locator(".sgw-preview")).to_be_hidden()
    assert notebook.marks() > 5000
    shown = pixels(notebook.stage)

    # An instance whose mask is still to come is an empty box.
    notebook.slider.focus()
    press(notebook, "ArrowLeft", 31)
    assert notebook.shown() == 10
    boxes = pixels(notebook.stage)
    assert changed(shown, boxes) > 500
    expect(notebook.canvas.locator(".sgw-table")).to_contain_text("…")

    flag.touch()
    expect(notebook.canvas).to_have_attribute("aria-busy", "false")
    expect(notebook.canvas.locator(".sgw-table")).not_to_contain_text("…")
    assert notebook.shown() == 10
    assert changed(boxes, pixels(notebook.stage)) > 500


def test_two_views_of_one_panel_stay_alike_and_one_may_go(
    notebook: Notebook, lab: Lab, photo: Path
) -> None:
    lab.write_notebook("views.ipynb", STUB_CELL.format(instances=12, delay_s=0), "panel")
    notebook.open("views.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    expect(notebook.page.locator(".sgw")).to_have_count(2)
    notebook.upload(photo)
    second = notebook.page.locator(".sgw").nth(1)
    for view in (notebook.canvas, second):
        expect(view).to_have_attribute("data-shown", "7", timeout=30_000)
    second.locator(".sgw-chip-main", has_text="person").click()
    for view in (notebook.canvas, second):
        expect(view).to_have_attribute("data-shown", "5")
    notebook.command("notebook:clear-all-cell-outputs")
    expect(notebook.page.locator(".sgw")).to_have_count(0)


def test_cells_can_be_run_again_and_the_former_panel_ends(
    notebook: Notebook, lab: Lab, photo: Path
) -> None:
    count = (
        "import gc, time\n"
        "time.sleep(2)  # a thread may still draw the filmstrip's small images\n"
        "gc.collect()\n"
        "print(sum(type(one) is SegmentationPanel for one in gc.get_objects()), 'alive')"
    )
    lab.write_notebook("again.ipynb", STUB_CELL.format(instances=12, delay_s=0), count)
    notebook.open("again.ipynb")
    notebook.run_all()
    for _ in range(2):
        notebook.wait_for_panel()
        expect(notebook.page.locator(".sgw")).to_have_count(1)
        notebook.upload(photo)
        notebook.wait_for_result()
        notebook.run_all()
        expect(notebook.canvas).to_contain_text("No image yet")
        expect(notebook.cell(1).locator(".jp-OutputArea-output")).to_contain_text(
            "1 alive", timeout=20_000
        )
    expect(notebook.page.locator("body")).not_to_contain_text("Error displaying widget")


def test_the_busy_state_is_shown_and_the_newest_upload_wins(
    notebook: Notebook, lab: Lab, tmp_path: Path
) -> None:
    lab.write_notebook("slow.ipynb", STUB_CELL.format(instances=12, delay_s=2))
    notebook.open("slow.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    for number in range(3):
        path = tmp_path / f"photo{number}.jpg"
        path.write_bytes(make_jpeg(320 + number, 240))
        notebook.upload(path)
    expect(notebook.canvas).to_have_attribute("aria-busy", "true")
    expect(notebook.canvas).to_contain_text("photo2.jpg")
    notebook.wait_for_result(60, "photo2.jpg")
    label = notebook.canvas.locator(".sgw-surface").get_attribute("aria-label") or ""
    assert label.startswith("photo2.jpg. 7 of 12 instances shown")


@pytest.mark.parametrize(("width", "scale", "scheme"), [(400, 1, "light"), (1280, 2, "dark")])
def test_narrow_and_dense_screens(
    browser: Browser, lab: Lab, photo: Path, width: int, scale: float, scheme: str
) -> None:
    lab.write_notebook("stub.ipynb", STUB_CELL.format(instances=12, delay_s=0))
    with notebook_page(browser, lab, width=width, scale=scale, scheme=scheme) as notebook:
        notebook.open("stub.ipynb")
        notebook.hide_sidebar()
        notebook.run_all()
        notebook.wait_for_panel()
        notebook.upload(photo)
        notebook.wait_for_result()
        root, canvas, device = notebook.canvas.evaluate(
            "(root) => [root.scrollWidth - root.clientWidth, root.querySelector('canvas').width / "
            "root.querySelector('canvas').clientWidth, devicePixelRatio]"
        )
        assert root <= 0
        assert device == scale
        assert canvas == pytest.approx(scale, rel=0.01)
        assert notebook.shown() == 7
        assert notebook.strays == []
    lab.shut_down_kernels()


def test_the_panel_notebook_segments_a_photograph_with_the_starter(
    notebook: Notebook, tmp_path: Path
) -> None:
    photo = tmp_path / "my coffee.jpg"
    photo.write_bytes((REPOSITORY / "notebooks" / "images" / "coffee.jpg").read_bytes())
    notebook.open("panel.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    expect(notebook.page.locator(".sgw-panel-models option:checked")).to_have_text("starter")
    expect(notebook.page.locator(".sgw-panel-model")).to_contain_text("(small,", timeout=120_000)
    notebook.wait_for_result(120)
    notebook.upload(photo)
    notebook.wait_for_result(120, "my coffee.jpg")
    notebook.slider.focus()
    press(notebook, "Home")
    assert notebook.shown() > 0
    assert notebook.marks() > 2000


@contextmanager
def image_server() -> Iterator[str]:
    """A server on loopback that has one image."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/harbour.jpg"
            body = make_jpeg(320, 240) if found else b"nothing here"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "image/jpeg" if found else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
