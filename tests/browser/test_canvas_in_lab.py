"""The canvas alone in a real JupyterLab: what it draws, what it lists, what hands and keys do with
it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Playwright, expect

from seg_widgets.testing import StubPredictor, make_picture

from .lab import CHROMIUM_FLAGS, Lab, Notebook, both_ipywidgets, notebook_page
from .test_panel_in_lab import changed, pixels, place, press

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CANVAS_CELL = """\
from seg_widgets import SegmentationCanvas
from seg_widgets.testing import StubPredictor, make_picture

image = make_picture(640, 480)
canvas = SegmentationCanvas(
    image,
    StubPredictor({instances})(image),
    name="made.png",
    exports=["csv", "python"],
    actions=["open", "camera", "cancel"],
)
opened = []
canvas.on_open = lambda files: opened.extend((file.name, len(file.content)) for file in files)
canvas.on_address = opened.append
types = {{"csv": "text/csv", "python": "text/x-python"}}
canvas.on_export = lambda kind: (f"made.{{kind}}", types[kind], b"print(1)\\n")
canvas"""


class Canvas:
    """A page with one canvas, and a second cell whose output tells the state in Python."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self.root = notebook.canvas
        self.surface = notebook.canvas.locator(".sgw-surface")
        self.runs = 0

    def row(self, index: int) -> Locator:
        return self.root.locator(f".sgw-row[data-index='{index}']")

    def chip(self, name: str) -> Locator:
        return self.root.locator(".sgw-chip", has_text=name)

    def middle_of(self, index: int) -> tuple[float, float]:
        """Where on the page the middle of an ellipse lies that no smaller one covers there."""
        left, top, right, bottom = StubPredictor()(make_picture(640, 480))[index].box
        return place(self.notebook, 640, 480, (left + right) // 2, (top + bottom) // 2)

    def python(self, expression: str) -> str:
        """What Python says of the canvas."""
        return self.run(f"print(({expression}))")

    def run(self, code: str) -> str:
        """Run a few lines in the kernel, and return what they print."""
        self.notebook.rest(200)  # what hands do is told to Python when they rest
        self.runs += 1
        done = f"run {self.runs}"
        cell = self.notebook.cell(1)
        self.notebook.edit(1)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(f"{code}\nprint('{done}', end='')")
        self.page.keyboard.press("Control+Enter")
        output = cell.locator(".jp-OutputArea-output")
        expect(output).to_contain_text(done)
        return output.inner_text().removesuffix(done).strip()


@pytest.fixture
def canvas(notebook: Notebook, lab: Lab) -> Canvas:
    return open_canvas(notebook, lab)


def open_canvas(notebook: Notebook, lab: Lab, instances: int = 12) -> Canvas:
    lab.write_notebook("canvas.ipynb", CANVAS_CELL.format(instances=instances), "")
    # Both cells in sight, or the page would scroll from one to the other.
    notebook.page.set_viewport_size({"width": 1280, "height": 1500})
    notebook.open("canvas.ipynb")
    notebook.hide_sidebar()
    notebook.run_all()
    expect(notebook.canvas).to_be_visible(timeout=90_000)
    notebook.wait_for_result(30, "made.png")
    return Canvas(notebook)


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


@both_ipywidgets
def test_the_table_lists_sorts_and_is_linked_with_the_image(canvas: Canvas) -> None:
    table = canvas.root.get_by_role("grid", name="Instances")
    expect(table).to_have_attribute("aria-rowcount", "8")
    result = StubPredictor()(make_picture(640, 480))
    canvas.root.get_by_role("button", name="Area").click()
    areas = result.areas[:7]
    shares = [f"{100 * area / 640 / 480:.1f} %" for area in sorted(areas.tolist(), reverse=True)]
    rows = sorted(range(7), key=lambda index: -areas[index])
    for rank, (index, share) in enumerate(zip(rows, shares, strict=True)):
        expect(canvas.row(index)).to_have_attribute("aria-rowindex", str(rank + 2))
        expect(canvas.row(index)).to_contain_text(share)
    expect(canvas.root.get_by_role("columnheader", name="Area")).to_have_attribute(
        "aria-sort", "descending"
    )
    # From the table to the image …
    before = pixels(canvas.notebook.stage)
    canvas.row(3).hover()
    canvas.notebook.settle()
    assert changed(before, pixels(canvas.notebook.stage)) > 3000
    canvas.row(3).click()
    canvas.row(5).click(modifiers=["Shift"])
    assert canvas.python("canvas.selected") == "(3, 5)"
    # … and from the image to the table.
    canvas.page.mouse.move(*canvas.middle_of(int(areas.argmin())))
    expect(canvas.row(int(areas.argmin()))).to_have_class(re.compile("sgw-hovered"))
    canvas.page.mouse.click(*canvas.middle_of(int(areas.argmin())))
    expect(canvas.row(int(areas.argmin()))).to_have_attribute("aria-selected", "true")
    expect(canvas.row(3)).to_have_attribute("aria-selected", "false")


def test_the_table_works_by_keyboard(canvas: Canvas) -> None:
    table = canvas.root.get_by_role("grid", name="Instances")
    table.focus()
    press(canvas.notebook, "ArrowDown", 3)
    expect(canvas.row(2)).to_have_class(re.compile("sgw-active"))
    assert (table.get_attribute("aria-activedescendant") or "").endswith("-2")
    press(canvas.notebook, "Enter")
    expect(canvas.row(2)).to_have_attribute("aria-selected", "true")
    press(canvas.notebook, "h")
    expect(canvas.root).to_have_attribute("data-shown", "6")
    expect(canvas.row(2).get_by_role("button", name="Show this instance")).to_be_visible()
    press(canvas.notebook, "h")
    expect(canvas.root).to_have_attribute("data-shown", "7")
    press(canvas.notebook, "End")
    press(canvas.notebook, "s")
    expect(canvas.root).to_have_attribute("data-shown", "1")
    press(canvas.notebook, "s")
    expect(canvas.root).to_have_attribute("data-shown", "7")


def test_a_thousand_instances_stay_a_few_rows(notebook: Notebook, lab: Lab) -> None:
    canvas = open_canvas(notebook, lab, 1000)
    canvas.run("canvas.threshold = 0")
    expect(canvas.root).to_have_attribute("data-shown", "1000")
    table = canvas.root.get_by_role("grid", name="Instances")
    expect(table).to_have_attribute("aria-rowcount", "1001")
    assert canvas.root.locator(".sgw-spacer > .sgw-row").count() < 60
    table.focus()
    press(notebook, "End")
    expect(canvas.row(999)).to_be_visible()
    expect(canvas.row(999)).to_have_attribute("aria-rowindex", "1001")
    assert canvas.root.locator(".sgw-spacer > .sgw-row").count() < 60
    # Selected in Python, seen in the table.
    canvas.run("canvas.selected = [500]")
    expect(canvas.row(500)).to_be_visible()
    expect(canvas.row(500)).to_have_attribute("aria-selected", "true")


# ── classes ───────────────────────────────────────────────────────────────────────────────────────


@both_ipywidgets
def test_a_class_has_a_threshold_of_its_own(canvas: Canvas) -> None:
    canvas.chip("person").get_by_role("button", name="Threshold of person, and more").click()
    menu = canvas.root.get_by_role("dialog", name="Class person")
    slider = menu.get_by_role("slider", name="Threshold of person")
    expect(slider).to_be_focused()
    press(canvas.notebook, "Home")
    expect(canvas.root).to_have_attribute("data-shown", "8")  # all three persons, and five more
    expect(canvas.chip("person")).to_contain_text("≥ 0.00")
    press(canvas.notebook, "End")
    expect(canvas.root).to_have_attribute("data-shown", "5")
    canvas.page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    assert canvas.python("canvas.class_thresholds") == "{'person': 1.0}"
    canvas.run("canvas.class_thresholds = {'animal': 0.95}")
    expect(canvas.chip("animal")).to_contain_text("≥ 0.95")
    expect(canvas.chip("person").locator(".sgw-class-threshold")).to_be_hidden()
    # And by keyboard alone: T on the chip, then back to the common one.
    canvas.chip("animal").locator(".sgw-chip-main").focus()
    press(canvas.notebook, "t")
    canvas.root.get_by_role("button", name="Use the common threshold (0.50)").click()
    expect(canvas.root).to_have_attribute("data-shown", "7")
    canvas.page.keyboard.press("Escape")
    assert canvas.python("canvas.class_thresholds") == "{}"


def test_the_legend_is_one_stop_of_the_tab_key_and_arrows_go_on(canvas: Canvas) -> None:
    canvas.chip("person").locator(".sgw-chip-main").focus()
    press(canvas.notebook, "ArrowDown", 2)
    expect(canvas.chip("vehicle").locator(".sgw-chip-main")).to_be_focused()
    press(canvas.notebook, "Enter")
    expect(canvas.root).to_have_attribute("data-shown", "5")
    press(canvas.notebook, "Shift+Enter")
    expect(canvas.root).to_have_attribute("data-shown", "2")
    press(canvas.notebook, "Tab")
    expect(canvas.root.get_by_role("grid", name="Instances")).to_be_focused()


# ── one instance ──────────────────────────────────────────────────────────────────────────────────


def test_a_double_click_isolates_an_instance_and_the_next_one_brings_the_others_back(
    canvas: Canvas,
) -> None:
    areas = StubPredictor()(make_picture(640, 480)).areas[:7]
    index = int(areas.argmin())
    canvas.run("canvas.hidden_instances = [11]")
    canvas.page.mouse.dblclick(*canvas.middle_of(index))
    expect(canvas.root).to_have_attribute("data-shown", "1")
    assert canvas.python("canvas.selected") == f"({index},)"
    canvas.page.mouse.dblclick(*canvas.middle_of(index))
    expect(canvas.root).to_have_attribute("data-shown", "7")
    assert canvas.python("canvas.hidden_instances") == "(11,)"
    canvas.surface.focus()
    press(canvas.notebook, "ArrowRight")
    press(canvas.notebook, "s")
    expect(canvas.root).to_have_attribute("data-shown", "1")
    canvas.root.get_by_role("button", name=re.compile("Show 11 hidden")).click()
    expect(canvas.root).to_have_attribute("data-shown", "7")


def test_two_masks_of_a_class_never_light_up_together(canvas: Canvas) -> None:
    result = StubPredictor()(make_picture(640, 480))
    smallest = int(result.areas[:7].argmin())
    canvas.page.mouse.move(*canvas.middle_of(smallest))
    tip = canvas.root.locator(".sgw-tip")
    expect(tip).to_contain_text(f"{result[smallest].score:.2f}")
    expect(tip).to_contain_text("Box ")
    expect(canvas.root.locator(".sgw-row.sgw-hovered")).to_have_count(1)
    canvas.notebook.rest(200)
    canvas.page.mouse.move(2, 2)
    assert canvas.python("canvas.hovered") == "None"


# ── view ──────────────────────────────────────────────────────────────────────────────────────────


@both_ipywidgets
def test_zoom_and_pan_go_both_ways(canvas: Canvas) -> None:
    whole = pixels(canvas.notebook.stage)
    canvas.surface.focus()
    press(canvas.notebook, "+", 2)
    canvas.notebook.rest(400)
    assert canvas.python("canvas.zoom, canvas.pan") == "(2.25, (0.5, 0.5))"
    box = canvas.surface.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    canvas.page.mouse.move(*middle)
    canvas.page.mouse.down()
    canvas.page.mouse.move(middle[0] + 60, middle[1] + 30, steps=4)
    canvas.page.mouse.up()
    canvas.notebook.rest(400)
    x, y = (float(value) for value in canvas.python("canvas.pan").strip("()").split(","))
    assert x == pytest.approx(0.5 - 60 / (box["width"] * 2.25), abs=0.02)
    assert y == pytest.approx(0.5 - 30 / (box["height"] * 2.25), abs=0.02)
    assert canvas.python("canvas.selected") == "()"  # a drag selects nothing
    canvas.run("canvas.zoom, canvas.pan = 1, (0.5, 0.5)")
    canvas.page.mouse.move(2, 2)
    canvas.notebook.rest(400)
    assert changed(whole, pixels(canvas.notebook.stage)) < 50
    canvas.run("canvas.zoom, canvas.pan = 4, (0.1, 0.1)")
    canvas.notebook.rest(400)
    assert changed(whole, pixels(canvas.notebook.stage)) > 20_000


def test_the_wheel_zooms_where_it_is_wanted_and_scrolls_elsewhere(canvas: Canvas) -> None:
    box = canvas.surface.bounding_box()
    assert box is not None
    canvas.page.mouse.move(box["x"] + 100, box["y"] + 100)
    canvas.page.mouse.wheel(0, -200)
    expect(canvas.root.locator(".sgw-toast")).to_contain_text("hold Ctrl")
    canvas.page.keyboard.down("Control")
    canvas.page.mouse.wheel(0, -200)
    canvas.page.keyboard.up("Control")
    canvas.notebook.rest(400)
    assert float(canvas.python("canvas.zoom")) == pytest.approx(1.65, abs=0.1)
    canvas.surface.focus()
    canvas.page.mouse.move(box["x"] + 100, box["y"] + 100)
    canvas.page.mouse.wheel(0, -200)
    canvas.notebook.rest(400)
    assert float(canvas.python("canvas.zoom")) > 2


def test_two_fingers_pinch_and_a_double_tap_fits(browser: Browser, lab: Lab) -> None:
    with notebook_page(browser, lab, touch=True) as notebook:
        canvas = open_canvas(notebook, lab)
        box = canvas.surface.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        fingers = notebook.page.context.new_cdp_session(notebook.page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            at: list[dict[str, Any]] = [
                {"x": px, "y": py, "id": number} for number, (px, py) in enumerate(points)
            ]
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        touch("touchStart", (x - 40, y))
        touch("touchStart", (x - 40, y), (x + 40, y))
        for spread in (60, 80, 100, 120):
            touch("touchMove", (x - spread, y), (x + spread, y))
        touch("touchEnd")
        notebook.rest(400)
        assert float(canvas.python("canvas.zoom")) == pytest.approx(3, abs=0.3)
        assert canvas.python("canvas.selected") == "()"
        # On a busy machine the second tap may come too late for a double one.
        for _ in range(5):
            for _ in range(2):
                touch("touchStart", (x, y))
                touch("touchEnd")
            notebook.rest(400)
            if canvas.python("canvas.zoom") == "1.0":
                break
        assert canvas.python("canvas.zoom") == "1.0"
        assert notebook.strays == []
    lab.shut_down_kernels()


def test_what_is_drawn_is_chosen_in_the_view_menu(canvas: Canvas) -> None:
    before = pixels(canvas.notebook.stage)
    canvas.root.get_by_role("button", name="View").click()
    menu = canvas.root.get_by_role("dialog", name="View")
    menu.get_by_label("Labels").uncheck()
    menu.get_by_label("Boxes").check()
    menu.get_by_label("Score").check()
    menu.get_by_label("Opacity of the masks").fill("0.9")
    canvas.page.keyboard.press("Escape")
    canvas.page.mouse.move(2, 2)
    canvas.notebook.settle()
    assert changed(before, pixels(canvas.notebook.stage)) > 20_000
    expect(canvas.root.locator(".sgw-scale")).to_be_visible()
    state = canvas.python("canvas.show, canvas.color_by, canvas.opacity")
    assert state == "(('masks', 'outlines', 'boxes'), 'score', 0.9)"


def test_the_photograph_is_seen_bare_by_button_and_by_space(canvas: Canvas) -> None:
    assert canvas.notebook.marks() > 5000
    peek = canvas.root.get_by_role("button", name="The photograph without masks")
    peek.click()
    expect(peek).to_have_attribute("aria-pressed", "true")
    assert canvas.notebook.marks() == 0
    peek.click()
    assert canvas.notebook.marks() > 5000


def test_the_keys_are_shown_by_their_own_key(canvas: Canvas) -> None:
    canvas.surface.focus()
    canvas.page.keyboard.press("?")
    keys = canvas.root.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("hide the instance")
    canvas.page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(canvas.surface).to_be_focused()
    assert canvas.notebook.shown() == 7  # and no key meant anything else


# ── what comes and goes ───────────────────────────────────────────────────────────────────────────


@both_ipywidgets
def test_images_and_addresses_are_dropped_and_pasted(canvas: Canvas) -> None:
    for event, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        canvas.surface.evaluate(
            """(surface, [name, field]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(7)], `${name}.jpg`, { type: "image/jpeg"
                }));
                const Event = { drop: DragEvent, paste: ClipboardEvent }[name];
                surface.dispatchEvent(new Event(name, { [field]: data, bubbles: true, cancelable:
                true })); const text = new DataTransfer(); text.setData("text/plain",
                "https://example.org/a.jpg");
                surface.dispatchEvent(new Event(name, { [field]: text, bubbles: true, cancelable:
                true }));
            }""",
            [event, field],
        )
        canvas.notebook.settle()
    got = canvas.python("sorted(map(str, opened))")
    assert got.count("https://example.org/a.jpg") == 2
    assert "('drop.jpg', 7)" in got
    assert "('paste.jpg', 7)" in got


def test_a_file_that_is_too_large_is_told_without_being_sent(canvas: Canvas) -> None:
    canvas.surface.evaluate(
        """(surface) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(26 * 2 ** 20)], "huge.tif"));
            surface.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true,
            cancelable: true }));
        }"""
    )
    expect(canvas.root.locator(".sgw-error:not(.sgw-notice)")).to_contain_text(
        "huge.tif has 26 MiB"
    )
    canvas.root.get_by_role("button", name="Dismiss this message").click()
    expect(canvas.root.locator(".sgw-error:not(.sgw-notice)")).to_be_hidden()
    assert canvas.python("opened") == "[]"


def test_the_clipboard_without_an_image_says_so(canvas: Canvas) -> None:
    canvas.surface.evaluate(
        """(surface) => {
            const data = new DataTransfer();
            data.setData("text/plain", "a letter");
            const settings = { clipboardData: data, bubbles: true, cancelable: true };
            surface.dispatchEvent(new ClipboardEvent("paste", settings));
        }"""
    )
    expect(canvas.root.locator(".sgw-toast")).to_contain_text("no image")


@both_ipywidgets
def test_files_and_code_are_taken_from_the_export_menu(canvas: Canvas, tmp_path: Path) -> None:
    canvas.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    canvas.root.get_by_role("button", name="Export").click()
    expect(canvas.root.get_by_role("menuitem")).to_have_count(2)
    with canvas.page.expect_download() as download:
        canvas.page.keyboard.press("Enter")
    download.value.save_as(tmp_path / "made.csv")
    assert download.value.suggested_filename == "made.csv"
    assert (tmp_path / "made.csv").read_bytes() == b"print(1)\n"
    canvas.root.get_by_role("button", name="Export").click()
    press(canvas.notebook, "ArrowDown")
    press(canvas.notebook, "Enter")
    code = canvas.root.get_by_role("dialog", name="Python for what is shown")
    expect(code.get_by_role("textbox")).to_have_value("print(1)\n")
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("button", name="Copied")).to_be_visible()
    assert canvas.page.evaluate("() => navigator.clipboard.readText()") == "print(1)\n"


@pytest.fixture(scope="module")
def camera_browser(playwright_server: Playwright) -> Iterator[Browser]:
    """A browser whose camera is chromium's own test image."""
    from .chromium import installed_chromium

    flags = [
        *CHROMIUM_FLAGS,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ]
    started = playwright_server.chromium.launch(executable_path=installed_chromium(), args=flags)
    yield started
    started.close()


def test_the_camera_takes_an_image(camera_browser: Browser, lab: Lab) -> None:
    with notebook_page(camera_browser, lab) as notebook:
        canvas = open_canvas(notebook, lab)
        canvas.notebook.stage.hover()
        canvas.root.get_by_role("button", name="Photograph with the camera").click()
        camera = canvas.root.get_by_role("dialog", name="Camera")
        expect(camera.locator("video")).to_be_visible()
        notebook.page.wait_for_function("() => document.querySelector('.sgw-video').videoWidth > 0")
        camera.get_by_role("button", name="Take image").click()
        expect(camera).to_have_count(0)
        for _ in range(20):
            opened = canvas.python("opened")
            if opened != "[]":
                break
            notebook.rest(250)
        name, size = re.fullmatch(r"\[\('(.*)', (\d+)\)\]", opened).groups()  # type: ignore[union-attr]
        assert re.fullmatch(r"camera \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.jpg", name)
        assert int(size) > 2000
        assert notebook.strays == []
    lab.shut_down_kernels()


def test_a_browser_without_a_camera_says_so(canvas: Canvas) -> None:
    canvas.notebook.stage.hover()
    canvas.root.get_by_role("button", name="Photograph with the camera").click()
    expect(canvas.root.locator(".sgw-error:not(.sgw-notice)")).to_contain_text(
        re.compile("camera", re.IGNORECASE)
    )


# ── the kernel ────────────────────────────────────────────────────────────────────────────────────


@both_ipywidgets
@pytest.mark.parametrize("command", ["kernelmenu:shutdown", "kernelmenu:restart"])
def test_without_its_kernel_it_says_so_and_still_filters(canvas: Canvas, command: str) -> None:
    canvas.notebook.command(command)
    if command.endswith("restart"):
        canvas.page.locator(".jp-Dialog .jp-mod-accept").click()
    notice = canvas.root.locator(".sgw-notice")
    expect(notice).to_contain_text("The kernel was stopped or restarted")
    expect(canvas.root.get_by_role("button", name="Export")).to_be_hidden()
    canvas.chip("person").locator(".sgw-chip-main").click()
    expect(canvas.root).to_have_attribute("data-shown", "5")
    if command.endswith("restart"):
        expect(canvas.page.locator("#jp-main-statusbar")).to_contain_text(
            "(ipykernel) | Idle", timeout=60_000
        )


def test_a_busy_kernel_is_told_and_the_answer_still_comes(canvas: Canvas) -> None:
    canvas.notebook.edit(1)
    canvas.page.keyboard.insert_text("import time; time.sleep(14)")
    canvas.page.keyboard.press("Control+Enter")
    canvas.root.get_by_role("button", name="Export").click()
    with canvas.page.expect_download(timeout=60_000):
        canvas.page.keyboard.press("Enter")
        canvas.chip("person").locator(".sgw-chip-main").click()
        expect(canvas.root).to_have_attribute("data-shown", "5")
        expect(canvas.root.locator(".sgw-notice")).to_contain_text(
            "not replied yet", timeout=20_000
        )
    expect(canvas.root.locator(".sgw-notice")).to_be_hidden()


def test_what_the_kernel_repeats_does_not_undo_what_hands_do_meanwhile(canvas: Canvas) -> None:
    # A key, a rest in which the kernel is told, and more keys while it answers.
    steps = canvas.surface.evaluate(
        """async (surface) => {
            const rest = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
            const press = () => surface.dispatchEvent(new KeyboardEvent("keydown", { key:
            "ArrowRight" })); let steps = 0;
            for (let burst = 0; burst < 10; burst++) {
                for (let key = 0; key < 30; key++, steps++) {
                    press();
                    await rest(key ? 5 : 85);
                }
                await rest(250);
            }
            return steps;
        }"""
    )
    assert canvas.python("canvas.hovered") == str((steps - 1) % 7)


def test_what_moves_stands_still_for_those_who_ask_for_it(browser: Browser, lab: Lab) -> None:
    with notebook_page(browser, lab) as notebook:
        notebook.page.emulate_media(reduced_motion="reduce")
        canvas = open_canvas(notebook, lab)
        canvas.run("canvas.status, canvas.busy = 'Segmenting', True")
        spinner = canvas.root.locator(".sgw-spinner")
        expect(spinner).to_be_visible()
        assert spinner.evaluate("(element) => getComputedStyle(element).animationName") == "none"
    lab.shut_down_kernels()
