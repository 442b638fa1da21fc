"""CSV: complete, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.prediction import Prediction

from ..export.results import FOUND, IMAGE, NOTHING


def test_csv(tmp_path: Path) -> None:
    text = export.to_csv(FOUND, tmp_path / "new" / "a.csv")
    assert (tmp_path / "new" / "a.csv").read_text("utf-8") == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == export.CSV_COLUMNS
    for row, instance in zip(rows, FOUND, strict=True):
        assert (int(row["instance"]), row["class_name"], int(row["class_id"])) == (
            *(instance.index, instance.class_name, instance.class_id),
        )
        assert float(row["score"]) == pytest.approx(instance.score, abs=1e-6)
        assert [float(row[side]) for side in ("x1", "y1", "x2", "y2")] == pytest.approx(
            list(instance.box), abs=1e-3
        )
        assert int(row["area"]) == instance.area
        assert row["category_id"] == str(instance.class_id + 1)
    assert export.to_csv(NOTHING) == ",".join(export.CSV_COLUMNS) + "\n"


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")', "＝1"]
)
def test_class_names_are_no_formulas(name: str) -> None:
    prediction = dataclasses.replace(FOUND, class_names=(name, "a,b", 'c"d', "e\nf"))
    rows = list(csv.reader(io.StringIO(export.to_csv(prediction), newline="")))
    assert rows[1][6] == "'" + name.replace("\r", " ")
    assert [row[6] for row in rows[2:5]] == ["a,b", 'c"d', "e\nf"]


def test_csv_of_some_keeps_their_places() -> None:
    every = export.to_csv(FOUND).splitlines()
    assert export.to_csv(FOUND, only=[3, 1]).splitlines() == [every[0], every[4], every[2]]
    assert export.to_csv(FOUND, only=FOUND.keep(0, ["person"])).splitlines()[1:] == [
        line
        for line, instance in zip(every[1:], FOUND, strict=True)
        if instance.class_name != "person"
    ]
    assert export.to_csv(FOUND, only=[]).splitlines() == every[:1]


def test_each_row_names_its_file_and_the_category_of_the_coco_file() -> None:
    prediction = dataclasses.replace(FOUND, category_ids=(7, 24, 3, 9))
    rows = list(csv.DictReader(io.StringIO(export.to_csv(prediction, file_name="a, b.jpg"))))
    assert {row["file_name"] for row in rows} == {"a, b.jpg"}
    results = export.to_coco(prediction)
    assert [int(row["category_id"]) for row in rows] == [one["category_id"] for one in results]
    made = export.make("csv", export.Result(IMAGE, prediction, "=1\udcff.jpg"))
    assert list(csv.reader(io.StringIO(made.data.decode("utf-8"))))[1][0] == "'=1_.jpg"


def test_a_row_has_as_many_digits_as_it_needs() -> None:
    box, score = np.array([[1.23456, 2, 3.5, 4]]), np.array([0.123456789])
    prediction = Prediction((9, 9), box, score, np.array([0]), ("cat",))
    assert (
        export.to_csv(prediction).splitlines()[1] == ",1,9,9,0,0,cat,1,0.123457,1.235,2.0,3.5,4.0,5"
    )
