"""Which images are meant by what was given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seg_widgets import images
from seg_widgets.batch import find_images, names_several
from seg_widgets.testing import make_jpeg


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Images in folders, of which one is linked into itself twice."""
    for name in ("a.jpg", "b/c.png", "b/d/e.JPG", ".hidden/f.jpg", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"" if name.endswith(".txt") else make_jpeg(8, 8))
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "loop2").symlink_to(tmp_path / "b")
    return tmp_path


def _found(tree: Path, pattern: str) -> list[str]:
    found = find_images([str(tree / pattern)])
    return [os.path.relpath(source, tree) for source in found.sources]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*.jpg", ["a.jpg"]),
        ("**/*.jpg", ["a.jpg"]),
        ("**/*.[jJ]*", ["a.jpg", "b/d/e.JPG"]),
        ("**", ["a.jpg", "b/c.png", "b/d/e.JPG"]),
        ("*/c.png", ["b/c.png"]),
        ("**/d/**/e*", ["b/d/e.JPG"]),
        (".h*/*", [".hidden/f.jpg"]),
        ("?/?.png", ["b/c.png"]),
    ],
)
def test_patterns_enter_no_folder_twice(tree: Path, pattern: str, wanted: list[str]) -> None:
    assert _found(tree, pattern) == wanted


def test_a_pattern_that_matches_nothing_or_no_image(tree: Path) -> None:
    found = find_images([str(tree / "*.tif"), str(tree / "b" / "*.txt"), str(tree / "b" / "*")])
    first, second = map(str, found.errors.values())
    assert first.endswith(
        "/*.tif matches no image. ** stands for any number of folders, as in photos/**/*.jpg."
    )
    assert "matches no image, only 1 file that is no image: notes.txt. **" in second
    assert found.left_out == [f"{tree}/b/*: left out 1 file that is no image: notes.txt."]


def test_a_file_whose_name_is_a_pattern_is_a_file(tree: Path) -> None:
    (tree / "[a].jpg").write_bytes(make_jpeg(8, 8))
    assert _found(tree, "[a].jpg") == ["[a].jpg"]
    assert find_images([f"file://{tree}/%5Ba%5D.jpg"]).sources == [str(tree / "[a].jpg")]


def test_lists_have_all_that_can_be_given(tree: Path) -> None:
    lines = ["# mine", str(tree / "a.jpg"), "", str(tree / "b"), "https://example.org/x.jpg"]
    (tree / "list.txt").write_text("\n".join(lines))
    found = find_images([tree / "list.txt"])
    assert [Path(source).name for source in found.sources] == ["a.jpg", "c.png", "x.jpg"]
    (tree / "list.txt").write_text("other.txt")
    (tree / "empty.txt").write_text("# nothing")
    found = find_images([tree / "list.txt", tree / "empty.txt"])
    nested, empty = map(str, found.errors.values())
    assert "lists another list, other.txt. Give both instead." in nested
    assert "empty.txt is empty. It has a file" in empty


def test_a_coco_file_names_images_of_its_own_folder_only(tree: Path) -> None:
    path = tree / "coco.json"

    def reason(content: object) -> str:
        path.write_text(json.dumps(content))
        (error,) = find_images([path]).errors.values()
        return str(error)

    path.write_text(json.dumps({"images": [{"id": 7, "file_name": "b/c.png"}]}))
    source = str(tree / "b" / "c.png")
    assert find_images([path]).listed == {source: ("b/c.png", 7)}
    for name in ("../x.jpg", "/etc/x.jpg", "s3://bucket/x.jpg"):
        assert "which is not in its folder" in reason({"images": [{"id": 1, "file_name": name}]})
    twice = [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b/c.png"}]
    assert "has the image id 1 twice: of a.jpg and of b/c.png. Give each" in reason(
        {"images": twice}
    )
    others: list[object] = [[], {"images": 3}, {"annotations": []}]
    for content in others:
        assert 'is no COCO file: it has no list "images"' in reason(content), content
    path.write_text("[" * 100_000)
    assert "can't be read as JSON" in str(find_images([path]).errors[str(path)])
    path.write_text('{"images":\n [{"id": 1, "file_na')
    assert "is no JSON (Unterminated string: line 2, column 13). It may have been cut off" in str(
        find_images([path]).errors[str(path)]
    )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        *[
            ({"id": number, "file_name": "a.jpg"}, f'("a.jpg") is damaged: its id is {shown}, but')
            for number, shown in (
                *((1.5, "1.5"), (1 << 63, "9223372036854775808"), (float("nan"), "NaN")),
                *((float("inf"), "Infinity"), (None, "null"), (True, "true"), ([], "[]")),
                ("x", '"x"'),
            )
        ],
        ({"file_name": "a.jpg"}, '("a.jpg") is damaged: its id is missing, but should be a whole'),
        ({"id": 1, "file_name": None}, "is damaged: its file_name is null, but should be the name"),
        ({"id": 1, "file_name": ""}, 'is damaged: its file_name is "", but should be the name'),
        ({"id": 1}, "is damaged: its file_name is missing, but should be the name of a file"),
        ("a.jpg", 'is damaged: its entry is "a.jpg", but should be an object with "file_name"'),
        (None, "is damaged: its entry is null, but should be an object"),
    ],
)
def test_the_entry_of_a_coco_file_that_is_damaged_is_named(
    tree: Path, entry: object, words: str
) -> None:
    path = tree / "coco.json"
    path.write_text(json.dumps({"images": [{"id": 7, "file_name": "b/c.png"}, entry]}))
    (error,) = find_images([path]).errors.values()
    assert str(error).startswith(f'{path}: "images"[1]')
    assert words in str(error)
    assert str(error).endswith("Correct that entry, or take it out.")


