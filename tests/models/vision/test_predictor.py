"""The predictor as the worker calls it: any files in, one answer for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    CLIPImageProcessorPil,
    ConvNextConfig,
    ConvNextForImageClassification,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
)

from models.predictor import InvalidInput
from models.vision import activation
from models.vision.activation import activation_maps, class_activation_maps, forward
from models.vision.predictor import Classification, ClassifyRequest, VisionPredictor
from tests.models.vision.files import encode, noise

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


def classify(predictor: VisionPredictor, data: bytes, top: int = 5) -> Classification:
    [answer] = predictor.predict([ClassifyRequest(image=data, top=top)])
    assert isinstance(answer, Classification)
    return answer


def square(picture: Image.Image, side: int) -> Image.Image:
    left, top = (picture.width - picture.height) // 2, 0
    return picture.crop((left, top, left + picture.height, picture.height)).resize((side, side))


def maps_of(predictor: VisionPredictor, picture: Image.Image, labels: list[str]) -> Tensor:
    index_of = {label: index for index, label in predictor.labels.items()}
    pixels = predictor.processor(picture, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        logits, features = forward(predictor.model, pixels)
        assert features is not None
        classes = torch.tensor([index_of[label] for label in labels])
        maps = activation_maps(predictor.model, pixels[0], logits[0], features[0], classes)
    assert maps is not None
    return maps


def centre_of_mass(activation: Tensor) -> tuple[float, float]:
    """Return x and y, both from 0 to 1."""
    height, width = activation.shape
    share = activation / activation.sum()
    x = float((share.sum(dim=0) * (torch.arange(width) + 0.5)).sum()) / width
    y = float((share.sum(dim=1) * (torch.arange(height) + 0.5)).sum()) / height
    return x, y


def test_photographs_are_recognised(
    predictor: VisionPredictor, cat: Image.Image, coffee: Image.Image
) -> None:
    answer = classify(predictor, encode(coffee, "PNG"))
    assert answer.predictions[0].label == "espresso"
    assert answer.predictions[0].confidence > 0.8
    assert answer.sure
    answer = classify(predictor, encode(cat, "JPEG"))
    assert {prediction.label for prediction in answer.predictions[:3]} == {
        "Egyptian Mau",
        "tiger cat",
        "tabby cat",
    }
    assert answer.sure


@pytest.mark.parametrize("top", [1, 5, 10])
def test_as_many_classes_as_asked_for_most_confident_first(
    predictor: VisionPredictor, cat: Image.Image, top: int
) -> None:
    confidences = [p.confidence for p in classify(predictor, encode(cat, "PNG"), top).predictions]
    assert len(confidences) == top
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in confidences)


@pytest.mark.parametrize("top", [0, 11])
def test_a_request_for_too_many_or_no_classes_cannot_be_made(top: int) -> None:
    with pytest.raises(ValueError, match="top must be from 1 to 10"):
        ClassifyRequest(image=b"", top=top)


NONSENSE = {
    "black": Image.new("RGB", (400, 300)),
    "white": Image.new("RGB", (400, 300), "white"),
    "red": Image.new("RGB", (400, 300), "red"),
    "coarse noise": noise(12, 10).resize((400, 300), Image.Resampling.BICUBIC),
    "gradient": Image.linear_gradient("L").resize((400, 300)),
    **{f"noise {size}": noise(size, size) for size in (224, 300, 400)},
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_never_sure(predictor: VisionPredictor, name: str) -> None:
    assert not classify(predictor, encode(NONSENSE[name], "PNG"), top=1).sure


def test_a_batch_answers_as_its_pictures_do_alone(
    predictor: VisionPredictor, cat: Image.Image, coffee: Image.Image
) -> None:
    requests = [
        ClassifyRequest(image=encode(cat, "JPEG"), top=3),
        ClassifyRequest(image=encode(coffee, "PNG"), top=2),
        ClassifyRequest(image=encode(Image.new("L", (900, 90), 40), "GIF"), top=1),
    ]
    for request, together in zip(requests, predictor.predict(requests), strict=True):
        [alone] = predictor.predict([request])
        assert isinstance(alone, Classification)
        assert isinstance(together, Classification)
        assert alone.sure == together.sure
        for one, other in zip(alone.predictions, together.predictions, strict=True):
            assert one.label == other.label
            assert one.confidence == pytest.approx(other.confidence, abs=1e-5)


def test_the_same_request_gives_the_same_answer(predictor: VisionPredictor, cat: Image.Image) -> None:
    data = encode(cat, "JPEG")
    assert classify(predictor, data) == classify(predictor, data)


def test_half_precision_sees_the_same_and_keeps_the_cheap_heat_maps(
    predictor: VisionPredictor, cat: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU; a CPU has bfloat16, which is even coarser than the GPU's float16."""
    single = classify(predictor, encode(cat, "PNG"))
    monkeypatch.setitem(activation.HALF_PRECISION, "cpu", torch.bfloat16)
    monkeypatch.setattr(activation, "_gradient_maps", lambda *_: pytest.fail("the costly way was taken"))
    half = classify(predictor, encode(cat, "PNG"))
    assert half.predictions[0].label == single.predictions[0].label
    assert half.predictions[0].confidence == pytest.approx(single.predictions[0].confidence, abs=0.05)
    assert half.predictions[0].confidence != single.predictions[0].confidence, "it was in half precision"


