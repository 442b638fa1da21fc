"""How many frames a GIF has: Pillow looks at each of a million before it says."""

from __future__ import annotations

from typing import Final

__all__ = ["MOST_FRAMES", "count_frames"]

MOST_FRAMES: Final = 10_000
"""What is counted at most."""

_MOST_BLOCKS: Final = 1_000_000
_IMAGE, _EXTENSION = 0x2C, 0x21


def count_frames(content: bytes) -> int:
    """Count the frames of a GIF without decoding them.

    Args:
        content: the whole file.

    Returns:
        1 to `MOST_FRAMES`; those before the first that is cut off.
    """
    # https://www.w3.org/Graphics/GIF/spec-gif89a.txt
    at = 13 + _table_bytes(content, 10)
    frames = blocks = 0
    while at < len(content) and frames < MOST_FRAMES and blocks < _MOST_BLOCKS:
        kind = content[at]
        if kind == _IMAGE:
            at += 10 + _table_bytes(content, at + 9) + 1
            frames += 1
        elif kind == _EXTENSION:
            at += 2
        else:
            break
        # The blocks of data, to the empty one at their end.
        while at < len(content) and content[at] and blocks < _MOST_BLOCKS:
            at += content[at] + 1
            blocks += 1
        at += 1
        blocks += 1
    return max(1, frames)


def _table_bytes(content: bytes, at: int) -> int:
    """The bytes of a colour table, as the flags before it say."""
    flags = content[at] if at < len(content) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
