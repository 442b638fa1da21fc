"""Names in messages: short, on one line, and without an effect on a terminal or a page."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from seg_widgets import Prediction, images
from seg_widgets._text import plural, printable, printable_message, well_formed
from seg_widgets.cli import main, segment
from seg_widgets.errors import ImageError, SegWidgetsError
from seg_widgets.export import coco_dataset, file_stem, to_csv
from seg_widgets.finetuning import Problem
from seg_widgets.testing import StubPredictor, make_jpeg

ODD = {
    "nul": "a\0b.jpg",
    "lines": "a\nb\r\u2028c\u2029.jpg",
    "escape": "\x1b[31mred\x1b[0m\x07.jpg",
    "c1": "a\x9b31m.jpg",
    "bidi": "photo\u202egpj.exe",
    "isolates": "a\u2066b\u2069\u200f\u061c.jpg",
    "bytes": os.fsdecode(b"caf\xe9.jpg"),
    "half a character": "\ud83d.jpg",
    "long": "x" * 1_000_000,
    "invisible": "a\u200b\ufeff\U000e0041.jpg",
}


@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
def test_a_name_is_short_and_does_nothing(name: str) -> None:
    shown = printable(name)
    assert len(shown) <= 80
    assert shown.isprintable()
    assert shown.encode()
    begun = name[: name.find(next((one for one in name if not one.isprintable()), name[-1]))]
    assert shown.startswith(begun[:40])


def test_ordinary_names_of_all_languages_stay() -> None:
    for name in (
        "cat.jpg",
        "写真.png",
        "фото 1.jpg",
        "👩\u200d🚀.png",
        "می\u200cخواهم.png",
        "e\u0301",
    ):
        assert printable(name) == name
    assert printable("Screenshot at 9.41\u202fAM.png") == "Screenshot at 9.41 AM.png"
    assert printable("x" * 40 + "y" * 400 + ".jpg").endswith("y.jpg")


@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
def test_no_message_is_longer_or_stranger_whatever_is_in_it(name: str) -> None:
    message = str(SegWidgetsError(f"There is no {name}. Check the name."))
    assert len(message) <= 4000
    assert message.startswith("There is no ")
    assert message.endswith("Check the name.")
    assert all(one.isprintable() or one == "\n" for one in message)
    with pytest.raises(ImageError) as caught:
        images.load(name)
    assert len(str(caught.value)) < 3000
    assert str(caught.value).replace("\n", "").isprintable()
    assert "\n" not in str(caught.value)
    problem = Problem(f"image {name}", "it is damaged", name)
    assert len(str(problem)) < 1000
    assert str(problem).isprintable()


def test_a_noun_fits_its_number() -> None:
    assert [f"{number} {plural(number, 'hit')}" for number in (0, 1, 2)] == [
        *("0 hits", "1 hit", "2 hits"),
    ]
    assert plural(2, "wrong class", "wrong classes") == "wrong classes"


def test_lines_of_a_message_stay() -> None:
    assert printable_message("one\ntwo\t\x1b[0m") == "one\ntwo\t�[0m"


def test_what_is_no_unicode_becomes_text() -> None:
    assert well_formed("\udce9\ud83dé👩") == "__é👩"


def _prediction(*names: str) -> Prediction:
    return Prediction(
        (4, 4), np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.zeros(1, np.int64), names
    )


def test_class_names_go_into_every_file() -> None:
    prediction = _prediction("caf\udce9", "half\ud83d")
    assert prediction.class_names == ("caf_", "half_")
    assert "caf_" in to_csv(prediction)
    json.dumps(coco_dataset(prediction, "a.jpg"), ensure_ascii=False).encode()
    assert "\x1b" not in repr(_prediction("\x1b[31mred"))
    assert len(repr(_prediction("x" * 10**6))) < 1000


@pytest.mark.parametrize(
    "name",
    [
        "CON",
        "nul.txt",
        "com1",
        "LPT9.tar.gz",
        "aux ",
        "con.",
        "con" + " " * 200 + "x",
        "COM¹",
        "Prn",
    ],
)
def test_devices_of_windows_are_no_file_names(name: str) -> None:
    stem = file_stem(name)
    assert stem.startswith("_")
    assert file_stem(stem) == stem
    assert not file_stem(name, ending="-2").lower().startswith(("con", "nul", "com", "lpt", "aux"))


@pytest.mark.parametrize("name", [*ODD.values(), "dots...", "spaces   ", "...", "", "a/b\\c:d"])
def test_file_names_are_of_every_system(name: str) -> None:
    stem = file_stem(name)
    assert 0 < len(stem) <= 101
    assert stem.encode()
    assert stem.isprintable() or name == ODD["invisible"]
    assert stem.rstrip(". ") == stem


def test_names_that_no_system_takes_end_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = StubPredictor(4)
    stub.description = stub.device = "stub"  # type: ignore[attr-defined]
    monkeypatch.setattr(segment, "load_model", lambda options: stub)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(make_jpeg())
    wrong = ["x" * 10**6, "~nobody-is-called-so/a.jpg", "x" * 300 + ".jpg", "a\0b.jpg"]
    out = str(tmp_path / "out")
    assert main(["segment", *wrong, str(photo), "--out", out, "--format", "csv"]) == 1
    assert stub.calls == 1
    shown = capsys.readouterr().err
    assert "4 failed:" in shown
    assert max(map(len, shown.splitlines())) < 4000


@pytest.mark.skipif(sys.platform == "win32", reason="names of Unix are bytes")
def test_names_that_are_no_text_end_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stub = StubPredictor(4)
    stub.description = stub.device = "stub"  # type: ignore[attr-defined]
    monkeypatch.setattr(segment, "load_model", lambda options: stub)
    folder = tmp_path / "in"
    folder.mkdir()
    names = [
        b"caf\xe9.jpg",
        b"caf\xe8.jpg",
        b"\x1b[31m\n.jpg",
        b"bad\xff.txt",
        b"a\xe2\x80\xae.jpg",
    ]
    for name in names:
        content = make_jpeg() if name.endswith(b"jpg") else b"no image"
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    (folder / "\udcfe.jpg").write_bytes(b"damaged")
    out = tmp_path / "out"
    formats = "png,coco,results,csv,html,labelme,labelstudio,cutouts"
    assert main(["segment", str(folder), "--out", str(out), "--format", formats]) == 1
    assert stub.calls == 4
    shown = capfd.readouterr()
    assert "1 failed:" in shown.err
    assert "left out 1 file that is no image: bad�.txt" in shown.err
    assert "\x1b" not in shown.out + shown.err
    assert "\u202e" not in shown.out + shown.err
    files = [path.name for path in out.iterdir()]
    assert all(name.isprintable() and name.encode() for name in files)
    data = json.loads((out / "in-coco.json").read_text("utf-8"))
    called = [image["file_name"] for image in data["images"]]
    assert len(set(called)) == len(called) == 4
    assert len([name for name in files if name.endswith(".csv")]) == 4
