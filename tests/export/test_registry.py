"""The registry: each format from every way, and a new one everywhere at once."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from seg_widgets import export
from seg_widgets.cli import main
from seg_widgets.drawing import overlay
from seg_widgets.errors import ExportError, PredictionError, SettingError
from seg_widgets.images import load
from seg_widgets.prediction import Filter, Prediction
from seg_widgets.style import Style
from seg_widgets.tables import read_table
from seg_widgets.viewer import to_html

from .results import BOXES_ONLY, FOUND, IMAGE, NOTHING


def test_save(tmp_path: Path) -> None:
    written = export.save(FOUND, IMAGE, tmp_path / "out", "a b", file_name="a b.jpg")
    names = [(name, path.name) for name, path in written.items() if isinstance(path, Path)]
    assert names == [("png", "a b-overlay.png"), ("coco", "a b-coco.json"), ("csv", "a b.csv")]
    content = json.loads((tmp_path / "out" / "a b-coco.json").read_text("utf-8"))
    assert content["images"][0]["file_name"] == "a b.jpg"
    assert coco_mask.area(content["annotations"][0]["segmentation"]) == FOUND.areas[0]


@pytest.mark.parametrize("prediction", [FOUND, NOTHING], ids=["found", "nothing"])
def test_save_every_format(prediction: Prediction, tmp_path: Path) -> None:
    written = export.save(prediction, IMAGE, tmp_path, "x", export.save_formats())
    assert tuple(written) == export.save_formats()
    paths = [
        path
        for value in written.values()
        for path in (value if isinstance(value, list) else [value])
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    for path in paths:
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))


def test_formats_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no format 'gif'; there are png, sheet, cutouts, masks"):
        export.save(FOUND, IMAGE, tmp_path, "x", ("png", "gif"))
    assert list(tmp_path.iterdir()) == []
    assert list(export.save(FOUND, IMAGE, tmp_path, "x", "csv")) == ["csv"]
    with pytest.raises(SettingError, match="no format 'python'"):
        export.save(FOUND, IMAGE, tmp_path, "x", "python")
    with pytest.raises(SettingError, match=r"no format 'gif'; there are png, .*python"):
        export.make("gif", export.Result(IMAGE, FOUND))


@pytest.mark.parametrize("chosen", [None, Filter(0.5, ("person",), {}, (1,))], ids=["all", "some"])
@pytest.mark.parametrize("name", export.save_formats())
def test_a_format_has_the_same_bytes_from_every_way(
    name: str, chosen: Filter | None, tmp_path: Path
) -> None:
    result = export.Result(IMAGE, FOUND, "photo.jpg", chosen, Style(boxes=True))
    made = export.make(name, result)
    photo = FOUND, IMAGE, tmp_path, "photo", name, Style(boxes=True)
    written = export.save(*photo, file_name="photo.jpg", filter=chosen)[name]
    if isinstance(written, list):
        with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
            assert archive.namelist() == [path.name for path in written]
            assert [archive.read(path.name) for path in written] == [
                path.read_bytes() for path in written
            ]
        assert made.name == f"photo-{name}.zip"
    else:
        assert made.data == written.read_bytes()
        assert made.name == written.name


def test_only_what_is_shown_is_in_a_file() -> None:
    result = export.Result(IMAGE, FOUND, "photo.jpg", Filter(0, ("person",)))
    shown = FOUND.keep(0, ["person"])
    rows = list(csv.DictReader(io.StringIO(export.make("csv", result).data.decode())))
    assert [int(row["instance"]) for row in rows] == np.flatnonzero(shown).tolist()
    content = json.loads(export.make("coco", result).data)
    assert len(content["annotations"]) == shown.sum()
    np.testing.assert_array_equal(
        load(export.make("png", result).data), overlay(IMAGE, FOUND, only=shown)
    )
    for name in ("results", "labelme", "labelstudio", "masks", "cutouts"):
        every = export.make(name, export.Result(IMAGE, FOUND, "photo.jpg"))
        assert len(export.make(name, result).data) < len(every.data), name


def test_a_page_has_everything_and_begins_as_it_was_shown() -> None:
    result = export.Result(IMAGE, FOUND, "a.jpg", Filter(0.25, ("person",)), Style(opacity=0.75))
    expected = to_html(FOUND, IMAGE, "a.jpg", filter=Filter(0.25, ("person",)), style=result.style)
    assert export.make("html", result).data.decode() == expected
    assert '"threshold": 0.25' in expected and '"opacity": 0.75' in expected


def _page_threshold(page: str) -> float:
    traits = page.split('id="traits">', 1)[1].split("</script>", 1)[0]
    return float(json.loads(traits)["threshold"])


@pytest.mark.parametrize(
    ("scores", "threshold"),
    [
        ((0.9, 0.05), 0.05),
        # As float32 it is less than 0.29.
        ((0.9, 0.29), 0.29),
        ((0.8, 0.2999), 0.29),
        ((0.8, 0.3001), 0.30),
        ((0.8, 0.001), 0.0),
        ((1.0,), 1.0),
        ((), 0.5),
    ],
)
def test_a_page_shows_at_first_what_was_exported(
    scores: tuple[float, ...], threshold: float, tmp_path: Path
) -> None:
    boxes = np.tile(np.array([1, 1, 5, 5], np.float32), (len(scores), 1))
    found = Prediction(
        IMAGE.shape[:2], boxes, np.array(scores), np.zeros(len(scores), int), ("cat",)
    )
    path = export.save(found, IMAGE, tmp_path, "x", ["html"])["html"]
    assert isinstance(path, Path)
    assert _page_threshold(path.read_text("utf-8")) == threshold
    assert found.keep(threshold).all()


def test_python_lines_know_source_and_model() -> None:
    known = export.Result(IMAGE, FOUND, "a.jpg", Filter(0.25), source="in/a.jpg", model="starter")
    made = export.make("python", known)
    assert made[:2] == ("a.py", "text/x-python")
    assert made.data.decode() == export.to_python("in/a.jpg", model="starter", filter=Filter(0.25))
    lines = export.make("python", export.Result(IMAGE, FOUND, "a.jpg")).data.decode()
    assert "load('a.jpg')  # it was uploaded" in lines and "your own predictor" in lines


def test_a_name_need_not_be_text_nor_there() -> None:
    odd = os.fsdecode(b"\xff.jpg")
    for name in export.FORMATS:
        made = export.make(name, export.Result(IMAGE, FOUND, odd))
        assert made.data
        assert made.name.encode("utf-8").startswith(b"_")
    assert export.make("csv", export.Result(IMAGE, FOUND)).name == "image.csv"
    assert export.make("csv", export.Result(IMAGE, FOUND, "../a/b.c.jpg")).name == "b.c.csv"


def test_masks_need_masks(tmp_path: Path) -> None:
    for name, each in export.FORMATS.items():
        if each.needs_masks:
            with pytest.raises(PredictionError, match="boxes only"):
                export.make(name, export.Result(IMAGE, BOXES_ONLY))
            with pytest.raises(PredictionError, match="boxes only"):
                export.save(BOXES_ONLY, IMAGE, tmp_path, "x", name)
        else:
            assert export.make(name, export.Result(IMAGE, BOXES_ONLY)).data
    assert list(tmp_path.iterdir()) == []


def test_what_is_registered_is_complete() -> None:
    assert [each.name for each in export.menu_formats()] == [
        *("png", "sheet", "cutouts", "masks", "csv", "parquet", "coco", "results", "yolo"),
        *("cvat", "labelme", "labelstudio", "labelstudio-polygons", "labels", "labels-png"),
        *("imagej", "geojson", "html", "python"),
    ]
    for name, each in export.FORMATS.items():
        assert name == each.name
        assert each.label and each.description
        assert each.loses.endswith(".") and "/" in each.media_type and "." in each.suffix
    assert set(export.DEFAULT_FORMATS) <= set(export.save_formats())
    suffixes = [each.suffix for each in export.FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)


@pytest.fixture
def tsv() -> Iterator[export.ExportFormat]:
    """One new format; this is all that has to be written for it."""

    def make(result: export.Result) -> bytes:
        return export.to_csv(result.prediction, only=result.indices).replace(",", "\t").encode()

    added = export.ExportFormat(
        name="tsv",
        label="TSV",
        description="a table with tabs",
        loses="The image and the masks.",
        suffix=".tsv",
        media_type="text/tab-separated-values",
        make=make,
    )
    export.register(added)
    yield added
    export.unregister("tsv")


def test_a_new_format_is_everywhere_at_once(
    tsv: export.ExportFormat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = export.save(FOUND, IMAGE, tmp_path, "a", "tsv")
    assert written == {"tsv": tmp_path / "a.tsv"}
    assert (tmp_path / "a.tsv").read_text().startswith("file_name\timage_id\t")

    with pytest.raises(SystemExit, match="0"):
        main(["segment", "--help"])
    assert "tsv" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["segment", "a.jpg", "--format", "exe"])
    assert "tsv" in capsys.readouterr().err

    assert export.menu_formats()[-1] is tsv
    assert "| `tsv` | `….tsv` | a table with tabs |" in export.formats_table()
    made = export.make("tsv", export.Result(IMAGE, FOUND, "a.jpg", Filter(0.5)))
    assert made[:2] == ("a.tsv", "text/tab-separated-values")
    assert len(made.data.splitlines()) == 1 + FOUND.keep(0.5).sum()


def _raising(_: object) -> bytes:
    raise KeyError("colour")


def _file_then_error(_: object) -> Iterator[tuple[str, bytes]]:
    yield "a.txt", b"a"
    raise SystemError


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"make": _raising, "make_together": _raising}, r"\(KeyError: 'colour'\)"),
        ({"make": lambda result: "text", "make_together": lambda together: None}, "gives bytes"),
        ({"make_files": _file_then_error}, r"\(SystemError\)"),
        ({"make_files": lambda result: 7}, "TypeError: 'int'"),
    ],
)
def test_a_format_that_fails_is_named_with_its_cause(
    tmp_path: Path, parts: dict[str, Any], cause: str
) -> None:
    mine = export.ExportFormat("mine", "Mine", "mine", "All.", ".mine", "text/plain", **parts)
    export.register(mine)
    result = export.Result(IMAGE, FOUND, "a.jpg")
    ways: list[Callable[[], object]] = [
        lambda: export.make("mine", result),
        lambda: export.save(FOUND, IMAGE, tmp_path, "a", "mine"),
        lambda: export.make_each("mine", [result]),
    ]
    if "make_together" in parts:
        ways.append(lambda: export.make_together("mine", ["a.jpg"], [FOUND]))
    try:
        for way in ways:
            with pytest.raises(ExportError, match=f"The format 'mine' .*{cause}"):
                way()
    finally:
        export.unregister("mine")


def test_a_format_is_registered_once_and_taken_away(tsv: export.ExportFormat) -> None:
    with pytest.raises(SettingError, match="a format 'tsv' already"):
        export.register(tsv)
    export.unregister("tsv")
    assert "tsv" not in export.FORMATS
    export.unregister("tsv")
    with pytest.raises(SettingError, match="either make or make_files"):
        dataclasses.replace(tsv, make=None)


def test_the_docs_have_every_format() -> None:
    page = Path(__file__).parents[2] / "docs" / "formats.md"
    assert export.formats_table() in page.read_text("utf-8"), (
        "put what export.formats_table() returns into docs/formats.md"
    )


def test_what_a_file_says_that_its_image_is_called() -> None:
    for name, stem, file_name, file_stem in (
        ("a.b.jpg", "", "a.b.jpg", "a.b"),
        ("a.jpg", "c", "a.jpg", "c"),
        ("", "c", "c", "c"),
        ("", "", "image", "image"),
    ):
        result = export.Result(IMAGE, FOUND, name, stem=stem)
        assert (result.file_name, result.file_stem) == (file_name, file_stem)


def test_several_images_in_one_file(tmp_path: Path) -> None:
    names, found = ["a.jpg", "b.jpg"], [FOUND, FOUND[:2]]
    path = export.save_together("coco", names, found, tmp_path / "new", "all: of them")
    assert path == tmp_path / "new" / "all_ of them-coco.json"
    content = json.loads(path.read_bytes())
    assert [(one["id"], one["file_name"]) for one in content["images"]] == [
        *((1, "a.jpg"), (2, "b.jpg")),
    ]
    assert [one["image_id"] for one in content["annotations"]] == [1] * 5 + [2] * 2
    path = export.save_together("results", names, found, tmp_path, "all")
    assert path == tmp_path / "all-results.json"
    results = json.loads(path.read_bytes())
    assert [(one["image_id"], one["file_name"]) for one in results] == [
        *[(1, "a.jpg")] * 5,
        *[(2, "b.jpg")] * 2,
    ]
    with pytest.raises(SettingError, match=r"There is no format 'tiff'; there are png, .*coco"):
        export.save_together("tiff", names, found, tmp_path, "all")
    table = export.save_together("csv", names, found, tmp_path, "all").read_text().splitlines()
    assert [line.split(",")[:2] for line in table[1:]] == [["a.jpg", "1"]] * 5 + [
        ["b.jpg", "2"]
    ] * 2
    read = list(read_table(export.save_together("parquet", names, found, tmp_path, "all")))
    assert [(image.file_name, prediction) for image, prediction in read] == [
        *(("a.jpg", FOUND), ("b.jpg", FOUND[:2])),
    ]
    for each in export.together_formats():
        assert export.make_together(each.name, [], []).data
    with pytest.raises(SettingError, match="The format 'png' is for one image; use save for each"):
        export.save_together("png", names, found, tmp_path, "all")
