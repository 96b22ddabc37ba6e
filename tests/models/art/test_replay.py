"""The replay of a training, made of what the training really leaves behind."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from models.art import replay, train


class Fight:
    """Paints noise, as much as training asks for."""

    generator = SimpleNamespace(
        config=SimpleNamespace(styles=["discs", "stripes"], latent_size=4, image_size=16)
    )

    def paint(self, latents: Tensor, styles: Tensor) -> np.ndarray:
        assert len(latents) == len(styles)
        return np.random.default_rng(0).integers(0, 256, (len(latents), 16, 16, 3), np.uint8)


def report(minutes: float) -> train.Report:
    figures: dict[str, Any] = {part.name: 1.0 for part in fields(train.Report)}
    own = {
        "minutes": minutes,
        "pictures": 1000 * minutes,
        "kid": 0.5 / minutes,
        "generator_loss": 1 + minutes,
    }
    return train.Report(**figures | own)


def test_what_training_leaves_becomes_an_animation(tmp_path: Path) -> None:
    for folder in ("samples", "replay"):
        (tmp_path / folder).mkdir()
    for minutes in (0.0, 0.25, 1.0):
        train._draw_samples(Fight(), tmp_path, minutes)  # type: ignore[arg-type]
    (tmp_path / "reports.json").write_text(json.dumps([asdict(report(1.0))]))
    file = tmp_path / "replay.webp"
    replay.main(["--run", str(tmp_path), "--out", str(file)])
    assert file.stat().st_size < replay.MOST_BYTES
    with Image.open(file) as animation:
        assert animation.size == (2 * replay.SIDE, replay.SIDE + replay.TITLE)
        assert getattr(animation, "n_frames", 1) == 3
        assert animation.info["loop"] == 0


def test_the_curves_grow_to_the_right() -> None:
    noise = tuple(Image.new("RGB", (32, 32), "red") for _ in range(4))
    frames = [replay.Frame(minutes, noise) for minutes in (0.0, 1.0, 4.0, 16.0)]
    drawn = replay.draw(frames, [report(minutes) for minutes in (1.0, 4.0, 16.0)])
    orange = [coloured(picture, (255, 140, 66)) for picture in drawn]
    assert orange == sorted(orange)
    assert orange[0] < orange[2] < orange[3]
    assert np.asarray(drawn[0])[replay.TITLE + 20, 20].tolist() == [255, 0, 0]


def coloured(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.abs(np.asarray(picture).astype(int) - colour).max(axis=2) < 30).sum())


def test_many_frames_are_thinned_out_and_the_last_is_kept(tmp_path: Path) -> None:
    (tmp_path / "replay").mkdir()
    for number in range(100):
        Image.new("RGB", (64, 32)).save(tmp_path / "replay" / f"{number:07.2f}.webp")
    (tmp_path / "reports.json").write_text(json.dumps([asdict(report(1.0))]))
    frames, _ = replay.read_run(tmp_path)
    assert len(frames) == replay.MOST_FRAMES
    assert (frames[0].minutes, frames[-1].minutes) == (0.0, 99.0)
    assert len(frames[0].pictures) == 4 * train.REPLAYED


def test_what_is_missing_or_cannot_fit_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="reports"):
        replay.read_run(tmp_path)
    (tmp_path / "reports.json").write_text("[]")
    with pytest.raises(OSError, match="no frames"):
        replay.read_run(tmp_path)
    monkeypatch.setattr(replay, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="do not fit"):
        replay.animate([Image.new("RGB", (8, 8))] * 2)
