from __future__ import annotations

import ast
import csv
import dataclasses
import gc
import inspect
import io
import json
import threading
import time
import traceback
import weakref
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import ipywidgets
import numpy as np
import pytest
import traitlets

from seg_widgets.errors import ImageFormatError, SettingError, UrlError
from seg_widgets.export import save
from seg_widgets.prediction import PartialPrediction, Prediction, reached_note
from seg_widgets.session import SegmentationSession, Threshold
from seg_widgets.session.state import SegmentationState
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture
from seg_widgets.widgets.panel import SegmentationPanel

IPYWIDGETS_7 = ipywidgets.__version__.startswith("7.")


@pytest.fixture
def panel() -> Iterator[SegmentationPanel]:
    made = SegmentationPanel(StubPredictor(), samples={})
    yield made
    made.close(5)


def upload(panel: SegmentationPanel, name: str, content: bytes) -> None:
    """What the browser sends when a person has chosen a file."""
    if IPYWIDGETS_7:
        metadata = [
            {
                "name": name,
                "type": "image/jpeg",
                "size": len(content),
                "lastModified": 1_700_000_000_000,
            }
        ]
        state = {
            "metadata": metadata,
            "data": [memoryview(content)],
            "error": "",
            "_counter": panel.upload._counter + 1,
        }
        panel.upload.set_state(state)
    else:
        panel.upload.set_state(
            {
                "value": [
                    {
                        "name": name,
                        "type": "image/jpeg",
                        "size": len(content),
                        "last_modified": 1_700_000_000_000,
                        "content": memoryview(content),
                    }
                ]
            }
        )


# ── from Python ───────────────────────────────────────────────────────────────────────────────────


def test_an_image_from_python_is_segmented(panel: SegmentationPanel) -> None:
    panel.image = make_picture(64, 48)
    result = panel.wait(20)
    assert result is panel.prediction
    assert panel.canvas.content.startswith(b"SEGW")
    assert (
        repr(panel) == "SegmentationPanel(image=64×48, 7 of 12 instances shown at threshold 0.50)"
    )
    panel.image = None
    assert panel.prediction is None
    assert panel.canvas.content == b""


def test_observers_of_the_panel_hear_image_and_result_together(panel: SegmentationPanel) -> None:
    heard: list[str] = []

    def hear(change: Any) -> None:
        heard.append(change["name"])
        assert panel.prediction is not None
        assert panel.image.shape[:2] == panel.prediction.image_size
        assert panel.source == "a.jpg"

    panel.observe(hear, ["image", "prediction"])
    panel.segment(make_jpeg(30, 20), "a.jpg")
    panel.wait(20)
    assert sorted(heard) == ["image", "prediction"]


def test_busy_status_and_error_are_mirrored(panel: SegmentationPanel) -> None:
    panel.predictor.delay_s = 0.2
    panel.image = make_picture(20, 20)
    assert panel.busy
    assert panel.canvas.busy
    assert panel.canvas.status == panel.status != ""
    panel.wait(20)
    assert not panel.busy
    assert not panel.canvas.busy
    panel.segment(b"not an image", "letter.jpg")
    with pytest.raises(ImageFormatError):
        panel.wait(20)
    assert panel.error == panel.canvas.error
    assert "letter.jpg" in panel.error
    assert panel.image.shape == (20, 20, 3)
    panel.canvas.set_state({"error": ""})
    assert panel.error == ""


@pytest.mark.parametrize("name", ["threshold", "hidden_classes", "hidden_instances", "selected"])
def test_state_goes_both_ways(panel: SegmentationPanel, name: str) -> None:
    panel.image = make_picture(40, 30)
    panel.wait(20)
    values: dict[str, tuple[Any, Any, Any]] = {
        "threshold": (0.25, 0.75, 0.125),
        "hidden_classes": (("person",), ("animal", "food"), ()),
    }
    first, second, third = values.get(name, ((1,), (2, 3), ()))
    setattr(panel, name, first)
    assert getattr(panel.canvas, name) == getattr(panel, name) == first
    panel.canvas.set_state({name: second if name == "threshold" else list(second)})
    assert getattr(panel, name) == getattr(panel, name) == second
    setattr(panel, name, third)
    assert getattr(panel, name) == getattr(panel.canvas, name) == third


def test_the_slider_follows_python_but_is_not_sent_what_the_browser_has_set(
    panel: SegmentationPanel,
) -> None:
    panel.threshold = 0.2
    assert panel.slider.value == 0.2
    panel.canvas.set_state({"threshold": 0.7})
    assert panel.threshold == 0.7
    assert (
        panel.slider.value == 0.2
    )  # the browser's own link moves the slider, and its word comes by itself


@pytest.mark.parametrize("value", [float("nan"), -1, 2, "high"])
def test_a_bad_threshold_is_refused(panel: SegmentationPanel, value: Any) -> None:
    with pytest.raises(SettingError):
        panel.threshold = value
    assert panel.threshold == panel.canvas.threshold == 0.5


