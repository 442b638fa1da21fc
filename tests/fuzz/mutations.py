"""Changes of bytes that break a file somewhere, chosen by a seeded generator."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

__all__ = ["mutated"]

# Numbers at which counters, sizes and signs turn.
_EDGES: Final = (
    *(b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\x7f\xff"),
    *(b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80"),
    *(b"\xff" * 8, b"\0" * 8, b"\0\0\0\0\0\0\0\x10"),
)
_NUMBERS: Final = (b"0", b"-1", b"1e999", b"99999999999", b"1" * 200, b"nan", b"''", b"2147483648")


def mutated(content: bytes, random: random.Random, other: bytes = b"") -> bytes:
    """Change a file in one to four places.

    Args:
        content: the file.
        random: chooses; the same seed makes the same file.
        other: another file, parts of which may be put into this one.
    """
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        random.choice(_CHANGES)(changed, random, other)
    return bytes(changed)


def _place(content: bytearray, random: random.Random) -> int:
    # Headers decide most, so half of all changes are made near the beginning.
    end = len(content)
    return random.randrange(min(end, 256) if random.random() < 0.5 else end) if end else 0


def _flip(content: bytearray, random: random.Random, _: bytes) -> None:
    for _i in range(random.choice((1, 1, 4, 32))):
        if content:
            content[_place(content, random)] ^= 1 << random.randrange(8)


def _overwrite(content: bytearray, random: random.Random, _: bytes) -> None:
    place, edge = _place(content, random), random.choice(_EDGES)
    content[place : place + len(edge)] = edge


def _insert(content: bytearray, random: random.Random, _: bytes) -> None:
    place = _place(content, random)
    content[place:place] = random.choice((*_EDGES, random.randbytes(16)))


def _cut(content: bytearray, random: random.Random, _: bytes) -> None:
    del content[_place(content, random) :]


def _remove(content: bytearray, random: random.Random, _: bytes) -> None:
    place = _place(content, random)
    del content[place : place + random.choice((1, 4, 100))]


def _repeat(content: bytearray, random: random.Random, _: bytes) -> None:
    place = _place(content, random)
    part = bytes(content[place : place + random.choice((1, 16, 500))])
    content[place:place] = part * random.choice((1, 2, 50))


def _splice(content: bytearray, random: random.Random, other: bytes) -> None:
    start = random.randrange(len(other) + 1)
    part = other[start : start + random.choice((8, 200, 5000))]
    place = _place(content, random)
    content[place : place + random.choice((0, len(part)))] = part


def _renumber(content: bytearray, random: random.Random, _: bytes) -> None:
    found = list(re.finditer(rb"\d+", bytes(content[:100_000])))
    if found:
        match = random.choice(found)
        content[match.start() : match.end()] = random.choice(_NUMBERS)


_CHANGES: Final[tuple[Callable[[bytearray, random.Random, bytes], None], ...]] = (
    *(_flip, _flip, _overwrite, _overwrite),
    *(_insert, _cut, _remove, _repeat, _splice, _renumber),
)
