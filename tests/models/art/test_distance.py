"""What the networks look through, and what they are measured by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageClassification

from models.art import data, evaluate
from models.art.distance import diversity, kid, plain_vectors, vectors
from models.art.features import CHANNELS, Features, resize
from models.vision.convert import build_network


def test_features_are_those_that_recognise_photographs(features: Features) -> None:
    published = build_network()
    config = published.config
    config.depthwise_padding = []  # no block meets an odd side at 64 pixels
    network: Any = AutoModelForImageClassification.from_config(config)
    network.load_state_dict(published.state_dict())
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        expected = network.eval().efficientnet((127.5 * pictures + 0.5) / 128).pooler_output.flatten(1)
        assert (features.pooled(pictures) - expected).abs().max() < 1e-4
        maps = features(pictures)
    assert [tuple(one.shape[1:]) for one in maps] == [
        (channels, side, side) for channels, side in zip(CHANNELS, (16, 8, 4, 2), strict=True)
    ]


def test_gradients_reach_the_picture_but_no_weights(features: Features) -> None:
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    features.pooled(picture).sum().backward()
    assert picture.grad is not None
    assert picture.grad.abs().max() > 0
    assert all(not parameter.requires_grad for parameter in features.parameters())


def test_resizing_keeps_a_plain_picture_plain() -> None:
    plain = torch.full((1, 3, 24, 24), 0.25)
    for side in (8, 24, 60):
        assert resize(plain, side).shape[-1] == side
        assert (resize(plain, side) - 0.25).abs().max() < 1e-6


def test_distances_of_equal_and_of_different_sets(shapes: Path, features: Features) -> None:
    paintings = data.read_paintings(shapes, 32)
    discs, stripes = (paintings.pixels[paintings.style == style] for style in (0, 1))
    for look in (lambda pixels: vectors(features, pixels), plain_vectors):
        half, rest, other = look(discs[:60]), look(discs[60:120]), look(stripes[:60])
        apart = kid(half, other)
        assert apart > 0.01
        assert abs(kid(half, rest)) < 0.05 * apart
        assert kid(half, half) <= 0, "without bias, a set and itself are nearer than chance"
        assert kid(half, look(evaluate.shuffled(discs[:60]))) > 0.01
        assert kid(half, other) == pytest.approx(kid(other, half))
    with pytest.raises(ValueError, match="at least two"):
        kid(half[:1], other)


def test_kid_is_the_published_formula() -> None:
    draw = torch.Generator().manual_seed(3)
    ours, theirs = torch.randn(4, 5, generator=draw), torch.randn(3, 5, generator=draw)

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return (float(a.double() @ b.double()) / 5 + 1) ** 3

    own = np.mean([kernel(a, b) for i, a in enumerate(ours) for j, b in enumerate(ours) if i != j])
    their = np.mean([kernel(a, b) for i, a in enumerate(theirs) for j, b in enumerate(theirs) if i != j])
    across = np.mean([kernel(a, b) for a in ours for b in theirs])
    assert kid(ours, theirs) == pytest.approx(own + their - 2 * across)


def test_diversity_of_one_thing_and_of_opposites() -> None:
    assert diversity(torch.ones(5, 3)) == pytest.approx(0, abs=1e-6)
    assert diversity(torch.tensor([[1.0, 0.0], [-7.0, 0.0]])) == pytest.approx(2)


def test_copies_are_found_mirrored_too(shapes: Path, features: Features) -> None:
    paintings = data.read_paintings(shapes, 32)
    # Without repetitions, which the shapes have some of.
    discs = np.unique(paintings.pixels[paintings.style == 0], axis=0)
    training = evaluate.look(features, discs[:80])
    held_out = evaluate.look(features, discs[80:120])
    copied = evaluate.look(features, discs[:10, :, ::-1].copy())
    rows = evaluate.nearest(copied, training)
    assert rows[2].tolist() == list(range(10))
    assert rows[3].max() < 1e-2
    figures, picture = evaluate.copies(copied, training, held_out)
    assert figures["near-copies, pixels"] == 1
    own, _ = evaluate.copies(held_out, training, held_out)
    assert own["near-copies, pixels"] <= 0.05
    assert picture.shape == (10 * 32, 3 * 32, 3)
