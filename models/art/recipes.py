"""The ways of training that are compared: which two networks fight, and by which rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from models.art.dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from models.art.discriminator import ArtDiscriminator, DiscriminatorConfig
from models.art.network import ArtConfig, ArtGenerator


@dataclass(frozen=True)
class Recipe:
    """Two networks and the rules of their fight."""

    generator: Any
    generator_config: Any
    discriminator: Any
    anchored: bool
    """Whether the generator is also to redraw paintings, and pictures are changed at random before they are judged."""
    betas: tuple[float, float]
    """Of Adam."""


RECIPES = {
    "anchored": Recipe(ArtGenerator, ArtConfig, ArtDiscriminator, True, (0.0, 0.99)),
    "dcgan": Recipe(DcganGenerator, DcganConfig, DcganDiscriminator, False, (0.5, 0.999)),
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
