"""The anchor: a DCGAN (Radford et al. 2016), told the style. It is for comparison only and never shipped."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from models.art.discriminator import DiscriminatorConfig
from models.art.network import ArtConfig

WIDTH = 64
"""Channels at half the side of the picture; each halving doubles them up to ``MOST``, as in the paper."""
MOST = 512


class DcganConfig(ArtConfig):
    """Sizes and styles of the DCGAN's generator."""

    model_type = "art-dcgan"


class DcganGenerator(PreTrainedModel):
    """Transposed convolutions with batch norms."""

    config_class = DcganConfig
    base_model_prefix = "generator"

    config: DcganConfig

    def __init__(self, config: DcganConfig) -> None:
        super().__init__(config)
        self.style = nn.Embedding(len(config.styles) + 1, config.latent_size)
        self.layers = nn.Sequential(*_doublings(2 * config.latent_size, config.image_size))
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        _init_as_published(module)

    def forward(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Paint. See ``models.art.network.Generator``."""
        both = torch.cat([latents, self.style(styles)], dim=1)  # [B, 2 * latent_size]
        return self.layers(both[:, :, None, None])  # type: ignore[no-any-return]


class DcganDiscriminator(PreTrainedModel):
    """Convolutions with strides and batch norms."""

    config_class = DiscriminatorConfig
    base_model_prefix = "discriminator"

    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        *layers, width = _halvings(config.image_size)
        self.layers = nn.Sequential(*(layer for layer in layers if isinstance(layer, nn.Module)))
        assert isinstance(width, int)
        self.score = nn.Conv2d(width, 1, 4)
        self.style = nn.Embedding(len(config.styles) + 1, width * 16)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        _init_as_published(module)

    def judge(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return one score a picture [B, 1]. See ``models.art.discriminator.Discriminator``."""
        x = self.layers(pictures)  # [B, C, 4, 4]
        match = (x.flatten(1) * self.style(styles)).sum(dim=1, keepdim=True)  # [B, 1]
        return self.score(x).flatten(1) + match  # type: ignore[no-any-return]

    def forward(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return the score [B] of pictures [B, 3, side, side] from -1 to 1."""
        return self.judge(pictures, styles).float().mean(dim=1)


def _doublings(inputs: int, side: int) -> Iterator[nn.Module]:
    widths: list[int] = []
    while side > 4:
        side //= 2
        widths.append(min(WIDTH * 2 ** len(widths), MOST))
    widths.reverse()
    yield nn.ConvTranspose2d(inputs, widths[0], 4, bias=False)  # [B, C, 4, 4]
    for before, after in zip(widths, [*widths[1:], 3], strict=True):
        yield nn.BatchNorm2d(before)
        yield nn.ReLU()
        yield nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
    yield nn.Tanh()


def _halvings(side: int) -> Iterator[nn.Module | int]:
    before, after = 3, WIDTH
    while side > 4:
        yield nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
        if before > 3:
            yield nn.BatchNorm2d(after)
        yield nn.LeakyReLU(0.2)
        before, after, side = after, min(2 * after, MOST), side // 2
    yield before


def _init_as_published(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, mean=1.0, std=0.02)
        nn.init.zeros_(module.bias)
