"""Fetching weights: a server on loopback that answers as the zoo does, and as nothing should."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from seg_widgets.cli import main
from seg_widgets.errors import ConfigError, WeightsError, WeightsFetchError, WeightsNotFoundError
from seg_widgets.modeling import catalogue, models
from seg_widgets.modeling.catalogue import ModelCard, find_model
from seg_widgets.modeling.downloads import CHECKSUMS, download, verify

from ..zoo import Zoo, zoo_server

NAME = "coco-r50-fpn-3x"
CONTENT = np.random.default_rng(0).integers(0, 256, 3_000_000, np.uint8).tobytes()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = f"model_final_{MD5[:6]}.pkl"
# What makes the card of a model fit CONTENT.
CHANGES = {"megabytes": 3.0, "file": f"COCO-InstanceSegmentation/r50/1/{FILE}"}


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Zoo]]:
    """A server of its own, the cache in an empty folder, and a card whose file's name fits
    CONTENT."""
    monkeypatch.setenv("SEG_WIDGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEG_WIDGETS_WEIGHTS", str(tmp_path / "weights"))
    card = next(card for card in models() if card.name == NAME)
    changed = ModelCard(**{**vars(card), **CHANGES})
    monkeypatch.setitem(catalogue._CARDS, NAME, changed)
    with zoo_server(CONTENT) as (handler, address):
        monkeypatch.setenv("SEG_WIDGETS_MIRROR", f"{address}/zoo/")
        yield handler


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def left(cache: Path) -> list[str]:
    """What is in the cache, the locks aside."""
    return sorted(path.name for path in cache.iterdir() if not path.name.endswith(".lock"))


def cut(stop_after: int) -> Callable[[Zoo], None]:
    return lambda request: request.send_range(stop_after)


def test_it_comes_whole_is_recorded_and_is_found(zoo: type[Zoo], cache: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = download(NAME, progress=lambda there, total: told.append((there, total)))
    assert path == cache / FILE
    assert path.read_bytes() == CONTENT
    assert left(cache) == [CHECKSUMS, FILE]
    assert (cache / CHECKSUMS).read_text() == f"{SHA256}  {FILE}\n"
    assert [there for there, _ in told] == sorted(there for there, _ in told)
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert find_model(NAME).weights == path
    assert zoo.asked == [(f"/zoo/COCO-InstanceSegmentation/r50/1/{FILE}", "bytes=0-")]
    assert download(NAME) == path
    assert len(zoo.asked) == 1, "what is here is not fetched again"
    assert "MD5 begins with" in verify(NAME)
    assert "SHA-256 is the recorded one" in verify(NAME)
    done = subprocess.run(
        ["sha256sum", "-c", CHECKSUMS], cwd=cache, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_broken_download_is_resumed(zoo: type[Zoo], cache: Path) -> None:
    zoo.answer = cut(1_000_000)
    with pytest.raises(
        WeightsFetchError, match=r"broke off.*1 MB have come and are kept"
    ) as caught:
        download(NAME)
    assert zoo.asked[0][1] == "bytes=0-"
    for part in ("starter", str(cache), FILE):
        assert part in str(caught.value)
    assert left(cache) == [f"{FILE}.part"]
    with pytest.raises(WeightsNotFoundError):
        find_model(NAME)
    zoo.answer = None
    assert download(NAME).read_bytes() == CONTENT
    assert zoo.asked[1][1] == "bytes=1000000-"
    assert left(cache) == [CHECKSUMS, FILE]


def whole_though_a_range_was_asked_for(request: Zoo) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(CONTENT)))
    request.end_headers()
    request.wfile.write(CONTENT)


def another_range(request: Zoo) -> None:
    if request.headers["Range"] == "bytes=0-":
        whole_though_a_range_was_asked_for(request)
        return
    request.send_response(206)
    request.send_header("Content-Range", f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}")
    request.end_headers()
    request.wfile.write(CONTENT[5:])


@pytest.mark.parametrize("answer", [whole_though_a_range_was_asked_for, another_range])
def test_a_server_that_cannot_go_on_begins_again(
    zoo: type[Zoo], cache: Path, answer: Callable[[Zoo], None]
) -> None:
    cache.mkdir()
    (cache / f"{FILE}.part").write_bytes(CONTENT[:1234])
    zoo.answer = answer
    assert download(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("kept", [CONTENT, CONTENT + b"more"], ids=["all there", "too much there"])
def test_what_is_there_already_is_checked(zoo: type[Zoo], cache: Path, kept: bytes) -> None:
    cache.mkdir()
    (cache / f"{FILE}.part").write_bytes(kept)
    assert download(NAME).read_bytes() == CONTENT
    assert len(zoo.asked) == (1 if kept == CONTENT else 2)


def test_a_web_page_instead_is_refused_and_not_kept(zoo: type[Zoo], cache: Path) -> None:
    def page(request: Zoo) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"<!doctype html><title>Log in</title>")

    zoo.answer = page
    with pytest.raises(WeightsError, match=f"is not {FILE}: its MD5 begins with"):
        download(NAME)
    assert left(cache) == []
    zoo.answer = None
    assert download(NAME).is_file()


def test_a_file_of_another_size_is_refused_before_it_comes(zoo: type[Zoo], cache: Path) -> None:
    def page(request: Zoo) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1234567")
        request.end_headers()
        request.wfile.write(b"<!doctype html>")

    zoo.answer = page
    with pytest.raises(
        WeightsError, match=f"is not {FILE}: it has 1,234,567 bytes instead of about 3 MB"
    ):
        download(NAME)
    zoo.answer = None
    assert download(NAME).read_bytes() == CONTENT


def test_a_full_disk_is_told_of_before(
    zoo: type[Zoo], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_900_000))
    with pytest.raises(
        WeightsFetchError, match=r"need 3 MB more, but .* has 2 MB free.*SEG_WIDGETS_CACHE"
    ):
        download(NAME)
    assert zoo.asked == []
    (cache / f"{FILE}.part").write_bytes(CONTENT[:1_500_000])
    assert download(NAME).read_bytes() == CONTENT


def test_another_file_than_the_first_time_is_refused(zoo: type[Zoo], cache: Path) -> None:
    cache.mkdir()
    (cache / CHECKSUMS).write_text(f"{'0' * 64}  {FILE}\n")
    with pytest.raises(WeightsError, match="recorded in SHA256SUMS"):
        download(NAME)
    assert left(cache) == [CHECKSUMS]
    (cache / FILE).write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="SHA256SUMS"):
        verify(NAME)
    (cache / CHECKSUMS).unlink()
    assert "SHA-256" not in verify(NAME)
    (cache / FILE).write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="MD5"):
        verify(NAME)


def redirect(request: Zoo) -> None:
    request.send_response(302)
    request.send_header("Location", "http://169.254.169.254/latest/meta-data")
    request.end_headers()


def missing(request: Zoo) -> None:
    request.send_error(404)


def silent(request: Zoo) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(CONTENT)))
    request.end_headers()
    request.wfile.write(CONTENT[:1000])
    request.wfile.flush()
    time.sleep(3)


def endless(request: Zoo) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(1 << 40))
    request.end_headers()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (redirect, "address may not be opened"),
        (missing, "status 404"),
        (silent, "too slow, or sends nothing"),
        (endless, "more than weights may have"),
    ],
)
def test_a_server_that_will_not_is_told_of(
    zoo: type[Zoo], cache: Path, answer: Callable[[Zoo], None], why: str
) -> None:
    zoo.answer = answer
    with pytest.raises(WeightsFetchError, match=why):
        download(NAME, stall_timeout_s=0.5)
    assert FILE not in left(cache)
    zoo.answer = None
    assert download(NAME).read_bytes() == CONTENT


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, zoo: type[Zoo]) -> None:
    monkeypatch.setenv("SEG_WIDGETS_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(WeightsFetchError, match="can't be reached"):
        download(NAME)


def test_it_can_be_cancelled_and_gone_on_with(zoo: type[Zoo], cache: Path) -> None:
    cancel = threading.Event()

    def progress(there: int, total: int | None) -> None:
        if there > 1_000_000:
            cancel.set()

    with pytest.raises(WeightsFetchError, match="cancelled"):
        download(NAME, progress=progress, cancel=cancel)
    kept = (cache / f"{FILE}.part").stat().st_size
    assert 1_000_000 < kept < len(CONTENT)
    assert download(NAME).read_bytes() == CONTENT
    assert zoo.asked[-1][1] == f"bytes={kept}-"


@pytest.mark.parametrize("error", [OSError("my disk"), ValueError("my mistake"), MemoryError()])
def test_what_progress_raises_is_not_blamed_on_the_server(
    zoo: type[Zoo], cache: Path, error: Exception
) -> None:
    def progress(there: int, total: int | None) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        download(NAME, progress=progress)
    assert raised.value is error
    assert download(NAME).read_bytes() == CONTENT


def test_two_processes_fetch_it_once(zoo: type[Zoo], cache: Path) -> None:
    zoo.answer = lambda request: request.send_range(pause_s=0.05)
    # The card of this test is not known to another process, so it is told.
    code = f"""
