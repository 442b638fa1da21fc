"""Which id each class has in COCO's files and in tables: one answer for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..errors import SettingError

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["category_ids", "category_ids_source"]

# https://github.com/cocodataset/cocoapi: the categories of instances_val2017.json. Eleven ids
# between 1 and 90 were never used.
_COCO_NAMES: Final = {
    1: "person bicycle car motorcycle airplane bus train truck boat",
    10: "traffic_light fire_hydrant",
    13: "stop_sign parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe",
    27: "backpack umbrella",
    31: "handbag tie suitcase frisbee skis snowboard sports_ball kite baseball_bat baseball_glove "
    "skateboard surfboard tennis_racket bottle",
    46: "wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog "
    "pizza donut cake chair couch potted_plant bed",
    67: "dining_table",
    70: "toilet",
    72: "tv laptop mouse remote keyboard cell_phone microwave oven toaster sink refrigerator",
    84: "book clock vase scissors teddy_bear hair_drier toothbrush",
}
_COCO_IDS: Final = {
    name.replace("_", " "): number
    for first, names in _COCO_NAMES.items()
    for number, name in enumerate(names.split(), first)
}

# How darknet's coco.names spells them.
_OTHER_SPELLINGS: Final = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}

# A list of COCO's names by their ids has these where an id is not used.
_NO_NAMES: Final = frozenset({"n/a", "background", "__background__"})


def category_ids(prediction: Prediction, given: Sequence[int] | None = None) -> tuple[int, ...]:
    """The id that each class has in COCO's files and in tables.

    Args:
        prediction: what was found.
        given: ids of your own, one for each class name; None: those that the prediction has
            (`Prediction.category_ids`), else COCO's own (1 to 90, with gaps) if the class names are
            COCO's 80, in any order, else the class id + 1.

    Returns:
        One id for each of `prediction.class_names`.

    Raises:
        SettingError: there is not one id of its own for each class name.
    """
    return _found(prediction, given)[0]


def category_ids_source(prediction: Prediction, given: Sequence[int] | None = None) -> str:
    """Where `category_ids` has the ids from, in a few words for people and files.

    Args:
        prediction: what was found.
        given: ids of your own, or None.

    Returns:
        Such as "COCO's own (1 to 90, with gaps)".

    Raises:
        SettingError: there is not one id of its own for each class name.
    """
    return _found(prediction, given)[1]


def _found(prediction: Prediction, given: Sequence[int] | None) -> tuple[tuple[int, ...], str]:
    names = prediction.class_names
    if given is not None:
        if len(given) != len(names) or len(set(given)) != len(given):
            raise SettingError(
                f"category_ids has one id of its own for each of the {len(names)} classes."
            )
        return tuple(int(number) for number in given), "as given"
    if prediction.category_ids:
        return prediction.category_ids, "those of the data set"
    coco = _coco_ids(names)
    if coco:
        return coco, "COCO's own (1 to 90, with gaps)"
    return tuple(range(1, len(names) + 1)), "the class id + 1"


def _coco_ids(names: Sequence[str]) -> tuple[int, ...]:
    """COCO's ids if all of its names are here, and else only gaps; () otherwise."""
    plain = [name.strip().lower() for name in names]
    ids = [_COCO_IDS.get(_OTHER_SPELLINGS.get(name, name)) for name in plain]
    known = [number for number in ids if number is not None]
    gaps = [name for name, number in zip(plain, ids, strict=True) if number is None]
    if sorted(known) != sorted(_COCO_IDS.values()) or not set(gaps) <= _NO_NAMES:
        return ()
    # A category needs an id, also one that no instance has.
    free = iter(number for number in range(len(names)) if number not in set(known))
    return tuple(next(free) if number is None else number for number in ids)
