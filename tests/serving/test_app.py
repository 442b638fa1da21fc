"""What the server answers, over HTTP."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from seg_widgets import overlay
from seg_widgets.images import load
from seg_widgets.serving.wire import encode_image
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture

from .models import FAILS, WAITS
from .servers import ROOT, TOKEN, Served, encode_png, image_server, served

JPEG = make_jpeg(64, 48)


def pixels(answer: requests.Response) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that may open addresses of this machine, and has little patience."""
    code = (
        "from seg_widgets.serving import *\n"
        "model = ModelSettings(factory='tests.serving.models:model', max_pixels=10_000)\n"
        "serve(ServerSettings(model, port=0, token='only-for-tests', allow_local=True, "
        "max_bytes=50_000, upload_timeout_s=1), lambda url: print('serving at', url, flush=True))"
    )
    with served(tmp_path_factory.mktemp("local"), code=code) as running:
        yield running


def test_detect_by_body_form_and_address(local: Served, tmp_path: Path) -> None:
    image = load(JPEG)
    expected = overlay(image, StubPredictor(5)(image).filter(0.5))
    assert np.array_equal(pixels(local.post("/detect", JPEG)), expected)
    form = local.ask("POST", "/detect", files={"file": ("cat.jpg", JPEG)})
    assert np.array_equal(pixels(form), expected)
    assert form.headers["content-disposition"] == "inline; filename*=UTF-8''cat-overlay.png"

    (tmp_path / "cat.jpg").write_bytes(JPEG)
    with image_server(tmp_path) as address:
        url = f"{address}/cat.jpg"
        assert np.array_equal(pixels(local.ask("GET", "/detect", params={"url": url})), expected)
        field = local.ask("POST", "/detect", files={"url": (None, url), "file": ("", b"")})
        assert np.array_equal(pixels(field), expected)
        missing = local.ask("GET", "/detect", params={"url": f"{address}/dog.jpg"})
        assert (missing.status_code, "status 404" in missing.text) == (502, True)


def test_json_is_coco_with_names(server: Served) -> None:
    answer = server.post("/detect?threshold=0.7", JPEG, headers={"Accept": "application/json"})
    found = answer.json()
    names = {each["id"]: each["name"] for each in found["categories"]}
    expected = StubPredictor(5)(load(JPEG)).filter(0.7)
    assert [names[each["category_id"]] for each in found["annotations"]] == [
        each.class_name for each in expected
    ]
    assert all(each["segmentation"]["counts"] for each in found["annotations"])


def test_threshold_classes_and_formats(server: Served) -> None:
    table = server.post("/detect?format=csv&threshold=0&classes=person,animal", JPEG).text
    assert {row["class_name"] for row in csv.DictReader(table.splitlines())} == {"person", "animal"}
    form = {"file": ("a.jpg", JPEG), "threshold": (None, "0.99"), "format": (None, "coco")}
    assert len(server.ask("POST", "/detect", files=form).json()["annotations"]) == 1
    accepted = server.post("/detect", JPEG, headers={"Accept": "text/csv"})
    assert accepted.headers["content-type"].startswith("text/csv")
    page = server.post("/detect?format=html", JPEG)
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert '"threshold": 0.2,' in server.post("/detect?format=html&threshold=0.2", JPEG).text


@pytest.mark.parametrize(
    ("path", "content", "status", "words"),
    [
        ("/detect", b"", 415, "is empty"),
        ("/detect", b"not an image", 415, "text file"),
        ("/detect", JPEG[:300], 422, "cut short"),
        ("/detect?threshold=2", JPEG, 400, "between 0 and 1"),
        ("/detect?threshold=nan", JPEG, 400, "threshold"),
        ("/detect?classes=unicorn", JPEG, 400, "unicorn"),
        ("/detect?format=exe", JPEG, 400, "there are png"),
        ("/detect?format=python", JPEG, 400, "there are png"),
        ("/detect?url=http://127.0.0.1:1/a.jpg", b"", 400, "may not be opened"),
        ("/detect?url=file:///etc/passwd", b"", 400, "http"),
        ("/predict", encode_image(make_picture(64, 48))[:-1], 422, "cut short"),
    ],
)
def test_what_cannot_be_used_gets_cause_and_fix(
    server: Served, path: str, content: bytes, status: int, words: str
) -> None:
    answer = server.post(path, content, headers={"Accept": "application/json"})
    if path == "/predict":  # its stream has begun; the failure is in its last line
        said = json.loads(answer.text.splitlines()[-1])
        assert said["status"] == status
    else:
        said = answer.json()
        assert answer.status_code == status, said
    assert words in said["error"]
    assert said["kind"] or "format" in path
    assert "Traceback" not in answer.text and str(ROOT) not in answer.text


