"""The predictor gives what detectron2's own DefaultPredictor gives, and says what is wrong when it
can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets import images, samples
from seg_widgets.errors import (
    ConfigError,
    InferenceError,
    OutOfMemoryError,
    SettingError,
    WeightsError,
    WeightsNotFoundError,
)
from seg_widgets.modeling.detectron2_predictor import Detectron2Predictor, scaled_size
from seg_widgets.modeling.loading import load_predictor
from seg_widgets.prediction.predictor import SCORE_FLOOR, Predictor

from ..networks import spread_scores

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
MIN_SIZE = 256


@pytest.fixture(scope="module")
def cfg() -> Any:
    """R50-FPN of the model zoo, on the CPU, at a small size."""
    from detectron2.model_zoo import get_config

    cfg = get_config(R50_FPN)
    cfg.MODEL.DEVICE = "cpu"
    cfg.INPUT.MIN_SIZE_TEST = MIN_SIZE
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = SCORE_FLOOR
    return cfg


@pytest.fixture(scope="module")
def weights(cfg: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights whose scores are spread, so that many instances pass the floor with all kinds
    of masks."""
    from detectron2.modeling import build_model

    torch.manual_seed(3)
    model = spread_scores(build_model(cfg))
    # Boxes move as far as with trained weights; ten times as far, rounding is felt ten times.
    with torch.no_grad():
        model.roi_heads.box_predictor.bbox_pred.weight.div_(10)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def predictor(weights: Path) -> Detectron2Predictor:
    return load_predictor(config=R50_FPN, weights=weights, device="cpu", min_size=MIN_SIZE)


@pytest.fixture(scope="module")
def photo() -> npt.NDArray[np.uint8]:
    return images.load(samples()["astronaut"])


@pytest.mark.parametrize("crop", [(512, 512), (300, 512), (512, 200)])
def test_same_result_as_default_predictor(
    cfg: Any,
    weights: Path,
    predictor: Detectron2Predictor,
    photo: npt.NDArray[np.uint8],
    crop: tuple[int, int],
) -> None:
    from detectron2.engine import DefaultPredictor

    picture = np.ascontiguousarray(photo[: crop[0], : crop[1]])
    theirs_cfg = cfg.clone()
    theirs_cfg.MODEL.WEIGHTS = str(weights)
    theirs = DefaultPredictor(theirs_cfg)(picture[:, :, ::-1])["instances"]
    ours = predictor(picture)
    assert len(ours) == len(theirs) >= 20
    assert ours.image_size == crop
    # 1e-3 pixels, and ten times the precision of float32: some processors sum in another order.
    np.testing.assert_allclose(ours.boxes, theirs.pred_boxes.tensor.numpy(), rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(ours.scores, theirs.scores.numpy(), atol=1e-4)
    assert ours.class_ids.tolist() == theirs.pred_classes.tolist()
    mine, other = ours.masks_dense(), theirs.pred_masks.numpy()
    union = (mine | other).sum((1, 2))
    assert (union > 0).sum() >= 15
    overlap = (mine & other).sum((1, 2))[union > 0] / union[union > 0]
    assert overlap.min() >= 0.995


def test_it_is_a_predictor_and_leaves_the_image_alone(
    predictor: Detectron2Predictor, photo: npt.NDArray[np.uint8]
) -> None:
    assert isinstance(predictor, Predictor)
    before = photo.copy()
    first, again = predictor(photo), predictor(photo)
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert len(first) <= 100, "the config's own limit"
    assert (np.diff(first.scores) <= 0).all()
    assert first.class_names[:2] == ("person", "bicycle")
    assert len(first.class_names) == 80
    assert "80 classes" in predictor.description
    assert "0x" not in repr(predictor)


def test_the_configs_own_limit_holds_and_is_noted(
    cfg: Any, weights: Path, photo: npt.NDArray[np.uint8]
) -> None:
    limited = cfg.clone()
    limited.TEST.DETECTIONS_PER_IMAGE = 7
    few = load_predictor(limited, weights=weights, device="cpu")(photo)
    assert len(few) == 7
    assert "limit of 7 instances was reached" in few.notes[0]
    assert "max_instances" in few.notes[0]

    # As that note says, a larger one gives more; what was found before comes first.
    limited.MODEL.WEIGHTS = str(weights)
    raised = load_predictor(limited, device="cpu", max_instances=5000)
    many = raised(photo)
    assert 7 < len(many) < 5000
    assert many.notes == ()
    np.testing.assert_array_equal(many.scores[:7], few.scores)
    model: Any = raised.model
    assert model.roi_heads.box_predictor.test_topk_per_image == 7, "left as it was"
    three = load_predictor(limited, device="cpu", max_instances=3)(photo)
    assert len(three) == 3
    assert "limit of 3 instances" in three.notes[0]
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(SettingError, match="max_instances is a whole number"):
            load_predictor(limited, max_instances=wrong)  # type: ignore[arg-type]


@settings(deadline=None)
@given(width=st.integers(1, 3000), height=st.integers(1, 3000), size=st.integers(32, 900))
def testscaled_size_is_detectron2s(width: int, height: int, size: int) -> None:
    from detectron2.data.transforms import ResizeShortestEdge

    try:
        expected = ResizeShortestEdge([size, size], 1333).get_transform(
            np.empty((height, width, 3), np.uint8)
        )
    except ZeroDivisionError:  # pragma: no cover - theirs, for a side that scales to nothing
        return
    assert scaled_size(width, height, size, 1333) == (
        max(expected.new_w, 1),
        max(expected.new_h, 1),
    )


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 900), (900, 1), (2, 3)])
def test_tiny_images_work(predictor: Detectron2Predictor, width: int, height: int) -> None:
    prediction = predictor(np.full((height, width, 3), 128, np.uint8))
    assert prediction.image_size == (height, width)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        "photo.jpg",
        None,
    ],
)
def test_what_is_no_rgb_array_is_refused(predictor: Detectron2Predictor, image: Any) -> None:
    for ask in (predictor, lambda image: predictor.predict_batch([image])):
        with pytest.raises(SettingError, match=r"seg_widgets\.load"):
            ask(image)


