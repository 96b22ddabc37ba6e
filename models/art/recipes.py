"""The ways of training that were compared: which two networks fight, and by which rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models.art.dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from models.art.discriminator import (
    AidedDiscriminator,
    DiscriminatorConfig,
    PlainDiscriminator,
    ProjectedDiscriminator,
)
from models.art.network import ArtConfig, ArtGenerator


@dataclass(frozen=True)
class Recipe:
    """Two networks and the rules of their fight."""

    generator: Any
    generator_config: Any
    discriminator: Any
    hinge: bool
    """Hinge loss (Lim and Ye 2017), or the logistic loss of the first GANs."""
    augment: bool
    match: bool
    """Whether the generator is also to match the moments of what the discriminator sees."""
    betas: tuple[float, float]
    """Of Adam."""

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return how badly paintings and forgeries are told apart, of their scores [B, K] each."""
        if self.hinge:
            return functional.relu(1 - real.float()).mean() + functional.relu(1 + fake.float()).mean()
        return functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return how badly forgeries, of whose scores [B, K] are given, pass for paintings."""
        return -fake.float().mean() if self.hinge else functional.softplus(-fake.float()).mean()


RECIPES = {
    "projected": Recipe(ArtGenerator, ArtConfig, ProjectedDiscriminator, True, True, True, (0.0, 0.99)),
    "plain": Recipe(ArtGenerator, ArtConfig, PlainDiscriminator, True, True, False, (0.0, 0.99)),
    "aided": Recipe(ArtGenerator, ArtConfig, AidedDiscriminator, True, True, True, (0.0, 0.99)),
    "dcgan": Recipe(DcganGenerator, DcganConfig, DcganDiscriminator, False, False, False, (0.5, 0.999)),
}


def build(
    name: str,
    generator_config: dict[str, Any],
    discriminator_config: dict[str, Any],
    device: torch.device,
) -> tuple[Any, Any]:
    """Return a recipe's generator and discriminator on the device, as they start."""
    recipe = RECIPES[name]
    generator = recipe.generator(recipe.generator_config(**generator_config))
    discriminator = recipe.discriminator(DiscriminatorConfig(**discriminator_config))
    return (
        generator.to(device).to(memory_format=torch.channels_last),
        discriminator.to(device).to(memory_format=torch.channels_last),
    )
