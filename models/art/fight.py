"""One round of the fight after another: everything that learns, and what is kept of it."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.art import data
from models.art.augment import augment
from models.art.recipes import Recipe

MATCHED = 8
"""The most places across at which the moments of maps are compared."""


@dataclass(frozen=True)
class Plan:
    """Everything that a training depends on beside the data and the networks' sizes."""

    minutes: float = 120.0
    recipe: str = "plain"
    batch_size: int = 16
    learning_rate: float = 2e-4
    matching: float = 1.0
    """Weight of the moments' difference in the generator's loss, in recipes that have it."""
    unstyled: float = 0.1
    """The share of pictures whose style is not said, so that one may ask for none."""
    average_pictures: float = 5000.0
    """After so many pictures half of the running mean of the weights is new; the mean is what paints."""
    evaluate_minutes: float = 6.0
    measured: int = 512
    """Pictures painted for the distance to held-out paintings."""
    seed: int = 7


class Fight:
    """Two networks, their optimizers and the running mean of the generator; everything that learns."""

    def __init__(self, generator: Any, discriminator: Any, recipe: Recipe, plan: Plan, *, half: bool) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.recipe, self.plan, self.half = recipe, plan, half
        self.averaged = copy.deepcopy(generator).eval().requires_grad_(requires_grad=False)
        self.device: torch.device = generator.device
        self.generator_optimizer = self._optimizer(generator)
        self.discriminator_optimizer = self._optimizer(discriminator)
        self.step = 0

    def _precision(self) -> AbstractContextManager[object]:
        # Not "autocast(enabled=False)", which would also undo the one around a trial of half precision.
        return torch.autocast(self.device.type, torch.bfloat16) if self.half else nullcontext()

    def _optimizer(self, network: Any) -> torch.optim.Adam:
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        return torch.optim.Adam(learning, self.plan.learning_rate, self.recipe.betas, fused=True)

    def round(self, paintings: Tensor, styles: Tensor) -> Tensor:
        """Let both learn from one batch of paintings [B, 3, side, side] of styles [B].

        Returns:
            discriminator's loss, generator's loss, mean score of paintings, mean score of forgeries: [4].
        """
        latents = torch.randn(len(styles), self.generator.config.latent_size, device=self.device)
        change = augment if self.recipe.augment else torch.nn.Identity()
        with self._precision():
            forgeries = self.generator(latents, styles)
            # Looked at once for both: for the discriminator without a way back, for the generator with it.
            seen = self.discriminator.see(change(forgeries.float()))
            with torch.no_grad():
                seen_paintings = self.discriminator.see(change(paintings))
            real = self.discriminator.judge(seen_paintings, styles)
            fake = self.discriminator.judge([one.detach() for one in seen], styles)
            loss = self.recipe.discriminator_loss(real, fake)
            again = self.discriminator.reconstruction_loss(paintings)
        self.discriminator_optimizer.zero_grad()
        (loss + again).backward()
        self.discriminator_optimizer.step()

        self.discriminator.requires_grad_(requires_grad=False)  # only for the picture's sake from here
        with self._precision():
            generator_loss = self.recipe.generator_loss(self.discriminator.judge(seen, styles))
        if self.recipe.match:
            generator_loss = generator_loss + self.plan.matching * moment_distance(
                [forgeries, *seen], [paintings, *seen_paintings]
            )
        self.generator_optimizer.zero_grad()
        generator_loss.backward()
        self.generator_optimizer.step()
        for group in self.discriminator_optimizer.param_groups:
            for parameter in group["params"]:
                parameter.requires_grad_()
        self.step += 1
        self._average(len(styles))
        return torch.stack(
            [
                loss.detach(),
                generator_loss.detach(),
                real.detach().float().mean(),
                fake.detach().float().mean(),
            ]
        )

    @torch.no_grad()
    def _average(self, batch_size: int) -> None:
        # Early on the mean follows closely; a plain decay would remember the random start for a thousand steps.
        decay = min(0.5 ** (batch_size / self.plan.average_pictures), self.step / (self.step + 10))
        torch._foreach_lerp_(_floats(self.averaged), _floats(self.generator), 1 - decay)

    @torch.inference_mode()
    def paint(self, latents: Tensor, styles: Tensor, batch_size: int = 64) -> data.Pixels:
        """Return pictures [N, side, side, 3] of the averaged generator, of latents [N, ...] and styles [N]."""
        parts = []
        for place in range(0, len(latents), batch_size):
            with self._precision():
                pictures = self.averaged(
                    latents[place : place + batch_size].to(self.device),
                    styles[place : place + batch_size].to(self.device),
                )
            parts.append(data.to_bytes(pictures))
        return np.concatenate(parts)

    def save_averaged(self, folder: Path) -> None:
        """Write both networks as they stand."""
        if hasattr(self.averaged, "measure_means"):
            self.averaged.measure_means()
        self.averaged.save_pretrained(folder / "counterfeiter")
        self.discriminator.save_pretrained(folder / "cashier")

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {
            "generator": self.generator.state_dict(),
            "averaged": self.averaged.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "step": self.step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was called."""
        self.generator.load_state_dict(state["generator"])
        self.averaged.load_state_dict(state["averaged"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.step = state["step"]


def moment_distance(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Return how much the mean and the spread over a batch differ between forgeries and paintings, place by place.

    Feature matching (Salimans et al. 2016) with second moments, in units of the paintings' spread.

    Args:
        ours: maps [B, C, h, w] of forgeries.
        theirs: the same of paintings of the same styles.
    """
    distances = []
    for fake, real in zip(ours, theirs, strict=True):
        side = min(MATCHED, fake.shape[-1])
        one, other = (functional.adaptive_avg_pool2d(maps.float(), side) for maps in (fake, real))
        spread, wanted = one.std(dim=0), other.std(dim=0)  # [C, side, side] each
        difference = (one.mean(dim=0) - other.mean(dim=0)).square() + (spread - wanted).square()
        distances.append(difference.mean() / (wanted.square().mean() + 1e-6))
    return torch.stack(distances).mean()


def _floats(network: Any) -> list[Tensor]:
    """Return weights and statistics of norms; ``mean_w`` comes along and is measured anew before it is kept."""
    return [tensor for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point()]
