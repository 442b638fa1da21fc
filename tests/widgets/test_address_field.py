from __future__ import annotations

from collections.abc import Iterator

import pytest

from seg_widgets.widgets.address_field import AddressField


class Page:
    """An address field, and what it has called back."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.told: list[str] = []
        self.failed = False
        self.field = AddressField(self.opened.append, self.told.append, lambda: self.failed)


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    yield made
    made.field.text.close()
    made.field.button.close()


def test_an_address_is_opened_once_without_the_spaces_around_it(page: Page) -> None:
    page.field.text.value = " https://example.org/a.jpg "
    page.field.button.click()  # the click that took the focus away from the line
    assert page.opened == ["https://example.org/a.jpg"]
    page.field.text.value = "https://example.org/b.jpg"
    assert page.opened[1:] == ["https://example.org/b.jpg"]
    assert page.told == []


def test_the_same_address_is_opened_again_later(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(
        "seg_widgets.widgets.address_field.time.monotonic", lambda: float(next(clock)) + 1e9
    )
    page.field.text.value = "https://example.org/a.jpg"
    page.field.button.click()
    assert len(page.opened) == 2


def test_an_empty_line_is_told_only_to_who_asks_to_open_it(page: Page) -> None:
    page.field.text.value = " "
    assert page.told == []
    page.field.button.click()
    assert page.opened == []
    assert "no address yet" in page.told[0]


def test_an_emptied_field_opens_the_same_address_at_once(page: Page) -> None:
    page.field.text.value = "https://example.org/a.jpg"
    page.field.reset()
    assert page.field.text.value == ""
    page.field.text.value = "https://example.org/a.jpg"
    assert len(page.opened) == 2
