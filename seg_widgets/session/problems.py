"""What keeps a prediction from being compared, for as long as it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..errors import SegWidgetsError

__all__ = ["SIDES", "Problems"]

SIDES: Final = ("truth", "versus")
"""What a prediction is compared with."""


class Problems:
    """What is wrong with the sides of a comparison, and what of it was told.

    A side that can't be had at all is wrong until another one is given, one that doesn't fit the
    image on screen until another image is there. Other errors are never taken back.
    """

    def __init__(self) -> None:
        self._of_side: dict[str, str] = {}
        self._of_image: dict[str, str] = {}
        self._told = ""

    @contextmanager
    def taking(self, side: str) -> Iterator[None]:
        """Within it, another side is read; an error is kept, and goes no further.

        Args:
            side: "truth" or "versus".
        """
        self._of_side.pop(side, None)
        self._of_image.pop(side, None)
        try:
            yield
        except SegWidgetsError as error:
            self._of_side[side] = str(error)

    @contextmanager
    def fitting(self, side: str) -> Iterator[None]:
        """Within it, a side is taken for the image on screen; an error is kept, and goes no
        further.

        Args:
            side: "truth" or "versus".
        """
        self._of_image.pop(side, None)
        try:
            yield
        except SegWidgetsError as error:
            self._of_image[side] = str(error)

    def forget_image(self) -> None:
        """There is another image, or none."""
        self._of_image.clear()

    def told(self, error: str, of_image: bool = True) -> str:
        """The error to show, with what is wrong now.

        Args:
            error: The one that is shown; "" when there is none.
            of_image: Also what doesn't fit the image on screen (default True).

        Returns:
            What is wrong, where that is news or there is no other error; "" in place of what was
            told before and is wrong no longer; else the error that is shown.
        """
        kinds = (self._of_side, self._of_image) if of_image else (self._of_side,)
        found = [kind.get(side, "") for side in SIDES for kind in kinds]
        before, self._told = self._told, " ".join(dict.fromkeys(filter(None, found)))
        if error in ("", before) or (self._told and self._told != before):
            return self._told
        return error
