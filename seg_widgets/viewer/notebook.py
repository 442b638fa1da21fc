"""A notebook as one HTML file that loads nothing from other machines: `python -m seg_widgets
export-html`.

Where the notebook shows a panel or a canvas, the page has the image with its masks, threshold,
legend and table, to be explored without Python. Other widgets are left out; their text stays.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from .._files import expanded
from ..errors import DependencyError, ExportError, SegWidgetsError, SettingError
from .content import decode_content
from .page import page_of

__all__ = ["notebook_to_html"]

_VIEW: Final = "application/vnd.jupyter.widget-view+json"
_STATE: Final = "application/vnd.jupyter.widget-state+json"
_REFERENCE: Final = "IPY_MODEL_"
_CANVAS: Final = "SegmentationCanvas"
_FRAME_HEIGHT_PX: Final = 860


def notebook_to_html(
    notebook: str | Path,
    *,
    run: bool = True,
    timeout_s: float | None = None,
    notify: Callable[[str], object] | None = None,
) -> str:
    """The text of an HTML file that shows a notebook, with its panels and canvases to be explored.

    Args:
        notebook: an .ipynb file, which is not changed.
        run: run it from top to bottom first, in its own folder; else what was saved in it is shown.
        timeout_s: the longest time for one cell, in seconds; None: no limit.
        notify: is called with a sentence if the notebook's kernel is not here, and the Python of
            this process runs it.

    Returns:
        The file's text, to be written as UTF-8.

    Raises:
        SettingError: it is no notebook, can't be read, or is for a kernel that is not here.
        ExportError: a cell failed, which is named, or a saved image is damaged.
        DependencyError: a package of JupyterLab is missing.
    """
    _check_packages()
    path = expanded(notebook)
    book = _read(path)
    try:
        if run:
            _run(book, path, timeout_s, _kernel(book, path, notify))
        _put_pages(book)
        return _export(book, path)
    except SegWidgetsError:
        raise
    # A kernel that won't start, a saved widget that is damaged: nbclient and nbconvert raise
    # whatever they meet.
    except Exception as error:
        why = " ".join(str(error).split())[:300]
        raise ExportError(
            f"{path.name} could not be made into a page ({type(error).__name__}: {why}). "
            "Open it in JupyterLab and run it there, save it, and use --as-saved."
        ) from error


def _check_packages() -> None:
    for package in ("nbformat", "nbclient", "nbconvert"):
        if importlib.util.find_spec(package) is None:
            raise DependencyError(
                f"The package {package} is needed for this: pip install jupyterlab."
            )


def _read(path: Path) -> Any:
    import nbformat

    # Reading a pipe would wait for ever.
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "not an ordinary file"
        raise SettingError(f"{path} is {kind}. Give an .ipynb file.")
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SettingError(f"{path} can't be read ({error.strerror or error}).") from error
    except Exception as error:  # nbformat lets whatever a wrong file leads to escape
        why = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SettingError(f"{path.name} is no notebook: {why}.") from error


def _put_pages(book: Any) -> None:
    """Put a page in the place of each panel and canvas; take what is left of widgets away."""
    states = book.metadata.get("widgets", {}).get(_STATE, {}).get("state", {})
    for cell in book.cells:
        # The picture below a panel is for whoever sees no panel.
        if "outputs" in cell:
            cell.outputs = [each for each in cell.outputs if not _is_static_image(each)]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            view = data.pop(_VIEW, None)
            page = _page(states, str(view["model_id"])) if view else None
            if page is not None:
                data["text/html"] = _frame(page)
    book.metadata.pop("widgets", None)


def _is_static_image(output: Mapping[str, Any]) -> bool:
    """Whether an output is the picture of a panel; widgets/static_image.py makes it."""
    return bool(output.get("metadata", {}).get("seg_widgets", {}).get("static_image"))


def _export(book: Any, path: Path) -> str:
    from nbconvert import HTMLExporter

    # Without addresses, the page loads none of these libraries.
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


def _kernel(book: Any, path: Path, notify: Callable[[str], object] | None) -> str:
    """The name of the kernel that runs the notebook; ours stands in for another Python's."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    spec = book.metadata.get("kernelspec", {})
    name = str(spec.get("name") or NATIVE_KERNEL_NAME)
    try:
        KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel:
        about = book.metadata.get("language_info", {}).get("name")
        language = str(spec.get("language") or about or "python")
        if language.lower() not in ("python", "python3", "ipython"):
            raise SettingError(
                f"{path.name} is for the kernel {name!r} ({language}), which is not here. "
                "Install it, or show what was saved in the notebook: --as-saved."
            ) from None
        if notify is not None:
            notify(
                f"{path.name} is for the kernel {name!r}, which is not here; {sys.executable} "
                "runs it."
            )
        return NATIVE_KERNEL_NAME
    return name


def _run(book: Any, path: Path, timeout_s: float | None, kernel: str) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    folder = {"metadata": {"path": str(path.parent.resolve())}}
    client = NotebookClient(
        book, timeout=timeout_s, resources=folder, store_widget_state=True, kernel_name=kernel
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise ExportError(
            f"{path.name} stopped at a cell that failed with {error.ename}: "
            f"{error.evalue.rstrip('.')}."
        ) from error
    except (CellTimeoutError, DeadKernelError) as error:
        why = "took too long" if isinstance(error, CellTimeoutError) else "ended its kernel"
        raise ExportError(f"{path.name} stopped at a cell that {why}.") from error


def _page(states: Mapping[str, Any], model_id: str) -> str | None:
    """The page of the canvas that a widget is or holds, or None; the first one with an image."""
    for number in _with_children(states, model_id):
        state = states[number].get("state", {})
        if str(state.get("_anywidget_id", "")).endswith(_CANVAS):
            content = _content(states[number])
            if content:
                return page_of(content, decode_content(content).name, state)
    return None


def _content(widget: Mapping[str, Any]) -> bytes:
    """The message that a saved canvas shows; b"" where it shows none."""
    for buffer in widget.get("buffers", []):
        if buffer.get("path") == ["content"]:
            return base64.b64decode(buffer["data"])
    return b""


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
    style = f"width: 100%; height: {_FRAME_HEIGHT_PX}px; border: 0"
    srcdoc = html.escape(page)
    return f'<iframe title="Segmented image" style="{style}" srcdoc="{srcdoc}"></iframe>'
