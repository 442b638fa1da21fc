"""What a server is started with."""

from __future__ import annotations

import pytest

from seg_widgets.errors import ModelError, SettingError
from seg_widgets.serving import ModelSettings, ServerSettings
from seg_widgets.serving.settings import as_header
from seg_widgets.testing import StubPredictor


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.0.2", False),
        ("127.example.org", False),
    ],
)
def test_who_reaches_it(host: str, loopback: bool) -> None:
    assert ServerSettings(host=host).is_loopback is loopback


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": -1}, "port is a whole number from 0 to 65535"),
        ({"workers": 0}, "workers is a whole number from 1"),
        ({"max_queue": 0}, "max_queue is a whole number from 1"),
        ({"upload_timeout_s": 0}, "upload_timeout_s is over 0"),
        ({"job_timeout_s": float("nan")}, "job_timeout_s is over 0"),
        ({"model": ModelSettings(max_pixels=0)}, "max_pixels is a whole number from 1"),
        ({"max_bytes": 0}, "max_bytes is over 0"),
        ({"token": "a\nb"}, "ASCII"),
        ({"token": "ü"}, "ASCII"),
    ],
)
def test_what_is_out_of_range_is_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        ServerSettings(**settings)  # type: ignore[arg-type]


def test_the_settings_of_a_model_cross_a_pipe() -> None:
    settings = ModelSettings(model="starter", device="cpu", min_size=320, max_pixels=1_000)
    assert ModelSettings(**as_header(settings)) == settings


def test_a_function_of_yours_builds_the_predictor() -> None:
    assert isinstance(
        ModelSettings(factory="seg_widgets.testing:StubPredictor").build(), StubPredictor
    )
    for factory in ("seg_widgets.testing:nothing", "no_such_module:f", "seg_widgets.testing", ":"):
        with pytest.raises(ModelError, match="MODULE:FUNCTION"):
            ModelSettings(factory=factory).build()
    with pytest.raises(ModelError, match="which is no Predictor"):
        ModelSettings(factory="builtins:dict").build()


def test_raw_images_may_have_the_bytes_of_their_pixels() -> None:
    assert ServerSettings().largest_raw_image == 75_000_064
    small = ServerSettings(ModelSettings(max_pixels=100))
    assert small.largest_raw_image == small.max_bytes
