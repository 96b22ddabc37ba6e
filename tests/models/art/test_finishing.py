"""The finisher: that it draws what a plain enlargement cannot, and learns it from patches."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from tarfile import TarFile, TarInfo

import numpy as np
import pytest
import torch
from PIL import Image

from models.art import data
from models.art.discriminator import ArtDiscriminator, DiscriminatorConfig
from models.art.finisher import ArtFinisher, FinisherConfig, finish
from models.art.finishing import Finishing, Plan, main, patches
from models.art.network import ArtConfig, ArtGenerator
from tests.models.art.conftest import SMALL, STYLES


def hatched(draw: np.random.Generator, side: int = 128) -> Image.Image:
    """Return two plain colours with a sharp edge between them: an enlargement blurs it."""
    rows, columns = np.mgrid[:side, :side] - side / 2
    angle = draw.uniform(0, np.pi)
    half = rows * np.sin(angle) + columns * np.cos(angle) > draw.uniform(-side / 4, side / 4)
    dark, light = draw.integers(0, 90, 3), draw.integers(150, 256, 3)
    return Image.fromarray(np.where(half[:, :, None], light, dark).astype(np.uint8))


@pytest.fixture(scope="module")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "paintings.tar"
    draw = np.random.default_rng(0)
    with TarFile.open(path, "w") as tar:
        for number in range(120):
            picture = BytesIO()
            hatched(draw).save(picture, "WEBP", lossless=True)
            facts = json.dumps({"style": STYLES[0], "painting": number, "crop": "c"}).encode()
            for kind, content in (("webp", picture.getvalue()), ("json", facts)):
                member = TarInfo(f"{number:05}.{kind}")
                member.size = len(content)
                tar.addfile(member, BytesIO(content))
    return path


def test_it_comes_nearer_to_paintings_in_colours_sight_and_brushwork(paintings: Path) -> None:
    torch.manual_seed(0)
    pixels = torch.from_numpy(data.read_paintings(paintings, 128).pixels)
    small = pixels[:, ::4, ::4].contiguous()
    cashier = ArtDiscriminator(DiscriminatorConfig(image_size=64, width=16))
    finishing = Finishing(ArtFinisher(FinisherConfig(channels=16)), cashier, Plan())
    record = torch.stack(
        [finishing.round(patches(pixels, 64, 8, 4), patches(small, 16, 8, 1)) for _ in range(60)]
    )
    first, last = record[:10].mean(dim=0), record[-10:].mean(dim=0)
    assert last[0] < 0.7 * first[0], "colours"
    assert last[1] < 0.92 * first[1], "what the features see"
    assert last[2] < 0.8 * first[2], "brushwork"


def test_training_leaves_a_finisher_its_figures_and_a_sheet(paintings: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    painter = ArtGenerator(ArtConfig(**SMALL, styles=list(STYLES)))
    painter.save_pretrained(tmp_path / "counterfeiter")
    out = tmp_path / "out"
    arguments = ["--data", paintings, "--painter", tmp_path / "counterfeiter", "--out", out, "--threads", 1]
    main([*map(str, arguments), "--own", "32", "--steps", "3", "--channels", "8"])
    finisher = ArtFinisher.from_pretrained(out / "final").float().eval()
    assert len(json.loads((out / "losses.json").read_text())["losses"]) == 1
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.size == (12 * 128, 2 * 128), (
            "six paintings and six of the counterfeiter's, plain and finished"
        )
    pixels = np.full((32, 32, 3), 128, np.uint8)
    assert finish(finisher, pixels).shape == (128, 128, 3)


def test_it_begins_as_a_plain_enlargement_of_any_size() -> None:
    torch.manual_seed(0)
    finisher = ArtFinisher(FinisherConfig(channels=8, layers=2)).eval()
    for side in (16, 24):
        pictures = torch.rand(2, 3, side, side) * 1.6 - 0.8
        with torch.inference_mode():
            finished = finisher(pictures)
        assert finished.shape == (2, 3, 4 * side, 4 * side)
        plain = torch.nn.functional.interpolate(pictures, scale_factor=4, mode="bicubic").clamp(-1, 1)
        assert (finished - plain).abs().mean() < 0.05


def test_patches_lie_where_small_pixels_begin() -> None:
    """Every picture is its own column number, so a patch tells where it was cut."""
    torch.manual_seed(0)
    columns = torch.arange(64, dtype=torch.uint8)[None, None, :, None].expand(3, 64, 64, 3)
    cut = patches(columns, side=16, count=40, step=4)
    assert cut.shape == (40, 3, 16, 16)
    numbers = ((cut[:, 0, 0] + 1) * 127.5).round().int()  # [40, 16]
    starts, mirrored = numbers.min(dim=1).values, numbers[:, 0] > numbers[:, -1]
    assert (starts % 4 == 0).all()
    assert len(set(starts.tolist())) > 5
    assert 5 < mirrored.sum() < 35
