"""The names that the new starter learns, and what a label may leave open.

A label needs not be one name: a drawn animal is some animal, an otter an animal that COCO has no
name for, a balloon something. So a target is a set of names, and what is learned is that one of
them is right: the loss is minus the logarithm of the sum of their probabilities.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.classes import CLASSES

_COCO_BY_GROUP: Final = {
    "person": "person",
    "vehicle": "bicycle, car, motorcycle, airplane, bus, train, truck, boat",
    "outdoor": "traffic light, fire hydrant, stop sign, parking meter, bench",
    "animal": "bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe",
    "accessory": "backpack, umbrella, handbag, tie, suitcase",
    "sports": "frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, "
    "skateboard, surfboard, tennis racket",
    "kitchen": "bottle, wine glass, cup, fork, knife, spoon, bowl",
    "food": "banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake",
    "furniture": "chair, couch, potted plant, bed, dining table, toilet",
    "electronic": "tv, laptop, mouse, remote, keyboard, cell phone",
    "appliance": "microwave, oven, toaster, sink, refrigerator",
    "indoor": "book, clock, vase, scissors, teddy bear, hair drier, toothbrush",
}
GROUP_OF_NAME: Final = {
    name: group for group, names in _COCO_BY_GROUP.items() for name in names.split(", ")
}
COCO_NAMES: Final = tuple(GROUP_OF_NAME)
"""COCO's eighty names in COCO's order."""

# "person" is a name and a group at once. The other groups stand for what is none of their names.
_GROUPS_AS_NAMES: Final = tuple(group for group in CLASSES if group not in GROUP_OF_NAME)
NAMES: Final = (*COCO_NAMES, *_GROUPS_AS_NAMES)
"""In the order of class ids: COCO's names, its groups (something else of the group), and the kinds
that only cut-outs have."""

BACKGROUND: Final = len(NAMES)
GROUP_OF: Final = np.array([CLASSES.index(GROUP_OF_NAME.get(name, name)) for name in NAMES])
"""The index in `CLASSES` of each name's group."""

_FIRST_SET: Final = len(NAMES) + 1
ANYTHING: Final = _FIRST_SET + len(CLASSES)
"""The target of an object of which nothing but its being there is known."""


def some(group: str) -> int:
    """Return the target of an object of which only the group is known."""
    return _FIRST_SET + CLASSES.index(group)


def exactly(name: str, group: str) -> int:
    """Return the target of an object with a name; what COCO has no name for is of its group."""
    return NAMES.index(name if name in NAMES else group)


def group_of_target(target: int) -> int:
    """Return the index in `CLASSES` of a target's group; -1 for `ANYTHING`."""
    if target == ANYTHING:
        return -1
    return int(GROUP_OF[target]) if target < BACKGROUND else target - _FIRST_SET


def target_sets() -> NDArray[np.bool_]:
    """Return which classes each target allows.

    Returns:
        Targets × (names and background), bool.
    """
    sets = np.zeros((ANYTHING + 1, len(NAMES) + 1), bool)
    sets[: len(NAMES) + 1] = np.eye(len(NAMES) + 1, dtype=bool)
    for index in range(len(CLASSES)):
        sets[_FIRST_SET + index, :-1] = index == GROUP_OF
    sets[ANYTHING, :-1] = True
    return sets


_ALIASES: Final = {
    "airplane": "small airplane, airplane",
    "bear": "bear, polar bear",
    "bird": "bird, parrot, eagle, owl, duck, swan, dove, flamingo, penguin, rooster, chicken, "
    "goose, black bird",
    "book": "books, closed book, blue book, green book, orange book, open book",
    "boat": "speedboat, motor boat, ship, ferry, passenger ship, canoe, sailboat",
    "bus": "bus, oncoming bus, trolleybus, minibus",
    "cake": "birthday cake, shortcake, cupcake, moon cake",
    "car": "automobile, oncoming automobile, sport utility vehicle, taxi, oncoming taxi, "
    "police car, oncoming police car, racing car",
    "cat": "cat, black cat",
    "cell phone": "mobile phone",
    "clock": "alarm clock, mantelpiece clock",
    "couch": "couch and lamp",
    "cow": "cow, ox, water buffalo",
    "cup": "hot beverage, teacup without handle",
    "dog": "dog, poodle, guide dog, service dog",
    "donut": "doughnut",
    "elephant": "elephant",
    "frisbee": "flying disc",
    "horse": "horse",
    "keyboard": "keyboard",
    "knife": "kitchen knife",
    "laptop": "laptop",
    "motorcycle": "motorcycle, motor scooter",
    "mouse": "computer mouse",
    "orange": "tangerine",
    "sheep": "ewe, ram",
    "snowboard": "snowboarder",
    "spoon": "spoon",
    "sports ball": "soccer ball, basketball, baseball, volleyball, tennis, softball",
    "suitcase": "luggage",
    "tie": "necktie",
    "traffic light": "horizontal traffic light, vertical traffic light",
    "train": "locomotive, train, high-speed train, bullet train, railway car",
    "truck": "delivery truck, articulated lorry, fire engine, pickup truck",
    "tv": "television",
    "umbrella": "umbrella, closed umbrella",
    "vase": "amphora",
    "wine glass": "wine glass",
}
_NAME_OF: Final = {
    **{name: name for name in COCO_NAMES},
    **{word: name for name, words in _ALIASES.items() for word in words.split(", ")},
}


def target_of_drawing(annotation: str, group: str) -> int:
    """Return the target of an emoji by OpenMoji's annotation.

    Args:
        annotation: such as "oncoming taxi".
        group: one of `CLASSES`; a name of another group doesn't count.
    """
    name = _NAME_OF.get(annotation)
    if name is not None and GROUP_OF_NAME[name] == group:
        return NAMES.index(name)
    return some(group)


class Label(NamedTuple):
    """What is known of one object in a photograph.

    Attributes:
        target: an index of `NAMES`, or what `some` returns, or `ANYTHING`.
        weight: how sure that is, 0 to 1.
        has_mask: whether its outline is right; without, only its box is.
        is_ignored: whether nothing may be learned where it lies.
        is_self_made: whether the outline is by a network in a known box (`training.self_masks`).
    """

    target: int
    weight: float = 1.0
    has_mask: bool = True
    is_ignored: bool = False
    is_self_made: bool = False

    @property
    def is_drawn(self) -> bool:
        """Whether the outline is by people."""
        return self.has_mask and not self.is_self_made

    def pack(self) -> int:
        """Return the label as one number, which goes along wherever a class index does."""
        return (
            self.target
            | (not self.has_mask) << 8
            | self.is_ignored << 9
            | round(self.weight * 32) << 10
            | self.is_self_made << 16
        )

    @classmethod
    def unpack(cls, packed: int) -> Label:
        """Return what `pack` packed; the weight in steps of 1/32."""
        return cls(
            packed & 255,
            (packed >> 10 & 63) / 32,
            not packed >> 8 & 1,
            bool(packed >> 9 & 1),
            bool(packed >> 16 & 1),
        )
