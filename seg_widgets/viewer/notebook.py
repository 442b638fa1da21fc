"""A notebook as one HTML file that asks no other machine for anything: `python -m seg_widgets
export-html`.

Where the notebook shows a panel or a canvas, the page has the image with its masks, threshold,
legend and table, to be explored without Python. Other widgets are left out; their text stays.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import DependencyError, ExportError, SettingError
from .page import page_of

__all__ = ["notebook_to_html"]

_VIEW: Final = "application/vnd.jupyter.widget-view+json"
_STATE: Final = "application/vnd.jupyter.widget-state+json"
_REFERENCE: Final = "IPY_MODEL_"
_CANVAS: Final = "SegmentationCanvas"
_FRAME_HEIGHT_PX: Final = 860


def notebook_to_html(
    notebook: str | Path, *, run: bool = True, timeout_s: float | None = None
) -> str:
    """The text of an HTML file that shows a notebook, with its panels and canvases to be explored.

    `notebook`: an .ipynb file, which is not changed. `run`: run it from top to bottom first, in its
    own folder; else what was saved in it is shown. `timeout_s`: the longest time for one cell, in
    seconds (None: as long as it takes). Raises `SettingError` for what is no notebook,
    `ExportError` with the cell that failed, and `DependencyError`.
    """
    for package in ("nbformat", "nbclient", "nbconvert"):
        if importlib.util.find_spec(package) is None:
            raise DependencyError(
                f"The package {package} is needed for this: pip install jupyterlab."
            )
    import nbformat
    from nbconvert import HTMLExporter

    path = Path(notebook).expanduser()
    try:
        book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SettingError(f"{path} can't be read ({error.strerror or error}).") from error
    except Exception as error:  # nbformat lets whatever a wrong file leads to escape
        why = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SettingError(f"{path.name} is no notebook: {why}.") from error
    if run:
        _run(book, path, timeout_s)
    states = book.metadata.get("widgets", {}).get(_STATE, {}).get("state", {})
    for cell in book.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            view = data.pop(_VIEW, None)
            page = _page(states, str(view["model_id"])) if view else None
            if page is not None:
                data["text/html"] = _frame(page)
    book.metadata.pop("widgets", None)
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        require_js_url="",
        mathjax_url="",
        mermaid_js_url="",
        jquery_url="",
        widget_renderer_url="",
        embed_images=True,
    )
    resources = {"metadata": {"name": path.stem, "path": str(path.parent)}}
    text: str
    text, _ = exporter.from_notebook_node(book, resources)
    return text


def _run(book: Any, path: Path, timeout_s: float | None) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    folder = {"metadata": {"path": str(path.parent.resolve())}}
    client = NotebookClient(book, timeout=timeout_s, resources=folder, store_widget_state=True)
    try:
        client.execute()
    except CellExecutionError as error:
        raise ExportError(
            f"{path.name} stopped at a cell that failed with {error.ename}: {error.evalue}."
        ) from error
    except (CellTimeoutError, DeadKernelError) as error:
        why = "took too long" if isinstance(error, CellTimeoutError) else "ended its kernel"
        raise ExportError(f"{path.name} stopped at a cell that {why}.") from error


def _page(states: Mapping[str, Any], model_id: str) -> str | None:
    """The page of the canvas that a widget is or holds, or None; the first one with an image."""
    for number in _with_children(states, model_id):
        widget = states[number]
        state = widget.get("state", {})
        if not str(state.get("_anywidget_id", "")).endswith(_CANVAS):
            continue
        for buffer in widget.get("buffers", []):
            if buffer.get("path") == ["content"]:
                content = base64.b64decode(buffer["data"])
                if content:
                    return page_of(content, _name_in(content), state)
    return None


def _name_in(content: bytes) -> str:
    """The image's name, from the header of what `encode_content` gave."""
    (length,) = struct.unpack_from("<I", content, 4)
    return str(json.loads(content[8 : 8 + length])["name"])


def _with_children(states: Mapping[str, Any], model_id: str) -> list[str]:
    """A widget and all that lie in it, in the order in which they are shown."""
    found: list[str] = []
    waiting = [model_id]
    while waiting:
        number = waiting.pop(0)
        if number in states and number not in found:
            found.append(number)
            children = states[number].get("state", {}).get("children", [])
            waiting[:0] = [
                child.removeprefix(_REFERENCE) for child in children if isinstance(child, str)
            ]
    return found


def _frame(page: str) -> str:
    return (
        f'<iframe title="Segmented image" style="width: 100%; height: {_FRAME_HEIGHT_PX}px; border: 0" '
        f'srcdoc="{html.escape(page)}"></iframe>'
    )
