"""What an image's entry says about how far it is labelled."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["labelling_gap"]

_LABELLED_CLASSES: Final = (
    "labelled_categories",
    "labeled_categories",
    "labelled_category_ids",
    "labeled_category_ids",
    "annotated_categories",
)
_IS_LABELLED: Final = ("labelled", "labeled", "annotated", "is_labelled", "is_labeled")


def labelling_gap(entry: dict[str, Any], classes: int) -> str:
    """Return in what way an image is labelled in part only; "" where nothing says so.

    LVIS lists classes of which not each object is labelled (`not_exhaustive_category_ids`), other
    tools those that were looked for, or whether anybody has looked.

    Args:
        entry: the image's entry.
        classes: how many classes the data set has.
    """
    if any(key in entry and not entry[key] and entry[key] is not None for key in _IS_LABELLED):
        return "its entry says that it is not labelled"
    if entry.get("not_exhaustive_category_ids"):
        return (
            "it is labelled in part only (not_exhaustive_category_ids): other objects count as "
            "background"
        )
    for key in _LABELLED_CLASSES:
        value = entry.get(key)
        if isinstance(value, list) and len(value) < classes:
            return f"it is labelled in part only ({key}): other objects count as background"
    return ""
