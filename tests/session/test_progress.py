from __future__ import annotations

from seg_widgets.session.model_slot import ModelChoice, ModelSlot
from seg_widgets.session.progress import Progress
from seg_widgets.session.queue import Request, RequestQueue
from seg_widgets.session.source import Opened, Source
from seg_widgets.testing import StubPredictor, make_picture


def request(name: str, *, kept: bool = False) -> Request:
    return Request(Source(name, "", lambda _stop=None: Opened(make_picture(4, 4))), kept=kept)


def test_the_words_follow_the_request_and_the_model() -> None:
    slot = ModelSlot(on_built=lambda _: None, on_progress=lambda: None, on_fetched=lambda *_: None)
    queue = RequestQueue()
    progress = Progress(queue, slot)
    assert progress.status == ""

    one = request("a.jpg")
    queue.put(one)
    progress.opening(one)
    assert progress.status == "Opening a.jpg"
    progress.loading()
    assert progress.status == "Loading the model (the first time takes some seconds)"
    slot.use(ModelChoice(build=StubPredictor, name="starter"))
    progress.loading()
    assert progress.status == "Loading the model starter (the first time takes some seconds)"
    progress.segmenting(one)
    assert progress.status == "Segmenting a.jpg"
    progress.took(0.44)
    progress.segmenting(one)
    assert progress.status == "Segmenting a.jpg (the last one took 0.4 s)"
    progress.took(12.3)
    progress.segmenting(one)
    assert progress.status == "Segmenting a.jpg (the last one took 12 s)"
    progress.took(None)
    progress.segmenting(one)
    assert progress.status == "Segmenting a.jpg"
    queue.end(one)
    assert progress.status == ""


def test_several_are_counted_and_what_has_no_name_is_the_image() -> None:
    slot = ModelSlot(on_built=lambda _: None, on_progress=lambda: None, on_fetched=lambda *_: None)
    queue = RequestQueue()
    progress = Progress(queue, slot)
    first, second = request("", kept=True), request("b.jpg", kept=True)
    queue.put_all([first, second])
    progress.opening(first)
    assert progress.status == "Opening the image (1 of 2)"
    queue.end(first)
    assert queue.next() is second
    progress.opening(second)
    assert progress.status == "Opening b.jpg (2 of 2)"


def test_a_model_that_is_built_is_told_while_there_is_no_request() -> None:
    built: list[object] = []
    slot = ModelSlot(on_built=built.append, on_progress=lambda: None, on_fetched=lambda *_: None)
    progress = Progress(RequestQueue(), slot)
    slot.use(ModelChoice(build=lambda: StubPredictor(1)))
    future = slot.get()
    future.result(20)
    assert progress.status == ""
    assert slot.state == "ready"
