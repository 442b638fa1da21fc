"""A note of a limit is shown where the limit may have cut something that would be shown."""

from __future__ import annotations

import numpy as np
import pytest

from seg_widgets.prediction import Prediction, kept_note, reached_note


def made(note: str) -> Prediction:
    # The limit of three left the scores down to 0.25.
    return with_scores([0.75, 0.5, 0.25], note)


def with_scores(scores: list[float], note: str) -> Prediction:
    return Prediction(
        (4, 4),
        np.full((len(scores), 4), [0, 0, 2, 2], np.float32),
        np.array(scores, np.float32),
        np.arange(len(scores)).clip(max=1),
        ("cat", "dog"),
        notes=(note,),
    )


@pytest.mark.parametrize("note", [reached_note(3), kept_note(5, 3)])
def test_above_what_was_cut_the_note_is_left_out(note: str) -> None:
    prediction = made(note)
    assert prediction.filter(0.5).notes == ()
    assert prediction.filter(0.9).notes == ()
    assert prediction.filter(0.5, classes=["cat"]).notes == ()
    # One with the score of the last may have been cut.
    assert prediction.filter(0.25).notes == (note,)
    assert prediction.filter().notes == (note,)
    assert prediction.filter(0.5, class_thresholds={"dog": 0.1}).notes == (note,)
    assert prediction.filter(0.5, class_thresholds={"dog": 0.3}).notes == ()


def test_other_notes_stay() -> None:
    assert made("Class 3 has no name.").filter(0.5).notes == ("Class 3 has no name.",)


def test_a_score_is_compared_as_the_model_gave_it() -> None:
    note = reached_note(1)
    assert with_scores([0.7], note).filter(0.7).notes == (note,)