def test_a_line_of_a_list_that_means_nothing_costs_no_other(tree: Path) -> None:
    (tree / "list.txt").write_text(f"{tree}/none/*.jpg\n{tree / 'a.jpg'}")
    found = find_images([tree / "list.txt"])
    assert found.sources == [str(tree / "a.jpg")]
    assert list(found.errors) == [f"{tree}/none/*.jpg"]


def test_an_image_that_a_coco_file_names_twice_keeps_its_first_id(tree: Path) -> None:
    path = tree / "coco.json"
    names = ("b/c.png", "./b/c.png")
    entries = [{"id": number, "file_name": name} for number, name in enumerate(names, start=5)]
    path.write_text(json.dumps({"images": entries}))
    assert find_images([path]).listed == {str(tree / "b" / "c.png"): ("b/c.png", 5)}


@pytest.mark.parametrize(
    ("text", "is_several"),
    [
        ("", True),
        ("a.jpg", False),
        ("*.jpg", True),
        ("list.txt", True),
        ("gone/" + "x" * 300, False),
        ("\0", False),
    ],
)
def test_what_means_several_images(tree: Path, text: str, is_several: bool) -> None:
    assert names_several(os.path.join(tree, text)) is is_several  # noqa: PTH118 - text may be ""
    assert not names_several("https://example.org/a.jpg?x=[1]*")


def test_a_folder_gives_the_formats_that_are_read(tmp_path: Path) -> None:
    for suffix in (*images.SUFFIXES, ".JPG", ".heic", ".txt", ""):
        (tmp_path / f"image{suffix}").touch()
    found = find_images([str(tmp_path), "gone.jpg", "https://example.org/"])
    suffixes = (*images.SUFFIXES, ".JPG", ".heic")
    assert found.sources == [
        *sorted(str(tmp_path / f"image{suffix}") for suffix in suffixes),
        "gone.jpg",
        "https://example.org/",
    ]


def test_what_is_given_more_than_once_is_there_once(tree: Path) -> None:
    address = "https://example.org/x.jpg"
    given = [str(tree), str(tree / "a.jpg"), f"{tree}/b/../a.jpg", address, address]
    found = find_images(given)
    assert found.sources == [str(tree / "a.jpg"), address]
    assert found.left_out[1:] == ["3 images were given more than once; each is done once."]
    (tree / "link.jpg").symlink_to(tree / "a.jpg")
    assert len(find_images([str(tree / "a.jpg"), str(tree / "link.jpg")]).sources) == 2


@pytest.mark.parametrize("name", ["document.txt", "picture.json"])
def test_an_image_is_one_whatever_its_ending(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(make_jpeg(8, 8))
    found = find_images([str(path)])
    assert (found.sources, found.lists, found.errors) == ([str(path)], [], {})
    assert not names_several(str(path))


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08\0\0", "a.jpg\nb.jpg\n".encode("utf-16"), b"\x7fELF\x02"]
)
def test_a_list_that_is_no_text_gets_one_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    found = find_images([str(path)])
    assert found.sources == []
    assert list(found.errors) == [str(path)]
    assert "is no text, so it can't be a list of images. Save a list as UTF-8" in str(
        found.errors[str(path)]
    )


def test_a_nul_in_a_path_gets_a_message(tmp_path: Path) -> None:
    found = find_images(["a\0.jpg", "a\0*.jpg", "a\0.txt", "memory://a\0"])
    assert found.sources == [] and len(found.errors) == 4
    assert all("it has a NUL character" in str(error) for error in found.errors.values())
    path = tmp_path / "coco.json"
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": "a\0.jpg"}]}))
    assert "its file_name is" in str(find_images([str(path)]).errors[str(path)])
