"""Reading paintings, keeping some apart, and drawing batches of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.art import data
from models.art.augment import augment


def test_pictures_come_with_what_is_known_of_them(shapes: Path) -> None:
    paintings = data.read_paintings(shapes, 32)
    assert paintings.styles == ("discs", "stripes")
    assert paintings.pixels.shape == (400, 32, 32, 3)
    assert paintings.pixels[paintings.style == 1].mean() > 2 * paintings.pixels[paintings.style == 0].mean()
    assert data.read_paintings(shapes, 16, ["stripes"]).pixels.shape == (200, 16, 16, 3)


def test_what_cannot_be_used_is_refused(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too small for 64"):
        data.read_paintings(shapes, 64)
    with pytest.raises(ValueError, match="no pictures of the styles cubist"):
        data.read_paintings(shapes, 32, ["cubist"])
    (tmp_path / "no.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(OSError, match="cannot be read"):
        data.read_paintings(tmp_path / "no.tar", 32)


def test_no_painting_is_on_both_sides_of_the_split(shapes: Path) -> None:
    training, held_out = data.split(data.read_paintings(shapes, 32))
    assert not set(training.painting) & set(held_out.painting)
    assert len(training) + len(held_out) == 400
    assert len(held_out) > 0


def test_the_split_stays_the_same_for_ever() -> None:
    assert [number for number in range(80) if data.held_out(number)] == HELD_OUT
    assert 80 < sum(data.held_out(number) for number in range(2108)) < 130


HELD_OUT = [0, 9, 10, 33, 40, 44, 59, 70, 74]


def test_styles_and_details_are_weighted(shapes: Path) -> None:
    paintings = data.read_paintings(shapes, 32)
    few = paintings[np.flatnonzero((paintings.style == 0) | (np.arange(400) < 100))]  # 200 discs, 50 stripes
    weight = data.weights(few)
    assert weight.sum() == pytest.approx(1)
    assert weight[few.style == 0].sum() == pytest.approx(2 / 3)  # the root of 200 is twice that of 50
    for style in (0, 1):
        of_style = weight[few.style == style].sum()
        assert weight[(few.style == style) & few.detail].sum() == pytest.approx(data.DETAIL_SHARE * of_style)


def test_batches_go_on_where_they_stopped_and_mirror(shapes: Path) -> None:
    paintings = data.read_paintings(shapes, 32)
    batches = data.Batches(paintings, 32, torch.device("cpu"), seed=1)
    batches.next()
    state = batches.state_dict()
    pictures, styles = batches.next()
    again = data.Batches(paintings, 32, torch.device("cpu"), seed=99)
    again.load_state_dict(state)
    assert torch.equal(again.next()[0], pictures)
    assert pictures.min() >= -1
    assert pictures.max() <= 1
    known = {one.tobytes() for one in paintings.pixels}
    straight = [one.tobytes() in known for one in data.to_bytes(pictures)]
    mirrored = [one.tobytes() in known for one in data.to_bytes(pictures.flip(3))]
    assert all(a or b for a, b in zip(straight, mirrored, strict=True))
    discs = (styles == 0).numpy()
    assert 0 < sum(np.array(straight)[discs]) < discs.sum(), "some of the discs are mirrored, not all"


def test_changes_differ_by_picture_and_let_gradients_through() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(1, 3, 32, 32).expand(8, -1, -1, -1).clone().requires_grad_()
    changed = augment(pictures)
    assert changed.shape == pictures.shape
    assert all((changed[0] - other).abs().mean() > 0.01 for other in changed[1:])
    changed.square().sum().backward()
    assert pictures.grad is not None
    assert (pictures.grad.abs().mean(dim=(1, 2, 3)) > 0.01).all()
    hidden = (changed == 0).all(dim=1).float().mean(dim=(1, 2))  # [8]
    assert (hidden > 0.03).all(), "something is hidden in every picture"
    assert (hidden < 0.5).all(), "most of every picture is seen"
