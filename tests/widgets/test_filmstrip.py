"""The filmstrip's Python side: what it sends, and whom it asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from seg_widgets.session.history import HistoryEntry
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
    assert list(strip.thumbs) == ["1"]
    decoded = cv2.imdecode(np.frombuffer(strip.thumbs["1"], np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[0] <= THUMB_HEIGHT and decoded.shape[1] <= THUMB_WIDTH
    assert decoded.shape[:2] == (70, 112), "as large as fits, in the image's proportions"
    bare = cv2.resize(IMAGE, (112, 70), interpolation=cv2.INTER_AREA).astype(int)
    assert (np.abs(bare - decoded[..., ::-1]).max(axis=2) > 40).sum() > 200, "the masks are on it"


def test_a_small_image_is_made_once(strip: Filmstrip) -> None:
    strip.set_entries([done(1)], 1, 0.5)
    first = strip.thumbs["1"]
    strip.set_entries([done(1), done(2)], 2, 0.9)
    assert strip.thumbs["1"] is first
    other = dataclasses.replace(done(1), prediction=StubPredictor(2)(IMAGE))
    strip.set_entries([other], 1, 0.9)
    assert strip.thumbs["1"] != first
    assert strip.items[0]["note"] == "1 instance"
    strip.set_entries([], None, 0.5)
    assert (strip.items, strip.thumbs, strip.current) == ([], {}, None)


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


def test_repr_counts(strip: Filmstrip) -> None:
    assert repr(strip) == "Filmstrip(0 images)"
    strip.set_entries([done(1)], 1, 0.5)
    assert repr(strip) == "Filmstrip(1 image)"
