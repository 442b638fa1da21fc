"""A widget's state that grows with what it shows, sent in parts: only those that have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import anywidget

__all__ = ["StateInParts"]


class StateInParts(anywidget.AnyWidget):
    """A widget with state beside its traits, under names that come and go.

    A trait is sent whole at each change: of a list of images, all of them, each time. Here each
    part is a name of its own in the browser's model. A page that is loaded again gets all parts, as
    it gets all traits, and so does a saved notebook.

    Args:
        parts: Those that it begins with; see `set_parts`.
        **settings: The widget's traits.
    """

    def __init__(self, parts: Mapping[str, Any], **settings: Any) -> None:
        # Replaced, never changed: another thread may be sending it.
        self._parts = parts
        super().__init__(**settings)

    def set_parts(self, parts: Mapping[str, Any]) -> None:
        """Replace all parts, and send those that are other objects than before, in one message.

        Args:
            parts: By name: what JSON knows, with bytes at any depth. A name is no trait's.
        """
        before, self._parts = self._parts, parts
        changed = [name for name, value in parts.items() if before.get(name) is not value]
        # A name can't be taken back in the browser; one that is gone is null.
        gone = [name for name in before if name not in parts]
        if changed or gone:
            self.send_state([*changed, *gone])

    def get_state(
        self, key: str | Iterable[str] | None = None, drop_defaults: bool | None = False
    ) -> dict[str, Any]:
        """The state that the browser is sent, as ipywidgets asks for it.

        Args:
            key: A name or several; None: all.
            drop_defaults: Whether traits that have their default are left out.

        Returns:
            By name: traits and parts; a part that is gone is None.
        """
        parts = self._parts
        if key is None:
            return {**super().get_state(None, drop_defaults), **parts}
        names = [key] if isinstance(key, str) else list(key)
        traits = [name for name in names if self.has_trait(name)]
        state: dict[str, Any] = super().get_state(traits, drop_defaults) if traits else {}
        return {**state, **{name: parts.get(name) for name in names if name not in traits}}
