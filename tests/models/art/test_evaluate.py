"""The whole of an evaluation, with networks that have learned nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from models.art import evaluate
from models.art.dcgan import DcganConfig, DcganGenerator
from models.art.network import ArtConfig, ArtGenerator
from tests.models.art.conftest import SMALL, STYLES, write_tar


def test_a_painter_is_measured_beside_floor_anchor_and_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    tar = write_tar(tmp_path / "few.tar", 60)
    sizes: dict[str, Any] = {"image_size": 32, "latent_size": 16, "styles": list(STYLES)}
    ours, anchor = tmp_path / "ours", tmp_path / "anchor"
    ArtGenerator(ArtConfig(**SMALL, styles=list(STYLES))).half().save_pretrained(ours / "counterfeiter")
    DcganGenerator(DcganConfig(**sizes)).save_pretrained(anchor / "counterfeiter")
    arguments = ["--data", str(tar), "--weights", str(ours), "--anchor", str(anchor), "--out", str(tmp_path)]
    evaluate.main([*arguments, "--samples", "8", "--device", "cpu"])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) == {*STYLES, "all"}
    for style in STYLES:
        for kind in ("deep", "plain"):
            floor = figures[style][f"floor, {kind}"]
            for worse in ("ours", "anchor", "noise"):
                assert figures[style][f"{worse}, {kind}"] > max(2 * floor, 0.01)
        assert figures[style]["held-out pictures"] == 6
    assert figures["all"]["near-copies, deep"] == 0
    assert "| stripes |" in capsys.readouterr().out
    with Image.open(tmp_path / "discs.png") as hundred:
        assert hundred.size == (320, 320)
    with Image.open(tmp_path / "nearest.png") as rows:
        assert rows.width == 3 * 32
