"""Fonts of labels: a file of your own, letters that the usual one lacks, no matplotlib."""

from __future__ import annotations

from pathlib import Path

import pytest

from seg_widgets.drawing import fonts, overlay
from seg_widgets.drawing.labels import make_pill
from seg_widgets.errors import SettingError
from seg_widgets.style import (
    Style,
)

from .scenes import GRAY, ONLY_LABELS, changed, rectangles


def test_letters_that_the_bundled_font_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = fonts.bundled_font()
    assert bundled is not None
    other = str(bundled.with_name("LastResortHE-Regular.ttf"))  # it has a sign for every letter
    if not Path(other).is_file():
        pytest.skip("this matplotlib has no such font")
    monkeypatch.setattr(fonts, "installed_fonts", lambda: (other,))
    fonts.fallback_for.cache_clear()
    assert fonts.fallback_for("猫 0.97") == other
    for name in ("cat", "кошка", "קט", "→∞"):
        assert fonts.fallback_for(name) is None
    monkeypatch.setattr(fonts, "installed_fonts", lambda: ())
    fonts.fallback_for.cache_clear()
    assert fonts.fallback_for("猫") is None
    fonts.fallback_for.cache_clear()
    assert make_pill("猫 0.97", 20, None).text.max() > 200


def test_a_font_of_ones_own(tmp_path: Path) -> None:
    bundled = fonts.bundled_font()
    assert bundled is not None
    mono = bundled.with_name("DejaVuSansMono.ttf")
    prediction = rectangles((20, 40, 140, 90))
    assert changed(overlay(GRAY, prediction), overlay(GRAY, prediction, Style(font=mono))).any()
    (tmp_path / "bad.ttf").write_text("no font")
    for path in (tmp_path / "bad.ttf", str(tmp_path / "missing.ttf")):
        with pytest.raises(SettingError, match="can't be read"):
            overlay(GRAY, prediction, Style(font=path))


def test_without_matplotlibs_font(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts.font_of.cache_clear()
    make_pill.cache_clear()
    monkeypatch.setattr(fonts, "bundled_font", lambda: None)
    assert changed(GRAY, overlay(GRAY, rectangles((20, 40, 140, 90)), ONLY_LABELS)).any()
    fonts.font_of.cache_clear()
    make_pill.cache_clear()