def test_a_class_that_is_not_there_is_refused_and_changes_nothing(panel: SegmentationPanel) -> None:
    panel.image = make_picture(40, 30)
    panel.wait(20)
    with pytest.raises(SettingError, match="Did you mean 'person'"):
        panel.hidden_classes = ["persn"]
    assert panel.hidden_classes == panel.canvas.hidden_classes == ()


def test_the_browser_may_speak_of_the_image_before(panel: SegmentationPanel) -> None:
    panel.image = make_picture(40, 30)
    panel.wait(20)
    panel.use(StubPredictor(2))
    panel.wait(20)
    panel.canvas.set_state({"selected": [11]})
    assert panel.selected == panel.canvas.selected == ()


def test_what_python_sets_first_holds_for_the_first_image() -> None:
    panel = SegmentationPanel(StubPredictor(), samples={}, threshold=0.9, hidden_classes=["animal"])
    panel.image = make_picture(40, 30)
    panel.wait(20)
    assert panel.canvas.threshold == panel.slider.value == 0.9
    assert panel.shown is not None
    assert panel.shown.counts() == {"person": 1}
    panel.close()


@pytest.mark.parametrize(
    ("keyword", "fix"),
    [
        ("treshold", "'threshold'"),
        ("sample", "'samples'"),
        ("colour", "It takes predictor, build"),
        ("model", "'predictor'"),
    ],
)
def test_an_unknown_keyword_is_refused_with_the_likely_fix(keyword: str, fix: str) -> None:
    with pytest.raises(SettingError, match=f"no setting '{keyword}'. .*{fix}"):
        SegmentationPanel(StubPredictor(), **{keyword: 1})  # type: ignore[arg-type]


def test_every_keyword_is_known_to_the_fix() -> None:
    parameters = inspect.signature(SegmentationPanel).parameters
    keywords = [name for name in parameters if name != "unknown"]
    assert len(keywords) == 20
    with pytest.raises(SettingError, match=f"It takes {', '.join(keywords)}\\."):
        SegmentationPanel(StubPredictor(), zzz=1)


