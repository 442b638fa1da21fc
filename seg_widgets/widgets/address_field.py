"""The field for the address of an image, and the button beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import ipywidgets

__all__ = ["AddressField"]

# A second Enter or click on the same address within this time is one request, however the front end
# orders its events.
_SAME_REQUEST_S: Final = 1.0


class AddressField:
    """A line to type an address into, and a button that opens it.

    Args:
        on_open: Takes the address that a person has entered.
        on_nothing: Takes a message for the person who opens an empty line.
        has_failed: Whether the last request failed, so that Enter on the same address tries it once
            more.
    """

    def __init__(
        self,
        on_open: Callable[[str], None],
        on_nothing: Callable[[str], None],
        has_failed: Callable[[], bool],
    ) -> None:
        self._on_open = on_open
        self._on_nothing = on_nothing
        self._has_failed = has_failed
        # The address that was opened last, and when (of time.monotonic).
        self._tried = ("", 0.0)

        self.text = ipywidgets.Text(
            placeholder="or paste the address of an image: https://…",
            continuous_update=False,
            layout=ipywidgets.Layout(width="auto", flex="1 1 220px"),
        )
        """The line, an `ipywidgets.Text`."""
        self.button = ipywidgets.Button(
            description="Open", tooltip="Open the address", layout=ipywidgets.Layout(width="auto")
        )
        """The button, an `ipywidgets.Button`."""

        self.text.observe(self._on_value, "value")
        self.text.on_msg(self._on_message)
        self.button.on_click(lambda _: self._open(again=True))

    def reset(self) -> None:
        """Empty the line."""
        self.text.value = ""
        self._tried = ("", 0.0)

    def _on_value(self, change: Any) -> None:
        if change["new"].strip():
            self._open()

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        # Enter on an address that is still the same changes no value; after a failure it means
        # "once more".
        is_submit = content.get("event") == "submit"
        if is_submit and self._has_failed() and self.text.value == self._tried[0]:
            self._open(again=True)

    def _open(self, again: bool = False) -> None:
        address = self.text.value.strip()
        if not address:
            if again:
                self._on_nothing(
                    "There is no address yet. Paste one first, such as https://example.org/cat.jpg."
                )
            return
        tried, when = self._tried
        now = time.monotonic()
        if address == tried and now - when < _SAME_REQUEST_S:
            return
        self._tried = (address, now)
        self._on_open(address)