def test_a_bad_picture_harms_no_other(predictor: VisionPredictor, coffee: Image.Image) -> None:
    good = ClassifyRequest(image=encode(coffee, "JPEG"), top=1)
    answers = predictor.predict([ClassifyRequest(image=b"<html>"), good, ClassifyRequest(image=b"")])
    assert isinstance(answers[0], InvalidInput)
    assert isinstance(answers[1], Classification)
    assert answers[1].predictions[0].label == "espresso"
    assert isinstance(answers[2], InvalidInput)
    assert predictor.predict([]) == []


@pytest.mark.parametrize("size", [(8, 8), (4000, 8), (8, 4000), (9, 3000)])
def test_extreme_shapes_get_an_answer(predictor: VisionPredictor, size: tuple[int, int]) -> None:
    assert classify(predictor, encode(Image.new("RGB", size, "navy"), "PNG"), top=2).predictions[1].heat_map


def test_each_thing_glows_in_its_own_half(
    predictor: VisionPredictor, cat: Image.Image, coffee: Image.Image
) -> None:
    side_by_side = Image.new("RGB", (400, 400), "white")
    side_by_side.paste(square(cat, 200), (0, 100))
    side_by_side.paste(square(coffee, 200), (200, 100))
    cat_map, coffee_map = maps_of(predictor, side_by_side, ["Egyptian Mau", "espresso"])
    assert centre_of_mass(cat_map)[0] < 0.4
    assert centre_of_mass(coffee_map)[0] > 0.6


def test_each_thing_glows_at_its_own_height(
    predictor: VisionPredictor, cat: Image.Image, coffee: Image.Image
) -> None:
    stacked = Image.new("RGB", (400, 400), "white")
    stacked.paste(square(coffee, 200), (100, 0))
    stacked.paste(square(cat, 200), (100, 200))
    cat_map, coffee_map = maps_of(predictor, stacked, ["Egyptian Mau", "espresso"])
    assert centre_of_mass(cat_map)[1] > 0.6
    assert centre_of_mass(coffee_map)[1] < 0.4


def test_the_closed_form_equals_grad_cam(predictor: VisionPredictor, cat: Image.Image) -> None:
    pixels = predictor.processor(cat, return_tensors="pt")["pixel_values"]
    logits, features = forward(predictor.model, pixels)
    assert features is not None
    (gradient,) = torch.autograd.grad(logits[0, 285], features)
    grad_cam = class_activation_maps(features[0], gradient.mean(dim=(2, 3)))[0]
    closed_form = maps_of(predictor, cat, ["Egyptian Mau"])[0]
    places = features.size(2) * features.size(3)  # the factor between them: the average divides by it
    torch.testing.assert_close(grad_cam * places, closed_form, rtol=1e-4, atol=1e-5)


def save_checkpoint(folder: Path, network: PreTrainedModel) -> str:
    """Write a network with random weights and a processor that crops 32 pixels out of 40."""
    network.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder
    )
    return str(folder)


OTHERS: dict[str, Any] = {
    "with a feature map, but another head": lambda labels: ConvNextForImageClassification(
        ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, patch_size=4, id2label=labels)
    ),
    "without a feature map": lambda labels: ViTForImageClassification(
        ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            image_size=32,
            patch_size=8,
            id2label=labels,
        )
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_checkpoints_answer_with_their_own_labels(tmp_path: Path, cat: Image.Image, name: str) -> None:
    torch.manual_seed(0)
    checkpoint = save_checkpoint(tmp_path, OTHERS[name]({0: "apple", 1: "pear", 2: "plum"}))
    predictor = VisionPredictor.load(torch.device("cpu"), checkpoint)
    answer = classify(predictor, encode(cat, "PNG"), top=10)
    assert {prediction.label for prediction in answer.predictions} == {"apple", "pear", "plum"}
    shown = {prediction.heat_map for prediction in answer.predictions}
    assert len(shown) == (1 if name == "without a feature map" else 3)


def test_a_checkpoint_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be used"):
        VisionPredictor.load(torch.device("cpu"), str(tmp_path))


def test_pickled_checkpoints_are_not_read(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path, OTHERS["without a feature map"]({0: "apple", 1: "pear"}))
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        VisionPredictor.load(torch.device("cpu"), checkpoint)


def test_logits_are_those_that_the_answer_comes_from(predictor: VisionPredictor, cat: Image.Image) -> None:
    probabilities = predictor.logits([cat, cat]).softmax(dim=1)
    assert probabilities.shape == (2, 1000)
    best = classify(predictor, encode(cat, "PNG"), top=1).predictions[0]
    assert best.label == predictor.labels[int(probabilities[0].argmax())]
    np.testing.assert_allclose(probabilities.amax(dim=1), best.confidence, atol=1e-5)