class _Failing(torch.nn.Module):
    """A model that fails with `error` for the first `times` calls and then works."""

    def __init__(self, model: torch.nn.Module, error: Exception, times: int) -> None:
        super().__init__()
        self.inner, self.error, self.times = model, error, times
        self.sizes: list[int] = []

    def inference(self, inputs: list[dict[str, torch.Tensor]], do_postprocess: bool) -> Any:
        self.sizes.append(min(inputs[0]["image"].shape[1:]))
        if len(self.sizes) <= self.times:
            raise self.error
        return self.inner.inference(inputs, do_postprocess=do_postprocess)  # type: ignore[operator]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_is_tried_once_more_smaller(
    predictor: Detectron2Predictor, photo: npt.NDArray[np.uint8], error: Exception
) -> None:
    model = _Failing(predictor.model, error, times=1)
    small = Detectron2Predictor(model, predictor.class_names, min_size=MIN_SIZE)
    assert small(photo).image_size == (512, 512)
    assert model.sizes == [MIN_SIZE, MIN_SIZE // 2]
    model = _Failing(predictor.model, error, times=2)
    small = Detectron2Predictor(model, predictor.class_names, min_size=MIN_SIZE)
    with pytest.raises(OutOfMemoryError, match="512×512 px needs more memory than cpu"):
        small(photo)
    assert small(photo).image_size == (512, 512), "the next image works"


def test_a_failing_model_is_our_error(
    predictor: Detectron2Predictor, photo: npt.NDArray[np.uint8]
) -> None:
    broken = Detectron2Predictor(
        _Failing(predictor.model, RuntimeError("shape mismatch"), 9), ("a",)
    )
    with pytest.raises(InferenceError, match="shape mismatch"):
        broken(photo)


def test_wrong_arguments_are_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"weights= is missing\. Without both, the starter"):
        load_predictor(config=R50_FPN)
    with pytest.raises(SettingError, match="config= is missing"):
        load_predictor(weights=weights)
    with pytest.raises(SettingError, match="between 32 and 4096"):
        load_predictor(config=R50_FPN, weights=weights, min_size=7)
    with pytest.raises(ConfigError, match="80 classes, but 2 names"):
        load_predictor(config=R50_FPN, weights=weights, classes=["cell", "debris"])
    with pytest.raises(SettingError, match="list of names"):
        load_predictor(config=R50_FPN, weights=weights, classes="person")
    with pytest.raises(ConfigError, match="no config"):
        load_predictor(config="COCO-Nothing/none.yaml", weights=weights)
    with pytest.raises(ConfigError, match="code"):
        load_predictor(config=tmp_path / "lazy.py", weights=weights)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "MODEL: {NO_SUCH_KEY: 1}",
            "has keys that this detectron2 doesn't know.*MODEL.NO_SUCH_KEY",
        ),
        ("MODEL: [", "not plain YAML"),
        ("just text", "not a config"),
        ("!!python/object/apply:os.system ['true']", "not plain YAML"),
    ],
)
def test_a_wrong_config_is_named(weights: Path, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_predictor(config=path, weights=weights)
    assert "my.yaml" in str(caught.value)


def test_weights_of_another_model_are_refused(weights: Path) -> None:
    with pytest.raises(WeightsError, match="doesn't fit the model"):
        load_predictor(
            config="COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml", weights=weights
        )


@pytest.fixture
def only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place where weights are looked for."""
    monkeypatch.setattr("seg_widgets.modeling.catalogue.weight_folders", lambda: [tmp_path])
    return tmp_path


def test_a_missing_starter_names_the_places(only_folder: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"starter\.safetensors") as caught:
        load_predictor()
    assert str(only_folder) in str(caught.value)
    assert "No weights are there at all" in str(caught.value)


def test_a_truncated_starter_is_refused(only_folder: Path) -> None:
    real = Path(__file__).resolve().parents[2] / "weights"
    (only_folder / "starter.yaml").write_bytes((real / "starter.yaml").read_bytes())
    whole = (real / "starter.safetensors").read_bytes()
    (only_folder / "starter.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="truncated"):
        load_predictor()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "no model name"),
        (".hidden", "no model name"),
        ("../starter", "no folder"),
        ("a/b", "no folder"),
    ],
)
def test_a_name_that_can_be_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_predictor(name)


def test_the_environment_names_a_folder_that_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seg_widgets.modeling.catalogue import find_model

    for suffix in ("yaml", "safetensors"):
        (tmp_path / f"starter.{suffix}").touch()
    monkeypatch.setenv("SEG_WIDGETS_WEIGHTS", str(tmp_path))
    assert find_model("starter").weights == tmp_path / "starter.safetensors"


# The one large object of each sample (of the coffee the cup): its box (XYXY) as a person drew it,
# and what it may be called.
LARGE_OBJECTS = {
    "admiral": ((10, 20, 512, 600), ("person",)),
    "astronaut": ((5, 15, 455, 512), ("person",)),
    "cat": ((20, 0, 445, 300), ("cat",)),
    "coffee": ((165, 15, 415, 312), ("cup", "kitchen")),
    "raccoon": ((60, 15, 960, 700), ("animal",)),
    "rocket": ((305, 130, 340, 427), ("vehicle", "airplane")),
}


def _iou(boxes: npt.NDArray[np.float32], box: tuple[int, int, int, int]) -> npt.NDArray[np.float32]:
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, 2:], box[2:])
    inside = np.prod(np.maximum(high - low, 0), axis=1)
    area = (box[2] - box[0]) * (box[3] - box[1])
    union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + area - inside
    return np.asarray(inside / union, np.float32)


@pytest.fixture(scope="module")
def starter() -> Detectron2Predictor:
    return load_predictor(device="cpu")


class TestStarter:
    """The real starter on the real samples."""

    def test_it_is_honest_about_itself(self, starter: Detectron2Predictor) -> None:
        assert starter.description == f"starter (small, {len(starter.class_names)} classes)"
        assert {"person", "cat", "animal", "bus", "cup", "kitchen"} <= set(starter.class_names)

    def test_it_fits_in_25_megabytes(self, root: Path) -> None:
        assert (root / "weights" / "starter.safetensors").stat().st_size <= 25e6

    def test_it_outlines_and_names_most_large_objects(self, starter: Detectron2Predictor) -> None:
        outlined, named = [], []
        for name, (box, called) in LARGE_OBJECTS.items():
            found = starter(images.load(samples()[name])).filter(0.5)
            good = [
                found.class_names[found.class_ids[index]]
                for index in np.flatnonzero(_iou(found.boxes, box) >= 0.5)
            ]
            outlined += [name] if good else []
            named += [name] if {*good} & {*called} else []
        assert len(outlined) >= 5, outlined
        assert len(named) >= 4, named

    def test_it_leaves_an_empty_wall_empty(self, starter: Detectron2Predictor) -> None:
        wall = np.full((320, 480, 3), 180, np.uint8)
        assert len(starter(wall).filter(0.5)) == 0


def test_images_at_once_have_the_results_that_they_have_alone() -> None:
    predictor = load_predictor(device="cpu", min_size=192)
    assert predictor.max_batch == 1  # several are no faster on a CPU
    pictures = [images.load(samples()[name]) for name in ("cat", "coffee")]
    given = [pictures[0], pictures[1], pictures[0][:, ::-1].copy(), pictures[1][::-1].copy()]
    together = predictor.predict_batch(given)
    for image, prediction in zip(given, together, strict=True):
        alone = predictor(image)
        assert prediction.image_size == alone.image_size
        assert prediction.class_ids.tolist() == alone.class_ids.tolist()
        np.testing.assert_allclose(prediction.scores, alone.scores, atol=1e-4)
        np.testing.assert_allclose(prediction.boxes, alone.boxes, atol=0.05)
    assert predictor.predict_batch([]) == []
    with pytest.raises(SettingError, match="H×W×3 uint8"):
        predictor.predict_batch([given[0], np.zeros((4, 4), np.uint8)])
