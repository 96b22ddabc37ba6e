"""Heat maps glow at the right place, on the part of the photograph that the network saw."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from transformers.image_utils import SizeDict

from models.vision.heat_map import LONGEST_SIDE, HeatMapPainter, Region, seen_region
from models.vision.predictor import VisionPredictor

EVERYTHING = Region(0.0, 0.0, 1.0, 1.0)


def opened(jpeg: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(jpeg))
    assert picture.format == "JPEG"
    return picture.convert("RGB")


@pytest.mark.parametrize("size", [(292, 292), (600, 300), (300, 601), (1333, 800), (2000, 200), (100, 900)])
def test_the_seen_region_is_what_the_processor_crops(
    predictor: VisionPredictor, size: tuple[int, int]
) -> None:
    # Each pixel tells its own place, so the prepared picture tells which ones were seen.
    width, height = size
    ramp = np.zeros((height, width, 3), dtype=np.uint8)
    ramp[..., 0] = (np.linspace(0, 1, width) * 255).round()
    ramp[..., 1] = (np.linspace(0, 1, height) * 255).round()[:, None]
    prepared = predictor.processor(Image.fromarray(ramp), return_tensors="np")["pixel_values"][0]
    places = (prepared * 128 + 127) / 255  # (3, 260, 260)
    region = seen_region(size, predictor.processor)
    assert region.left == pytest.approx(places[0].min(), abs=0.02)
    assert region.right == pytest.approx(places[0].max(), abs=0.02)
    assert region.top == pytest.approx(places[1].min(), abs=0.02)
    assert region.bottom == pytest.approx(places[1].max(), abs=0.02)


def test_a_processor_without_a_crop_sees_everything() -> None:
    processor = SimpleNamespace(size=SizeDict(height=224, width=224), do_center_crop=False)
    assert seen_region((640, 480), processor) == EVERYTHING


def test_the_glow_is_where_the_activation_is() -> None:
    painter = HeatMapPainter(Image.new("RGB", (300, 200), "grey"), EVERYTHING)
    activation = np.zeros((9, 9), dtype=np.float32)
    activation[2, 7] = 5.0
    pixels = np.asarray(opened(painter.paint(activation)), dtype=float)
    brightness = pixels.sum(axis=-1)
    y, x = np.unravel_index(brightness.argmax(), brightness.shape)
    assert x / 300 == pytest.approx(7.5 / 9, abs=0.05)
    assert y / 200 == pytest.approx(2.5 / 9, abs=0.05)


def test_outside_of_the_seen_region_is_dim() -> None:
    painter = HeatMapPainter(Image.new("RGB", (400, 200), "white"), Region(0.25, 0.0, 0.75, 1.0))
    pixels = np.asarray(opened(painter.paint(np.zeros((9, 9), dtype=np.float32))))
    assert pixels[100, 200].min() > 240
    assert pixels[100, 50].max() < 130


def test_nothing_that_speaks_for_a_class_is_no_glow() -> None:
    painter = HeatMapPainter(Image.new("RGB", (100, 100), "white"), EVERYTHING)
    assert np.asarray(opened(painter.paint(np.zeros((9, 9), dtype=np.float32)))).min() > 250


@pytest.mark.parametrize("size", [(3000, 2000), (2000, 3000), (80, 8), (8, 80), (500, 400)])
def test_pictures_are_shown_whole_and_no_larger_than_needed(size: tuple[int, int]) -> None:
    painter = HeatMapPainter(Image.new("RGB", size, "grey"), Region(0.4, 0.1, 0.6, 0.9))
    shown = opened(painter.paint(np.ones((9, 9), dtype=np.float32)))
    assert max(shown.size) == min(LONGEST_SIDE, max(size))
    assert shown.width / shown.height == pytest.approx(size[0] / size[1], rel=0.02)
    assert opened(painter.plain()).size == shown.size


def test_a_detailed_photograph_stays_a_small_file(coffee: Image.Image) -> None:
    painter = HeatMapPainter(coffee.resize((1500, 1000)), Region(0.2, 0.05, 0.8, 0.95))
    jpeg = painter.paint(np.eye(9, dtype=np.float32))
    assert 20_000 < len(jpeg) < 150_000
