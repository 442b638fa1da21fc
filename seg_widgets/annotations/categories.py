"""The classes of a data set, from COCO's categories: repeated ones merged, groups left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._text import well_formed
from ..errors import DatasetError
from .problem import Problem
from .values import Identity, IdIndex, as_id, as_number

__all__ = ["Classes", "read_categories"]


@dataclass(frozen=True)
class Classes:
    """The classes of a data set.

    Attributes:
        names: in the order of the categories' ids.
        index_of: the index into `names`, by category id.
        notes: categories that were merged or left out.
    """

    names: tuple[str, ...]
    index_of: IdIndex[int]
    notes: tuple[Problem, ...]


@dataclass(frozen=True)
class _Category:
    identity: Identity
    name: str
    group: str


def read_categories(file: str, entries: list[dict[str, Any]], used: Iterable[Any]) -> Classes:
    """Make classes of categories.

    Categories of the same name are one class. A category that no object has, and that is only the
    group (`supercategory`) of others, is no class: Roboflow writes one for the project.

    Args:
        file: the JSON file's name, for messages.
        entries: the categories.
        used: the category ids of the objects, as they stand in the file.

    Raises:
        DatasetError: there are no categories, one has no id or no name, or two have the same id
            and different names.
    """
    if not entries:
        raise DatasetError(f"{file} has no categories.")
    categories = [_category(file, entry) for entry in entries]
    names_by_id: dict[Identity, str] = {}
    for one in categories:
        if names_by_id.setdefault(one.identity, one.name) != one.name:
            raise DatasetError(
                f"{file}: two categories have the same id, {one.identity!r}, and different names, "
                f"{names_by_id[one.identity]!r} and {one.name!r}."
            )
    categories.sort(key=lambda one: (isinstance(one.identity, str), one.identity))
    ids = {as_id(value) for value in used}
    groups = [one for one in categories if _is_group(one, categories, ids)]
    notes = [
        Problem(f"category {one.identity} {one.name!r}", "it is a group without objects, no class")
        for one in groups
    ]

    names: list[str] = []
    index_of: IdIndex[int] = IdIndex()
    for one in categories:
        if one in groups:
            continue
        if one.name not in names:
            names.append(one.name)
        elif one.identity not in index_of:
            notes.append(
                Problem(
                    f"category {one.identity} {one.name!r}", "its name is another one's: merged"
                )
            )
        index_of.add(one.identity, names.index(one.name))
    return Classes(tuple(names), index_of, tuple(notes))


def _category(file: str, entry: dict[str, Any]) -> _Category:
    identity, name = as_id(entry.get("id")), entry.get("name")
    if as_number(name) is not None:
        name = str(name)  # digits are named so
    if identity is None or not isinstance(name, str) or not name.strip():
        raise DatasetError(
            f"{file}: each of its categories needs an id (a whole number) and a name."
        )
    group = entry.get("supercategory")
    # It becomes a class name, which each file format has to carry.
    return _Category(
        identity, well_formed(name.strip()), group.strip() if isinstance(group, str) else ""
    )


def _is_group(one: _Category, categories: list[_Category], used: set[Identity | None]) -> bool:
    is_top = one.group.lower() in ("", "none")
    has_members = any(other.group == one.name for other in categories if other is not one)
    return is_top and has_members and one.identity not in used
