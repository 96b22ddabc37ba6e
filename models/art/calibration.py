"""What a cashier's score is worth as a probability."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from models.art import data
from models.art.latents import normals
from models.art.network import NO_STYLE
from models.art.recipes import Recipe


@torch.inference_mode()
def calibrate(best: Path, recipe: Recipe, held_out: data.Paintings, device: torch.device) -> list[float]:
    """Return ``DiscriminatorConfig.scale`` from held-out paintings and as many forgeries of the same styles."""
    generator = recipe.generator.from_pretrained(best / "counterfeiter").to(device).eval()
    discriminator = recipe.discriminator.from_pretrained(best / "cashier").to(device).eval()
    size = generator.config.latent_size
    latents = torch.from_numpy(normals([3], len(held_out) * size).reshape(-1, size)).to(device)
    styles = torch.from_numpy(held_out.style).to(device) + 1
    nobody = torch.full((32,), NO_STYLE, device=device)  # as it will be asked: told no style
    paintings = data.to_floats(torch.from_numpy(held_out.pixels).to(device))
    forgeries = torch.cat(
        [generator(*part) for part in zip(latents.split(32), styles.split(32), strict=True)]
    )
    real, fake = (
        torch.cat([discriminator(part, nobody[: len(part)]) for part in side.split(32)])
        for side in (paintings, forgeries)
    )
    return fit_scale(real.cpu(), fake.cpu())


def fit_scale(real: Tensor, fake: Tensor) -> list[float]:
    """Return slope and offset such that sigmoid(slope * score + offset) is the probability of a painting.

    Platt 1999, "Probabilistic outputs for support vector machines", with his softened targets, by Newton's method.

    Args:
        real: scores of paintings [N].
        fake: scores of forgeries [M].
    """
    scores = torch.cat([real, fake]).double()
    middle, spread = scores.mean(), scores.std() + 1e-6
    x = torch.stack([(scores - middle) / spread, torch.ones_like(scores)], dim=1)  # [N + M, 2]
    target = torch.cat([torch.full_like(real, _soft(len(real))), torch.full_like(fake, 1 - _soft(len(fake)))])
    weights = torch.zeros(2, dtype=torch.double)
    for _ in range(50):
        probability = torch.sigmoid(x @ weights)
        slope = x.T @ (probability - target)
        curvature = (x * (probability * (1 - probability))[:, None]).T @ x + 1e-3 * torch.eye(2)
        weights = weights - torch.linalg.solve(curvature, slope).clamp(
            -1, 1
        )  # short steps, lest it overshoots
    steep = float(weights[0] / spread)
    return [steep, float(weights[1] - steep * middle)]


def _soft(count: int) -> float:
    return (count + 1) / (count + 2)
