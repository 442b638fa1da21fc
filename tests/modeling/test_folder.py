"""A model as a folder: which of its files are meant, and what its class names are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from seg_widgets.errors import ConfigError, WeightsNotFoundError
from seg_widgets.modeling.catalogue import available_models, find_model
from seg_widgets.modeling.folder import is_model_folder, read_classes, read_folder


def _folder(path: Path, *names: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name in names:
        (path / name).touch()
    return path


@pytest.mark.parametrize(
    ("names", "config", "weights", "classes"),
    [
        (
            ("config.yaml", "model.safetensors", "classes.json"),
            "config.yaml",
            "model.safetensors",
            "classes.json",
        ),
        (
            ("config.yaml", "model_final.pth", "model_0004999.pth", "metrics.json"),
            "config.yaml",
            "model_final.pth",
            None,
        ),
        (
            ("config.yaml", "model.safetensors", "model_final.pth"),
            "config.yaml",
            "model.safetensors",
            None,
        ),
        (("mine.yml", "best.pkl", "classes.txt"), "mine.yml", "best.pkl", "classes.txt"),
        (("other.yaml", "config.yaml", "a.pt"), "config.yaml", "a.pt", None),
        (("config.py", "a.pth"), "config.py", "a.pth", None),
    ],
)
def test_the_files_that_are_meant(
    tmp_path: Path, names: tuple[str, ...], config: str, weights: str, classes: str | None
) -> None:
    folder = _folder(tmp_path / "mine", *names)
    assert is_model_folder(folder)
    found = read_folder(folder)
    assert (found.config.name, found.weights.name) == (config, weights)
    assert (found.classes.name if found.classes is not None else None) == classes


def test_the_trainers_last_checkpoint_is_taken(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "config.yaml", "model_0000499.pth", "model_0000999.pth")
    with pytest.raises(
        WeightsNotFoundError, match=r"several weights \(model_0000499\.pth, model_0000999\.pth\)"
    ):
        read_folder(folder)
    (folder / "last_checkpoint").write_text("model_0000499.pth")
    assert read_folder(folder).weights.name == "model_0000499.pth"
    (folder / "last_checkpoint").write_text("../../secret.pth")
    with pytest.raises(WeightsNotFoundError, match="several weights"):
        read_folder(folder)


def test_a_folder_that_lacks_something_says_what(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        read_folder(tmp_path / "gone")
    with pytest.raises(ConfigError, match=r"has no config\.yaml"):
        read_folder(_folder(tmp_path / "empty"))
    assert not is_model_folder(tmp_path / "empty")
    with pytest.raises(WeightsNotFoundError, match="no weights"):
        read_folder(_folder(tmp_path / "bare", "config.yaml"))
    (tmp_path / "file.pth").touch()
    with pytest.raises(ConfigError, match=r"is a file.*config=…, weights=…"):
        read_folder(tmp_path / "file.pth")


def test_a_folder_that_may_not_be_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ConfigError, match=r"can't be read \(Permission denied\); check"):
        read_folder(_folder(tmp_path / "locked", "a.yaml"))


def test_folders_beside_the_weights_are_models_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seg_widgets.modeling.catalogue.weight_folders", lambda: [tmp_path])
    _folder(tmp_path / "cells", "config.yaml", "model_final.pth", "classes.json")
    _folder(tmp_path / "unfinished", "config.yaml")
    _folder(tmp_path / "converted", "a.safetensors")
    assert available_models() == ["cells"]
    found = find_model("cells")
    assert found.weights == tmp_path / "cells" / "model_final.pth"
    assert found.classes == tmp_path / "cells" / "classes.json"


COCO = {
    "images": [],
    "categories": [{"id": 7, "name": "débris"}, {"id": 2, "name": "cell", "supercategory": "x"}],
}


@pytest.mark.parametrize(
    ("name", "content", "classes"),
    [
        ("a.json", json.dumps(["cell", "débris"]), ("cell", "débris")),
        ("a.json", "\ufeff" + json.dumps(["cell"]), ("cell",)),
        ("a.json", json.dumps(COCO), ("cell", "débris")),
        ("a.json", json.dumps({"1": "b", "0": "a"}), ("a", "b")),
        ("a.txt", "cell\n\n  débris \n", ("cell", "débris")),
    ],
)
def test_class_names_from_each_kind_of_file(
    tmp_path: Path, name: str, content: str, classes: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert read_classes(tmp_path / name) == classes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no class names"),
        ("[1, 2]", "no class names"),
        ('"cell"', "no class names"),
        ('{"1": "a", "2": "b"}', "no class names"),
        ('{"categories": [{"name": "cell"}]}', "no class names"),
        ('{"categories": [{"id": 1}]}', "no class names"),
        ('{"categories": ["cell"]}', "no class names"),
    ],
)
def test_a_file_without_class_names_is_named(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_classes(path)
    assert "mine.json" in str(caught.value)
    with pytest.raises(ConfigError, match=r"gone\.json can't be read"):
        read_classes(tmp_path / "gone.json")


def test_class_names_are_no_large_file(tmp_path: Path) -> None:
    path = tmp_path / "classes.json"
    with path.open("wb") as file:
        file.truncate(600_000_000)
    with pytest.raises(ConfigError, match="larger than any list of class names"):
        read_classes(path)
    path.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"classes\.json is not JSON"):
        read_classes(path)
