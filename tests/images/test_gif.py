from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from seg_widgets.errors import SettingError
from seg_widgets.images import load, read
from seg_widgets.images.gif import MOST_FRAMES, count_frames


def _frames(count: int, **settings: object) -> bytes:
    frames = [Image.new("P", (5, 4), number % 256) for number in range(count)]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], optimize=False, **settings
    )
    return buffer.getvalue()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_frames_are_counted_as_pillow_does(count: int) -> None:
    content = _frames(count, duration=20, comment=b"x" * 700, loop=0)
    with Image.open(io.BytesIO(content)) as image:
        assert count_frames(content) == getattr(image, "n_frames", 1) == count
    assert count_frames(content[:-30]) <= count


def _repeated(count: int) -> bytes:
    content = _frames(1)
    begin = 13 + 3 * 2 ** ((content[10] & 7) + 1)
    return content[:begin] + content[begin:-1] * count + b";"


def test_a_million_frames_are_not_looked_at() -> None:
    content = _repeated(MOST_FRAMES + 5)
    assert count_frames(content) == MOST_FRAMES
    loaded = read(content)
    assert loaded.pixels.shape == (4, 5, 3)
    assert loaded.notes[0].startswith("It has 10000 frames")
    with pytest.raises(SettingError, match="there is no page=10000"):
        load(content, page=MOST_FRAMES)
    np.testing.assert_array_equal(load(_repeated(3), page=2), load(_repeated(1)))


def test_what_is_no_gif_has_one_frame() -> None:
    for content in (b"", b"GIF89a", b"GIF89a" + struct.pack("<HHBBB", 5, 4, 0x80, 0, 0)):
        assert count_frames(content) == 1
