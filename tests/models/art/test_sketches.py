"""What is known before the fight: components of paintings, and how they are distributed."""

from __future__ import annotations

import pytest
import torch

from models.art.codes import Encoder
from models.art.prior import Flow, fit, start


def test_codes_are_of_unit_variance_and_give_the_thumbnails_back() -> None:
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(500, 5, generator=draw) * torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])
    thumbnails = hidden @ torch.randn(5, 3 * 4**2, generator=draw) + 2
    vectors = torch.randn(500, 20, generator=draw) * 3 - 1
    encoder = Encoder(side=4, size=20, sketch=5, deep=4)
    encoder.fit(thumbnails, vectors)
    codes = encoder(thumbnails, vectors)
    assert codes.shape == (500, 9)
    assert torch.allclose(codes.mean(dim=0), torch.zeros(9), atol=1e-4)
    assert torch.allclose(codes.T.cov(), torch.eye(9), atol=0.15), "no two say the same"
    assert torch.allclose(codes[:, :5] @ encoder.basis.T + encoder.mean, thumbnails, atol=1e-2)


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="3 pictures are too few for 5"):
        Encoder(side=4, size=20, sketch=5, deep=4).fit(torch.randn(3, 48), torch.randn(3, 20))


def test_a_flow_goes_on_straight_lines_where_it_has_learned_them() -> None:
    """The velocity from chance to a single code is known, so every step must lead there."""
    flow = Flow(size=7, styles=3, hidden=16, layers=1).eval()
    code = torch.linspace(-2, 2, 7)
    flow.velocity = lambda points, times, styles: (code - points) / (1.0001 - times[:, None])  # type: ignore[method-assign]
    latents, styles = torch.randn(50, 7), torch.arange(50) % 3
    chance, times = torch.randn(50, 7), torch.rand(50)
    assert float(flow.miss(chance, code.expand(50, 7), times, styles)) < 1e-3
    assert torch.allclose(flow(latents, styles, steps=50), code.expand(50, 7), atol=0.1)


def test_a_flow_learns_where_each_style_s_codes_lie() -> None:
    """One style is a ring, which no normal distribution is; the other is a narrow heap."""
    torch.manual_seed(0)
    angle = 2 * torch.pi * torch.rand(2000)
    ring = torch.stack([angle.cos(), angle.sin()], dim=1) * 2
    heap = 0.1 * torch.randn(2000, 2) + 1
    codes, styles = torch.cat([ring, heap]), torch.tensor([1, 2]).repeat_interleave(2000)
    flow = Flow(size=2, styles=3, hidden=64, layers=2)
    start(flow)
    record = fit(
        flow,
        codes,
        styles,
        torch.ones(4000),
        (codes, styles),
        noise=0.05,
        unstyled=0.1,
        steps=3000,
        learning_rate=3e-3,
    )
    assert record[-1][2] < record[0][2]
    with torch.inference_mode():
        drawn = flow(torch.randn(1000, 2), torch.ones(1000, dtype=torch.long))
        heaped = flow(torch.randn(1000, 2), torch.full((1000,), 2))
    assert ((drawn.norm(dim=1) - 2).abs() < 0.6).float().mean() > 0.8
    assert heaped.mean(dim=0).tolist() == pytest.approx([1, 1], abs=0.1)
    assert heaped.std() < 0.3


def test_a_flow_stops_before_it_knows_its_codes_by_heart() -> None:
    torch.manual_seed(0)
    few, others = torch.randn(20, 8), torch.randn(200, 8)
    flow = Flow(size=8, styles=2, hidden=64, layers=2)
    start(flow)
    record = fit(
        flow,
        few,
        torch.ones(20, dtype=torch.long),
        torch.ones(20),
        (others, torch.ones(200, dtype=torch.long)),
        noise=0.05,
        unstyled=0.1,
        steps=4000,
    )
    least = min(figure for _, _, figure in record)
    assert record[-1][2] > least, "it went on for a while, and got worse"
    chance, times = torch.randn(2000, 8), torch.rand(2000)
    with torch.inference_mode():
        kept = float(flow.miss(chance, others.repeat(10, 1), times, torch.ones(2000, dtype=torch.long)))
    assert kept == pytest.approx(least, abs=0.15)
