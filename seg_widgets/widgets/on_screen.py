"""Which panels are on screen, by the cells whose outputs show them.

ipywidgets keeps each widget for ever, because a widget may be on screen though no variable has it.
So a cell that makes a panel and is run ten times would keep ten models in memory. But a cell that
is run again loses its output. A panel of which no output is left is let go: from then on, it lives
as long as a variable has it, as any other object does.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import weakref
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Final

import ipywidgets
from IPython import get_ipython

__all__ = ["displayed"]

# The cells that show each panel; an object that is none stands for an output that may stay.
_cells: Final[weakref.WeakKeyDictionary[Any, set[object]]] = weakref.WeakKeyDictionary()
_let_go: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
_SOMEWHERE: Final = object()
# After the end of how many cells garbage is still collected. A thread that draws for a panel may
# have it a little longer than its cell; but who keeps it in a variable must not pay for ever.
_MOST_COLLECTIONS: Final = 3
_collections = 0
_LAST_OUTPUTS: Final = ("_", "__", "___")


def displayed(panel: Any) -> None:
    """Note that the cell that is just run displays a panel.

    Args:
        panel: A widget that has made all its parts itself.
    """
    shell: Any = get_ipython()
    if getattr(shell, "kernel", None) is None:
        return
    _listen(shell)
    _cells.setdefault(panel, set()).add(_cell(shell))
    if panel in _let_go:
        _let_go.discard(panel)
        for part in _parts(panel):
            _registry()[part.model_id] = part


def _listen(shell: Any) -> None:
    """Hear of each cell that is run; at most once for a shell."""
    for event, listener in (("pre_run_cell", _on_run), ("post_run_cell", _on_end)):
        if listener not in shell.events.callbacks[event]:
            shell.events.register(event, listener)


def _cell(shell: Any) -> object:
    """What tells the cell that is just run from all others."""
    parent = shell.kernel.get_parent() or {}
    if parent.get("header", {}).get("msg_type") != "execute_request":
        return _SOMEWHERE  # a button's callback, for example
    # Not every front end says which cell it is; then the same code is the same cell.
    return parent.get("metadata", {}).get("cellId") or parent["content"].get("code", "")


def _on_run(_info: object) -> None:
    """A cell begins, and its output before is gone."""
    global _collections
    shell: Any = get_ipython()
    cell = _cell(shell)
    for panel, cells in list(_cells.items()):
        if cell in cells and cell is not _SOMEWHERE:
            cells.discard(cell)
            if not cells:
                _release(panel, shell)
                _collections = _MOST_COLLECTIONS


def _on_end(_result: object) -> None:
    """A cell has ended: a panel that was let go, and that nobody has kept, ends now."""
    global _collections
    if _let_go and _collections > 0:
        _collections -= 1
        gc.collect()
        _give_memory_back()


def _release(panel: Any, shell: Any) -> None:
    """Let only Python's own references keep a panel alive."""
    parts = _parts(panel)
    if panel.comm is None or _is_shown_by_others(parts):
        return
    for part in parts:
        if part.comm is not None:
            _registry().pop(part.model_id, None)
            part.comm.on_msg(_weak_handler(part))
    _let_go.add(panel)
    _forget_output(panel, shell)


def _give_memory_back() -> None:
    """Give the system what a model has left behind: glibc keeps much of it for the next one."""
    # Other systems have other libraries, which do so by themselves.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _parts(panel: Any) -> list[Any]:
    """A widget with all widgets that it consists of."""
    found: dict[int, Any] = {}
    left = [panel, *_widgets(vars(panel).values())]
    while left:
        widget = left.pop()
        if id(widget) not in found and widget.comm is not None:
            found[id(widget)] = widget
            left += _widgets(getattr(widget, name, None) for name in widget.keys)
    return list(found.values())


def _widgets(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, ipywidgets.Widget):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _widgets(value)


def _is_shown_by_others(parts: list[Any]) -> bool:
    """Whether a widget that is none of these has one of them in it."""
    own = {id(part) for part in parts}
    return any(
        id(child) in own
        for widget in list(_registry().values())
        if id(widget) not in own
        for child in _widgets([getattr(widget, "children", ())])
    )


def _registry() -> MutableMapping[str, Any]:
    """Where ipywidgets keeps all widgets."""
    module: Any = ipywidgets.widgets.widget
    registry: MutableMapping[str, Any] | None = getattr(module, "_instances", None)
    return module.Widget.widgets if registry is None else registry  # ipywidgets 7


def _weak_handler(widget: Any) -> Any:
    """Takes the messages for a widget, and does not keep it alive."""
    method: Any = weakref.WeakMethod(widget._handle_msg)

    def handle(message: Any) -> None:
        handler = method()
        if handler is not None:
            handler(message)

    return handle


def _forget_output(panel: Any, shell: Any) -> None:
    """Take a panel out of `Out`, `_5`, `_` and the like, which would keep it as long as the
    kernel."""
    outputs = shell.user_ns.get("_oh", {})
    for number in [number for number, value in outputs.items() if value is panel]:
        del outputs[number]
    for names in (shell.user_ns, shell.user_ns_hidden):
        for name in [name for name, value in names.items() if value is panel]:
            if re.fullmatch(r"_\d+", name):
                del names[name]
            elif name in _LAST_OUTPUTS:
                names[name] = ""
    for name in _LAST_OUTPUTS:
        if getattr(shell.displayhook, name, None) is panel:
            setattr(shell.displayhook, name, "")
