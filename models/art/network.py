"""The counterfeiter, which paints pictures from chance.

It works as a painter does. A flow (``models.art.prior``) turns chance into a code: a sketch of 16 x 16 pixels, and what
is to be seen in which brushwork. The painter sees the sketch, adds strokes at 16, 32 and 64 pixels, and every layer of
it is steered by the code and the style (Perez et al. 2018, "FiLM"; Karras et al. 2020, "StyleGAN2"). Only the painter
fights with the discriminator. Once trained the norms are constants: a picture does not depend on the others of its
batch.
"""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel

from models.art.prior import Flow, start

NO_STYLE = 0
"""The number of "any style"; the others are their places in ``ArtConfig.styles`` plus one."""

SLOPE = 0.2  # of leaky ReLUs
START = 4
"""The side of the smallest map."""
STYLE = 32
"""Of the vector of a style."""
LOOKS = 32
"""Channels in which the sketch comes to the painting."""


class ArtConfig(PreTrainedConfig):
    """Sizes and styles of the generator."""

    model_type = "art-generator"

    image_size: int = 64
    latent_size: int = 96
    """Of the latents, and of the codes that the flow makes of them."""
    sketch_size: int = 64
    """How many of a code's numbers, from the first on, make the sketch; the others say what is to be seen."""
    sketch_side: int = 16
    """Of the sketch in pixels."""
    style_size: int = 192
    """Of the vector that steers every layer."""
    flow_hidden: int = 384
    flow_layers: int = 3
    channels: list[int] = field(default_factory=lambda: [160, 128, 96, 40, 20])
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
        if self.kernel_size[0] > 1:
            input = continued(input)  # noqa: A001
        return functional.conv2d(input, weight.to(input.dtype))


class Affine(nn.Linear):
    """Says how a style stretches and shifts channels."""


