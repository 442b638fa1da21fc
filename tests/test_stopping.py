"""Signals are noted, and the second one does what it always did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from seg_widgets._stopping import stop_requests


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted(number: signal.Signals, status: int) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    calls: list[str] = []
    with stop_requests(lambda: calls.append("asked")) as request:
        assert not request
        assert (request.name, request.exit_status) == ("", 0)
        os.kill(os.getpid(), number)
        assert request
        assert (request.name, request.exit_status) == (number.name, status)
        assert calls == ["asked"]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def test_another_thread_hears_of_none() -> None:
    found: list[bool] = []

    def work() -> None:
        with stop_requests() as request:
            found.append(bool(request))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_what_is_ignored_stays_ignored() -> None:
    program = (
        "import os, signal\n"
        "from seg_widgets._stopping import stop_requests\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with stop_requests() as request:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert not request\n"
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == -signal.SIGTERM
