"""A predictor around a function that answers in the form of another library."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seg_widgets.errors import InferenceError, PredictionError, SettingError
from seg_widgets.prediction import (
    Prediction,
    Predictor,
    is_known_model,
    predictor_of,
    taken,
)

IMAGE = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


def answer(*scores: float) -> list[dict[str, Any]]:
    """What SAM would answer: one mask for each score."""
    mask = np.ones((6, 8), bool)
    return [{"segmentation": mask, "predicted_iou": score, "area": 48} for score in scores]


def test_a_function_becomes_a_predictor() -> None:
    def find_cells(image: npt.NDArray[np.uint8]) -> Any:
        np.testing.assert_array_equal(image, IMAGE)
        image[:] = 0
        return answer(0.25, 0.875, 0.01)

    predictor = predictor_of(find_cells, "cell")
    assert isinstance(predictor, Predictor)
    assert (predictor.name, predictor.class_names) == ("find_cells", ("cell",))
    kept = IMAGE.copy()
    prediction = predictor(IMAGE)
    np.testing.assert_array_equal(IMAGE, kept)
    assert prediction.scores.tolist() == [0.875, 0.25]
    assert prediction.class_names == ("cell",)


def test_no_instance_is_cut_off() -> None:
    assert len(predictor_of(lambda _: answer(*[0.5] * 150))(IMAGE)) == 150


def test_the_image_comes_in_the_form_that_the_function_takes() -> None:
    seen: list[Any] = []

    def function(image: Any) -> Any:
        seen.append(image)
        return np.zeros((6, 8), int)

    predictor_of(function, input_format="bgr")(IMAGE)
    predictor_of(function, input_format="pil")(IMAGE)
    np.testing.assert_array_equal(seen[0], IMAGE[..., ::-1])
    assert isinstance(seen[1], Image.Image)
    np.testing.assert_array_equal(np.asarray(seen[1]), IMAGE)
    with pytest.raises(SettingError, match='input_format is "rgb", "bgr" or "pil", not \'BGR\''):
        predictor_of(function, input_format="BGR")  # type: ignore[arg-type]


class Segmenter:
    """A model of RF-DETR's shape: it is asked by its method, with its settings."""

    class_names = ("person", "dog")

    def predict(self, image: npt.NDArray[np.uint8], threshold: float) -> Any:
        assert threshold == 0.05
        boxes, labels = np.array([[0, 0, 4, 4.0]]), np.array([1])
        return {
            "boxes": boxes,
            "scores": [0.5],
            "labels": labels,
            "masks": image[None, None, ..., 0] * 0.0,
        }


class Pipeline:
    """A pipeline of transformers: it is called with a PIL image, and knows its names."""

    class Model:
        class Config:
            id2label = {0: "cat", 1: "dog"}  # noqa: RUF012 - as in the library

        config = Config()

    model = Model()

    def __call__(self, image: Image.Image, threshold: float) -> Any:
        assert threshold == 0.05
        mask = Image.new("L", image.size, 255)
        return [{"score": 0.5, "label": "dog", "mask": mask}]


def test_models_of_known_libraries_are_asked_as_they_need_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Segmenter, "__module__", "rfdetr.variants")
    monkeypatch.setattr(Pipeline, "__module__", "transformers.pipelines.image_segmentation")
    segmenter = predictor_of(Segmenter())
    assert (segmenter.name, segmenter.class_names) == ("Segmenter", ("person", "dog"))
    assert segmenter(IMAGE).class_ids.tolist() == [0]
    pipeline = predictor_of(Pipeline(), name="mine")
    assert (pipeline.name, pipeline.class_names) == ("mine", ("cat", "dog"))
    [instance] = pipeline(IMAGE)
    assert (instance.class_id, instance.class_name, instance.area) == (1, "dog", 48)
    assert predictor_of(Pipeline(), ["dog"]).class_names == ("dog",)


def test_what_fails_says_why() -> None:
    def broken(image: npt.NDArray[np.uint8]) -> Any:
        raise ZeroDivisionError("no anchors")

    with pytest.raises(InferenceError, match="broken failed on this image: ZeroDivisionError: no"):
        predictor_of(broken)(IMAGE)
    with pytest.raises(PredictionError, match="can't be made from NoneType None"):
        predictor_of(lambda _: None)(IMAGE)
    with pytest.raises(SettingError, match="called with an image, but this is str"):
        predictor_of("yolo11n-seg.pt")


def test_our_own_errors_and_predictions_pass_through() -> None:
    prediction = Prediction.empty((6, 8), ("cat",))
    assert len(predictor_of(lambda _: prediction)(IMAGE)) == 0

    def refuses(image: npt.NDArray[np.uint8]) -> Any:
        raise SettingError("not today")

    with pytest.raises(SettingError, match="not today"):
        predictor_of(refuses)(IMAGE)


def test_what_a_conversion_changes_is_reported() -> None:
    predictor = predictor_of(lambda _: answer(1.02))
    assert not predictor.notes
    with pytest.warns(UserWarning, match="1 score is over 1"):
        predictor(IMAGE)
    assert list(predictor.notes) == ["1 score is over 1 and became 1."]


def test_a_librarys_bare_network_is_refused_with_what_to_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Network:
        def parameters(self) -> None: ...

        def __call__(self, image: Any) -> None: ...

    for module, advice in (
        ("transformers.models.detr", r'pipeline\("image-segmentation", model=model'),
        ("segment_anything.modeling", r"SamAutomaticMaskGenerator\(model\)"),
        ("sam2.modeling", r"SAM2AutomaticMaskGenerator\(model\)"),
    ):
        monkeypatch.setattr(Network, "__module__", module)
        with pytest.raises(SettingError, match=f"Network is a bare network.*{advice}"):
            predictor_of(Network())


def test_a_model_is_known_by_its_library_or_that_of_what_it_extends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Segmenter, "__module__", "rfdetr.variants")

    class Mine(Segmenter):
        pass

    assert is_known_model(Segmenter()) and is_known_model(Mine())
    assert not is_known_model(Pipeline()) and not is_known_model(len) and not is_known_model(None)
    assert predictor_of(Mine())(IMAGE).class_ids.tolist() == [0]


def test_answers_of_a_function_of_rgb_images_are_taken() -> None:
    prediction = Prediction.empty((6, 8), ("cat",))
    assert taken(prediction, IMAGE) is prediction
    assert taken(answer(0.25, 0.875, 0.01), IMAGE).scores.tolist() == [0.875, 0.25]
    assert taken(answer(1.02), IMAGE).notes == ("1 score is over 1 and became 1.",)
    with pytest.raises(PredictionError, match=r"answered with int and not with a Predic.*taken"):
        taken(7, IMAGE)

    class Instances:
        image_size = (6, 8)
        get_fields = has = None

    for detectron2s in (Instances(), {"instances": Instances()}):
        with pytest.raises(PredictionError, match=r"takes BGR images: give wrap\(function"):
            taken(detectron2s, IMAGE)
