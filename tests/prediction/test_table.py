"""A prediction as a table."""

from __future__ import annotations

import numpy as np

from seg_widgets.prediction import Prediction

from .stacks import NAMES, small


def test_repr_is_a_table() -> None:
    assert repr(small()).splitlines() == [
        "Prediction: 3 instances in 20×10 px",
        "#  class      score  area px  box x1 y1 x2 y2",
        "0  dog         0.50       24  2 1 8 5",
        "1  cat         0.90      200  0 0 20 10",
        "2  Ωmega <b>   0.70        1  19 9 20 10",
    ]
    assert repr(small().select([0])).startswith("Prediction: 1 instance in")


def test_html_is_escaped() -> None:
    text = small()._repr_html_()
    assert "Ωmega &lt;b&gt;" in text and "<b>" not in text
    assert text.count("<tr>") == 4


def test_long_tables_are_cut_and_counted() -> None:
    prediction = Prediction.from_dense(np.ones((35, 2, 2), bool), [0.5] * 35, [0] * 35, NAMES)
    assert repr(prediction).splitlines()[-1] == "… and 5 more"
    assert len(repr(prediction).splitlines()) == 33
    assert "… and 5 more" in prediction._repr_html_()


def test_thirty_rows_are_no_long_table() -> None:
    def of(count: int) -> Prediction:
        dense = np.ones((count, 2, 2), bool)
        return Prediction.from_dense(dense, [0.5] * count, [0] * count, NAMES)

    assert "more" not in repr(of(30)) and "more" not in of(30)._repr_html_()
    assert repr(of(31)).splitlines()[-2:] == [
        "29  cat     0.50        4  0 0 2 2",
        "… and 1 more",
    ]
    assert of(31)._repr_html_().count("<tr>") == 31
    assert repr(of(0)) == "Prediction: 0 instances in 2×2 px"
    assert repr(of(2)).startswith("Prediction: 2 instances in 2×2 px")
