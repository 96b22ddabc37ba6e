"""The counterfeiter, which paints pictures from chance.

It has the shape of FastGAN's generator (Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity
Few-shot Image Synthesis"): few convolutions with batch norms, and low resolutions that open and close the channels of
high ones. From StyleGAN2 (Karras et al. 2020) it has a mapping network that steers every layer, and a picture that is a
sum over all resolutions. Once trained the norms are constants: a picture does not depend on the others of its batch.
"""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel

NO_STYLE = 0
"""The number of "any style"; the others are their places in ``ArtConfig.styles`` plus one."""

SLOPE = 0.2  # of leaky ReLUs
START = 4
"""The side of the smallest map."""


class ArtConfig(PreTrainedConfig):
    """Sizes and styles of the generator."""

    model_type = "art-generator"

    image_size: int = 64
    latent_size: int = 128
    style_size: int = 256
    """Of the vector that the mapping network makes, which steers every layer."""
    channels: list[int] = field(default_factory=lambda: [256, 256, 128, 64, 32])
    """Of the maps of sides 4, 8, 16, ... up to ``image_size``."""
    convolutions: int = 1
    """At each of these sides."""
    styles: list[str] = field(default_factory=list)


class Generator(Protocol):
    """What ``train`` needs of whatever paints."""

    def __call__(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Return pictures [B, 3, side, side] from -1 to 1, of latents [B, latent_size] and styles [B]."""


class UnitConvolution(nn.Conv2d):
    """A convolution whose weights are brought to length 1 for each output channel, so that values keep their size.

    For the colours, which no norm comes after: every resolution begins with the same say, whatever its channels.
    """

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__(inputs, outputs, side, padding=side // 2, bias=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Return [B, outputs, H, W]."""
        with torch.autocast(input.device.type, enabled=False):
            length = (
                self.weight.float().square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8
            )  # [outputs, 1, 1, 1]
            weight = self.weight * length.rsqrt()
        return functional.conv2d(input, weight.to(input.dtype), padding=self.padding)


class Affine(nn.Linear):
    """Says how a style stretches and shifts channels."""


class ModulatedConvolution(nn.Module):
    """A convolution whose output channels are stretched and shifted as a style says (Perez et al. 2018).

    One stretch after the convolution does the work of StyleGAN2's two (before it, and back to size after it), which
    on a CPU take longer than the convolution itself.
    """

    def __init__(self, inputs: int, outputs: int, style_size: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=False)
        self.affine = Affine(style_size, 2 * outputs)

    def forward(self, x: Tensor, w: Tensor, gate: Tensor | None) -> Tensor:
        """Convolve, modulate, activate.

        Args:
            x: maps [B, inputs, H, W].
            w: the style [B, style_size].
            gate: factors of the output channels beside the style's, [B, outputs, 1, 1].
        """
        stretch, shift = self.affine(w)[:, :, None, None].chunk(2, dim=1)  # [B, outputs, 1, 1] each
        stretch = stretch + 1 if gate is None else (stretch + 1) * gate
        x = self.norm(self.convolution(x))  # [B, outputs, H, W]
        return functional.leaky_relu_(torch.addcmul(shift, x, stretch), SLOPE)


class Excitation(nn.Module):
    """Lets a small map, which knows the composition, open and close the channels of a large one (FastGAN)."""

    def __init__(self, small: int, large: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(START),
            nn.Conv2d(small, large, START),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(large, large, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return factors [B, large, 1, 1] from 0 to 2 of a small map [B, small, H, W]."""
        return 2 * self.layers(x)  # type: ignore[no-any-return]


class ArtGenerator(PreTrainedModel):
    """Paints pictures from latents and styles."""

    config_class = ArtConfig
    base_model_prefix = "generator"

    config: ArtConfig
    mean_w: Tensor

    def __init__(self, config: ArtConfig) -> None:
        super().__init__(config)
        sides = len(config.channels)
        if START * 2 ** (sides - 1) != config.image_size:
            raise ValueError(f"{sides} sizes of maps end at {START * 2 ** (sides - 1)} pixels")
        size = config.style_size
        self.style = nn.Embedding(len(config.styles) + 1, config.latent_size)
        self.mapping = nn.Sequential(
            nn.Linear(2 * config.latent_size, size),
            nn.LeakyReLU(SLOPE),
            # No activation here: it would give w a mean, and all pictures one and the same composition to begin with.
            nn.Linear(size, size),
        )
        self.start = nn.Linear(size, config.channels[0] * START**2)
        self.layers = nn.ModuleList()
        self.colours = nn.ModuleList()
        self.excitations = nn.ModuleDict()
        for number, channels in enumerate(config.channels):
            before = config.channels[max(0, number - 1)]
            inputs = [before] + [channels] * (config.convolutions - 1)
            self.layers.append(nn.ModuleList(ModulatedConvolution(count, channels, size) for count in inputs))
            self.colours.append(UnitConvolution(channels, 3, 1))
            if number >= 4:  # 4 opens 64, 8 opens 128, and so on
                self.excitations[str(number)] = Excitation(config.channels[number - 4], channels)
        self.contrasts = nn.Parameter(torch.full((sides,), 0.3))
        self.ground = nn.Parameter(torch.zeros(3))
        # Where the vectors of a style lie on average: an artist's most usual picture, for ``truncate``.
        self.register_buffer("mean_w", torch.zeros(len(config.styles) + 1, size))
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
        elif isinstance(module, Affine):
            nn.init.normal_(module.weight, std=0.5 * module.in_features**-0.5)  # differences, not noise
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def map(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Return the vectors [B, style_size] that steer the layers, of latents [B, latent_size] and styles [B]."""
        both = torch.cat([_normalise(latents), _normalise(self.style(styles))], dim=1)  # [B, 2 * latent_size]
        return self.mapping(both)  # type: ignore[no-any-return]

    def truncate(self, w: Tensor, styles: Tensor, psi: Tensor) -> Tensor:
        """Return ``w`` [B, style_size] drawn towards their styles' mean: 0 is the mean itself, 1 leaves them alone.

        Args:
            w: vectors from ``map``.
            styles: their styles' numbers [B].
            psi: how much of the distance stays [B]. Less is safer, more is bolder (Brock et al. 2019).
        """
        mean = self.mean_w[styles]
        return mean + (w - mean) * psi[:, None]

    def paint(self, w: Tensor) -> Tensor:
        """Return pictures [B, 3, image_size, image_size] from -1 to 1, while training also somewhat beyond."""
        x = self.start(w).view(len(w), -1, START, START)  # [B, C, 4, 4]
        x = x.contiguous(memory_format=torch.channels_last)
        picture: Tensor | None = None
        maps: list[Tensor] = []
        for number, (layers, colour) in enumerate(zip(self.layers, self.colours, strict=True)):
            if number > 0:
                x = double(x)  # [B, C, 2 * side, 2 * side]
            name = str(number)
            gate = self.excitations[name](maps[number - 4]) if name in self.excitations else None
            for layer in layers:  # type: ignore[attr-defined]  # a ModuleList
                x = layer(x, w, gate)
                gate = None
            maps.append(x)
            part = colour(x) * self.contrasts[number]  # [B, 3, side, side]
            picture = part if picture is None else double(picture) + part
        assert picture is not None
        picture = picture + self.ground[:, None, None]
        # Not tanh: once it says pure white or black, no gradient leads back. What lies beyond is for the
        # discriminator to punish while training.
        return picture if self.training else picture.clamp(-1, 1)

    def forward(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Paint. See ``Generator``."""
        return self.paint(self.map(latents, styles))

    @torch.no_grad()
    def measure_means(self, draws: int = 4096) -> None:
        """Set ``mean_w`` from ``draws`` latents, the same ones for every style."""
        generator = torch.Generator().manual_seed(0)
        latents = torch.randn(draws, self.config.latent_size, generator=generator).to(self.mean_w.device)
        for style in range(len(self.mean_w)):
            self.mean_w[style] = self.map(latents, torch.full_like(latents[:, 0], style).long()).mean(dim=0)


def _normalise(vectors: Tensor) -> Tensor:
    return vectors * (vectors.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def double(x: Tensor) -> Tensor:
    """Double both sides. Bilinear, since transposed convolutions leave checkerboards."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
