"""What the results of several images are called."""

from __future__ import annotations

import pytest

from seg_widgets.export import unique_names, unique_stems


def test_stems_never_meet() -> None:
    sources = ["a/x.jpg", "b/x.png", "x-2.jpg", "https://h/x.jpg?size=3", "https://h/"]
    stems = [stem for _, stem in unique_stems(sources)]
    assert len(set(stems)) == len(sources)


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("https://example.org/cat%20one.jpg?width=300", "cat one"),
        ("https://example.org/a/..%2F..%2Fcat.jpg", "cat"),
        ("https://example.org/%2e%2e", "example"),
        ("https://example.org/?image=cat.jpg", "example"),
        ("photos/cat%20one.jpg", "cat%20one"),
        ("photos/what?.jpg", "what_"),
        ("", "image"),
    ],
)
def test_results_are_called_as_the_panel_calls_the_image(source: str, stem: str) -> None:
    assert unique_stems([source]) == [(source, stem)]


def test_images_of_one_name_are_told_apart_in_a_data_set() -> None:
    assert unique_names(["a/x.jpg", "b/x.jpg", "b/y.jpg"]) == ["a/x.jpg", "b/x.jpg", "y.jpg"]