def test_public_traits_have_a_docstring_right_under_them() -> None:
    tree = ast.parse(inspect.getsource(SegmentationState)).body[0]
    assert isinstance(tree, ast.ClassDef)
    documented = {
        name.id
        for line, below in zip(tree.body, tree.body[1:], strict=False)
        for name in (getattr(line, "target", None), *getattr(line, "targets", ()))
        if isinstance(name, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }
    assert documented == set(SegmentationState.class_traits())


def test_panel_and_widget_share_no_name_but_close() -> None:
    """The panel is a session and a VBox: neither may replace a part of the other by accident."""
    session, box = SegmentationSession(StubPredictor()), ipywidgets.VBox()
    base = set(dir(traitlets.HasTraits()))
    own = {*dir(SegmentationSession), *vars(session)} - base
    assert own & ({*dir(ipywidgets.VBox), *vars(box)} - base) == {"close"}
    session.close()
    box.close()


def test_a_panel_is_documented_where_a_person_looks() -> None:
    documented = inspect.getdoc(SegmentationPanel) or ""
    for name in inspect.signature(SegmentationPanel).parameters:
        assert name == "unknown" or f"    {name}: " in documented, name
    for method in ("segment", "segment_all", "clear", "use", "wait", "show", "forget", "cancel"):
        assert inspect.getdoc(getattr(SegmentationPanel, method)), method


def test_a_step_of_the_slider_validates_once_for_each_object_that_has_the_threshold(
    panel: SegmentationPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.image = make_picture(40, 30)
    panel.wait(20)
    validated: list[str] = []
    validate = Threshold.validate

    def count(self: Threshold, obj: Any, value: object) -> float:
        validated.append(type(obj).__name__)
        return validate(self, obj, value)

    monkeypatch.setattr(Threshold, "validate", count)
    # The browser moves the slider, links the canvas to it, and sends both.
    panel.slider.set_state({"value": 0.51})
    panel.canvas.set_state({"threshold": 0.51})
    assert panel.threshold == 0.51
    assert validated == ["SegmentationCanvas", "SegmentationPanel"]
    validated.clear()
    panel.threshold = 0.25
    assert panel.canvas.threshold == panel.slider.value == 0.25
    assert validated == ["SegmentationPanel", "SegmentationCanvas"]


def test_two_images_with_the_same_answer_are_both_shown() -> None:
    answer = Prediction.empty((20, 30))
    panel = SegmentationPanel(lambda image: answer, samples={})
    contents = []
    for name, grey in (("dark.png", 10), ("light.png", 200)):
        panel.segment(np.full((20, 30, 3), grey, np.uint8), name)
        panel.wait(20)
        assert panel.source == name
        assert (panel.image == grey).all()
        assert f"'{name}'" in repr(panel.canvas)
        contents.append(panel.canvas.content)
    assert contents[0] != contents[1]
    assert b"light.png" in contents[1]
    assert [name for name, _ in film(panel)] == ["dark.png", "light.png"]
    panel.close()


def test_an_observer_of_what_the_browser_sets_may_request_while_results_come(
    panel: SegmentationPanel,
) -> None:
    """Threads that wait for each other would never end."""
    panel.observe(lambda change: panel.segment(make_picture(20, 20)), "threshold")
    for step in range(60):
        panel.canvas.set_state({"threshold": step / 100})
        if step % 10 == 0:
            panel.wait(20)
    assert panel.wait(20) is not None
    assert panel.threshold == panel.canvas.threshold == 0.59


def test_traits_can_be_linked(panel: SegmentationPanel) -> None:
    other = SegmentationPanel(StubPredictor(), samples={})
    link = traitlets.link((panel, "threshold"), (other, "threshold"))
    other.threshold = 0.1
    assert panel.threshold == panel.canvas.threshold == 0.1
    link.unlink()
    other.close()


# ── what the person does ──────────────────────────────────────────────────────────────────────────


def test_an_upload_is_segmented_and_the_same_file_works_twice(panel: SegmentationPanel) -> None:
    content = make_jpeg(60, 40)
    for _ in range(2):
        upload(panel, "photo.jpg", content)
        assert panel.busy
        panel.wait(20)
        assert repr(panel) == (
            "SegmentationPanel(image='photo.jpg' 60×40, 7 of 12 instances shown at threshold 0.50)"
        )
        assert not panel.upload.value
    assert panel.predictor.calls == 2


@pytest.mark.parametrize("content", [b"", b"a letter", b"<!doctype html>", make_jpeg()[:200]])
def test_a_bad_upload_is_told_and_keeps_the_result(
    panel: SegmentationPanel, content: bytes
) -> None:
    upload(panel, "good.jpg", make_jpeg(60, 40))
    before = panel.wait(20)
    upload(panel, "bad.jpg", content)
    with pytest.raises(Exception, match=r"bad\.jpg"):
        panel.wait(20)
    assert "bad.jpg" in panel.canvas.error
    assert panel.prediction is before
    assert panel.source == "good.jpg"


@pytest.mark.parametrize(
    "address", ["/etc/passwd", "photo.jpg", "file:///etc/passwd", "notebooks/images"]
)
def test_the_address_line_opens_no_file(panel: SegmentationPanel, address: str) -> None:
    panel.url.value = address
    with pytest.raises(UrlError):
        panel.wait(20)


def test_the_button_without_an_address_says_so(panel: SegmentationPanel) -> None:
    panel.go.click()
    assert "no address yet" in panel.canvas.error


def test_enter_and_button_ask_once_and_enter_after_a_failure_asks_again(
    panel: SegmentationPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(panel, "segment_url", asked.append)
    panel.url.value = "https://example.org/a.jpg"
    panel.go.click()
    assert asked == ["https://example.org/a.jpg"]
    monkeypatch.setattr(
        "seg_widgets.widgets.address_field.time.monotonic", lambda: float(next(clock)) + 1e9
    )
    panel.url._handle_custom_msg({"event": "submit"}, [])
    assert len(asked) == 1
    panel.error = "No such host."
    panel.url._handle_custom_msg({"event": "submit"}, [])
    assert len(asked) == 2
    panel.go.click()
    assert len(asked) == 3


def test_a_sample_is_opened_by_name(tmp_path: Path) -> None:
    path = tmp_path / "harbour.jpg"
    path.write_bytes(make_jpeg(50, 40))
    panel = SegmentationPanel(StubPredictor(), samples=[path])
    assert [label for label, _ in panel.picker.options] == ["Samples", "harbour"]
    panel.picker.value = "harbour"
    panel.wait(20)
    assert panel.source == "harbour.jpg"
    upload(panel, "other.jpg", make_jpeg(30, 30))
    panel.wait(20)
    assert panel.picker.value == ""
    assert panel.source == "other.jpg"
    panel.close()
    named = SegmentationPanel(StubPredictor(), samples={"grey": make_picture(20, 10)})
    named.picker.value = "grey"
    named.wait(20)
    assert named.source == "grey"
    named.close()
    with pytest.raises(SettingError, match="not one path"):
        SegmentationPanel(StubPredictor(), samples="a.jpg")


def test_without_samples_there_is_no_picker(panel: SegmentationPanel) -> None:
    assert panel.picker not in panel.children[0].children


# ── the model line ────────────────────────────────────────────────────────────────────────────────


def test_the_model_line_is_honest() -> None:
    class Described(StubPredictor):
        description = "starter (small, 16 groups) <b>"
        device = "cpu"

    go = threading.Event()

    def build() -> StubPredictor:
        assert go.wait(20)
        return Described()

    panel = SegmentationPanel(build=build, samples={}, models={})
    assert "loading" in panel.model_line.value
    go.set()
    panel.wait(20)
    assert "starter (small, 16 groups) &lt;b&gt;</b> on cpu" in panel.model_line.value
    panel.use(StubPredictor())
    # Two models to choose from now: the picker has the names.
    assert panel.model_picker.value == "StubPredictor"
    assert offered(panel) == ["own model", "StubPredictor"]
    panel.close()


def test_a_model_that_fails_is_shown() -> None:
    panel = SegmentationPanel("no such model", samples={})
    with pytest.raises(Exception, match="no such model"):
        panel.wait(60)
    assert "none" in panel.model_line.value
    assert "no such model" in panel.canvas.error
    panel.close()


# ── taking it away, and ending ────────────────────────────────────────────────────────────────────


def test_what_is_shown_can_be_saved(panel: SegmentationPanel) -> None:
    sent: list[Any] = []
    panel.canvas.send = lambda content, buffers=None: sent.append((content.get("file"), buffers))
    upload(panel, "photo.jpg", make_jpeg(60, 40))
    panel.wait(20)
    panel.hidden_classes = ["person"]
    for kind in panel.canvas.exports:
        panel.canvas._handle_custom_msg({"action": "export", "format": kind}, [])
    files = {name: buffers[0] for name, buffers in sent if name}
    kinds = [
        "photo-overlay.png",
        "photo-cutouts.zip",
        "photo-coco.json",
        "photo.csv",
        "photo.html",
        "photo.py",
    ]
    assert set(files) >= set(kinds)
    assert len(files) == len(panel.canvas.exports)
    assert '"hidden_classes": ["person"]' in files["photo.html"].decode()
    assert "<title>photo.jpg</title>" in files["photo.html"].decode()
    with zipfile.ZipFile(io.BytesIO(files["photo-cutouts.zip"])) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "photo-cutout-001-animal.png"
        assert len(archive.namelist()) == 5
    assert "hidden_classes=['person']" in files["photo.py"].decode()
    assert files["photo.csv"].decode().splitlines()[1].startswith("photo.jpg,1,60,40,1,1,animal,")
    picture = cv2.imdecode(np.frombuffer(files["photo-overlay.png"], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (40, 60, 3)
    assert len(json.loads(files["photo-coco.json"])["annotations"]) == 5
    assert len(files["photo.csv"].decode().splitlines()) == 6


def exported(panel: SegmentationPanel, kind: str) -> tuple[str, bytes]:
    """The name and the bytes of the file that the browser gets."""
    sent: list[Any] = []
    panel.canvas.send = lambda content, buffers=None: sent.append((content, buffers))
    panel.canvas._handle_custom_msg({"action": "export", "format": kind, "id": 1}, [])
    content, buffers = sent[-1]
    return content.get("file", ""), buffers[0] if buffers else b""


@pytest.mark.parametrize("name", ["photo.jpg", "a:b?.jpg", "..."])
def test_coco_from_the_panel_is_what_save_writes(
    panel: SegmentationPanel, tmp_path: Path, name: str
) -> None:
    panel.segment(make_picture(60, 40), name)
    panel.wait(20)
    panel.hidden_classes = ["person"]
    file, content = exported(panel, "coco")
    assert panel.prediction is not None and panel.image is not None
    paths = save(
        panel.prediction,
        panel.image,
        tmp_path,
        Path(name).stem,
        formats=["coco"],
        file_name=name,
        filter=panel.filter,
    )
    assert isinstance(paths["coco"], Path)
    assert paths["coco"].name == file
    assert paths["coco"].read_bytes() == content


def test_an_export_that_there_is_not_is_refused(panel: SegmentationPanel) -> None:
    panel.image = make_picture(20, 20)
    panel.wait(20)
    assert exported(panel, "pdf") == ("", b"")
    assert "no format 'pdf'" in panel.error


def test_saving_without_an_image_is_told(panel: SegmentationPanel) -> None:
    panel.canvas._handle_custom_msg({"action": "export", "format": "png"}, [])
    assert panel.error == "There is no image to save yet."


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "seg_widgets worker"}


def test_closing_ends_the_worker_and_all_widgets() -> None:
    made: list[Any] = []
    others = workers()
    ipywidgets.Widget.on_widget_constructed(made.append)
    try:
        panel = SegmentationPanel(StubPredictor(), samples={})
    finally:
        ipywidgets.Widget.on_widget_constructed(None)
    panel.image = make_picture(20, 20)
    panel.wait(20)
    [thread] = workers() - others
    panel.close()
    panel.close()
    thread.join(10)
    assert not thread.is_alive()
    assert {panel, panel.canvas, panel.filmstrip, panel.slider, panel.url} <= set(made)
    for widget in made:
        assert widget.comm is None, widget


def test_two_panels_are_independent(panel: SegmentationPanel) -> None:
    other = SegmentationPanel(StubPredictor(3), samples={})
    panel.threshold = 0.9
    other.image = make_picture(20, 20)
    other.wait(20)
    assert other.threshold == 0.5
    assert panel.image is None
    other.close()


def test_the_repr_holds_no_address_and_the_display_is_a_widget(panel: SegmentationPanel) -> None:
    assert repr(panel) == "SegmentationPanel(no image yet, threshold 0.50)"
    if not IPYWIDGETS_7:
        bundle = panel._repr_mimebundle_()
        assert bundle["text/plain"] == repr(panel)
        assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_worker_never_waits_for_the_kernels_thread(panel: SegmentationPanel) -> None:
    """The result is on the canvas although this thread does nothing but look."""
    drawn = threading.Event()
    panel.canvas.observe(lambda change: drawn.set(), "content")
    panel.image = make_picture(20, 20)
    assert drawn.wait(20)


# ── several images ────────────────────────────────────────────────────────────────────────────────


def upload_all(panel: SegmentationPanel, files: dict[str, bytes]) -> None:
    """What the browser sends when a person has chosen several files."""
    if IPYWIDGETS_7:
        metadata = [
            {"name": name, "type": "", "size": len(data), "lastModified": 0}
            for name, data in files.items()
        ]
        data = [memoryview(data) for data in files.values()]
        panel.upload.set_state(
            {"metadata": metadata, "data": data, "error": "", "_counter": len(files)}
        )
    else:
        value = [
            {
                "name": name,
                "type": "",
                "size": len(data),
                "last_modified": 0,
                "content": memoryview(data),
            }
            for name, data in files.items()
        ]
        panel.upload.set_state({"value": value})


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def film(panel: SegmentationPanel) -> list[tuple[str, str]]:
    return [(item["name"], item["state"]) for item in panel.filmstrip.items]


def test_several_uploads_become_a_filmstrip(panel: SegmentationPanel) -> None:
    upload_all(
        panel,
        {"a.jpg": make_jpeg(60, 40), "b.txt": b"a letter", "c.jpg": make_jpeg(50, 40, seed=1)},
    )
    with pytest.raises(ImageFormatError, match=r"b\.txt"):
        panel.wait(20)
    assert not panel.upload.value
    assert film(panel) == [("a.jpg", "done"), ("b.txt", "failed"), ("c.jpg", "done")]
    assert panel.source == "a.jpg"
    assert panel.filmstrip.current == 1
    assert "b.txt" in panel.filmstrip.items[1]["error"]
    assert panel.filmstrip.items[0]["note"] == "7 instances"
    wait_until(lambda: "3" in panel.filmstrip.thumbs)
    thumb = cv2.imdecode(np.frombuffer(panel.filmstrip.thumbs["3"], np.uint8), cv2.IMREAD_COLOR)
    assert thumb is not None
    assert thumb.shape == (40, 50, 3)
    panel.filmstrip._handle_custom_msg({"action": "show", "number": 3}, [])
    assert panel.source == "c.jpg"
    assert panel.filmstrip.current == 3
    assert panel.error == panel.canvas.error == ""
    panel.filmstrip._handle_custom_msg({"action": "show", "number": 2}, [])
    assert "b.txt" in panel.canvas.error
    assert panel.source == "c.jpg"
    panel.filmstrip._handle_custom_msg({"action": "forget", "number": 1}, [])
    panel.filmstrip._handle_custom_msg({"action": "show", "number": 1}, [])  # gone meanwhile
    assert [name for name, _ in film(panel)] == ["b.txt", "c.jpg"]
    panel.clearer.click()
    assert panel.filmstrip.items == []
    assert panel.filmstrip.thumbs == {}
    assert panel.image is None
    assert panel.predictor.calls == 2


def test_dropped_images_and_addresses_are_opened(panel: SegmentationPanel) -> None:
    panel.canvas._handle_custom_msg(
        {"action": "open", "names": ["a.jpg"], "id": 1}, [make_jpeg(60, 40)]
    )
    panel.wait(20)
    assert panel.source == "a.jpg"
    pictures = [make_jpeg(60, 40), make_jpeg(60, 40, seed=2)]
    panel.canvas._handle_custom_msg(
        {"action": "open", "names": ["b.jpg", "c.jpg"], "id": 2}, pictures
    )
    panel.wait(20)
    assert [name for name, _ in film(panel)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert panel.source == "b.jpg"
    panel.canvas._handle_custom_msg(
        {"action": "address", "address": "file:///etc/passwd", "id": 3}, []
    )
    with pytest.raises(UrlError):
        panel.wait(20)


def test_the_canvas_can_cancel(panel: SegmentationPanel) -> None:
    panel.predictor.delay_s = 0.3
    panel.segment_all([make_picture(20, 20), make_picture(30, 20)])
    panel.canvas._handle_custom_msg({"action": "cancel", "id": 1}, [])
    assert not panel.busy
    assert panel.wait(20) is None
    assert panel.filmstrip.items == []


def test_python_shows_and_forgets_too(panel: SegmentationPanel) -> None:
    panel.segment_all([make_picture(20, 20), make_picture(30, 20)])
    panel.wait(20)
    assert [entry.state for entry in panel.history] == ["done", "done"]
    panel.show(2)
    assert panel.current == 2
    assert panel.image.shape == (20, 30, 3)
    panel.forget(2)
    assert panel.current is None
    assert panel.image.shape == (20, 30, 3)
    with pytest.raises(SettingError, match="no image number 2"):
        panel.show(2)
    panel.clearer.click()
    assert panel.history == ()


# ── what it is made of ────────────────────────────────────────────────────────────────────────────


def offered(panel: SegmentationPanel) -> list[str]:
    """The models that the picker offers, by name."""
    return [name for _, name in panel.model_picker.options]


def on_screen(panel: SegmentationPanel) -> set[Any]:
    return {widget for box in panel.children for widget in getattr(box, "children", (box,))}


def test_all_controls_are_there_unless_some_are_named() -> None:
    whole = SegmentationPanel(StubPredictor(), models={"other": StubPredictor})
    assert {
        whole.upload,
        whole.url,
        whole.go,
        whole.picker,
        whole.slider,
        whole.model_picker,
    } <= on_screen(whole)
    assert {whole.canvas, whole.filmstrip, whole.clearer} <= on_screen(whole)
    # There is nothing to cancel without an image.
    actions = [list(whole.canvas.actions)]
    whole.canvas.observe(lambda change: actions.append(list(change.new)), "actions")
    whole.segment(make_picture(40, 30))
    whole.wait(20)
    assert actions == [["open", "camera"], ["open", "camera", "cancel"], ["open", "camera"]]
    assert whole.canvas.upload is whole.upload
    whole.close()
    small = SegmentationPanel(StubPredictor(), controls=["threshold", "legend"])
    hidden = {small.undo_button, small.notes_line}
    assert on_screen(small) - hidden == {small.slider, small.clearer, small.canvas}
    assert {part.layout.display for part in hidden} == {"none"}
    assert small.canvas.actions == ()
    assert small.canvas.exports == ()
    assert small.canvas.legend
    assert not small.canvas.table
    assert small.canvas.upload is None
    small.image = make_picture(20, 20)
    assert small.wait(20) is not None
    small.close()


@pytest.mark.parametrize(
    ("controls", "fix"),
    [
        (["thresold"], "Did you mean 'threshold'"),
        (["zzz"], "There are upload"),
        ("upload", r"\['upload'\]"),
    ],
)
def test_an_unknown_control_is_refused(controls: Any, fix: str) -> None:
    with pytest.raises(SettingError, match=fix):
        SegmentationPanel(StubPredictor(), controls=controls)


def test_the_picker_changes_the_model() -> None:
    class Named(StubPredictor):
        name = "mine"
        device = "cpu"

    built: list[int] = []

    def build() -> StubPredictor:
        built.append(1)
        return StubPredictor(3)

    panel = SegmentationPanel(
        Named(), samples={}, models={"three": build, "five": StubPredictor(5)}
    )
    assert offered(panel) == ["mine", "three", "five"]
    assert panel.model_picker.value == "mine"
    assert "on cpu" in panel.model_line.value
    panel.image = make_picture(40, 30)
    assert len(panel.wait(20) or ()) == 12
    panel.model_picker.value = "three"
    assert len(panel.wait(20) or ()) == 3
    panel.model_picker.value = "five"
    assert len(panel.wait(20) or ()) == 5
    panel.use(Named(4))
    assert panel.model_picker.value == "mine"
    assert len(panel.wait(20) or ()) == 4
    assert built == [1]
    assert [entry.model for entry in panel.history] == [
        "mine",
        "StubPredictor",
        "StubPredictor",
        "mine",
    ]
    assert [item["note"] for item in panel.filmstrip.items] == [
        "7 instances",
        "2 instances",
        "3 instances",
        "2 instances",
    ]
    assert [item["model"] for item in panel.filmstrip.items][:2] == ["mine", "StubPredictor"]
    panel.close()


def test_class_thresholds_go_both_ways(panel: SegmentationPanel) -> None:
    panel.class_thresholds = {"person": 0.9}
    assert panel.canvas.class_thresholds == {"person": 0.9}
    panel.image = make_picture(40, 30)
    panel.wait(20)
    assert len(panel.shown or ()) == 6
    panel.canvas.set_state({"class_thresholds": {"person": 0.0}})
    assert panel.class_thresholds == {"person": 0.0}
    assert len(panel.shown or ()) == 8
    with pytest.raises(SettingError, match="Did you mean 'person'"):
        panel.class_thresholds = {"persn": 0.5}
    assert panel.class_thresholds == {"person": 0.0}


def test_a_saved_image_has_the_colours_of_the_canvas(panel: SegmentationPanel) -> None:
    from seg_widgets.drawing import overlay
    from seg_widgets.style import Style

    panel.image = make_picture(60, 40)
    panel.wait(20)
    panel.canvas.set_state({"color_by": "instance", "show": ["masks"], "opacity": 1.0})
    panel.hidden_instances = [0]
    sent: list[Any] = []
    panel.canvas.send = lambda content, buffers=None: sent.append(buffers)
    panel.canvas._handle_custom_msg({"action": "export", "format": "png", "id": 1}, [])
    picture = cv2.imdecode(np.frombuffer(sent[-1][0], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    style = Style(color_by="instance", opacity=1, outlines=False, labels=False, scores=False)
    assert panel.prediction is not None
    expected = overlay(panel.image, panel.prediction, style, only=range(1, 7))
    assert (picture[..., ::-1] == expected).all()


def test_closing_frees_everything() -> None:
    panel = SegmentationPanel(StubPredictor(), samples={})
    panel.segment_all([make_picture(20, 20), make_picture(30, 20)])
    panel.wait(20)
    kept = [weakref.ref(part) for part in (panel, panel.canvas, panel.filmstrip, panel.prediction)]
    pictures = [weakref.ref(entry.image) for entry in panel.history]
    panel.close(10)
    del panel
    gc.collect()
    assert [reference() for reference in (*kept, *pictures)] == [None] * 6


def test_a_panel_that_failed_halfway_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("no filmstrip today")

    monkeypatch.setattr("seg_widgets.widgets.panel.Filmstrip", fail)
    with pytest.raises(RuntimeError, match="no filmstrip") as caught:
        SegmentationPanel(StubPredictor(), samples={})
    [half] = {
        frame.f_locals["self"]
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        if isinstance(frame.f_locals.get("self"), SegmentationPanel)
    }
    assert not half.closed
    half.close()
    assert half.closed


def test_clear_offers_undo(panel: SegmentationPanel) -> None:
    assert panel.undo_button.layout.display == "none"
    panel.segment_all([make_picture(40, 30), make_picture(50, 30)])
    panel.wait(20)
    panel.clearer.click()
    assert panel.image is None
    assert panel.filmstrip.items == []
    assert panel.undo_button.layout.display is None
    panel.undo_button.click()
    assert panel.undo_button.layout.display == "none"
    assert panel.shown is not None and panel.shown.image_size == (30, 40)
    assert panel.canvas.content
    assert film(panel) == [("", "done"), ("", "done")]
    wait_until(lambda: len(panel.filmstrip.thumbs) == 2)


def test_the_strip_counts_what_the_canvas_shows(panel: SegmentationPanel) -> None:
    panel.segment_all([make_picture(40, 30), make_picture(50, 30)])
    panel.wait(20)

    def notes() -> list[int]:
        return [int(item["note"].split()[0]) for item in panel.filmstrip.items]

    assert notes() == [7, 7]
    panel.canvas.set_state({"threshold": 0.9})
    assert notes() == [len(panel.shown_indices), 2] == [2, 2]
    panel.threshold = 0
    panel.hidden_classes = ["person"]
    panel.hidden_instances = [1]
    assert notes() == [len(panel.shown_indices), 9] == [8, 9]
    panel.show(2)
    assert notes() == [9, 9]
    assert len(panel.shown_indices) == 9


def test_notes_are_shown_below_the_controls_and_not_as_an_error() -> None:
    class Limited(StubPredictor):
        def __call__(self, image: Any, /) -> Prediction:
            note = "The limit of 12 <instances> was reached."
            return dataclasses.replace(super().__call__(image), notes=(note,))

    panel = SegmentationPanel(Limited(), samples={})
    assert panel.notes_line.layout.display == "none"
    panel.image = make_picture(40, 30)
    panel.wait(20)
    assert list(panel.notes) == ["The limit of 12 <instances> was reached."]
    assert "The limit of 12 &lt;instances&gt; was reached." in panel.notes_line.value
    assert panel.notes_line.layout.display is None
    assert panel.error == panel.canvas.error == ""
    panel.clear()
    assert panel.notes_line.layout.display == "none"
    assert panel.notes_line.value == ""
    panel.close()


def test_a_limit_is_noted_from_the_threshold_on_at_which_it_may_have_cut_something() -> None:
    note = reached_note(12)

    class Limited(StubPredictor):
        def __call__(self, image: Any, /) -> Prediction:
            return dataclasses.replace(super().__call__(image), notes=(note,))

    panel = SegmentationPanel(Limited(), samples={})
    panel.image = make_picture(40, 30)
    panel.wait(20)
    assert panel.prediction is not None
    lowest = float(panel.prediction.scores.min())
    for threshold, is_noted in ((lowest + 0.01, False), (lowest - 0.01, True), (0.99, False)):
        panel.threshold = threshold
        assert (panel.notes_line.value != "") == is_noted
        assert list(panel.notes) == [note]
    panel.class_thresholds = {panel.prediction.class_names[0]: 0.0}
    assert panel.notes_line.value
    panel.close()


def test_the_address_line_completes_an_address(panel: SegmentationPanel) -> None:
    # Nothing is opened: this machine is refused before.
    panel.url.set_state({"value": "127.0.0.1/cat.jpg"})
    with pytest.raises(UrlError, match="may not be opened"):
        panel.wait(20)
    panel.url.set_state({"value": "C:\\cats\\cat.jpg"})
    with pytest.raises(UrlError, match="is not the address of an image"):
        panel.wait(20)


def test_an_index_names_one_instance_in_table_files_and_python(panel: SegmentationPanel) -> None:
    panel.segment(make_picture(120, 90), "photo.jpg")
    panel.wait(20)
    panel.hidden_classes = ["person"]
    shown = panel.shown_indices
    assert shown == (1, 2, 3, 5, 6)
    assert panel.prediction is not None

    _, table = exported(panel, "csv")
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert tuple(int(row["instance"]) for row in rows) == shown
    for row in rows:
        instance = panel.prediction[int(row["instance"])]
        assert row["class_name"] == instance.class_name
        assert float(row["score"]) == pytest.approx(instance.score, abs=1e-3)

    _, archive = exported(panel, "cutouts")
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    cutouts = [name for name in names if name.endswith(".png")]
    assert [int(name.split("-")[-2]) for name in cutouts] == list(shown)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"models": ["starter"]}, "models is a dict of predictors"),
        ({"max_pixels": -1}, "max_pixels is a whole number of 1 or more, not -1"),
        ({"max_pixels": True}, "max_pixels is a whole number"),
        ({"threshold": True}, "A threshold is a number from 0 to 1, not True"),
        ({"predictor": ""}, "A model's name can't be empty"),
        ({"page": -1}, "page is the index of a page"),
    ],
)
def test_a_setting_that_can_not_be_is_refused_with_the_fix(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        SegmentationPanel(**{"predictor": StubPredictor(1), **settings})


def test_a_model_is_built_once_the_panel_is_made() -> None:
    """PyTorch's import would slow down every other thread, and so the panel's first appearance."""
    made: list[bool] = []

    def build() -> StubPredictor:
        made.append(bool(panels[0].children) if panels else False)
        return StubPredictor()

    class Watched(SegmentationPanel):
        def _make_parts(self) -> None:
            panels.append(self)
            super()._make_parts()
            assert not made

    panels: list[SegmentationPanel] = []
    with closing(Watched(build=build)) as panel:
        panel.wait(20)
        assert made == [True]
        assert panel.predictor is not None


class _InSteps:
    """A predictor that goes on after its first step when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.stub = StubPredictor(12)

    def __call__(self, image: Any, /) -> Prediction:
        return self.stub(image)

    def predict_in_steps(self, image: Any, /, *, shown: Any, on_first: Any) -> Prediction:
        whole = self.stub(image)
        assert whole.masks is not None
        masks = {int(index): whole.masks[index] for index in np.flatnonzero(shown.keep(whole))}
        on_first(PartialPrediction(dataclasses.replace(whole, masks=None), masks))
        assert self.go.wait(20)
        return whole


def test_what_is_shown_is_on_the_canvas_before_the_result() -> None:
    predictor = _InSteps()
    predictor.go.set()
    with closing(SegmentationPanel(predictor, samples={})) as panel:
        panel.segment(make_picture(64, 48), name="first.jpg")
        panel.wait(20)
        panel.selected = (1,)
        first = panel.canvas.content
        predictor.go.clear()

        # A person chooses in what is there so far; the panel's own state is about the last result.
        panel.segment(make_picture(80, 60), name="second.jpg")
        wait_until(lambda: panel.canvas.is_partial)
        assert panel.canvas.content != first
        assert panel.canvas.status == "Drawing the fainter instances of second.jpg"
        assert list(panel.canvas.selected) == []
        panel.canvas.set_state({"selected": [2], "hidden_instances": [0], "threshold": 0.3})
        assert (panel.source, panel.selected, panel.threshold) == ("first.jpg", (1,), 0.3)
        panel.canvas._handle_custom_msg({"action": "export", "format": "png"}, [])
        assert "still being drawn" in panel.canvas.error
        predictor.go.set()
        panel.wait(20)
        assert (panel.source, panel.selected, panel.hidden_instances) == ("second.jpg", (2,), (0,))
        assert (panel.canvas.selected, panel.canvas.hidden_instances) == ((2,), (0,))
        assert not panel.canvas.is_partial
        second = panel.canvas.content

        # Without a result, the last one comes back with what is chosen in it.
        predictor.go.clear()
        panel.segment(make_picture(40, 30), name="third.jpg")
        wait_until(lambda: panel.canvas.is_partial)
        panel.cancel()
        predictor.go.set()
        assert panel.canvas.content == second
        assert (panel.canvas.selected, panel.canvas.hidden_instances) == ((2,), (0,))


def test_another_speed_is_another_look_at_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model(StubPredictor):
        name = "starter"
        device = "cpu"

        def __init__(self, speed: str) -> None:
            super().__init__({"exact": 9, "balanced": 7, "fast": 5}[speed])
            self.speed = speed

    monkeypatch.setattr(
        "seg_widgets.modeling.load_predictor", lambda name, device, speed: Model(speed)
    )
    with closing(SegmentationPanel(samples={}, speed="balanced")) as panel:
        assert (panel.speed, panel.model_picker.value) == ("balanced", "starter · balanced")
        panel.segment(make_picture(64, 48), name="a.png")
        assert len(panel.wait(20) or ()) == 7
        assert "load_predictor('starter', speed='balanced')" in _copied(panel)
        panel.model_picker.value = "starter · fast"
        assert len(panel.wait(20) or ()) == 5
        assert panel.speed == "fast"
        panel.use("starter")
        assert len(panel.wait(20) or ()) == 9
        assert (panel.speed, panel.model_picker.value) == ("exact", "starter")
        assert "load_predictor('starter')" in _copied(panel)
        models = ["starter, balanced", "starter, fast", "starter"]
        assert [entry.model for entry in panel.history] == models
        assert [item["model"] for item in panel.filmstrip.items] == models
        with pytest.raises(SettingError, match=r"load_predictor\(…, speed='fast'\)"):
            panel.use(StubPredictor(), speed="fast")
        assert panel.model_picker.value == "starter"
        with pytest.raises(SettingError, match="'exact' or 'balanced' or 'fast'"):
            panel.use("starter", speed="faster")
        assert panel.model_picker.value == "starter"


def _copied(panel: SegmentationPanel) -> str:
    file = panel._export("python")
    assert not isinstance(file, Future)
    return file[2].decode()
