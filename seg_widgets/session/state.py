"""What a panel knows, as traits that can be observed and linked; knows no widget and no thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import numpy as np
import traitlets

from .._text import plural, printable
from ..errors import SettingError
from ..images import Reading
from ..prediction import Filter, Prediction, no_such_class
from .result import Result
from .traits import (
    ByIdentity,
    ClassNames,
    ClassThresholds,
    ImageTrait,
    Indices,
    ThreadSafeTraits,
    Threshold,
    TidyTrait,
    publishing,
)

__all__ = ["SegmentationState"]


class SegmentationState(ThreadSafeTraits):
    """The traits of a session and a panel, and what follows from them.

    A result is published as one event: `result`, `image`, `prediction`, `source`, `origin`,
    `current` and `history` change together, and an observer of any of them sees all the others of
    the same result.
    """

    result = traitlets.Instance(Result, allow_none=True, read_only=True)
    """The result on screen with all its parts, a `Result`; None (default) while there is none. A
    new object for each result, so its observers are called for each."""

    upcoming = ByIdentity(read_only=True)
    """The image that a model is working on and whose result will be shown, an `Upcoming` with
    `image` and `name`, from its opening on; None (default) when there is none. A model's second
    look at the image on screen has none until it has `found` something. A panel shows it until its
    result is there."""

    image = ImageTrait()
    """The image on screen, H×W×3 uint8 RGB; None (default) while there is none. Setting it to
    anything that `images.load` takes (path, URL, bytes, array, PIL image) starts `segment`, and it
    changes when the result is there. Setting it to None starts `clear`."""

    # By identity: two images may have equal predictions, and each is news.
    prediction: traitlets.TraitType[Prediction | None, Prediction | None] = ByIdentity(
        read_only=True
    )
    """What was found in `image`, a `Prediction` of all down to the predictor's score floor; None
    (default) while there is none."""

    source = traitlets.Unicode("", read_only=True)
    """What `image` is called, a text such as "photo.jpg"; "" (default) while there is none, or it
    has no name."""

    origin = traitlets.Unicode("", read_only=True)
    """The path or address that `image` came from, a text; "" (default) while there is none, or for
    bytes and arrays."""

    threshold = Threshold()
    """The lowest score that is shown, a float from 0 to 1; default 0.5."""

    class_thresholds = ClassThresholds()
    """Thresholds of single classes in place of `threshold`, lower or higher: a dict of floats from
    0 to 1 by class name; default empty. They stay for the next image."""

    hidden_classes = ClassNames()
    """Names of the classes that are not shown, a tuple of texts; default empty. They stay hidden
    for the next image."""

    hidden_instances = Indices()
    """Indices in `prediction` of single instances that are not shown, a tuple of int; default
    empty. A new image empties it."""

    tidy = TidyTrait()
    """How what is left is tidied up, a `Tidy`; default: not at all. It stays for the next image."""

    selected = Indices()
    """Indices in `prediction` of the selected instances, a tuple of int; default empty. A new image
    empties it."""

    busy = traitlets.Bool(False, read_only=True)
    """Whether a model is being fetched or built, or an image opened or segmented, a bool; default
    False."""

    status = traitlets.Unicode("", read_only=True)
    """What is being done, a text to show such as "Segmenting photo.jpg (the last one took 0.4 s)";
    "" (default) when idle."""

    error = traitlets.Unicode("")
    """Why the last request failed, or why nothing can be compared, with cause and fix, a text to
    show; "" (default) when all went well."""

    predictor = ByIdentity(read_only=True)
    """The predictor in use, a `Predictor`; None (default) until it is built."""

    history = traitlets.Tuple((), read_only=True)
    """The images of this session, a tuple of `HistoryEntry` in the order in which they came;
    default empty. It has those with a result, those that wait for theirs, and those of several at
    once that failed. A result is never dropped; pixels that take too much memory leave it, and come
    back when an entry's `image` is read."""

    current = traitlets.Int(None, allow_none=True, read_only=True)
    """The number in `history` of the image on screen, an int; None (default) when it is not in
    there."""

    notes = traitlets.Tuple((), read_only=True)
    """What a limit cut from the result on screen, what was changed to read its image, and what of
    its truth can't be used: a tuple of sentences; default empty."""

    can_undo_clear = traitlets.Bool(False, read_only=True)
    """Whether `undo_clear` brings back what `clear` has removed, a bool; default False."""

    fetching = traitlets.Unicode("", read_only=True)
    """The name of the model whose weights are being fetched, a text; "" (default) while none are.
    The model that was in use, or the starter, works meanwhile."""

    def segment(self, source: object, name: str | None = None, **choices: Unpack[Reading]) -> None:
        """Open and segment an image in the background.

        Args:
            source: Anything that `images.load` takes.
            name: What to call it; None (default) takes its file name.
            **choices: `contrast`, `channels` and `page`, as `images.load` takes them.
        """
        raise NotImplementedError

    def clear(self) -> None:
        """Remove the image and its result."""
        raise NotImplementedError

    @property
    def filter(self) -> Filter:
        """What is shown of `prediction`, a `Filter`."""
        return Filter(
            self.threshold,
            self.hidden_classes,
            self.class_thresholds,
            self.hidden_instances,
            self.tidy,
        )

    @property
    def shown_indices(self) -> tuple[int, ...]:
        """Indices in `prediction` of what is shown: at or above the threshold, not hidden, and not
        tidied away."""
        prediction = self.prediction
        if prediction is None:
            return ()
        keep = self.filter.keep(prediction)
        return tuple(np.flatnonzero(keep).tolist())

    @property
    def shown(self) -> Prediction | None:
        """What is shown of `prediction`, with its masks as they are shown, a `Prediction`; None
        while there is none."""
        if self.prediction is None:
            return None
        return self.filter.reshaped(self.prediction).select(self.shown_indices)

    def describe(self) -> str:
        """One line on what is shown, the same for the same state; the `repr` of session and panel
        has it."""
        if self.image is None or self.prediction is None:
            return f"no image yet, threshold {self.threshold:.2f}"
        height, width = self.image.shape[:2]
        name = f"{printable(self.source)!r} " if self.source else ""
        total = len(self.prediction)
        noun = plural(total, "instance")
        return (
            f"image={name}{width}×{height}, {len(self.shown_indices)} of {total} {noun} shown at "
            f"threshold {self.threshold:.2f}"
        )

    def _publish_result(self, result: Result | None, number: int | None, history: Any) -> None:
        """Put a result on screen, or None. Its observers are called when all traits are set.

        Args:
            result: The result.
            number: Its number in the history; None when it is not in there.
            history: The entries of the history at this moment.
        """
        with self.hold_trait_notifications():
            # First, because observers are called in this order: the views draw the new image before
            # anybody else hears of it.
            self.set_trait("result", result)
            self.selected = ()
            self.hidden_instances = ()
            self.set_trait("source", "" if result is None else result.name)
            self.set_trait("origin", "" if result is None else result.uri)
            self.set_trait("notes", () if result is None else result.notes)
            self.set_trait("current", number)
            self.set_trait("history", tuple(history))
            self.set_trait("prediction", None if result is None else result.prediction)
            with publishing():
                self.image = None if result is None else result.image

    @traitlets.validate("hidden_classes", "class_thresholds")
    def _known_classes(self, proposal: Any) -> Any:
        names: Iterable[str] = proposal["value"]
        if self.prediction is not None and self.prediction.class_names:
            known = self.prediction.class_names
            found = None if self.upcoming is None else self.upcoming.found
            if found is not None:  # its classes can be chosen, too
                known = (*known, *found.boxes.class_names)
            before = getattr(self, proposal["trait"].name)
            # Classes that were chosen under another model may stay; only a new unknown name is a
            # mistake.
            for name in names:
                if name not in known and name not in before:
                    raise SettingError(no_such_class(name, known))
        return names

    @traitlets.validate("selected", "hidden_instances")
    def _known_instances(self, proposal: Any) -> tuple[int, ...]:
        indices: tuple[int, ...] = proposal["value"]
        count = 0 if self.prediction is None else len(self.prediction)
        if indices and max(indices) >= count:
            raise SettingError(
                f"There is no instance {max(indices)}: the result has {count}, counted from 0."
            )
        return indices
