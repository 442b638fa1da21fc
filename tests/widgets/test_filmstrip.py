"""The filmstrip's Python side: what it sends, and whom it asks."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from seg_widgets.errors import ImageNotFoundError
from seg_widgets.prediction import NO_TIDY, Filter, Prediction, Tidy
from seg_widgets.session.history import HistoryEntry
from seg_widgets.session.pixels import PixelFolder, Pixels
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.widgets.filmstrip import THUMB_HEIGHT, THUMB_WIDTH, Filmstrip

IMAGE = make_picture(320, 200)
FOUND = StubPredictor(5)(IMAGE)


def entry(number: int, **parts: Any) -> HistoryEntry:
    return HistoryEntry(number=number, source=f"{number}.jpg", origin="upload", **parts)


def done(number: int) -> HistoryEntry:
    return entry(number, state="done", image=IMAGE, prediction=FOUND)


@pytest.fixture
def strip() -> Iterator[Filmstrip]:
    strip = Filmstrip()
    yield strip
    strip.close()


def test_each_entry_says_its_state_and_the_done_ones_have_an_image(strip: Filmstrip) -> None:
    failed = entry(3, state="failed", error="3.jpg is no image.")
    strip.set_entries([done(1), entry(2, state="waiting"), failed], 1, 0.5)
    shown = len(FOUND.filter(0.5))
    assert strip.items == [
        {"number": 1, "name": "1.jpg", "state": "done", "note": f"{shown} instances", "error": ""},
        {"number": 2, "name": "2.jpg", "state": "waiting", "note": "", "error": ""},
        {
            "number": 3,
            "name": "3.jpg",
            "state": "failed",
            "note": "",
            "error": "3.jpg is no image.",
        },
    ]
    assert strip.current == 1
    wait_until(lambda: list(strip.thumbs) == ["1"])
    decoded = cv2.imdecode(np.frombuffer(strip.thumbs["1"], np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[0] <= THUMB_HEIGHT and decoded.shape[1] <= THUMB_WIDTH
    assert decoded.shape[:2] == (70, 112), "as large as fits, in the image's proportions"
    bare = cv2.resize(IMAGE, (112, 70), interpolation=cv2.INTER_AREA).astype(int)
    assert (np.abs(bare - decoded[..., ::-1]).max(axis=2) > 40).sum() > 200, "the masks are on it"


def test_a_small_image_is_made_once(strip: Filmstrip) -> None:
    strip.set_entries([done(1)], 1, 0.5)
    assert strip.thumbs == {}, "the result goes to the browser first"
    wait_until(lambda: "1" in strip.thumbs)
    first, item = strip.thumbs["1"], strip.items[0]
    strip.set_entries([done(1), done(2)], 2, 0.5)
    wait_until(lambda: "2" in strip.thumbs)
    assert strip.thumbs["1"] is first
    other = dataclasses.replace(done(1), prediction=StubPredictor(2)(IMAGE))
    strip.set_entries([other], 1, 0.9)
    assert strip.items[0] is not item
    wait_until(lambda: strip.thumbs.get("1", first) != first)
    assert strip.items[0]["note"] == "1 instance"
    strip.set_entries([], None, 0.5)
    assert (strip.items, strip.thumbs, strip.current) == ([], {}, None)


def pixels(strip: Filmstrip, number: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    decoded = cv2.imdecode(np.frombuffer(strip.thumbs[str(number)], np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.int16)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_counts_follow_at_once_and_the_small_images_a_moment_later(strip: Filmstrip) -> None:
    entries = [done(1), done(2)]
    strip.set_entries(entries, 1, 0.1)
    wait_until(lambda: len(strip.thumbs) == 2)
    before = dict(strip.thumbs)
    strip.set_entries(entries, 1, 0.9)
    shown = len(FOUND.filter(0.9))
    assert [item["note"] for item in strip.items] == [f"{shown} instance"] * 2
    wait_until(lambda: all(strip.thumbs[key] is not before[key] for key in before))
    fewer = pixels(strip, 1)
    strip.set_entries(entries, 1, 1.0)
    wait_until(lambda: bool((pixels(strip, 1) != fewer).any()))
    assert strip.items[0]["note"] == "0 instances"


def test_the_small_images_have_the_masks_of_the_canvas(strip: Filmstrip) -> None:
    """Thin pieces, of which the small image has little; and soft masks, of which it has none."""
    image = np.zeros((840, 1120, 3), np.uint8)
    masks = np.zeros((1, 840, 1120), bool)
    # 90 lines that touch, each a pixel wide, are one piece; in the small image they are nothing.
    masks[0, 400, 100:1000] = True
    masks[0, 400:800, 100:1000:10] = True
    masks[0, 100:300, 200:350] = True  # a smaller piece, but solid
    found = Prediction.from_dense(masks, [0.9], [0], ["thing"])
    soft = np.zeros((1, 28, 28), np.uint8)
    soft[0, :, :14] = 255
    soft[0, :, 14:] = 150
    boxes = np.array([[100, 100, 1000, 700]], np.float32)
    given = replace(found, boxes=boxes, soft_masks=soft)
    sure = replace(given, masks=given.at_mask_threshold(0.51).masks)

    def drawn(prediction: Prediction, tidy: Tidy) -> np.ndarray[Any, np.dtype[np.int16]]:
        each = entry(1, state="done", image=Pixels(image), prediction=prediction)
        strip.set_entries([], None, 0.5)
        strip.set_entries([each], 1, Filter(0.5, tidy=tidy))
        wait_until(lambda: "1" in strip.thumbs)
        return pixels(strip, 1)

    whole, largest = drawn(found, NO_TIDY), drawn(found, Tidy(largest_piece=True))
    assert whole[15, 25].max() > 60 and largest[15, 25].max() < 30
    half, strict = drawn(sure, NO_TIDY), drawn(sure, Tidy(mask_threshold=0.8))
    assert half[40, 80].max() > 60 and strict[40, 80].max() < 30
    assert strict[40, 30].max() > 60


def test_classes_count_everywhere_and_single_instances_on_screen_only(strip: Filmstrip) -> None:
    shown = Filter(0.0, ("person",), {"animal": 1.0}, (2,))
    strip.set_entries([done(1), done(2)], 2, shown)
    names = [FOUND.class_names[index] for index in FOUND.class_ids]
    left = sum(name not in ("person", "animal") for name in names)
    assert [item["note"] for item in strip.items] == [f"{left} instances", "1 instance"]
    strip.set_entries([done(1), done(2)], 1, shown)
    assert [item["note"] for item in strip.items] == ["1 instance", f"{left} instances"]


def test_pixels_that_left_memory_are_read_for_the_small_image_later(strip: Filmstrip) -> None:
    pixels = Pixels(IMAGE, lambda: IMAGE)
    pixels.put_away(PixelFolder())

    def gone() -> Any:
        raise ImageNotFoundError("There is no file 2.jpg.")

    lost = Pixels(IMAGE, gone)
    lost.put_away(PixelFolder())
    entries = [
        entry(1, state="done", image=pixels, prediction=FOUND),
        entry(2, state="done", image=lost, prediction=FOUND),
    ]
    strip.set_entries(entries, 1, 0.5)
    assert strip.thumbs == {}
    wait_until(lambda: "1" in strip.thumbs)
    assert list(strip.thumbs) == ["1"]
    assert strip.items[1]["note"] == f"{len(FOUND.filter(0.5))} instances"


def test_results_of_several_models_name_theirs(strip: Filmstrip) -> None:
    first, second = (dataclasses.replace(done(number), model="one") for number in (1, 2))
    strip.set_entries([first, second], 1, 0.5)
    assert all("model" not in item for item in strip.items)
    second = second.changed(model="two")
    strip.set_entries([first, second], 1, 0.5)
    assert [item["model"] for item in strip.items] == ["one", "two"]


def test_it_asks_for_what_the_person_wants(strip: Filmstrip) -> None:
    strip.set_entries([done(1), done(2)], 1, 0.5)
    heard: list[Any] = []

    def ask(content: Any) -> None:
        strip._on_message(strip, content, [])

    ask({"action": "show", "number": 2})
    strip.on_show = lambda number: heard.append(("show", number))
    strip.on_remove = lambda number: heard.append(("forget", number))
    for content in ({"action": "show", "number": 2}, {"action": "forget", "number": 1}):
        ask(content)
    assert heard == [("show", 2), ("forget", 1)]
    # What has gone meanwhile, and what is no message of ours, is passed over.
    others: list[Any] = [
        {"action": "show", "number": 9},
        {"action": "show"},
        {"action": "forget", "number": "1"},
        {},
        "clear",
        None,
    ]
    for content in others:
        ask(content)
    assert len(heard) == 2


class Wire:
    """What a strip sends, and what a browser's model then has."""

    def __init__(self, strip: Filmstrip, monkeypatch: pytest.MonkeyPatch) -> None:
        self.model = strip.get_state()
        self.messages: list[dict[str, Any]] = []
        monkeypatch.setattr(strip, "_send", self._hear)

    def _hear(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        state = message["state"]
        for path, buffer in zip(message["buffer_paths"], buffers or [], strict=True):
            state[path[0]]["jpeg"] = buffer
        self.messages.append(state)
        self.model.update(state)

    def jpegs(self) -> dict[str, bytes]:
        """The small images in the browser's model."""
        thumbs = {name[6:]: part for name, part in self.model.items() if name.startswith("thumb_")}
        return {number: part["jpeg"] for number, part in thumbs.items() if part is not None}


def test_who_has_seen_fifty_images_is_sent_the_next_one_alone(
    strip: Filmstrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(strip, monkeypatch)
    costs = []
    for count in range(1, 52):
        wire.messages.clear()
        strip.set_entries([done(number) for number in range(count)], count - 1, 0.5)
        wait_until(lambda: len(wire.jpegs()) == len(strip.items))
        names = {name for state in wire.messages for name in state}
        last = count - 1
        # ipywidgets 7 sends no trait where there is no kernel.
        assert names - {"current"} == {"images", f"item_{last}", f"thumb_{last}"}
        sent = [state | {"images": 0} for state in wire.messages]
        costs.append(len(repr(sent)))
    assert max(costs[1:]) - min(costs[1:]) < 40, "numbers have more digits"
    assert wire.jpegs() == strip.thumbs
    # A page that is loaded again.
    again = strip.get_state()
    wire.model["current"] = strip.current
    assert {name: again[name] for name in wire.model} == wire.model


def test_an_image_that_is_gone_is_null_in_the_browser(
    strip: Filmstrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip.set_entries([done(1), done(2)], 1, 0.5)
    wait_until(lambda: len(strip.thumbs) == 2)
    wire = Wire(strip, monkeypatch)
    strip.set_entries([done(2)], 2, 0.5)
    assert wire.model["item_1"] is wire.model["thumb_1"] is None
    assert [number for number, _ in wire.model["images"]] == [2]
    assert "item_1" not in strip.get_state()
    assert strip.get_state("thumb_1") == {"thumb_1": None}


def test_what_was_lost_is_sent_again_under_a_new_version(
    strip: Filmstrip, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip.set_entries([done(1), done(2)], 1, 0.5)
    wait_until(lambda: len(strip.thumbs) == 2)
    wire = Wire(strip, monkeypatch)
    before = strip.get_state()
    strip._on_message(strip, {"action": "resend", "numbers": [2, 7, "1", None]}, [])
    (sent,) = wire.messages
    assert sent.keys() == {"images", "item_2", "thumb_2"}
    assert sent["item_2"]["version"] > before["item_2"]["version"]
    assert sent["thumb_2"]["jpeg"] == strip.thumbs["2"]
    strip._on_message(strip, {"action": "resend", "numbers": "2"}, [])
    assert len(wire.messages) == 1


def test_repr_counts(strip: Filmstrip) -> None:
    assert repr(strip) == "Filmstrip(0 images)"
    strip.set_entries([done(1)], 1, 0.5)
    assert repr(strip) == "Filmstrip(1 image)"
