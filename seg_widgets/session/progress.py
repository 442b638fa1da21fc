"""What a session is doing, in words to show."""

from __future__ import annotations

from .._text import printable
from .model_slot import ModelSlot
from .queue import Request, RequestQueue

__all__ = ["Progress"]


class Progress:
    """The sentence about what is under way.

    Not for several threads at once: its owner has the lock.

    Args:
        queue: The session's requests.
        slot: The session's model.
    """

    def __init__(self, queue: RequestQueue, slot: ModelSlot) -> None:
        self._queue, self._slot = queue, slot
        # About the current request.
        self._doing = ""
        # Seconds that the model took for the last image.
        self._last_s: float | None = None

    @property
    def status(self) -> str:
        """What is under way, such as "Segmenting photo.jpg"; "" when nothing is."""
        if self._queue.current is not None:
            return self._doing
        if self._slot.fetching:
            return self._slot.progress
        if self._slot.building:
            return f"Loading {self._model}; an image can be chosen meanwhile"
        return ""

    def opening(self, request: Request) -> None:
        """The image of the current request is being opened."""
        self._doing = self._sentence("Opening", request)

    def loading(self) -> None:
        """The current request waits for its model."""
        self._doing = f"Loading {self._model} (the first time takes some seconds)"

    def segmenting(self, request: Request, waits: str | None = None) -> None:
        """The model runs on the current request.

        Args:
            request: The current one.
            waits: What a predictor with a queue says, such as "3 ahead of you"; "" when its turn
                has come; None (default) for any other predictor.
        """
        last_s = self._last_s if waits is None else None
        last = "" if last_s is None else f" (the last one took {_seconds(last_s)})"
        self._doing = self._sentence("Segmenting", request) + (f": {waits}" if waits else last)

    def drawing(self, request: Request) -> None:
        """What is shown of the current request is there; the masks of the others are drawn."""
        self._doing = self._sentence("Drawing the fainter instances of", request)

    def took(self, last_s: float | None) -> None:
        """Note how long the model took for an image, in seconds; None where it is another one."""
        self._last_s = last_s

    @property
    def _model(self) -> str:
        return f"the model {printable(self._slot.name)}".rstrip()

    def _sentence(self, verb: str, request: Request) -> str:
        position = self._queue.position(request)
        place = f" ({position[0]} of {position[1]})" if position else ""
        return f"{verb} {printable(request.source.name) or 'the image'}{place}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.1f} s" if duration_s < 10 else f"{duration_s:.0f} s"
