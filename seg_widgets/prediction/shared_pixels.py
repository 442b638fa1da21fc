"""How many pixels masks share: pair by pair where there are few, in tiles of bits where there are
many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .masks import MaskCrop

__all__ = ["shared_pixels"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

# From so many pairs a mask on, making the tiles pays.
_MANY: Final = 16

# A tile is 64 pixels wide, one word, and as high as the counts of a mask in it fit into 16 bits.
_WIDTH: Final = 64
_HEIGHT: Final = 256

# Of the second masks so many bytes are in tiles at a time.
_MOST_BYTES: Final = 128 * 2**20


def shared_pixels(
    first: Sequence[MaskCrop],
    second: Sequence[MaskCrop],
    rows: IntArray,
    columns: IntArray,
) -> IntArray:
    """How many pixels pairs of masks share.

    Args:
        first: N masks.
        second: M masks.
        rows: P indices of the first ones, ascending.
        columns: P indices of the second ones, whose rectangles meet those.

    Returns:
        P int64.
    """
    others = np.unique(columns)
    if len(rows) < _MANY * (len(others) + len(np.unique(rows))):
        return _pair_by_pair(first, second, rows, columns)

    shared = np.zeros(len(rows), np.int64)
    sizes = np.cumsum([_tiled_bytes(second[index]) for index in others.tolist()])
    for block in np.unique(sizes // _MOST_BYTES).tolist():
        members = others[sizes // _MOST_BYTES == block]
        chosen = (columns >= members[0]) & (columns <= members[-1])
        tiles = _stock(second, members)
        shared[chosen] = _in_tiles(first, tiles, rows[chosen], columns[chosen], len(second))
    return shared


# ── in tiles ──────────────────────────────────────────────────────────────────────────────────────

_Tile = tuple[int, int]  # which one: down and across
_Stock = dict[_Tile, tuple[IntArray, Words]]


def _in_tiles(
    first: Sequence[MaskCrop], tiles: _Stock, rows: IntArray, columns: IntArray, count: int
) -> IntArray:
    """Each of the first masks with all second ones of each of its tiles at once."""
    shared = np.zeros(len(rows), np.int64)
    for row in np.unique(rows).tolist():
        start, end = np.searchsorted(rows, [row, row + 1]).tolist()
        partners = columns[start:end]
        counts = np.zeros(count, np.int64)
        for tile, top, bottom, words in _parts(first[row]):
            if tile not in tiles:
                continue
            members, bits = tiles[tile]
            # Within one prediction, only the pairs with later ones are asked for.
            begin = int(members.searchsorted(partners.min()))
            if begin == len(members):
                continue
            both = np.bitwise_count(bits[begin:, top:bottom] & words)
            starts = np.arange(0, both.size, bottom - top)
            counts[members[begin:]] += np.add.reduceat(both.ravel(), starts, dtype=np.uint16)
        shared[start:end] = counts[partners]
    return shared


def _stock(masks: Sequence[MaskCrop], members: IntArray) -> _Stock:
    """The bits of some masks by tile: which masks are in it, and a line of words for each."""
    parts: dict[_Tile, list[tuple[int, int, int, Words]]] = {}
    for index in members.tolist():
        for tile, top, bottom, words in _parts(masks[index]):
            parts.setdefault(tile, []).append((index, top, bottom, words))
    stock: _Stock = {}
    for tile, lines in parts.items():
        bits = np.zeros((len(lines), _HEIGHT), np.uint64)
        for line, (_, top, bottom, words) in zip(bits, lines, strict=True):
            line[top:bottom] = words
        stock[tile] = np.array([index for index, *_ in lines]), bits
    return stock


def _parts(crop: MaskCrop) -> Iterator[tuple[_Tile, int, int, Words]]:
    """A mask's part of each tile: its rows there, from and to, and a word for each."""
    first, last = crop.x // _WIDTH, (crop.x + crop.width - 1) // _WIDTH
    left = crop.x - first * _WIDTH
    plane = np.zeros((crop.height, (last - first + 1) * _WIDTH), bool)
    plane[:, left : left + crop.width] = crop.to_array()
    # One line for each tile across, whose words lie together.
    lines = np.packbits(plane, axis=1).view(np.uint64).T.copy()
    bottom = crop.y + crop.height
    for down in range(crop.y // _HEIGHT, (bottom - 1) // _HEIGHT + 1):
        edge = down * _HEIGHT
        start, end = max(crop.y, edge), min(bottom, edge + _HEIGHT)
        for across, words in enumerate(lines[:, start - crop.y : end - crop.y], first):
            yield (down, across), start - edge, end - edge, words


def _tiled_bytes(crop: MaskCrop) -> int:
    """The most bytes that a mask takes in tiles."""
    return (crop.width // _WIDTH + 2) * (crop.height // _HEIGHT + 2) * _HEIGHT * 8


# ── pair by pair ──────────────────────────────────────────────────────────────────────────────────


def _pair_by_pair(
    first: Sequence[MaskCrop], second: Sequence[MaskCrop], rows: IntArray, columns: IntArray
) -> IntArray:
    """Each pair by itself; only the rows that it shares are unpacked."""
    shared = np.zeros(len(rows), np.int64)
    row, plane = -1, np.zeros((0, 0), bool)
    for place, (index, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        if index != row:
            row, plane = index, first[index].to_array()
        shared[place] = _intersection(plane, first[index], second[column])
    return shared


def _intersection(plane: BoolArray, crop: MaskCrop, other: MaskCrop) -> int:
    """The pixels that are in both masks; of the second one only the shared rows are unpacked."""
    left, right = max(crop.x, other.x), min(crop.x + crop.width, other.x + other.width)
    top, bottom = max(crop.y, other.y), min(crop.y + crop.height, other.y + other.height)
    start, stop = (top - other.y) * other.width, (bottom - other.y) * other.width
    packed = np.frombuffer(other.bits, np.uint8)[start // 8 : (stop + 7) // 8]
    flat = np.unpackbits(packed)[start % 8 : start % 8 + stop - start]
    rows = flat.reshape(-1, other.width)[:, left - other.x : right - other.x].view(np.bool_)
    mine = plane[top - crop.y : bottom - crop.y, left - crop.x : right - crop.x]
    return int(np.count_nonzero(rows & mine))
