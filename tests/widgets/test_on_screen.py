"""Cells that are run again in a real kernel."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client import KernelManager  # type: ignore[attr-defined]

Run = Callable[..., str]

SETUP = """
import gc, threading
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture

class Model(StubPredictor):
    pass

def alive():
    models = sum(isinstance(one, Model) for one in gc.get_objects())
    workers = sum(one.name == "seg_widgets worker" for one in threading.enumerate())
    return models, workers
"""
MAKE = """
panel = SegmentationPanel(Model(2))
panel.segment(make_picture(40, 30), "a.png")
panel.wait(20)
"""


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    manager = KernelManager()
    manager.start_kernel()
    yield manager
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.fixture(scope="module")
def kernel(manager: Any) -> Iterator[Any]:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    yield client
    client.stop_channels()


@pytest.fixture
def run(kernel: Any) -> Run:
    """Runs a cell, and returns what it prints."""

    def execute(code: str, cell: str | None = None) -> str:
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        metadata = {} if cell is None else {"cellId": cell}
        message = kernel.session.msg("execute_request", content, metadata=metadata)
        kernel.shell_channel.send(message)
        number = message["header"]["msg_id"]
        printed = ""
        while True:
            try:
                heard = kernel.get_iopub_msg(timeout=120)
            except queue.Empty:
                raise AssertionError(f"The kernel does not answer to {code}") from None
            if heard["parent_header"].get("msg_id") != number:
                continue
            kind, said = heard["msg_type"], heard["content"]
            if kind == "stream":
                printed += said["text"]
            elif kind == "error":
                raise AssertionError("\n".join(said["traceback"]))
            elif kind == "status" and said["execution_state"] == "idle":
                return printed

    execute("%reset -f out")
    execute(SETUP)
    return execute


@pytest.fixture
def alive(run: Run) -> Iterator[Callable[[], str]]:
    """Counts the models and the workers that are alive; in the end all panels are closed, and no
    worker is left."""

    def count() -> str:
        run("import time; time.sleep(0.2); gc.collect()")
        return run("print(*alive())").strip()

    yield count
    run(
        "for one in [one for one in gc.get_objects() if isinstance(one, SegmentationPanel)]:\n"
        "    one.close(5)\n"
        "panel = one = None"
    )
    run("%reset -f out")
    assert count().split()[1] == "0"


@pytest.mark.parametrize("cell", ["cell-1", None])
@pytest.mark.parametrize("last", ["panel", "display(panel)", "SegmentationPanel(Model(1))"])
def test_a_cell_that_is_run_again_lets_the_former_panel_go(
    run: Run, alive: Callable[[], str], cell: str | None, last: str
) -> None:
    code = MAKE + last if "Model" not in last else last
    counts = []
    for _ in range(4):
        run(code, cell)
        counts.append(alive().split()[0])
    assert counts == ["1"] * 4


def test_what_a_variable_has_stays_and_works(run: Run, alive: Callable[[], str]) -> None:
    run("kept = []")
    code = MAKE + "kept.append(panel)\npanel"
    run(code, "cell-2")
    run(code, "cell-2")
    assert alive() == "2 2"
    run("kept[0].segment(make_picture(50, 30)); print(kept[0].wait(20) is not None)")
    # On screen again, it is among the widgets that a reloaded page asks for.
    known = (
        "from ipywidgets.widgets import widget as module\n"
        "widgets = getattr(module, '_instances', None) or module.Widget.widgets\n"
        "print(kept[0].model_id in widgets)"
    )
    assert run(known).strip() == "False"
    run("kept[0]", "cell-3")
    assert run(known).strip() == "True"
    run("kept.clear(); panel = None", "cell-4")
    assert alive() == "2 2", "both are on screen"
    run("1", "cell-3")
    assert alive() == "1 1"


def test_a_panel_that_another_cell_or_widget_shows_stays(
    run: Run, alive: Callable[[], str]
) -> None:
    run(MAKE + "panel", "cell-5")
    run("panel", "cell-6")
    run(MAKE + "panel", "cell-5")
    assert alive() == "2 2"
    run("import ipywidgets\nbox = ipywidgets.VBox([panel])\nbox", "cell-7")
    run(MAKE + "panel", "cell-5")
    assert alive() == "3 3"
    run("1", "cell-6")
    assert alive() == "2 2"
    run("box.close(); box.children = (); box = None; gc.collect()")


def test_a_kernel_that_is_restarted_in_the_middle_of_a_run_starts_anew(
    manager: Any, kernel: Any, run: Run
) -> None:
    run("import time\nfrom seg_widgets.testing import StubPredictor, make_picture")
    busy = run(
        "slow = SegmentationPanel(StubPredictor(2, delay_s=600))\n"
        "slow.segment(make_picture(40, 30), 'slow.png')\n"
        "while not slow.status.startswith('Segmenting'): time.sleep(0.01)\n"
        "print(slow.busy)"
    )
    assert busy.strip() == "True"
    # Without force: the kernel itself has to end, though its worker is in the middle of an image.
    manager.restart_kernel(now=False)
    kernel.wait_for_ready(timeout=120)
    run(SETUP)
    assert run(MAKE + "print(len(panel.prediction), panel.busy, *alive())").strip() == "2 False 1 1"
    run("panel.close(5)")
