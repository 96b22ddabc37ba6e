"""The network, loaded once, and the two photographs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from models.vision.predictor import VisionPredictor

PICTURES = Path(__file__).parent / "pictures"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    # As the worker does. More threads than free cores slow small networks down by a factor of ten.
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def predictor() -> VisionPredictor:
    return VisionPredictor.load(torch.device("cpu"))


@pytest.fixture
def cat() -> Image.Image:
    return Image.open(PICTURES / "chelsea.jpg").convert("RGB")


@pytest.fixture
def coffee() -> Image.Image:
    return Image.open(PICTURES / "coffee.jpg").convert("RGB")
