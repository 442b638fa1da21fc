"""All images of a session as one file; where several models looked at them, as one for each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from ..errors import SegWidgetsError
from ..export import (
    FORMATS,
    ExportedFile,
    Result,
    file_stem,
    make_each,
    make_together,
    unique_stems,
    zip_together,
)
from ..prediction import Filter, Prediction
from ..session import HistoryEntry, SegmentationState, filter_of, shown_in
from ..style import Style
from .canvas import SegmentationCanvas
from .exporting import OnImage

__all__ = ["AllImages", "export_all"]


class AllImages(NamedTuple):
    """The images of a session and how they are shown, at one moment."""

    history: tuple[HistoryEntry, ...]
    """Those that are done."""

    filter: Filter
    """What is shown."""

    current: int | None
    """The number of the image on screen."""

    style: Style
    """How they are drawn."""

    @classmethod
    def of(cls, state: SegmentationState, canvas: SegmentationCanvas) -> AllImages:
        """Note what is shown now.

        Args:
            state: The session's state.
            canvas: How images are drawn.

        Raises:
            SegWidgetsError: There is no image yet.
        """
        done = tuple(entry for entry in state.history if entry.prediction is not None)
        if not done:
            raise SegWidgetsError("There is no image to save yet.")
        return cls(done, state.filter, state.current, canvas.style_shown)


def export_all(
    format_name: str, images: AllImages, on_image: OnImage = lambda number, count: None
) -> ExportedFile:
    """Make one file of all images of the history, with what the filter shows in each.

    A format that is for single images gives a ZIP with the files of each. Of several models each
    gets a file of its own, in one ZIP: an image has the same name and the same id in all of them.

    Args:
        format_name: The name of a format of the export registry.
        images: The images.
        on_image: Is called before each of them. What it raises is raised.

    Returns:
        The file's name, its media type and its content.

    Raises:
        SettingError: There is no such format, or the results of a model have different classes.
        ImageError: The pixels of an image can't be had any more.
    """
    named = _named(images.history)
    chosen = FORMATS.get(format_name)
    if chosen is not None and chosen.make_together is None:
        return make_each(format_name, _each(images, named, on_image))

    found: dict[str, list[tuple[_Named, Prediction]]] = {}
    shown = shown_in(images.history, images.filter, images.current)
    for number, (one, (entry, prediction)) in enumerate(zip(named, shown, strict=True), 1):
        on_image(number, len(named))
        found.setdefault(entry.model, []).append((one, prediction))
    if len(found) == 1:
        return _joined(format_name, next(iter(found.values())))
    stems = unique_stems(f"images-{file_stem(model or 'model')}.all" for model in found)
    return zip_together(
        format_name,
        (
            _joined(format_name, some, stem)
            for (_, stem), some in zip(stems, found.values(), strict=True)
        ),
    )


class _Named(NamedTuple):
    """What an image is called in the files."""

    name: str
    image_id: int


def _joined(
    format_name: str, found: Sequence[tuple[_Named, Prediction]], stem: str = "images"
) -> ExportedFile:
    """One file of what one model found."""
    return make_together(
        format_name,
        [one.name for one, _ in found],
        [prediction for _, prediction in found],
        stem,
        image_ids=[one.image_id for one, _ in found],
    )


def _each(images: AllImages, named: Sequence[_Named], on_image: OnImage) -> Iterator[Result]:
    """What each image's own files are made of; its pixels are loaded when it is its turn."""
    for number, (entry, one, stem) in enumerate(
        zip(images.history, named, _stems(images.history, named), strict=True), 1
    ):
        on_image(number, len(images.history))
        result = entry.result
        if result is not None:
            shown = filter_of(entry, images.filter, images.current)
            yield Result(
                result.image,
                result.prediction,
                one.name,
                shown,
                images.style,
                stem=stem,
                image_id=one.image_id,
            )


def _stems(history: Sequence[HistoryEntry], named: Sequence[_Named]) -> list[str]:
    """What each entry's own files are called; of several models each has its name in them."""
    plain = dict(unique_stems(dict.fromkeys(one.name for one in named)))
    if len({entry.model for entry in history}) == 1:
        return [plain[one.name] for one in named]
    # With a suffix, as what comes behind a point of a model's name is none.
    of_models = [
        f"{plain[one.name]}-{file_stem(entry.model or 'model')}.all"
        for entry, one in zip(history, named, strict=True)
    ]
    return [stem for _, stem in unique_stems(of_models)]


def _named(history: Sequence[HistoryEntry]) -> list[_Named]:
    """The name and the id of each entry's image.

    Images that several models looked at are one. Of several with the same name, those that have a
    path or an address are called by it, as in `batch`.
    """
    keys = [*_keys(history)]
    sources = {key: entry.origin or entry.source for key, entry in zip(keys, history, strict=True)}
    called = {key: entry.source for key, entry in zip(keys, history, strict=True)}
    often = Counter(called.values())
    names = [
        (sources[key] if often[name] > 1 else name) or f"image-{number}"
        for number, (key, name) in enumerate(called.items(), 1)
    ]
    ids = {key: number for number, key in enumerate(called, 1)}
    unique = dict(zip(called, _unique(names), strict=True))
    return [_Named(unique[key], ids[key]) for key in keys]


def _keys(history: Sequence[HistoryEntry]) -> Iterator[Hashable]:
    """What tells images apart: the same one that one model looked at twice, as what an address
    gives may change, counts as two."""
    seen: Counter[Hashable] = Counter()
    for entry in history:
        image = entry.origin or id(entry.pixels)
        seen[entry.model, image] += 1
        yield image, seen[entry.model, image]


def _unique(names: list[str]) -> list[str]:
    """Names that each occur once: another "photo.jpg" becomes "photo (2).jpg"."""
    taken: set[str] = set()
    found = []
    for name in names:
        number, unique = 1, name
        while unique in taken:
            number += 1
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            unique = f"{stem} ({number}){suffix}"
        taken.add(unique)
        found.append(unique)
    return found
