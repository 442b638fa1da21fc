"""Sources of models: which one recognises what was given, and whether the model must be fetched."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seg_widgets import load_predictor
from seg_widgets.errors import ConfigError, SettingError
from seg_widgets.modeling import (
    SOURCES,
    STARTER,
    BackgroundDownload,
    BuildOptions,
    Given,
    ModelCard,
    ModelSource,
    find_source,
    missing_card,
    models,
)
from seg_widgets.modeling import sources as registry
from seg_widgets.modeling.catalogue import STARTER_PHOTOGRAPHS
from seg_widgets.modeling.detectron2_predictor import Detectron2Predictor
from seg_widgets.net import Progress

if TYPE_CHECKING:
    from typing import Self

ZOO_MODEL = "coco-r50-fpn-3x"
ZOO_CONFIG = "mask_rcnn_R_50_FPN_3x"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"model": STARTER}, "StarterModel"),
        ({"model": ZOO_MODEL}, "ZooModel"),
        ({"model": "mine"}, "NamedModel"),
        ({"model": "models/mine"}, "FolderModel"),
        ({"model": "~/mine"}, "FolderModel"),
        ({"model": Path("mine")}, "FolderModel"),
        ({"model": STARTER, "config": "a.yaml", "weights": "a.pth"}, "ConfigAndWeights"),
        ({"model": f"COCO-InstanceSegmentation/{ZOO_CONFIG}.yaml"}, "ZooModel"),
        ({"model": ZOO_CONFIG}, "ZooModel"),
        ({"model": len}, "LiveModel"),
        ({"model": object()}, "LiveModel"),
    ],
)
def test_each_kind_is_recognised_without_a_look_at_any_file(
    given: dict[str, Any], kind: str
) -> None:
    source = find_source(given.pop("model"), **given)
    assert type(source).__name__ == kind
    assert type(source) in SOURCES
    assert source.name


def _make_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("MODEL: 3")
    (folder / "model.safetensors").touch()


def test_a_folder_that_is_here_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that a model has means that model everywhere; a warning says so."""
    here, shelf = tmp_path / "here", tmp_path / "shelf"
    for folder in (here / "mine", here / "both", shelf / "both", here / STARTER, here / ZOO_CONFIG):
        _make_model(folder)
    (here / "empty").mkdir()
    monkeypatch.setenv("SEG_WIDGETS_WEIGHTS", str(shelf))
    monkeypatch.chdir(here)
    source = find_source("mine")
    assert (type(source).__name__, source.name, source.is_here) == ("FolderModel", "mine", True)
    assert missing_card("mine") is None
    # The zoo's own names are not ours: who trained a model may have kept them.
    assert type(find_source(ZOO_CONFIG)).__name__ == "FolderModel"
    with pytest.raises(ConfigError, match=r"MODEL|config"):
        load_predictor("mine")
    with pytest.raises(ConfigError, match=r"empty has no config\.yaml"):
        load_predictor("empty")
    for name in ("", "x" * 300, "a\0b", "absent"):
        assert type(find_source(name)).__name__ == "NamedModel"

    for name, kind in (("both", "NamedModel"), (STARTER, "StarterModel")):
        known = find_source(name)
        assert type(known).__name__ == kind
        assert known.folder_passed_over() == Path(name)  # type: ignore[attr-defined]
        assert type(find_source(f"./{name}")).__name__ == "FolderModel"
    words = r"'both' is the model of that name, not the folder both that is here. .* give '\./both'"
    with pytest.warns(UserWarning, match=words), pytest.raises(ConfigError):
        load_predictor("both")
    # The same folder is not two.
    monkeypatch.chdir(shelf)
    assert find_source("both").folder_passed_over() is None  # type: ignore[attr-defined]


