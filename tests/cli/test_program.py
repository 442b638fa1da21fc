"""The program: its commands, its help, and `python -m seg_widgets`."""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings

import pytest

import seg_widgets
from seg_widgets import __main__
from seg_widgets.cli import doctor, main

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


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_an_interrupt_while_modules_are_imported_is_quiet() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "seg_widgets", "segment", "none.jpg"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        # The first that the command line needs, long before the last.
        shown = ""
        while "seg_widgets._text" not in shown and (line := program.stderr.readline()):
            shown = line
        program.send_signal(signal.SIGINT)
        rest = program.stderr.read()
    assert program.returncode == 130
    assert "Traceback" not in rest
    assert "none.jpg" not in rest


def test_an_interrupt_anywhere_else_is_quiet_too() -> None:
    """A program that is interrupted without a word of its own, as while a model is loaded."""
    program = (
        "import runpy, sys\n"
        "from seg_widgets.cli import doctor\n"
        "def run(options): raise KeyboardInterrupt\n"
        "doctor.run = run\n"
        "sys.argv = ['seg_widgets', 'doctor']\n"
        "runpy.run_module('seg_widgets', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_warning_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(options: object) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            monkeypatch.setattr(warnings, "showwarning", _show)
            warnings.warn("Look here.", UserWarning, stacklevel=1)
        return 0

    def _show(message: Warning | str, category: type[Warning], *place: object) -> None:
        print(warnings.formatwarning(message, category, "file.py", 1), end="", file=sys.stderr)

    monkeypatch.setattr(doctor, "run", run)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().err == "warning: Look here.\n"
