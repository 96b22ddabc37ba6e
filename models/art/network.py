"""The counterfeiter, which paints pictures from chance, and two cashiers, which try to tell them from paintings.

The generator has the shape of FastGAN (Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity
Few-shot Image Synthesis"): few convolutions, with low resolutions that open and close the channels of high ones. From
StyleGAN2 (Karras et al. 2020) it has a mapping network that steers every layer and takes the place of batch norms, so
that a picture does not depend on the others of its batch, and a picture that is a sum over all resolutions.

The cashiers: ``ProjectedDiscriminator`` (Sauer et al. 2021, "Projected GANs Converge Faster") judges what a frozen
EfficientNet-Lite2 sees; ``PlainDiscriminator`` is FastGAN's own, which learns to see from the paintings alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrize import register_parametrization
from transformers import PreTrainedConfig, PreTrainedModel

from models.art.features import CHANNELS, Features, load_features, resize

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
                x = _double(x)  # [B, C, 2 * side, 2 * side]
            name = str(number)
            gate = self.excitations[name](maps[number - 4]) if name in self.excitations else None
            for layer in layers:  # type: ignore[attr-defined]  # a ModuleList
                x = layer(x, w, gate)
                gate = None
            maps.append(x)
            part = colour(x) * self.contrasts[number]  # [B, 3, side, side]
            picture = part if picture is None else _double(picture) + part
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


def _double(x: Tensor) -> Tensor:
    """Double both sides. Bilinear, since transposed convolutions leave checkerboards."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value (Miyato et al. 2018), in single precision.

    torch's own is the same, but multiplies in half precision under autocast on a GPU and then adds up in single.
    """

    left: Tensor
    right: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)  # [outputs, rest]
        self.register_buffer("left", functional.normalize(torch.randn_like(matrix[:, 0]), dim=0))
        self.register_buffer("right", functional.normalize(torch.randn_like(matrix[0]), dim=0))
        for _ in range(15):
            self._approach(matrix)

    @torch.no_grad()
    def _approach(self, matrix: Tensor) -> None:
        # Products and sums instead of "@", which autocast would do in half precision.
        self.left.copy_(functional.normalize((matrix * self.right).sum(dim=1), dim=0))
        self.right.copy_(functional.normalize((matrix * self.left[:, None]).sum(dim=0), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with a largest singular value of 1."""
        matrix = weight.flatten(1)
        if self.training:
            self._approach(matrix)
        # Copies, since the next call changes these vectors before this one's gradient is computed.
        left, right = self.left.clone(), self.right.clone()
        return weight / (left[:, None] * matrix * right).sum()


def spectral_norm(convolution: nn.Conv2d) -> nn.Conv2d:
    """Give a convolution the norm and return it."""
    register_parametrization(convolution, "weight", SpectralNorm(convolution.weight))
    return convolution


class Discriminator(Protocol):
    """What ``train`` needs of whatever tells forgeries from paintings."""

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return what it looks at, through nothing that is trained. It is computed once for both of its uses."""

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return scores [B, K] of what ``see`` returned: the higher, the more like a painting of the style [B]."""

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return how badly paintings [B, 3, side, side] can be drawn again from what it has understood of them."""


class DiscriminatorConfig(PreTrainedConfig):
    """Sizes of a discriminator."""

    model_type = "art-discriminator"

    image_size: int = 64
    """Of the pictures."""
    seen_size: int = 128
    """Of the pictures as the frozen features see them."""
    width: int = 64
    """Channels of every projected map."""
    styles: list[str] = field(default_factory=list)
    scale: list[float] = field(default_factory=lambda: [1.0, 0.0])
    """Slope and offset by which a mean score becomes the probability that a picture is real. Set after training."""


class ProjectedDiscriminator(PreTrainedModel):
    """Four small judges of frozen features at four strides, mixed at random across channels and strides.

    Only the judges learn. The random mixtures are kept with them, the frozen features come with their own package.
    """

    config_class = DiscriminatorConfig
    base_model_prefix = "discriminator"

    config: DiscriminatorConfig
    sizes: Tensor

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        width = config.width
        self.across_channels = nn.ModuleList(nn.Conv2d(count, width, 1) for count in CHANNELS)
        self.across_strides = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in CHANNELS[1:])
        for mixture in (*self.across_channels, *self.across_strides):
            mixture.requires_grad_(requires_grad=False)
        # Usual sizes of the features' values, by which they are divided: the deep ones are smaller.
        self.register_buffer("sizes", torch.tensor([8.9, 7.4, 5.6, 2.3]))
        sides = [config.seen_size // stride for stride in (4, 8, 16, 32)]
        self.judges = nn.ModuleList(Judge(width, side, len(config.styles)) for side in sides)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d) and not hasattr(module, "parametrizations"):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def load_features(self) -> Features:
        """Return the frozen features on the device of the judges. They are no part of this network, nor saved with it.

        Raises:
            OSError: the package with their weights is missing or broken.
        """
        return load_features(self.device)

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return the mixed maps, [B, width, seen_size / stride, ...] for strides 4 to 32. See ``Discriminator``."""
        raw = self.load_features()(resize(pictures, self.config.seen_size))
        maps = [
            mixture(one / size)
            for one, size, mixture in zip(raw, self.sizes, self.across_channels, strict=True)
        ]
        for fine in reversed(range(len(maps) - 1)):
            mixed = self.across_strides[fine](maps[fine + 1])
            maps[fine] = (maps[fine] + _double(mixed)) * 0.5**0.5
        return maps

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return the judges' scores side by side. See ``Discriminator``."""
        scores = [judge(one, styles) for one, judge in zip(maps, self.judges, strict=True)]
        return torch.cat([score.flatten(1) for score in scores], dim=1)

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return 0: what is frozen needs no such help."""
        return pictures.new_zeros(())

    def forward(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return the mean score [B] of pictures [B, 3, side, side] from -1 to 1."""
        return self.judge(self.see(pictures), styles).float().mean(dim=1)