def test_what_must_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEG_WIDGETS_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("SEG_WIDGETS_CACHE", str(tmp_path / "cache"))
    card = missing_card(ZOO_MODEL)
    assert card is not None and card.name == ZOO_MODEL
    assert not find_source(ZOO_MODEL).is_here
    (tmp_path / f"{ZOO_MODEL}.safetensors").touch()
    assert missing_card(ZOO_MODEL) is None
    assert find_source(ZOO_MODEL).is_here
    for name in (STARTER, "unicorn", "", "..", "models/mine", str(tmp_path)):
        assert missing_card(name) is None, name
    assert find_source(STARTER).is_here
    assert not find_source("unicorn").is_here
    with pytest.raises(ConfigError, match="'unicorn' can't be fetched"):
        find_source("unicorn").fetch(None, None)


def test_the_size_is_checked_in_one_place() -> None:
    assert BuildOptions(min_size=32).min_size == 32
    for min_size in (31, 4097):
        with pytest.raises(SettingError, match=f"between 32 and 4096 pixels, but {min_size} was"):
            BuildOptions(min_size=min_size)


class _Shelf(ModelSource):
    """A source of its own: models that lie on a shelf, and are the starter once fetched."""

    fetched: set[str]
    CARD = ModelCard("shelf:mine", "", 17, "nothing", None, None, None, 1.0, "", "CC0")

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def recognise(cls, given: Given) -> Self | None:
        name = given.model
        return cls(name) if isinstance(name, str) and name.startswith("shelf:") else None

    @classmethod
    def listed(cls) -> Iterable[ModelCard]:
        return (cls.CARD,)

    @property
    def card(self) -> ModelCard:
        return self.CARD

    @property
    def is_here(self) -> bool:
        return self.name in self.fetched

    @property
    def can_be_fetched(self) -> bool:
        return True

    def fetch(self, progress: Progress | None, cancel: threading.Event | None) -> None:
        if progress is not None:
            progress(1_000_000, 1_000_000)
        self.fetched.add(self.name)

    def locate(self) -> None:
        assert self.is_here

    def build(self, options: BuildOptions) -> Detectron2Predictor:
        return load_predictor(STARTER, device=options.device, min_size=options.min_size)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> type[_Shelf]:
    _Shelf.fetched = set()
    monkeypatch.setattr(registry, "SOURCES", [_Shelf, *SOURCES])
    return _Shelf


def test_a_new_source_is_one_class_and_one_line(shelf: type[_Shelf]) -> None:
    assert models()[0] == shelf.CARD
    assert models()[1].name == STARTER
    assert missing_card("shelf:mine") == shelf.CARD
    told: list[tuple[int, int | None]] = []
    predictor = load_predictor(
        "shelf:mine", device="cpu", min_size=64, progress=lambda *there: told.append(there)
    )
    assert told == [(1_000_000, 1_000_000)]
    assert predictor.min_size == 64
    assert missing_card("shelf:mine") is None


def test_a_new_source_is_fetched_in_the_background(shelf: type[_Shelf]) -> None:
    notified: list[str] = []
    ended = threading.Event()
    problems: list[Exception | None] = []

    def done(problem: Exception | None) -> None:
        problems.append(problem)
        ended.set()

    fetch = BackgroundDownload("shelf:mine", lambda: notified.append(fetch.words), done)
    fetch.start()
    assert ended.wait(30)
    assert problems == [None]
    assert notified == ["Fetching shelf:mine: 1 of 1 MB"]
    assert missing_card("shelf:mine") is None


def test_importing_the_folders_loads_no_torch() -> None:
    code = (
        "import sys, seg_widgets.modeling, seg_widgets.finetuning;"
        "print({'torch', 'torchvision', 'detectron2', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_starters_photographs_are_counted_the_same_everywhere(root: Path) -> None:
    figures = json.loads((root / "training" / "figures.json").read_text("utf-8"))
    learned = {**figures["learned_from"], "person_cutouts": 0}
    assert sum(learned.values()) == STARTER_PHOTOGRAPHS
    assert models()[0].trained_on.startswith(f"{STARTER_PHOTOGRAPHS:,} ")
    words = {
        "README.md": f"{STARTER_PHOTOGRAPHS:,} photographs",
        "docs/models.md": f"({models()[0].trained_on})",
        "training/README.md": f"learned from {STARTER_PHOTOGRAPHS:,} photographs",
    }
    for file, said in words.items():
        assert said in " ".join((root / file).read_text("utf-8").split()), file
