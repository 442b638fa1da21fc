"""Damaged footers: an error of ours, never the end of the process."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from seg_widgets import tables
from seg_widgets.errors import PredictionError
from seg_widgets.tables import TableImage, TableInfo, append_part
from seg_widgets.tables.footer import check_footer

from ..shapes_to_export import SHAPES


def _table(folder: Path) -> list[Path]:
    images = [TableImage("a.jpg", 1, SHAPES), TableImage("b.txt", 2, error="no image")]
    append_part(folder, images, TableInfo.of(SHAPES, model="stub"))
    return sorted(folder.rglob("*.parquet"))


def _mutated(content: bytes, dice: random.Random) -> bytes:
    """The content with some bytes of its footer changed."""
    changed = bytearray(content)
    (length,) = struct.unpack("<I", content[-8:-4])
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        place = dice.randrange(len(content) - 8 - length, len(content) - 4)
        bit, byte = 1 << dice.randrange(8), dice.choice((0, 127, 128, 249, 252, 255))
        changed[place] = dice.choice((changed[place] ^ bit, byte, dice.randrange(256)))
    return bytes(changed)


def read_mutated(folder: Path, count: int, seed: int) -> None:
    """Read tables with damaged footers, in a process that this may end; print how many failed."""
    dice = random.Random(seed)
    files = _table(folder)
    failed = 0
    for number in range(count):
        file = files[number % len(files)]
        content = file.read_bytes()
        file.write_bytes(_mutated(content, dice))
        try:
            list(tables.read_table(folder))
        except PredictionError:
            failed += 1
        file.write_bytes(content)
    print(count, failed)


def test_no_mutated_footer_ends_the_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.tables import test_footer as t; "
    code += "t.read_mutated(Path(sys.argv[1]), 300, 1)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    count, failed = map(int, done.stdout.split())
    assert count == 300 and failed > 200
    assert "memory allocation" not in done.stderr


@pytest.mark.parametrize(
    ("place", "new", "message"),
    [
        (-8, struct.pack("<I", 0xFFFFFFF0), "footer is damaged"),
        (-8, struct.pack("<I", 1 << 20), "footer is damaged"),
        (-8, struct.pack("<I", 3), "footer is damaged"),
        (-4, b"PAR2", "cut off"),
    ],
    ids=["beyond all sizes", "longer than the file", "too short", "no magic"],
)
def test_a_footer_that_does_not_fit(place: int, new: bytes, message: str, tmp_path: Path) -> None:
    for file in _table(tmp_path):
        content = bytearray(file.read_bytes())
        content[place : place + len(new) or None] = new
        file.write_bytes(content)
        with pytest.raises(PredictionError, match=message):
            tables.read_info(tmp_path)


def test_a_list_that_claims_more_than_there_is(tmp_path: Path) -> None:
    # Field 2, a list of 2³¹ - 1 structs.
    metadata = b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07"
    file = tmp_path / "claims.parquet"
    file.write_bytes(b"PAR1" + metadata + struct.pack("<I", len(metadata)) + b"PAR1")
    with pytest.raises(PredictionError, match="footer is damaged"):
        tables.read_info(file)


def _footer_bytes(content: bytes) -> int:
    return int(struct.unpack("<I", content[-8:-4])[0]) + 8


def test_pages_are_those_that_the_footer_names(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    few = SHAPES.select([0, 1])
    append_part(one, [TableImage("a.jpg", 1, SHAPES)], TableInfo.of(SHAPES, model="stub"))
    many = [TableImage(f"{number}.jpg", number, few) for number in range(40)]
    append_part(other, many, TableInfo.of(few, model="stub"))
    for path in one.rglob("*.parquet"):
        check_footer(path)
        mine = path.read_bytes()
        theirs = (other / path.relative_to(one)).read_bytes()
        joined = tmp_path / path.name
        for content in (
            mine[: -_footer_bytes(mine)] + theirs[-_footer_bytes(theirs) :],
            theirs[: -_footer_bytes(theirs)] + mine[-_footer_bytes(mine) :],
            mine + theirs,
        ):
            joined.write_bytes(content)
            with pytest.raises(ValueError, match="its footer is damaged"):
                check_footer(joined)