import sys
from seg_widgets.modeling import catalogue, models
from seg_widgets.modeling.catalogue import ModelCard
from seg_widgets.modeling.downloads import download
card = next(card for card in models() if card.name == {NAME!r})
catalogue._CARDS[{NAME!r}] = ModelCard(**{{**vars(card), **{CHANGES}}})
print(download({NAME!r}))
"""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in started]
    assert [out.strip() for out, _ in said] == [str(cache / FILE)] * 2, said
    assert len(zoo.asked) == 1
    assert (cache / FILE).read_bytes() == CONTENT


def test_a_process_that_is_killed_leaves_what_it_had(zoo: type[Zoo], cache: Path) -> None:
    zoo.answer = lambda request: request.send_range(pause_s=0.2)
    code = f"""
from seg_widgets.modeling import catalogue, models
from seg_widgets.modeling.catalogue import ModelCard
from seg_widgets.modeling.downloads import download
card = next(card for card in models() if card.name == {NAME!r})
catalogue._CARDS[card.name] = ModelCard(**{{**vars(card), **{CHANGES}}})
download(card.name)
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    part = cache / f"{FILE}.part"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size > 0):
        time.sleep(0.05)
    process.kill()
    process.wait()
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT)
    assert not (cache / FILE).exists()
    zoo.answer = None
    assert download(NAME).read_bytes() == CONTENT
    assert zoo.asked[-1][1] == f"bytes={kept}-"


