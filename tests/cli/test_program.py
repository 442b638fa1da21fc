"""The program: its commands, its help, and `python -m seg_widgets`."""

from __future__ import annotations

import pytest

import seg_widgets
from seg_widgets import __main__
from seg_widgets.cli import main

COMMANDS = ("segment", "serve", "weights", "export-html", "finetune", "doctor")


def test_it_names_its_commands_in_this_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    places = [shown.index(f"\n    {command}") for command in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"python -m seg_widgets {command} " in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"seg-widgets {seg_widgets.__version__}\n"


def test_the_module_runs_the_same_program() -> None:
    assert __main__.main is main