def test_a_model_that_fails_shows_no_path(server: Served) -> None:
    answer = server.post("/detect", encode_png(FAILS))
    assert answer.status_code == 500
    assert "server's log says why" in answer.text
    assert "secret" not in answer.text
    log = Path(server.gate.parent / "log").read_text()
    assert "/srv/secret/model.py is broken" in log


def test_a_page_says_why_in_a_browser(server: Served) -> None:
    answer = server.ask(
        "GET", "/detect", headers={"Accept": "text/html,*/*"}, params={"url": "x://<script>"}
    )
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text and "<script>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_form_carries_the_token(server: Served) -> None:
    with requests.Session() as session:
        page = session.get(f"{server.url}/", params={"token": TOKEN}, timeout=30)
    assert f'action="detect?token={TOKEN}"' in page.text
    assert "test model (4 classes)" in page.text
    assert '<option value="coco">' in page.text and 'value="python"' not in page.text


def test_too_large_and_too_slow(local: Served) -> None:
    large = local.post("/detect", bytes(200_000))
    assert (large.status_code, "Save it smaller" in large.text) == (413, True)

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(5_000)

    assert local.ask("POST", "/detect", data=pieces()).status_code == 413
    wide = local.post("/detect", encode_png(400))
    assert (wide.status_code, "megapixels" in wide.text or "pixels" in wide.text) == (413, True)

    def slow() -> Iterator[bytes]:
        yield JPEG[:100]
        time.sleep(2.5)
        yield JPEG[100:]

    late = local.ask("POST", "/detect", data=slow())
    assert (late.status_code, "did not come within 1 s" in late.text) == (408, True)


def test_a_form_that_is_none_is_refused(server: Served) -> None:
    for end in ("; boundary=x", "; boundary=", ""):
        headers = {"Content-Type": f"multipart/form-data{end}"}
        answer = server.post("/detect", b"--y\r\n", headers=headers)
        assert (answer.status_code, "form can't be read" in answer.text) == (400, True), end
    nothing = server.ask("POST", "/detect", files={"other": (None, "1")})
    assert (nothing.status_code, "no image in this request" in nothing.text) == (400, True)


def test_the_queue_turns_away_and_shows_positions(server: Served) -> None:
    def ask(client: str) -> requests.Response:
        content = encode_png(WAITS)
        return server.post("/detect", content, headers={"X-Client-Id": client})

    first = server.in_background(lambda: ask("a"))
    server.wait_for_queue(0, 1)
    second = server.in_background(lambda: ask("b"))
    server.wait_for_queue(1, 1)
    third = server.in_background(lambda: ask("c"))
    server.wait_for_queue(2, 1)

    position = server.ask("GET", "/queue", headers={"X-Client-Id": "c"}).json()
    assert position == {"ahead": 2, "waiting": 2, "running": 1}
    full = ask("d")
    assert full.status_code == 429
    assert int(full.headers["Retry-After"]) >= 1
    assert "Try again in" in full.text

    newer = server.in_background(lambda: ask("b"))
    assert second.get(timeout=30).status_code == 409
    server.gate.touch()
    for one in (first, newer, third):
        assert one.get(timeout=30).status_code == 200


def test_one_who_leaves_gives_the_place_up(server: Served) -> None:
    running = server.in_background(lambda: server.post("/detect", encode_png(WAITS)))
    server.wait_for_queue(0, 1)
    with pytest.raises(requests.ReadTimeout, match="timed out"):
        requests.post(
            f"{server.url}/detect",
            params={"token": TOKEN},
            data=JPEG,
            timeout=0.5,
            proxies={"http": ""},
        )
    server.wait_for_queue(0, 1)
    server.gate.touch()
    assert running.get(timeout=30).status_code == 200


def test_a_client_id_is_short(server: Served) -> None:
    for bad in ("x" * 65, "a b"):
        assert server.post("/detect", JPEG, headers={"X-Client-Id": bad}).status_code == 400


def test_metrics_can_be_read(server: Served) -> None:
    server.post("/detect", JPEG)
    text = server.ask("GET", "/metrics").text
    figures = {family.name: family for family in text_string_to_metric_families(text)}
    samples = [
        sample
        for sample in figures["seg_widgets_requests"].samples
        if sample.labels == {"route": "/detect", "status": "200"} and sample.name.endswith("total")
    ]
    assert samples[0].value >= 1
    assert figures["seg_widgets_workers_ready"].samples[0].value == 1
    assert figures["seg_widgets_worker_memory_bytes"].samples[0].value > 1e6
    parts = {sample.labels["part"] for sample in figures["seg_widgets_work_seconds"].samples}
    assert parts == {"open", "model", "make"}


def test_the_model_says_what_it_is(server: Served) -> None:
    about = server.ask("GET", "/model").json()
    assert about["classNames"] == list(StubPredictor().class_names)
    assert (about["name"], about["device"], about["maxPixels"]) == ("test model", "cpu", 25_000_000)