def test_what_is_no_model_of_the_zoo(zoo: type[Zoo]) -> None:
    with pytest.raises(ConfigError, match="comes with the package"):
        download("starter")
    with pytest.raises(ConfigError, match="no model of the zoo"):
        download("unicorn")
    with pytest.raises(WeightsNotFoundError, match="weights get"):
        verify(NAME)
    assert zoo.asked == []


def test_a_cache_that_cannot_be_written(zoo: type[Zoo], cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    with pytest.raises(WeightsFetchError, match="SEG_WIDGETS_CACHE"):
        download(NAME)


def test_on_the_command_line(
    zoo: type[Zoo], cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "verify"]) == 0
    assert "no weights of the model zoo" in capsys.readouterr().out
    assert main(["weights", "get", NAME]) == 0
    said = capsys.readouterr()
    assert said.out == f"{NAME}: {cache / FILE}\n"
    assert f"{NAME}: 3 of 3 MB" in said.err
    assert main(["weights", "verify"]) == 0
    assert "is as it should be" in capsys.readouterr().out
    assert main(["weights", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(NAME))
    assert line.split()[-3:] == ["fast", "3", "here"]
    (cache / FILE).write_bytes(b"damaged")
    assert main(["weights", "verify", NAME]) == 1
    assert "MD5" in capsys.readouterr().err
    assert main(["weights", "get", "unicorn"]) == 1
