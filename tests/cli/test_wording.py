"""Messages on the command line name options, not the arguments of Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seg_widgets.cli import batch, evaluate, finetune, program, segment, serve, wording
from seg_widgets.cli.wording import in_options, speak_of
from seg_widgets.errors import SegWidgetsError
from seg_widgets.images import read
from seg_widgets.images.limits import Limits
from seg_widgets.modeling import load_predictor
from seg_widgets.modeling.limits import limit_note
from seg_widgets.prediction import called_by_model


@pytest.fixture(autouse=True)
def _no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_options", {})


def speak(command: Any) -> None:
    import argparse

    speak_of(command.add_parser(argparse.ArgumentParser().add_subparsers()))


def said(function: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(SegWidgetsError) as caught:
        function(*arguments, **named)
    return in_options(str(caught.value))


def test_truth_and_model_are_paired_as_evaluate_has_it() -> None:
    speak(evaluate)
    names = ["raccoon", "big cat"]
    message = said(called_by_model, names, names, ["animal", "cat"], None)
    assert "Say which is which: --class raccoon=… --class 'big cat=cat'." in message
    assert "NAME= leaves a class out, NAME=NAME keeps it." in message


def test_images_are_read_as_segment_has_it() -> None:
    speak(segment)
    notes = read(np.zeros((40, 40, 5), np.uint16)).notes
    shown = in_options(" ".join(notes))
    assert "--channels chooses others, such as --channels 0,1,4." in shown
    assert "=" not in shown
    page = "It has 3 frames: the first is shown. page=1 shows the second frame."
    assert in_options(page).endswith(" --page 1 shows the second frame.")
    contrast = "5 is black and 9 is white (percentiles). contrast= chooses others."
    assert in_options(contrast).endswith(" --contrast chooses others.")


@pytest.mark.parametrize("command", [segment, batch])
def test_what_only_python_offers_is_called_so(command: Any) -> None:
    speak(command)
    message = said(Limits(100, 100, 100).check_size, 20, 20, "a.png")
    assert message.endswith("Scale it down. In Python, load(…, max_pixels=…) takes larger ones.")
    (note,) = limit_note(np.full(100, 0.5, np.float32), 100)
    assert in_options(note).endswith(
        "In Python, load_predictor(…, max_instances=…) raises the limit."
    )


@pytest.mark.parametrize("command", [serve, finetune])
def test_an_option_that_the_command_has_is_named(command: Any) -> None:
    speak(command)
    message = said(Limits(100, 100, 100).check_size, 20, 20, "a.png")
    assert message.endswith("Scale it down, or raise --max-pixels.")


def test_a_model_is_named_as_segment_has_it() -> None:
    speak(segment)
    lacking = said(load_predictor, config="a.yaml")
    assert "both --config and --weights" in lacking and "=" not in lacking
    assert in_options("half=True is for CUDA devices") == "--half is for CUDA devices"
    assert in_options("choose a smaller min_size, or use device='cpu'.") == (
        "choose a smaller --min-size, or use --device cpu."
    )
    call = "load_predictor(config='….py', weights=…, trust_code=True). Or wrap(model, classes=…)."
    assert in_options(call) == "--config ….py --weights … --trust-code. Or wrap(model, classes=…)."


@pytest.mark.parametrize(
    "text",
    [
        "load_predictor(config=cfg, weights=…)",
        "my_page=1.jpg: a/page=1/b.jpg can't be read",
        "width=3 classes={'a",
        "classes={broken}",
        "http://localhost/a.jpg?page=1 can't be had",
        "cannot read 'page=1': no such file",
        "holiday page=1.jpg is no image",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    speak(segment)
    assert in_options(text) == text


def test_a_command_that_runs_is_the_one_that_is_spoken_of(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["segment", str(tmp_path), "--config", "a.yaml"]) == 2
    (tmp_path / "a.png").write_bytes(b"")
    assert program.main(["segment", str(tmp_path), "--config", "a.yaml"]) == 2
    assert "--weights is missing" in capsys.readouterr().err
