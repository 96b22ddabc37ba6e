"""One round of the fight after another: everything that learns, and what is kept of it.

The recipe "anchored" is a GAN whose generator has two more duties beside fooling the discriminator. It redraws
paintings from their codes, and it keeps to the sketches of new pictures. Neither needs a fight.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
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
from models.art.codes import Encoder
from models.art.features import load_features, resize
from models.art.recipes import Recipe
from models.averaging import follow

SIZES = (8.9, 7.4, 5.6)
"""Usual sizes of the values of the features' first maps, by which differences are divided: deep ones are smaller."""

PENALISED = 4
"""The cashier's gradients are penalised in one round of so many, and so many times as much."""


@dataclass(frozen=True)
class Plan:
    """Everything that a training depends on beside the data and the networks' sizes."""

    minutes: float = 120.0
    recipe: str = "anchored"
    batch_size: int = 16
    learning_rate: float = 5e-4
    fighting: float = 0.1
    """Weight of the cashier's opinion in the generator's loss; redrawing a painting's colours weighs 1."""
    deep: float = 0.25
    """Weight of how different things are to be seen at the same places of a painting and of what redraws it."""
    brushwork: float = 1.0
    """Weight of how different their brushwork is, wherever it is."""
    content: float = 0.15
    """Weight of how far what a picture shows is from what its code says that it shows."""
    near_sketch: float = 0.5
    """Weight of how far a new picture strays from its sketch."""
    penalty: float = 1.0
    """Weight of the cashier's squared gradients (R1 and R2)."""
    noise: float = 0.2
    """Deviation of normal noise on codes, which have 1: all around a painting's code is to be painted well."""
    least_psi: float = 0.65
    """New pictures are painted with a truncation from this to 1, since those that are asked for are truncated too."""
    flow_steps: int = 20_000
    """At most, before the fight, for the distribution of sketches. On our paintings it stops by itself after 9,500."""
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

    def __init__(
        self,
        generator: Any,
        discriminator: Any,
        recipe: Recipe,
        plan: Plan,
        encoder: Encoder | None = None,
        *,
        half: bool,
    ) -> None:
        self.generator, self.discriminator, self.encoder = generator, discriminator, encoder
        self.recipe, self.plan, self.half = recipe, plan, half
        if recipe.anchored:
            generator.flow.eval()  # it is fitted already: no dropout
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
            discriminator's loss, generator's loss, mean score of paintings, mean score of forgeries, loss of
            redrawing: [5].
        """
        if self.recipe.anchored:
            with self._precision():
                forgeries, anchor = self._forge(paintings, styles)
            change: Callable[[Tensor], Tensor] = augment
        else:
            latents = torch.randn(len(styles), self.generator.config.latent_size, device=self.device)
            with self._precision():
                forgeries = self.generator(latents, styles).float()
            anchor = torch.zeros((), device=self.device)
            change = torch.nn.Identity()
        seen, seen_paintings = change(forgeries), change(paintings)

        with self._precision():
            real = self.discriminator.judge(seen_paintings, styles)
            fake = self.discriminator.judge(seen.detach(), styles)
        loss = functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()
        penalised = self.plan.penalty * PENALISED / 2 if self.recipe.anchored else 0.0
        penalty: Tensor | float = 0.0
        if penalised and self.step % PENALISED == 0:
            few = (len(styles) + 1) // 2
            both = torch.cat([seen_paintings[:few], seen[:few].detach()])
            penalty = penalised * steepness(self.discriminator, both, torch.cat([styles[:few], styles[:few]]))
        self.discriminator_optimizer.zero_grad()
        (loss + penalty).backward()
        self.discriminator_optimizer.step()

        self.discriminator.requires_grad_(requires_grad=False)  # only for the picture's sake from here
        with self._precision():
            passed = self.discriminator.judge(seen, styles)
        fooled = functional.softplus(-passed.float()).mean()
        generator_loss = self.plan.fighting * fooled + anchor if self.recipe.anchored else fooled
        self.generator_optimizer.zero_grad()
        generator_loss.backward()
        self.generator_optimizer.step()
        for group in self.discriminator_optimizer.param_groups:
            for parameter in group["params"]:
                parameter.requires_grad_()
        self.step += 1
        decay = 0.5 ** (len(styles) / self.plan.average_pictures)
        follow(_floats(self.averaged), _floats(self.generator), self.step, decay)
        scores = [real.detach().float().mean(), fake.detach().float().mean()]
        return torch.stack([loss.detach(), fooled.detach(), *scores, anchor.detach()])

    def _forge(self, paintings: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
        """Return new pictures [B, 3, side, side], and the anchor.

        The anchor is how far paintings drawn again from their codes are from themselves, in colours, in what they
        show and in brushwork, and how far the new pictures are from their sketches.
        """
        assert self.encoder is not None
        plan, generator, features = self.plan, self.generator, load_features(self.device)
        with torch.no_grad():
            wanted = features(paintings)
            pooled = features.top(wanted[-1]).mean(dim=(2, 3)).float()
            codes = self.encoder(self.encoder.thumbnails(paintings), pooled)
            codes = codes + plan.noise * torch.randn_like(codes)
            new = generator.flow(torch.randn_like(codes), styles)
            psi = plan.least_psi + (1 - plan.least_psi) * torch.rand_like(new[:, :1])
            mean = generator.mean_code[styles]
            new = mean + (new - mean) * psi
        w = generator.join(torch.cat([codes, new]), torch.cat([styles, styles]))
        pictures = generator.paint(w).float()
        redrawn, fresh = pictures.chunk(2)
        side = generator.config.sketch_side
        near = functional.l1_loss(resize(redrawn, 2 * side), resize(paintings, 2 * side))
        maps = features(pictures)
        shows = features.top(maps[-1]).mean(dim=(2, 3)).float()
        shown = self.encoder(self.encoder.thumbnails(pictures), shows)[:, generator.config.sketch_size :]
        told = torch.cat([codes, new])[:, generator.config.sketch_size :]
        maps = [one[: len(styles)] for one in maps]
        deep = [
            functional.l1_loss(one.float(), other.float()) / size
            for one, other, size in zip(maps, wanted, SIZES, strict=False)
        ]
        strokes = [
            brushwork_distance(one, other)
            for one, other in zip(
                [features.stem(redrawn), *maps[: len(SIZES)]],
                [features.stem(paintings), *wanted],
                strict=False,
            )
        ]
        sketched = functional.l1_loss(resize(fresh, side), generator.draft(w[len(styles) :]).float())
        anchor = near + plan.deep * torch.stack(deep).mean() + plan.brushwork * torch.stack(strokes).mean()
        anchor = anchor + plan.content * functional.l1_loss(shown, told)
        return fresh, anchor + plan.near_sketch * sketched

    def slow(self, share: float) -> None:
        """Let both learn at ``share`` of the plan's learning rate."""
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = self.plan.learning_rate * share

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


def brushwork_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return how differently channels go together in maps [B, C, h, w], as a share of all that they do.

    Gram matrices (Gatys et al. 2016): which strokes there are, not where.
    """
    with torch.autocast(ours.device.type, enabled=False):
        one, other = (
            torch.einsum("bip,bjp->bij", flat, flat)
            for flat in (maps.float().flatten(2) for maps in (ours, theirs))
        )
        size = other.abs().sum(dim=(1, 2)) + 1e-6
        return ((one - other).abs().sum(dim=(1, 2)) / size).mean()


def steepness(discriminator: Any, pictures: Tensor, styles: Tensor) -> Tensor:
    """Return the mean squared length of the score's gradient at pictures [B, 3, side, side] of styles [B]."""
    pictures = pictures.detach().requires_grad_()
    score = discriminator.judge(pictures, styles).mean(dim=1).sum()
    [gradient] = torch.autograd.grad(score, pictures, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def _floats(network: Any) -> list[Tensor]:
    """Return weights and statistics of norms."""
    return [tensor for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point()]
