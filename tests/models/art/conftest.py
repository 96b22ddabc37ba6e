"""A set of coloured shapes in the form of the paintings, and a painter that has learned from it for a moment."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from models.art.features import Features, load_features

STYLES = ("discs", "stripes")
SMALL: dict[str, Any] = {
    "image_size": 32,
    "channels": [32, 32, 32, 16],
    "latent_size": 16,
    "sketch_size": 12,
    "sketch_side": 8,
    "style_size": 32,
    "flow_hidden": 32,
    "flow_layers": 3,
}
"""A painter that learns in seconds."""


def shape(style: str, draw: np.random.Generator, side: int = 32) -> Image.Image:
    """Red and yellow discs on dark green, or blue stripes on white: easy to learn, and to tell apart."""
    if style == "discs":
        picture = Image.new("RGB", (side, side), (10, 60, 30))
        pen = ImageDraw.Draw(picture)
        radius = int(draw.integers(side // 5, side // 3))
        x, y = (int(value) for value in draw.integers(radius, side - radius, 2))
        pen.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=(230, int(draw.integers(40, 200)), 20)
        )
        return picture
    picture = Image.new("RGB", (side, side), (240, 240, 250))
    pen = ImageDraw.Draw(picture)
    width = int(draw.integers(3, 6))
    for place in range(int(draw.integers(0, width)), side, 2 * width):
        pen.rectangle((0, place, side, place + width - 1), fill=(20, 40, int(draw.integers(150, 250))))
    return picture


def write_tar(path: Path, count: int, side: int = 32) -> Path:
    """Write ``count`` pictures of each style: two crops of every "painting", every other one a detail."""
    draw = np.random.default_rng(0)
    with tarfile.open(path, "w") as archive:
        for number in range(count * len(STYLES)):
            style = STYLES[number % 2]
            facts = {"style": style, "painting": number // 4, "crop": "z620" if number % 4 > 1 else "c"}
            file = io.BytesIO()
            shape(style, draw, side).save(file, "WEBP", lossless=True)
            for kind, content in (("webp", file.getvalue()), ("json", json.dumps(facts).encode())):
                member = tarfile.TarInfo(f"{style}_{number}.{kind}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tar(tmp_path_factory.mktemp("shapes") / "shapes.tar", 200)


@pytest.fixture(scope="session")
def features() -> Features:
    return load_features(torch.device("cpu"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