class ModulatedConvolution(nn.Module):
    """A convolution whose output channels are stretched and shifted as a style says (Perez et al. 2018).

    One stretch after the convolution does the work of StyleGAN2's two (before it, and back to size after it), which
    on a CPU take longer than the convolution itself.
    """

    def __init__(self, inputs: int, outputs: int, style_size: int, *, last: bool = False) -> None:
        super().__init__()
        self.last = last
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=0 if last else 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=False)
        self.affine = Affine(style_size, 2 * outputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Convolve, modulate, activate.

        Args:
            x: maps [B, inputs, H, W].
            w: the style [B, style_size].
        """
        stretch, shift = self.affine(w)[:, :, None, None].chunk(2, dim=1)  # [B, outputs, 1, 1] each
        stretch = stretch + 1
        x = self.norm(self.convolution(continued(x) if self.last else x))  # [B, outputs, H, W]
        return functional.leaky_relu_(torch.addcmul(shift, x, stretch), SLOPE)


class ArtGenerator(PreTrainedModel):
    """Paints pictures from latents and styles."""

    config_class = ArtConfig
    base_model_prefix = "generator"

    config: ArtConfig
    mean_code: Tensor

    def __init__(self, config: ArtConfig) -> None:
        super().__init__(config)
        sides = len(config.channels)
        if START * 2 ** (sides - 1) != config.image_size:
            raise ValueError(f"{sides} sizes of maps end at {START * 2 ** (sides - 1)} pixels")
        size, styles = config.style_size, len(config.styles) + 1
        self.flow = Flow(config.latent_size, styles, hidden=config.flow_hidden, layers=config.flow_layers)
        # Not trained: the principal components of small thumbnails of paintings.
        self.sketch = nn.Linear(config.sketch_size, 3 * config.sketch_side**2)
        self.sketch.requires_grad_(requires_grad=False)
        self.style = nn.Embedding(styles, STYLE)
        self.steer = nn.Sequential(
            nn.Linear(config.latent_size + STYLE, size), nn.LeakyReLU(SLOPE), nn.Linear(size, size)
        )
        self.start = nn.Linear(size, config.channels[0] * START**2)
        self.look = nn.Conv2d(3, LOOKS, 3, padding=1)
        self.layers = nn.ModuleList()
        self.colours = nn.ModuleDict()
        for number, channels in enumerate(config.channels):
            side = START * 2**number
            before = config.channels[max(0, number - 1)] + (LOOKS if side == config.sketch_side else 0)
            inputs = [before] + [channels] * (config.convolutions - 1)
            last = number == sides - 1  # where a frame would show
            self.layers.append(
                nn.ModuleList(ModulatedConvolution(count, channels, size, last=last) for count in inputs)
            )
            if side >= config.sketch_side:  # below it, the sketch has said all
                self.colours[str(number)] = UnitConvolution(channels, 3, 3)
        self.contrasts = nn.Parameter(torch.full((sides,), 0.1))
        # Where the codes of a style lie on average: an artist's most usual picture, for ``truncate``.
        self.register_buffer("mean_code", torch.zeros(styles, config.latent_size))
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, Flow):
            start(module)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
        elif isinstance(module, Affine):
            nn.init.normal_(module.weight, std=0.5 * module.in_features**-0.5)  # differences, not noise
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def join(self, codes: Tensor, styles: Tensor) -> Tensor:
        """Return what ``paint`` needs, [B, latent_size + STYLE], of codes [B, latent_size] and styles [B]."""
        return torch.cat([codes, self.style(styles)], dim=1)

    def map(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Return what ``paint`` needs, [B, latent_size + STYLE], of latents [B, latent_size] and styles [B]."""
        return self.join(self.flow(latents, styles), styles)

    def truncate(self, w: Tensor, styles: Tensor, psi: Tensor) -> Tensor:
        """Return ``w`` [B, latent_size + STYLE] drawn to their styles' mean: 0 is the mean, 1 leaves them alone.

        Args:
            w: vectors from ``map``.
            styles: their styles' numbers [B].
            psi: how much of the distance stays [B]. Less is safer, more is bolder (Brock et al. 2019).
        """
        mean = self.join(self.mean_code[styles], styles)
        return mean + (w - mean) * psi[:, None]

    def draft(self, w: Tensor) -> Tensor:
        """Return the sketches [B, 3, sketch_side, sketch_side] that the vectors [B, latent_size + STYLE] say."""
        side = self.config.sketch_side
        return self.sketch(w[:, : self.config.sketch_size]).view(len(w), 3, side, side)  # type: ignore[no-any-return]

    def paint(self, w: Tensor) -> Tensor:
        """Return pictures [B, 3, image_size, image_size] from -1 to 1, while training also somewhat beyond."""
        sketch = self.draft(w)
        steer = self.steer(w)
        x = self.start(steer).view(len(w), -1, START, START)  # [B, C, 4, 4]
        x = x.contiguous(memory_format=torch.channels_last)
        picture = sketch
        for number, layers in enumerate(self.layers):
            if number > 0:
                x = double(x)  # [B, C, 2 * side, 2 * side]
            side = x.shape[-1]
            if side == self.config.sketch_side:
                looks = functional.leaky_relu(self.look(sketch), SLOPE).to(x.dtype)
                x = torch.cat([x, looks], dim=1).contiguous(memory_format=torch.channels_last)
            for layer in layers:  # type: ignore[attr-defined]  # a ModuleList
                x = layer(x, steer)
            if side < self.config.sketch_side:
                continue
            part = self.colours[str(number)](x) * self.contrasts[number]  # [B, 3, side, side]
            picture = (double(picture) if side > self.config.sketch_side else picture) + part
        # Not tanh: once it says pure white or black, no gradient leads back. What lies beyond is for the
        # discriminator to punish while training.
        return picture if self.training else picture.clamp(-1, 1)

    def forward(self, latents: Tensor, styles: Tensor) -> Tensor:
        """Paint. See ``Generator``."""
        return self.paint(self.map(latents, styles))

    @torch.no_grad()
    def fold(self) -> None:
        """Put the sizes of the norms into the weights before them. Pictures stay the same; the norms' values become 1.

        Before it, some are too large for half precision.
        """
        for module in self.modules():
            if isinstance(module, ModulatedConvolution):
                mean, variance = module.norm.running_mean, module.norm.running_var
                assert mean is not None
                assert variance is not None
                size = (variance + module.norm.eps).sqrt()  # [outputs]
                module.convolution.weight.div_(size[:, None, None, None])
                mean.div_(size)
                variance.fill_(1 - module.norm.eps)

    @torch.no_grad()
    def measure_means(self, draws: int = 4096) -> None:
        """Set ``mean_code`` from ``draws`` latents, the same ones for every style."""
        generator = torch.Generator().manual_seed(0)
        latents = torch.randn(draws, self.config.latent_size, generator=generator).to(self.mean_code.device)
        for style in range(len(self.mean_code)):
            styles = torch.full_like(latents[:, 0], style).long()
            self.mean_code[style] = self.flow(latents, styles).mean(dim=0)


def continued(x: Tensor) -> Tensor:
    """Return maps [B, C, H, W] with their edges repeated around, [B, C, H + 2, W + 2]: zeros would paint a frame."""
    x = torch.cat([x[:, :, :1], x, x[:, :, -1:]], dim=2)
    return torch.cat([x[..., :1], x, x[..., -1:]], dim=3)


def double(x: Tensor) -> Tensor:
    """Double both sides. Bilinear, since transposed convolutions leave checkerboards."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
