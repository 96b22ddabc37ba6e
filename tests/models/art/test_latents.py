"""The seed's promise begins here: these numbers may never change."""

from __future__ import annotations

import numpy as np
import pytest

from models.art.latents import MOST_SEED, latent, normals, seed_number


def test_a_seed_gives_these_numbers_on_every_machine() -> None:
    assert latent("7", [0], 6).tolist() == pytest.approx(
        [0.77415216, -0.58342969, 0.11058247, 0.70412165, 1.08698857, -1.10692966], abs=1e-7
    )
    assert latent("Vincent van Gogh", [2, 5], 4).tolist() == pytest.approx(
        [0.04601994, 0.57189238, -1.66258693, -0.71238631], abs=1e-7
    )
    assert seed_number("Vincent van Gogh") == 4363127639386097206


def test_words_are_hashed_and_numbers_are_themselves() -> None:
    assert seed_number("42") == seed_number(" 42 ") == 42
    assert seed_number("Your  NAME ") == seed_number("your name") != seed_number("yourname")
    assert seed_number(str(MOST_SEED)) == MOST_SEED
    assert 0 <= seed_number(str(MOST_SEED + 1)) <= MOST_SEED
    assert seed_number("-1") != 1
    assert seed_number("1.0") != 1
    assert seed_number("٣") > 1000, "digits of other scripts are words"


def test_numbers_are_normal() -> None:
    many = normals([5], 100_001)
    assert many.mean() == pytest.approx(0, abs=0.02)
    assert many.std() == pytest.approx(1, abs=0.02)
    assert (np.abs(many) > 2).mean() == pytest.approx(0.0455, abs=0.005)


def test_pictures_differ_and_neighbours_are_near() -> None:
    here, other = latent("sea", [0], 128), latent("sea", [1], 128)
    near, farther = latent("sea", [0, 3], 128), latent("sea", [0, 3, 0], 128)

    def likeness(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert abs(likeness(here, other)) < 0.4
    assert likeness(here, near) == pytest.approx(np.cos(0.45), abs=0.08)
    assert likeness(near, farther) > likeness(here, farther) > 0.6
    assert farther.std() == pytest.approx(1, abs=0.2), "wandering does not shrink or swell"
