"""The file in which a run notes what is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seg_widgets import Prediction
from seg_widgets.batch import Journal
from seg_widgets.errors import ExportError, SettingError
from seg_widgets.testing import StubPredictor, make_picture

JOURNAL = "journal.jsonl"
SETTINGS: dict[str, Any] = {"model": "starter"}


def _noted(folder: Path) -> tuple[Path, Prediction]:
    prediction = StubPredictor(4)(make_picture())
    (folder / "a.csv").touch()
    journal = Journal(folder / JOURNAL, SETTINGS, resume=True)
    journal.add("\udcff.jpg", "a", "\udcff", [folder / "a.csv"], prediction)
    return folder / JOURNAL, prediction


def test_what_was_found_comes_back_without_loss(tmp_path: Path) -> None:
    path, prediction = _noted(tmp_path)
    again = Journal(path, SETTINGS, resume=True).find("\udcff.jpg", "a", "\udcff")
    assert again is not None
    assert again.files == ("a.csv",)
    assert again.prediction == prediction
    found = Journal(path, SETTINGS, resume=True)
    assert found.find("\udcff.jpg", "b", "\udcff") is None
    assert found.find("b.jpg", "a", "\udcff") is None
    assert Journal(path, SETTINGS, resume=False).find("\udcff.jpg", "a", "\udcff") is None


def test_a_line_that_was_cut_off_is_skipped(tmp_path: Path) -> None:
    path, _ = _noted(tmp_path)
    whole = path.read_bytes()
    # Without its line break alone, the last line would still be whole.
    for kept in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:kept])
        journal = Journal(path, SETTINGS, resume=True)
        assert journal.find("\udcff.jpg", "a", "\udcff") is None
        journal.add("\udcff.jpg", "a", "\udcff", [tmp_path / "a.csv"])
        assert Journal(path, SETTINGS, resume=True).find("\udcff.jpg", "a", "\udcff") is not None


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"somebody": "else"}\n')
    with pytest.raises(SettingError, match="model was None, and is starter"):
        Journal(tmp_path / JOURNAL, SETTINGS, resume=True)


def test_a_folder_that_cannot_be_written_is_an_error_of_exports(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / JOURNAL, SETTINGS, resume=True)
    with pytest.raises(
        ExportError, match=r"journal\.jsonl could not be written: .*Free some space"
    ):
        journal.add("a.jpg", "a", "a.jpg", [])
    assert journal.find("a.jpg", "a", "a.jpg") is None