class Judge(nn.Module):
    """Scores every place of one map, down to 4 x 4 places, knowing the style (Miyato and Koyama 2018)."""

    def __init__(self, width: int, side: int, styles: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_halvings(width, side))
        self.features = nn.Sequential(
            spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(SLOPE)
        )
        self.score = spectral_norm(nn.Conv2d(width, 1, 1))
        self.style = nn.Embedding(styles + 1, width)
        nn.init.normal_(self.style.weight, std=width**-0.5)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        """Return [B, 1, h, w]."""
        x = self.features(self.layers(x))  # [B, width, h, w]
        match = (x * self.style(styles)[:, :, None, None]).sum(dim=1, keepdim=True)
        return self.score(x) + match  # type: ignore[no-any-return]


def _halvings(width: int, side: int) -> Iterator[nn.Module]:
    while side > START:
        yield spectral_norm(nn.Conv2d(width, width, 4, stride=2, padding=1))
        yield nn.GroupNorm(width // 4, width)
        yield nn.LeakyReLU(SLOPE)
        side //= 2


class PlainDiscriminator(PreTrainedModel):
    """FastGAN's discriminator: a small ResNet, which must keep so much of a painting that it can be drawn again."""

    config_class = DiscriminatorConfig
    base_model_prefix = "discriminator"

    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        width = config.width // 2
        side = config.image_size // 2
        self.stem = nn.Sequential(
            spectral_norm(nn.Conv2d(3, width, 4, stride=2, padding=1, bias=False)), nn.LeakyReLU(SLOPE)
        )
        self.downs = nn.ModuleList()
        while side > 8:
            wider = min(2 * width, 128)
            self.downs.append(Down(width, wider))
            width, side = wider, side // 2
        self.features = nn.Sequential(
            spectral_norm(nn.Conv2d(width, width, 4, bias=False)),  # 8 x 8 -> 5 x 5
            nn.LeakyReLU(SLOPE),
        )
        self.score = spectral_norm(nn.Conv2d(width, 1, 1))
        self.style = nn.Embedding(len(config.styles) + 1, width)
        nn.init.normal_(self.style.weight, std=width**-0.5)
        self.draw_again = nn.Sequential(
            nn.Conv2d(width, 128, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 64, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(64, 3, 3, padding=1),
            nn.Tanh(),
        )
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Leave everything as torch starts it."""

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return the pictures themselves. See ``Discriminator``."""
        return [pictures]

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return scores of 5 x 5 places. See ``Discriminator``."""
        x = self.features(self._understand(maps[0]))  # [B, C, 5, 5]
        match = (x * self.style(styles)[:, :, None, None]).sum(dim=1, keepdim=True)
        return (self.score(x) + match).flatten(1)  # type: ignore[no-any-return]

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return the mean difference to the paintings at 32 pixels, drawn from 8 x 8 places."""
        again = self.draw_again(self._understand(pictures))  # [B, 3, 32, 32]
        return functional.l1_loss(again.float(), resize(pictures, again.shape[-1]))

    def forward(self, pictures: Tensor, styles: Tensor) -> Tensor:
        """Return the mean score [B] of pictures [B, 3, side, side] from -1 to 1."""
        return self.judge(self.see(pictures), styles).float().mean(dim=1)

    def _understand(self, pictures: Tensor) -> Tensor:
        x: Tensor = self.stem(pictures)  # [B, width / 2, side / 2, side / 2]
        for down in self.downs:
            x = down(x)
        return x  # [B, C, 8, 8]


class Down(nn.Module):
    """Halve the sides in two ways and take their mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.deep = nn.Sequential(
            spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)),
            nn.GroupNorm(8, outputs),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)),
            nn.GroupNorm(8, outputs),
            nn.LeakyReLU(SLOPE),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2), spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False)), nn.LeakyReLU(SLOPE)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, outputs, H / 2, W / 2]."""
        return (self.deep(x) + self.direct(x)) / 2  # type: ignore[no-any-return]


class AidedDiscriminator(ProjectedDiscriminator):
    """The judges of frozen features together with a plain discriminator, which sees the colours themselves.

    Kumari et al. 2022, "Ensembling Off-the-shelf Models for GAN Training".
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__(config)
        self.plain = PlainDiscriminator(config)

    def see(self, pictures: Tensor) -> list[Tensor]:
        """Return the pictures themselves and the mixed maps. See ``Discriminator``."""
        return [pictures, *super().see(pictures)]

    def judge(self, maps: list[Tensor], styles: Tensor) -> Tensor:
        """Return the scores of both side by side. See ``Discriminator``."""
        picture, *rest = maps
        return torch.cat([self.plain.judge([picture], styles), super().judge(rest, styles)], dim=1)

    def reconstruction_loss(self, pictures: Tensor) -> Tensor:
        """Return that of the plain one. See ``Discriminator``."""
        return self.plain.reconstruction_loss(pictures)
